// Package fastapi holds docs/fastapi.md to the code: each row of its tables is a test of that name, made of requests through
// the public API, and its Go blocks are those of an example. It has nothing but tests.
package fastapi
