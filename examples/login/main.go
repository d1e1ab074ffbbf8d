// Command login lets people in with an account that they have elsewhere, at Google or any other OpenID provider, and gives
// them a session here, which is the same whatever way they came.
//
//	LOGIN_ISSUER=https://accounts.google.com LOGIN_CLIENT_ID=… LOGIN_CLIENT_SECRET=… go run -C examples ./login
//
// Register http://localhost:8080/login/callback as redirect URL at the provider, and open http://localhost:8080.
package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/oauth2"
	"github.com/cardea-go/auth/oauth2/client"
	"github.com/cardea-go/auth/oauth2/refresh"
)

const base = "http://localhost:8080" // for production a setting, and https

func main() {
	id, secret := os.Getenv("LOGIN_CLIENT_ID"), os.Getenv("LOGIN_CLIENT_SECRET")
	if id == "" || secret == "" {
		log.Fatal("set LOGIN_ISSUER, LOGIN_CLIENT_ID and LOGIN_CLIENT_SECRET to what your provider gave you")
	}
	s, err := newService(context.Background(), client.LoginConfig{
		Issuer: os.Getenv("LOGIN_ISSUER"), ClientID: id, Client: oauth2.ClientSecretBasic(id, secret), Scopes: []string{"profile"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer s.login.Close() //nolint:errcheck // returns nil
	if err := s.login.Warm(context.Background()); err != nil {
		log.Print(err) // the provider may be back later
	}
	fmt.Println("open", base)
	server := &http.Server{Addr: "localhost:8080", Handler: s.handler, ReadHeaderTimeout: 5 * time.Second}
	log.Print(server.ListenAndServe())
}

type service struct {
	users     users
	sessions  *refresh.Issuer
	endpoints *refresh.Endpoints
	login     *client.Login
	handler   http.Handler
}

// newService makes the service. What c says of the provider is the caller's; the rest is the same for every provider.
func newService(ctx context.Context, c client.LoginConfig) (*service, error) {
	s := &service{users: users{names: map[[2]string]string{}}}
	secret := make([]byte, 32) // yours comes from the configuration: with it, and a store, a restart logs nobody out
	_, _ = rand.Read(secret)   // never fails
	if err := s.startSessions(ctx, secret); err != nil {
		return nil, err
	}
	// A second provider is a second Login, with a RedirectURL of its own and the same Done.
	c.RedirectURL, c.Keys, c.Done, c.ErrorLog = base+"/login/callback", [][]byte{secret}, s.loggedIn, slog.Default()
	var err error
	if s.login, err = client.NewLogin(c); err != nil {
		return nil, err
	}
	tokens, err := s.sessions.Authenticator(jwt.AuthenticatorConfig{})
	if err != nil {
		return nil, err
	}
	guard, err := middleware.New(middleware.Config{Authenticator: tokens})
	if err != nil {
		return nil, err
	}
	mux := middleware.NewMux(middleware.MuxConfig{Guard: guard})
	mux.HandleFunc("GET /{$}", middleware.Public(), page)
	mux.HandleFunc("GET /page.js", middleware.Public(), script)
	mux.HandleFunc("GET /login", middleware.Public(), s.login.Start)
	mux.HandleFunc("GET /login/callback", middleware.Public(), s.login.Callback)
	mux.HandleFunc("POST /session/refresh", middleware.Public(), s.endpoints.Refresh)
	mux.HandleFunc("POST /session/logout", middleware.Public(), s.endpoints.Logout)
	mux.HandleFunc("GET /api/me", middleware.Authenticated(), s.me)
	s.handler, err = mux.Build()
	return s, err
}

func (s *service) startSessions(ctx context.Context, secret []byte) error {
	keys, err := jwt.NewKeyRing(ctx, jwt.KeyRingConfig{})
	if err != nil {
		return err
	}
	access, err := jwt.NewIssuer(jwt.IssuerConfig{Issuer: base, Audience: []string{base}, Keys: keys})
	if err != nil {
		return err
	}
	store, err := refresh.NewMemoryStore(refresh.MemoryConfig{})
	if err != nil {
		return err
	}
	s.sessions, err = refresh.New(refresh.Config{Store: store, Access: refresh.JWT(access), Keys: [][]byte{secret}})
	if err != nil {
		return err
	}
	s.endpoints, err = s.sessions.Endpoints(refresh.EndpointsConfig{Cookie: &refresh.CookieConfig{}})
	return err
}

// loggedIn starts a session for whoever comes back from the provider. Whom you let in is decided here: for a company's own
// provider everybody, or those who have been invited.
func (s *service) loggedIn(w http.ResponseWriter, r *http.Request, who *client.Identity) {
	user := s.users.find(who.Claims)
	tokens, err := s.sessions.Issue(r.Context(), refresh.Login{Subject: user, Scopes: auth.MustScopeSet("profile"), Device: r.UserAgent()})
	if err != nil {
		http.Error(w, "try again later", http.StatusServiceUnavailable)
		return
	}
	s.endpoints.Redirect(w, r, tokens, who.ReturnTo)
}

// users stands for your table of users. Its key is issuer and subject: never an e-mail address, which people may choose at
// many providers.
type users struct {
	mu    sync.Mutex
	names map[[2]string]string
}

// find returns the user of an account, and makes one where there is none.
func (u *users) find(c *jwt.Claims) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	account := [2]string{c.Issuer(), c.Subject()}
	if u.names[account] == "" {
		u.names[account] = fmt.Sprintf("user-%d", len(u.names)+1)
	}
	return u.names[account]
}

func (s *service) me(w http.ResponseWriter, r *http.Request) {
	who, _ := auth.FromContext(r.Context())
	fmt.Fprintf(w, "you are %s", who.Subject())
}

//go:embed page.html
var pageHTML []byte

//go:embed page.js
var pageJS []byte

func page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'self'")
	_, _ = w.Write(pageHTML) // a browser that has gone away is no error of ours
}

func script(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/javascript")
	_, _ = w.Write(pageJS)
}
