// Package server is the token side of an OAuth 2.0 authorization server to embed: the token endpoint (RFC 6749 §3.2),
// revocation (RFC 7009), introspection (RFC 7662), the JWK Set and the metadata (RFC 8414).
//
//	secret, hash := server.NewSecret() // show secret once, keep hash
//	worker, err := server.NewClient(server.ClientConfig{
//		ID: "worker", Secrets: []server.SecretHash{hash}, Grants: []server.Grant{server.GrantClientCredentials},
//		Scopes: auth.MustScopeSet("notes:read"), Resources: []string{"https://api.example.com"},
//	})
//	...
//	clients, err := server.NewClients(worker)
//	...
//	s, err := server.New(server.Config{
//		Issuer: "https://id.example.com", Clients: clients, Resources: []string{"https://api.example.com"},
//		Keys: keyRing, Sessions: refresh.Config{Store: store, Keys: [][]byte{pepper}},
//	})
//	...
//	mux.Handle("/", s.Handler())
//
// The grants are client_credentials, refresh_token and, through a door that says so, the password grant
// ([LegacyPassword]). There is no authorization endpoint yet: sessions start by a login of the program's own, through
// [Server.Sessions]. Clients authenticate by client_secret_basic, client_secret_post or private_key_jwt, or not at all
// where they are public. Access tokens are JWTs (RFC 9068) or opaque, for named resources (RFC 8707), and bound to keys
// by DPoP (RFC 9449).
//
// Services that accept the tokens need package oauth2, and nothing of this one.
//
// # Security considerations
//
// Every access token, whatever the grant, is made behind one policy: the client's scopes and resources, whether it must
// prove a key, and then [Config.Policy].
//
// Refresh tokens rotate, name their session and are not stored; see package oauth2/refresh. JWT access tokens are not
// stored either: services that do not ask by introspection accept them until they expire, 10 minutes by default. Tokens
// of the client credentials grant have no session and can't be revoked at all; the revocation endpoint says so.
//
// Client secrets are 256 random bits, kept as SHA-256. Secrets that somebody thought up do not belong here. An unknown
// client and a wrong secret are answered alike, after the same work of ours; the look-up is the [ClientSource]'s.
//
// A failed authentication spends no refresh token, so that clients that try Basic first and then the body, or the other
// way round, still succeed. It spends nothing but the jti of a client's assertion.
//
// The password grant is throttled by account and network; its answer to an unknown user is that to a wrong password, and
// its time is [LegacyPassword].Verify's.
//
// No endpoint sends CORS headers but the metadata: pages of other origins can't use them unless you allow it.
//
// # Limits
//
//   - AccessLifetime: 10 min, 10 s to 1 h.
//   - Request bodies: 64 KiB, 64 parameters of 16 KiB each, each once but for resource, of which 16.
//   - Client ids: 128 characters. Secrets: 4 a client. Assertions: 10 min from now at most, used once.
//   - User names: 320 bytes. Passwords: 1 KiB. Neither has control characters.
//   - Opaque tokens: 8 KiB.
//   - Sessions: see package oauth2/refresh.
//
// # Compatibility
//
// The metadata is served where RFC 8414 puts it, and at both places where OpenID Connect clients look, although this is no
// OpenID provider. Parameters that are not known are ignored, those without a value count as absent (RFC 6749 §3.2).
package server
