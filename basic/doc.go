// Package basic authenticates requests by user name and password in the Authorization header: HTTP Basic (RFC 7617).
//
//	hasher, err := password.New(password.Config{})
//	...
//	users, err := htpasswd.Open(htpasswd.Config{Path: "users.htpasswd", Hasher: hasher})
//	...
//	a, err := basic.New(basic.Config{Realm: "reports", Users: users, Hasher: hasher})
//	...
//	guard, err := middleware.New(middleware.Config{Authenticator: a})
//
// [Authenticator.Verify] is the same decision without HTTP, for a login form or another protocol.
//
// Every request carries the password and pays for a hash of about 30 ms, unless the cache of verified passwords is on:
// see [Config].Cache. With it a request costs about a microsecond, and a changed password, a disabled user and a changed
// role still act at once. It is off by default because it keeps a keyed digest of each password that was right in the
// last minutes in memory.
//
// To let people log in with a browser, prefer a form and a session: a browser keeps a Basic password until it is closed,
// and sends it along with requests that other sites caused. A page's own scripts should not raise the browser's dialog:
// see middleware.Config.HideBasicFromScripts.
//
// # Why there is no HTTP Digest
//
// Digest (RFC 7616) keeps the password off the wire, at the price of storing on the server what is as good as the
// password: H(user:realm:password), a fast unsalted hash that logs in as it is. It can't be combined with argon2id or
// any other hash made for passwords, it protects neither the request's body nor the answer, browsers never took up its
// SHA-256 form, and TLS has made its one gain void. Use Basic over TLS; API keys (package apikey) for programs; a
// SCRAM-speaking protocol (RFC 5802) where a password must not reach the server; and passkeys for people.
//
// # Security considerations
//
// Serve it over TLS only: the header is the password.
//
// An unknown name, a disabled user, one without a password and a wrong password get the same answer after the same work.
// For that to hold, [Users] must take the same time for a name that exists and for one that does not, and tell what its
// hashes look like; see [Mixer]. The reason is told in events only.
//
// One form of a name is used for looking it up, for throttling, for the cache and in the principal: what
// [Config].Canonical returns. A store that compares names in another way (without case, say) needs a Canonical to match.
//
// Failures are throttled by network, by user and by both before a password is looked at; see throttle.Logins. Behind a
// proxy, set Addr, or all clients are one.
//
// # Limits
//
//   - A user name has 1 to 256 bytes of UTF-8, a password 1 to 1024, both without control characters; a name has no colon.
//   - Cache.TTL: 5 min, maximum 1 h. Cache.MaxEntries: 10000, maximum 1000000.
//   - Hashing at once, and the wait for it: see password.GateConfig.
//
// # Compatibility
//
// The base64 of the credentials is read strictly: padded, without loose bits. A value that is not of RFC 7617's grammar
// is answered with 401 like a wrong password. Clients must send UTF-8, as the challenge says (charset="UTF-8").
package basic
