// Package browser drives a real browser over what people see: the page of package openapi/docs and the front end of the
// example service, which it builds and runs as its users do. It is a module of its own, so that nobody depends on what
// drives the browser, and has nothing but tests.
package browser
