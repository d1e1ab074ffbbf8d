// Package oauth2 accepts OAuth 2 access tokens: it is the resource server's side of RFC 6749, 6750, 7662, 8705, 9068, 9449
// and 9728, and links nothing that issues tokens.
//
// The smallest right program takes the JWTs of one issuer:
//
//	keys, err := jwt.NewRemote(jwt.RemoteConfig{Issuer: "https://as.example.com"})
//	...
//	verifier, err := oauth2.NewJWTVerifier(oauth2.JWTConfig{Config: jwt.Config{
//		Issuer: "https://as.example.com", Keys: keys,
//		Audience:   []string{"https://api.example.com"},
//		Algorithms: []jwt.Algorithm{jwt.RS256}, // what the issuer signs with: most say RS256, some ES256
//		// Profile: jwt.ProfileLegacy, for Auth0, Keycloak and others whose access tokens do not say that they are ones
//	}})
//	...
//	authenticator, err := oauth2.NewAuthenticator(oauth2.AuthenticatorConfig{Verifier: verifier})
//	...
//	guard, err := middleware.New(middleware.Config{Authenticator: authenticator})
//	http.Handle("GET /notes", guard.MustRequire(auth.Scopes("notes:read")).Handler(notes))
//
// # Parts
//
// A [Verifier] says what a token stands for: [JWTVerifier] by its signature, [Introspector] by asking its issuer, [Router]
// by handing it to the one of several that knows tokens of its issuer or shape. An [Authenticator] reads the request, asks
// the verifier, and checks that the sender may use the token: a token with cnf passes only where [AuthenticatorConfig] has
// what checks the proof, a [dpop.Verifier] or a [CertificateFunc], and is refused otherwise.
//
// Scopes are required as everywhere: auth.Scopes for all of several, auth.Any of auth.Scopes for one of several; a 401
// and a 403 name them. [ScopeHierarchy] says which scopes include others.
//
// With [AuthenticatorConfig.Resource], challenges carry resource_metadata and [Authenticator.Metadata] serves the document
// behind it. That is what clients of the Model Context Protocol need to find their way; [AuthenticatorConfig.AskFor] tells
// them which scopes to begin with, besides those of the route. The example mcp is a whole server of that protocol.
//
// Logging in with somebody else's account is in package oauth2/client, issuing tokens in oauth2/refresh and oauth2/server. For
// JWTs that are no OAuth access tokens see package jwt.
//
// # What is answered
//
//	no token                                     401, no error code
//	a header that breaks the grammar, two tokens 400, invalid_request
//	a token that is not accepted                 401, invalid_token
//	a DPoP proof that is not accepted            401, invalid_dpop_proof
//	a DPoP proof without a fresh nonce           401, use_dpop_nonce, DPoP-Nonce
//	too few scopes                               403, insufficient_scope, scope
//	an issuer or a store that does not answer    503, Retry-After
//
// # Security considerations
//
// Audience is required everywhere. An API that takes tokens made for others lets every other API that the user trusts act
// for the user here.
//
// An opaque token that was revoked is accepted for as long as its answer is kept, 30 s by default; a JWT until it expires,
// unless jwt.Config.Revoker knows better. Set [IntrospectorConfig.CacheFor] to what you can bear.
//
// Whoever sends garbage to an [Introspector] makes it ask. [IntrospectorConfig.Recognize] and a prefix of the issuer's own
// keep what can't be a token away from the endpoint; MaxCalls limits the rest.
//
// A token in the URL is not read at all (RFC 9700 §4.3.2). Don't hand the token on: set RemoveCredentials of the guard in
// front of proxies.
//
// Package dpop has what is to be said about proofs of possession. Behind a proxy that ends TLS, the client's certificate
// comes in a header, which counts only from the proxies that [ForwardedCertificatesConfig] lists; wrap the server's handler
// in [ForwardedCertificates.Strip], so that nobody else's reaches a handler.
//
// # Limits
//
//	AuthenticatorConfig.MaxBytes          length of a token, bytes         8 KiB, at most 1 MiB
//	IntrospectorConfig.Timeout            one call                         5 s, at most 1 min
//	IntrospectorConfig.MaxCalls           calls under way                  64, at most 4096
//	IntrospectorConfig.MaxResponseBytes   length of an answer, bytes       64 KiB, at most 1 MiB
//	IntrospectorConfig.CacheFor           an answer is kept                30 s, at most 10 min, never beyond exp
//	IntrospectorConfig.CacheInactiveFor   a refusal is kept                5 s, at most 1 min
//	IntrospectorConfig.CacheEntries       answers, and refusals, kept      10,000 of each, at most 1 million
//
// # Compatibility
//
// Endpoints that write null for what they do not know, scope as an array, or the kind of token into token_use (Ory) or typ
// (Keycloak) are understood. Those that answer without aud need InsecureAnyAudience, those that answer without sub for
// client credentials ClientAsSubject. Issuers of JWTs that do not follow RFC 9068 need jwt.ProfileLegacy.
package oauth2
