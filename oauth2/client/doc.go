// Package client is the other side of OAuth: it logs people in with an account that they have elsewhere (OpenID Connect Core
// 1.0, the authorization code flow with PKCE), and gets tokens for calls that a service makes as itself (RFC 6749 §4.4).
//
//	login, err := client.NewLogin(client.LoginConfig{
//		Issuer:      "https://accounts.google.com",
//		ClientID:    id,
//		Client:      oauth2.ClientSecretBasic(id, secret),
//		RedirectURL: "https://app.example.com/login/callback",
//		Keys:        [][]byte{key}, // 32 random bytes, the same in every process
//		ErrorLog:    slog.Default(), // the only place where a wrong setting is told
//		Done: func(w http.ResponseWriter, r *http.Request, who *client.Identity) {
//			user, err := users.Find(r.Context(), who.Claims.Issuer(), who.Claims.Subject())
//			… // start a session: refresh.Issuer.Issue
//		},
//	})
//	mux.HandleFunc("GET /login", middleware.Public(), login.Start)
//	mux.HandleFunc("GET /login/callback", middleware.Public(), login.Callback)
//
// A link to /login?return_to=/notes is all that a page needs. [Login.Warm] at the start of the program finds most of what may be
// set wrong; a secret that the provider does not know shows at the first login. [Credentials] are for calls to other services:
//
//	tokens, err := client.NewCredentials(client.CredentialsConfig{Issuer: issuer, Client: oauth2.ClientSecretBasic(id, secret)})
//	transport, err := tokens.Transport(nil, "https://api.example.com")
//	api := &http.Client{Transport: transport}
//
// It is not for providers without ID tokens, such as GitHub, nor for calls in the name of a person over months, whose refresh
// tokens somebody has to keep: golang.org/x/oauth2 does both. It asks no userinfo endpoint and ends no session at a provider.
//
// # Security considerations
//
// What RFC 9700 asks of clients is not optional here. State, nonce and PKCE verifier are random for each login and are kept,
// sealed, in a cookie of the browser that began it (__Host-, HttpOnly, Secure, SameSite=Lax), which goes with the first
// callback. The issuer is compared before a code is sent (RFC 9207). Nothing of an ID token counts before its signature,
// issuer, audience, times, nonce and at_hash are checked. Each [Login] has a callback of its own, so that one provider's answer
// is never taken for another's.
//
// Find users by issuer and subject together, never by e-mail address: at many providers people choose it, and addresses are
// given to somebody else later. Who can begin a login can log somebody's browser in as that browser's own user, no more.
//
// A cookie that was stolen together with its code, before the callback, is as good as the login: both live in one browser.
//
// # Providers
//
// Issuer is the member "issuer" of the provider's metadata, to the letter:
//
//	Google      https://accounts.google.com
//	Microsoft   https://login.microsoftonline.com/<tenant id>/v2.0, with AllowUnadvertisedPKCE
//	Okta        https://<domain>/oauth2/default, or https://<domain>
//	Auth0       https://<tenant>.auth0.com/, with the slash; ClientSecretPost is what a new application has there
//	Keycloak    https://<host>/realms/<realm>
//	GitLab      https://gitlab.com
//	Zitadel     https://<instance>.zitadel.cloud
//
// Microsoft's addresses for several tenants, common and organizations, have metadata of no issuer and can't be used; the tenant
// of personal accounts is 9188040d-6c67-4c5b-b112-36a304b66dad. Apple sends name and e-mail address only by a POST to
// the callback (response_mode=form_post), with which the cookie does not come: log in there without Scopes. Its secret, a JWT
// that ends after half a year, is what an oauth2.ClientAuthenticationFunc puts into the form.
//
// # Limits
//
//	time for a login          10 min, from Start to Callback
//	logins under way          4 in one browser; a fifth ends the others
//	return_to                 1 KiB
//	query of a callback       16 KiB
//	metadata                  512 KiB, kept for 1 h; for 24 h while the provider does not answer
//	answer of an endpoint     256 KiB, 10 s by default           Timeout
//	ID token                  64 KiB
//	clocks                    30 s apart
//	renewal of a token        30 s before its end, or a tenth of its lifetime
//	after a failure           1 s of rest
//	after a 401               a new token, one in 10 s
//
// # Compatibility
//
// Providers with OpenID Connect Discovery 1.0. Browsers take the cookie over https, and Chromium and Firefox over http on
// localhost.
package client
