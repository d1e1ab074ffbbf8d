// Package auth holds the contract that the packages below it share: a credential arrives in a request, an
// [Authenticator] turns it into a [Principal] or says precisely why not, and a [Requirement] decides whether that
// principal may go on.
package auth
