// Package openapi describes what guards enforce as OpenAPI 3.1: security schemes, each operation's security with its
// scopes, and the answers of the guard.
//
// [New] makes a document of the routes of a [middleware.Mux]:
//
//	doc, err := openapi.New(openapi.Config{Title: "Notes", Version: "1.0.0", Routes: mux.Routes()})
//	...
//	http.Handle("GET /openapi.json", doc.JSONHandler())
//
// [Merge] adds the same to a document made elsewhere, by a generator or by hand. Package openapi/docs serves a page to read
// a document and try it; package openapi/openapitest asks a handler whether it does what its document says.
//
// # What is described
//
// Schemes that are alternatives are separate Security Requirement Objects, those that several guards need together are one
// object, {} is added where authentication is optional, and a public operation has an empty list. Alternatives of scopes are written out. What OpenAPI has no words for is in
// extensions: x-requirement is the whole rule of a route, as {kind, names, rules}; x-roles and x-permissions are the roles
// and permissions that are needed in any case; x-multi-segment marks a parameter that takes the rest of the path, and
// x-subtree an operation that serves everything below its path.
//
// In OpenAPI 3.0, where only oauth2 and openIdConnect have scopes, those of other schemes are in x-requirement alone.
//
// # Security considerations
//
// Concealed routes are left out unless asked for. A document tells every reader which routes there are and what they need:
// put a guard in front of its handlers where that is not for everybody.
//
// # Limits
//
// A document given to Merge has at most 16 MiB, 200 levels and a million values once YAML aliases are written out. A rule
// comes to at most 64 alternative sets of scopes, and several guards
// of one route to at most 64 sets of schemes.
package openapi
