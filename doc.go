// Package auth is the contract of a library that secures HTTP APIs: API keys, Basic, JWT bearer tokens, OAuth 2.0, scopes
// and roles, each in a small package of its own.
//
// A credential arrives in a request. An [Authenticator] turns it into a [Principal], or says precisely why not. A
// [Requirement] decides whether that principal may go on. A guard, in package middleware, joins the two around an
// http.Handler and is the only place that answers 401, 403, 429 or 503:
//
//	keys, err := apikey.New(apikey.Config{Prefix: "acme", Store: store})
//	authenticator, err := keys.Authenticator(apikey.AuthenticatorConfig{})
//	guard, err := middleware.New(middleware.Config{Authenticator: authenticator})
//
//	http.Handle("GET /notes", guard.MustRequire(auth.Scopes("notes:read")).Handler(notes))
//
// and in the handler:
//
//	principal, ok := auth.FromContext(r.Context())
//
// [FirstOf] joins several authenticators: the first that recognises a credential decides, and one that it refuses is not
// tried elsewhere. [Map] loads a user or adds roles after the proof. [All], [Any], [Scopes], [Roles], [Recent] and
// [Assurance] are requirements; package rbac has policies. An [Observer] is told of every decision. Whoever writes an
// authenticator or a requirement checks it with the kit in package authtest.
//
// # Packages
//
// Package apikey has API keys, basic has passwords, jwt verifies and issues JSON Web Tokens, oauth2 accepts access tokens,
// oauth2/refresh and oauth2/server issue them, and oauth2/client logs people in elsewhere. rbac decides by roles and
// permissions, throttle limits guesses, openapi describes what is enforced, authtest helps to test all of it. store/sqlstore, a
// module of its own, keeps what must survive a restart. Importing one compiles only what it needs.
//
// # The rules that everything keeps
//
//   - Absent, unrecognised and refused are three answers. Only where nothing was sent can a request go on without a
//     principal, and only where a route says so.
//   - Whatever can't be decided (a store that fails, a cancelled request, an authenticator that breaks its contract) is
//     [KindUnavailable], 503: never a pass, and never the client's fault.
//   - The zero value of a setting is its safe value; a constructor refuses what is unsafe and says what to change; what is
//     dangerous says so in its name.
//   - [Error.Error] is the public text. The cause is behind Unwrap, for logs. No error, event or String has a secret in it.
//
// # Limits
//
// [BearerConfig.MaxBytes]: 8 KiB by default, at most 1 MiB. Other limits are those of each scheme.
//
// # Compatibility
//
// The interfaces of this package do not grow: new abilities are optional interfaces, found by assertion, as [Decider] is.
// Text meant for people (String, Error, LogValue) is no stable format; [Kind] and [Reason] codes are.
package auth
