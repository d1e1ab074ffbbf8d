// Package jwt verifies and issues JSON Web Tokens (RFC 7519) that are signed (RFC 7515): access tokens (RFC 9068), ID
// tokens (OpenID Connect Core), and those of issuers that follow neither. Keys come from files, from an issuer's JWK Set
// over HTTP, or from a ring of its own that rotates.
//
// The smallest program that is right verifies the access tokens of one issuer:
//
//	keys, err := jwt.NewRemote(jwt.RemoteConfig{Issuer: "https://login.example.com"})
//	…
//	verifier, err := jwt.NewVerifier(jwt.Config{
//		Issuer:     "https://login.example.com",
//		Keys:       keys,
//		Audience:   []string{"https://api.example.com"},
//		Algorithms: []jwt.Algorithm{jwt.RS256}, // what the issuer signs with: most say RS256, some ES256
//		// Profile: jwt.ProfileLegacy, for Auth0, Keycloak and others whose access tokens do not say that they are ones
//	})
//	…
//	users, err := jwt.NewAuthenticator(jwt.AuthenticatorConfig{Verifier: verifier})
//	…
//	guard, err := middleware.New(middleware.Config{Authenticator: users})
//
// Where clients are other people's programs, package oauth2 does the same with what OAuth adds to it: opaque tokens, tokens
// bound to keys, metadata. For sessions of your own, package oauth2/refresh makes tokens and the authenticator that takes
// them.
//
// Issuer, audience and algorithms have no default: leaving one out is an error at construction, not a token that passes.
// Where no HTTP is at hand, [Verifier.Verify] takes a token and returns [Claims], which only it can make.
//
// It is not for encrypted tokens (RFC 7516), for detached or unencoded payloads (RFC 7797), for secp256k1, nor for
// sessions of a web application, which end sooner when they are kept in a store.
//
// # Security considerations
//
// The steps of a verification, in order, and what each refuses, are with [Verifier.Verify]. Nothing of a token is believed
// before its signature: the header chooses among keys that are bound to one algorithm each, keys and addresses in it are
// not read, and the payload is not decoded, but for iss where a verifier has several issuers. RFC 8725 is followed
// throughout; where RFC 7519 lets an implementation choose, this one refuses: names that come twice or differ in case
// only, dates that are strings, anything but strict base64url.
//
// A bearer token is money: whoever has it can spend it. Keep lifetimes short, send it in a header and never in a URL, and
// use sender-constrained tokens (package oauth2) where theft is likely. An [Authenticator] refuses tokens with a cnf claim,
// because it checks no proof.
//
// A user is known by issuer and subject together. ECDSA signatures are malleable: a token's text is no identity, its jti is.
//
// An issuer's key ends with its removal from the JWK Set, at the next refresh. To end a token or a session sooner, use a
// [Revoker]. The keys of a [Remote] stay good for a day while its endpoint is down: that is what an outage of the issuer
// costs, and [RemoteConfig].Expire says how much of it you want.
//
// Some platforms sign the tokens of all their customers with the same keys (AWS ALB, CVE-2024-8901). There, iss and the
// keys are not enough: check the claim that names your tenant or instance in [Config].Validate.
//
// An HMAC secret makes everyone who verifies able to sign. [NewHMACVerifier] is a constructor of its own, so that no mistake
// in a configuration turns a public key into a secret (CVE-2015-9235).
//
// # Limits
//
//	token                  8 KiB by default, 1 MiB at most                 Config.MaxBytes
//	header part            1 KiB by default, 16 KiB at most                Config.MaxHeaderBytes
//	kid                    128 bytes
//	nesting of JSON        32
//	dates                  years -6040 to 9999
//	leeway                 30 s by default, 5 min at most                  Config.Leeway
//	RSA modulus            2048 to 8192 bits
//	HMAC secret            as long as the hash, at least
//	keys in a set          100
//	JWK Set, metadata      512 KiB, 5 s by default and 1 min at most       RemoteConfig.Timeout
//	age of remote keys     refresh 15 min, expiry 24 h, at most 7 days     RemoteConfig.Refresh, Expire
//	unknown kid            one fetch in 30 s by default                    RemoteConfig.Cooldown
//	failed fetches         one in 1 s, doubling to 5 min
//	issued lifetime        10 min by default, 24 h at most                 IssuerConfig.Lifetime
//	period of a key        30 days by default, 10 min to 366 days          KeyRingConfig.Period
//	revocations            100,000 by default, 10 million at most          MemoryRevokerConfig.MaxEntries
//	cached headers         64 per verifier, of verified tokens only
//
// # Compatibility
//
// Algorithms: EdDSA (Ed25519, under both its names), ES256, ES384, ES512, PS256, PS384, PS512, RS256, RS384, RS512, and
// HS256, HS384, HS512. Keys without alg in a JWK Set, as Microsoft publishes them, are bound to the algorithm that fits
// their type, RSA keys to RS256 or what [KeyOptions] says. Issuers whose access tokens have the typ "JWT" or none, as
// Keycloak's and Auth0's by default, need [ProfileLegacy].
//
// github.com/lestrrat-go/jwx/v2 parses JWKs, verifies RSASSA-PKCS1-v1_5 and makes signatures. Its maintenance has ended
// upstream; it is behind one internal file, and what it does not check is checked here.
package jwt
