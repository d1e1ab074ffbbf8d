module github.com/cardea-go/auth/examples

go 1.26

require github.com/cardea-go/auth v0.0.0

require github.com/go-chi/chi/v5 v5.5.0

replace github.com/cardea-go/auth => ../
