// Package apikey issues and verifies API keys: long random secrets that a program sends with each request.
//
// A key reads <prefix>_<environment>_<id>_<secret><checksum>, for example (with a checksum that is none)
//
//	acme_live_9fK2vQ8sLm3X_0123456789abcdefghijABCDEFGHIJ01000000
//
// with a word for the kind of key behind the prefix where there are several. The id is public and names the key in
// logs and lists; the secret has 190 random bits; the checksum (CRC-32) finds typing errors and lets scanners tell a
// leaked key from a look-alike without asking anybody. A double click selects all of it. Only a digest is stored.
//
// The smallest service:
//
//	keys, err := apikey.New(apikey.Config{Prefix: "acme", Store: apikey.NewMemoryStore(apikey.MemoryConfig{})})
//	...
//	issued, err := keys.Create(ctx, apikey.Request{Subject: "alice", Scopes: auth.MustScopeSet("notes:read")})
//	...
//	fmt.Println(issued.Secret.Reveal()) // shown once
//	...
//	authenticator, err := keys.Authenticator(apikey.AuthenticatorConfig{}) // Authorization: Bearer and X-API-Key
//	guard, err := middleware.New(middleware.Config{Authenticator: authenticator})
//
// [Keys] makes, rotates, disables and revokes keys as the service itself; [Keys.For] does so as a caller, who can't grant
// more than it holds, and [Keys.Handler] is that over HTTP. [Keys.Verify] is for transports other than HTTP. A [Store]
// keeps the records: [MemoryStore] here, others by the kit in package authtest. Close the keys when the service stops.
//
// HTTP authentication is RFC 9110 §11; Authorization: Bearer is RFC 6750 §2.1, whose error codes challenges carry; errors
// of the handler are RFC 9457. The scheme "ApiKey" of other placements is not registered, and there so that every 401 has
// a challenge.
//
// # What it is not for
//
// People at a browser (use a login and a session), delegating a user's access to somebody else's application (OAuth 2),
// and passwords: a key is hashed once, which is right for 190 random bits and wrong for anything a person makes up.
//
// # Security considerations
//
//   - A key is a bearer secret: whoever sees it has it. Serve TLS, and set RequireTLS where plain HTTP reaches the
//     service too. Give keys the scopes they need, an end, and networks where those are known.
//   - Every refusal before the secret is proved reads the same and takes about the same work: one look-up, one digest.
//     [Config.ExplainRefusals] tells more only to who has the secret.
//   - With [Config.Peppers], digests are HMAC-SHA-256 under a secret that is not in the store, and the whole key is bound:
//     a row can't be moved to another id, environment or kind. Without, they are SHA-256 of 190 random bits, which nobody
//     guesses either; a pepper also keeps somebody who can write to the store from planting a key of his own, once
//     [Config.AllowPlainDigests] is off.
//   - Nothing about a key is cached: a revoked key stops with the next request, as far as the store keeps its promise.
//   - Failures of the store, of a limit or of a check for administrators are 503 and never let anybody in.
//   - The checksum protects nothing. Ids and checksums can be made up: revoke a reported leak with [Keys.RevokeLeaked],
//     which asks for the secret.
//   - A caller's cookie or session manages its keys in [Keys.Handler]. Guard it with more than a key (a role, a recent
//     login) where a stolen key must not make more keys, even lesser ones.
//   - [Secret] and [Pepper] print as something else, but what is taken out with Reveal is yours to keep out of logs.
//
// # Limits
//
//	a key                    bytes    256 at most
//	id of an imported key    bytes    77 at most
//	Lifetime                 time     90 days by default, MaxLifetime at most
//	MaxLifetime              time     366 days by default, 100 years at most
//	grace of a rotation      time     no default, 30 days at most ([MaxGrace])
//	keys of one subject      number   100 in force by default, 1000 at most; ten times as many kept
//	keys in a memory store   number   100,000 by default
//	scopes of a key          number   64 at most, of 100 bytes each
//	networks of a key        number   64 at most
//	metadata of a key        number   16 entries at most, names of 40 bytes, values of 500
//	name of a key            bytes    100 at most
//	subject, issuer, tenant  bytes    255 at most
//	reason of a revocation   bytes    200 at most
//	a page of a list         number   100 by default and at most ([MaxPage])
//	a request body           bytes    65,536 at most ([MaxBody])
//	LastUsedInterval         time     a minute by default, a second to a day
//	uses that wait           number   4096 at most; they are written after 5 seconds
//
// # Compatibility
//
// Digests name their form ("s1", "h1") and pepper, so that forms can be added: a key's digest is made anew on its next use.
// Keys of other systems are taken over by their plain SHA-256 or SHA-512 digests, see [ForeignFormat]. A service that
// gets its first pepper sets [Config.AllowPlainDigests] until its keys have been used.
package apikey
