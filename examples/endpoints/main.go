// Command endpoints secures the routes of a small bank, each in a way of its own: public, optional, for everybody with a
// token, with a requirement, with a fresh or strong login, hidden, and one with requirements for several reasons.
//
//	go run -C examples ./endpoints
//
// Its test shows how to call a handler behind a guard as somebody: no token has to be made for that.
package main

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/middleware"
)

func main() {
	login := time.Now()
	handler, err := newHandler(bearer(demoTokens(login)), slog.Default(), time.Now)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(`for token in guess alice alice-fresh alice-phone root; do for path in health "" account transfers/7 limits admin; do
  echo "$token /$path: $(curl -s -o /dev/null -D - -H "Authorization: Bearer $token" http://localhost:8080/$path | grep -iE '^(HTTP|WWW)')"
done; done`)
	server := &http.Server{Addr: "localhost:8080", Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// demoTokens stands in for an issuer: real tokens say by themselves when and how their subject logged in (auth_time and
// acr of package jwt).
func demoTokens(login time.Time) map[string]auth.PrincipalConfig {
	return map[string]auth.PrincipalConfig{
		"alice":       {Subject: "alice", Scopes: auth.MustScopeSet("account"), AuthenticatedAt: login.Add(-time.Hour)},
		"alice-fresh": {Subject: "alice", Scopes: auth.MustScopeSet("account"), AuthenticatedAt: login},
		"alice-phone": {Subject: "alice", Scopes: auth.MustScopeSet("account"), AuthenticatedAt: login, ACR: "phr"},
		"root":        {Subject: "root", Roles: []string{"admin"}, AuthenticatedAt: login, ACR: "phr"},
	}
}

// bearer accepts the tokens of a table. For production, use package jwt or apikey: these tokens are for looking at.
func bearer(tokens map[string]auth.PrincipalConfig) auth.BearerConfig {
	return auth.BearerConfig{Realm: "bank", Verify: func(_ context.Context, token string) (*auth.Principal, error) {
		c, ok := tokens[token]
		if !ok {
			return nil, auth.Invalid(auth.ReasonUnknown, nil) // why is for the log; the client reads 401
		}
		return auth.NewPrincipal(c)
	}}
}

func newHandler(tokens auth.BearerConfig, logger *slog.Logger, clock func() time.Time) (http.Handler, error) {
	authenticator, err := auth.NewBearer(tokens)
	if err != nil {
		return nil, err
	}
	guard, err := middleware.New(middleware.Config{
		Authenticator: authenticator,
		// The beginner's guard ends here. For production: each decision in the log, without secrets; and the causes of a
		// 503, which the client is not told.
		Observer: auth.NewLogObserver(logger),
		ErrorLog: logger,
	})
	if err != nil {
		return nil, err
	}

	mux := middleware.NewMux(middleware.MuxConfig{Guard: guard})
	mux.HandleFunc("GET /health", middleware.Public(), say("ok"))
	mux.HandleFunc("GET /{$}", middleware.Optional(), welcome)
	mux.HandleFunc("GET /account", middleware.Authenticated(), say("your account"))

	// A group asks for something of each of its routes, which can add to it and not take away: guards inside of guards.
	holders := mux.Group(middleware.Require(auth.Scopes("account")))
	// Step-up: the answer is 401 with max_age or acr_values, and the client sends its user to log in again (RFC 9470).
	holders.HandleFunc("GET /transfers/{id}", middleware.Require(auth.Recent(5*time.Minute, clock)), say("a transfer"))
	holders.HandleFunc("GET /limits", middleware.Require(auth.Recent(5*time.Minute, clock), auth.Assurance("phr")), say("your limits"))
	// A rule of one's own is a function. An error that is no *auth.Error means "can't tell now": 503, never a pass.
	holders.HandleFunc("POST /transfers", middleware.Require(workdays(clock)), say("transferred"))

	// To others this does not exist. The log tells the truth.
	mux.HandleFunc("GET /admin", middleware.Require(auth.Roles("admin")).Conceal(), say("administration"))
	return mux.Build() // a route that stated no access would be an error here, and not an open door
}

// workdays lets transfers through from Monday to Friday.
func workdays(clock func() time.Time) auth.Requirement {
	return auth.RequirementFunc(func(context.Context, *auth.Principal) error {
		switch clock().UTC().Weekday() {
		case time.Saturday, time.Sunday:
			return &auth.Error{Kind: auth.KindForbidden, Reason: auth.ReasonNotAllowed, Message: "the bank is closed"}
		default:
			return nil
		}
	})
}

// welcome is the handler of an optional route: ok says whether somebody is known. A wrong token never gets here: whoever
// sends one believes to be known, and must be told.
func welcome(w http.ResponseWriter, r *http.Request) {
	if p, ok := auth.FromContext(r.Context()); ok {
		fmt.Fprintf(w, "welcome back, %s\n", p.Subject())
		return
	}
	fmt.Fprintln(w, "welcome")
}

func say(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, text) }
}
