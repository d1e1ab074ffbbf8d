// Package peers holds the documents of package openapi against others' generators and validators. It is a module of its
// own, so that nobody depends on them, and has nothing but tests.
package peers
