// Package middleware puts authenticators and requirements of package auth in front of net/http handlers.
//
// A [Guard] joins one authenticator and one requirement. It is the only place that answers 401, 403, 429 and 503:
//
//	guard, err := middleware.New(middleware.Config{Authenticator: authenticator})
//	...
//	http.Handle("/notes", guard.Handler(notes))
//	http.Handle("/admin", guard.MustRequire(auth.Roles("admin")).Handler(admin))
//
// Handlers read the principal with [auth.FromContext]. [Guard.Handler] is a func(http.Handler) http.Handler, so it fits
// every router of that habit; [Guard.Check] decides without writing, for those of another.
//
// A [Mux] registers routes on the patterns of [http.ServeMux], each with a stated access, and refuses to be built where a
// route has none. Take it for a new service; take guards alone in front of another router.
//
// A handler that learns only later that the caller may not go on hands its error to [Refuse], which answers as the guard
// would.
//
// # What is answered
//
//	nothing was sent                        401, every scheme's challenge, no error code, the route's scopes for Bearer
//	a value that no scheme recognises       401, the challenge of its place, invalid_token and the route's scopes for Bearer
//	a credential that is not accepted       401, its scheme's challenge, invalid_token and the route's scopes for Bearer
//	a repeated header, two credentials      400, invalid_request for Bearer
//	known, not allowed                      403, insufficient_scope and the route's scopes for Bearer
//	known, login too old or too weak        401, insufficient_user_authentication for Bearer
//	too many tries                          429, Retry-After
//	a store or key source does not answer   503, Retry-After
//
// On an optional route the first of these goes on without a principal, and only that. There is no list of paths to skip:
// deciding by the text of a path is how other middlewares were bypassed, so a route says at its registration that it is
// public.
//
// # Security considerations
//
// A principal found in the request's context is taken as proven where a guard further out proved it with one of the inner
// guard's authenticators, or where the program put it there with [auth.NewContext]. A credential in the query is cut out
// of the URL before the next handler, but everything in front of the guard has seen it. Put the guard outside whatever
// reads bodies or starts work, and count requests outside the guard, or from its events: a router's own metrics never see
// what the guard refused.
package middleware
