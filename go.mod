module github.com/cardea-go/auth

go 1.26
