// Package docs serves a page on which an OpenAPI document can be read and tried: Swagger UI, from files inside the program.
// Nothing is loaded from elsewhere.
//
//	page, err := docs.New(docs.Config{Title: "Notes", DocumentURL: "/openapi.json"})
//	...
//	mux.Handle("GET /docs/", middleware.Public(), page)
//
// The Authorize button works for API keys in headers and the query, HTTP Basic, bearer tokens and the flows of OAuth 2.0; the
// authorization code flow uses PKCE (RFC 7636). Browsers don't let scripts set cookies: a scheme in a cookie works where the
// browser has the cookie already.
//
// The files are those of the npm package swagger-ui-dist 5.35.0 (Apache License 2.0; LICENSE and NOTICE are served beside the
// page), unchanged: SHA256SUMS lists them. Importing this package adds 1.9 MB to a program.
//
// # Security considerations
//
// The Content-Security-Policy allows scripts from the page's own origin, none inline, and connections to the same origin and
// those of [Config]. Credentials that are typed in stay in memory and are gone when the page is. Whoever can write the
// document decides where the page sends credentials, within that policy. The page needs no secret: put none in ClientID.
package docs
