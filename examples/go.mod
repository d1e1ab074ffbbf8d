module github.com/cardea-go/auth/examples

go 1.26.0

require github.com/cardea-go/auth v0.0.0

require github.com/go-chi/chi/v5 v5.5.0

require (
	golang.org/x/crypto v0.53.0 // indirect
	golang.org/x/sys v0.46.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace github.com/cardea-go/auth => ../
