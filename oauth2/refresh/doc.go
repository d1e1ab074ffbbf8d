// Package refresh gives a first-party API sessions: after a login of your own it hands out an access token and a
// refresh token (RFC 6749 §1.5), rotates the refresh token at each use, notices when a stolen one is used (RFC 9700
// §4.14.2), and ends sessions: this one, all of a subject, all of a client.
//
//	keys, err := jwt.NewKeyRing(ctx, jwt.KeyRingConfig{})
//	...
//	access, err := jwt.NewIssuer(jwt.IssuerConfig{Issuer: url, Audience: []string{url}, Keys: keys})
//	...
//	store, err := refresh.NewMemoryStore(refresh.MemoryConfig{})
//	...
//	sessions, err := refresh.New(refresh.Config{Store: store, Access: refresh.JWT(access), Keys: [][]byte{secret}})
//	...
//	endpoints, err := sessions.Endpoints(refresh.EndpointsConfig{Scopes: auth.MustScopeSet("notes:read")})
//	...
//	tokens, err := sessions.Authenticator(jwt.AuthenticatorConfig{})
//	...
//	guard, err := middleware.New(middleware.Config{Authenticator: tokens})
//	...
//	mux := middleware.NewMux(middleware.MuxConfig{Guard: guard})
//	mux.HandleFunc("POST /login", middleware.Authenticated().Via(passwords), endpoints.Login)
//	mux.HandleFunc("POST /refresh", middleware.Public(), endpoints.Refresh)
//	mux.HandleFunc("POST /logout", middleware.Public(), endpoints.Logout)
//	mux.HandleFunc("GET /notes", middleware.Require(auth.Scopes("notes:read")), notes)
//
// where passwords is the guard of whatever people log in with, such as package basic. From a shell:
//
//	curl -u ann:… -X POST …/login
//	curl -d grant_type=refresh_token -d refresh_token=rt1_… …/refresh
//	curl -d token=rt1_… …/logout
//
// A login that is no HTTP authentication calls [Issuer.Issue] and [Endpoints.Answer] itself.
//
// It is not an authorization server: for clients of other people, client secrets and introspection see package
// oauth2/server, which is built on it. It does not log anybody in.
//
// # How it works
//
// A session is one [Grant] in a [Store], with a version. A refresh token names its grant and a counter and proves by a
// MAC that we made it; the store holds neither the token nor a hash of it. Every change of a grant is one atomic
// [Store.Swap]: of any number of uses of one refresh token at once, one rotates it, and the others are answered with the
// same successor (inside the grace window) or end the session (outside). A revocation and a rotation in flight compete for
// the same record, so that both can't win.
//
// # Security considerations
//
// Access tokens that are JWTs live until they expire, 10 minutes by default, unless the verifier asks:
// [Issuer.Authenticator] does, for one look-up a request. A verifier of your own has to be told to: set the [Issuer] as its
// jwt.Config.Revoker.
//
// Inside the grace window (10 s by default) a stolen token that was just spent works for the thief as it does for the
// client: both then hold the same successor, and the next use outside the window by the second of them ends the session.
// Config.Strict closes the window, and then ends sessions whose answer was lost on the way, or that two tabs refresh at
// once.
//
// Config.Keys and the store are two halves: neither forges a token without the other. Keep them apart.
//
// A cookie with the refresh token goes with every request that the browser believes to be ours, so that those endpoints
// check the origin ([http.CrossOriginProtection]); requests without Sec-Fetch-Site and Origin, which no browser sends, pass
// that check.
//
// Nothing here limits how often an address tries: a refresh token can't be guessed. Limit your login with package throttle.
//
// # Limits
//
//   - Idle: 14 days without a refresh, maximum Lifetime.
//   - Lifetime: 90 days in all, maximum 400 days.
//   - Grace: 10 s, maximum 10 min; none with Strict.
//   - Keys: 1 to 4, of 32 bytes or more.
//   - Subject and client: 255 bytes. Device label: 200 bytes are kept. Scopes: 4 KiB. Audience: 16 names.
//   - Request bodies: 64 KiB, 64 parameters of 16 KiB each.
//   - MemoryConfig.MaxGrants: 100,000, maximum 10 million.
//
// Times are kept to the millisecond. Sessions end up to one second early, since exp counts whole seconds.
package refresh
