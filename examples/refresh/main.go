// Command refresh is an API with sessions of its own: a login by password that hands out an access token and a refresh
// token, a refresh, a list of one's sessions, and a logout that acts at once.
//
//	go run -C examples ./refresh
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/basic"
	"github.com/cardea-go/auth/basic/password"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/oauth2/refresh"
)

const base = "http://localhost:8080"

func main() {
	pw := rand.Text()
	s, err := newService(context.Background(), pw)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("# log in:")
	fmt.Printf("answer=$(curl -s -u alice:%s -X POST %s/login); echo $answer\n", pw, base)
	fmt.Println("# use the access token, for ten minutes:")
	fmt.Printf("curl -i -H \"Authorization: Bearer $(echo $answer | jq -r .access_token)\" %s/notes\n", base)
	fmt.Println("# refresh; the same line again, within ten seconds, is answered alike:")
	fmt.Printf("curl -i -d grant_type=refresh_token -d refresh_token=$(echo $answer | jq -r .refresh_token) %s/refresh\n", base)
	fmt.Println("# see where you are logged in:")
	fmt.Printf("curl -i -H \"Authorization: Bearer $(echo $answer | jq -r .access_token)\" %s/sessions\n", base)
	fmt.Println("# log out; the access token stops as well:")
	fmt.Printf("curl -i -d token=$(echo $answer | jq -r .refresh_token) %s/logout\n", base)
	server := &http.Server{Addr: "localhost:8080", Handler: s.handler, ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// service is an API and the sessions of its users.
type service struct {
	sessions  *refresh.Issuer
	endpoints *refresh.Endpoints
	handler   http.Handler
}

func newService(ctx context.Context, pw string) (*service, error) {
	s := &service{}
	if err := s.startSessions(ctx); err != nil {
		return nil, err
	}
	login, err := newLogin(ctx, pw)
	if err != nil {
		return nil, err
	}
	api, err := s.newAPI()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("POST /login", login.HandlerFunc(s.endpoints.Login))
	mux.HandleFunc("POST /refresh", s.endpoints.Refresh)
	mux.HandleFunc("POST /logout", s.endpoints.Logout)
	mux.Handle("GET /notes", api.HandlerFunc(notes))
	mux.Handle("GET /sessions", api.HandlerFunc(s.list))
	s.handler = mux
	return s, nil
}

// startSessions keeps all in memory: a restart logs everybody out. With a RingStore and a refresh.Store on a database,
// and secrets from the configuration, nobody notices one.
func (s *service) startSessions(ctx context.Context) error {
	keys, err := jwt.NewKeyRing(ctx, jwt.KeyRingConfig{})
	if err != nil {
		return err
	}
	tokens, err := jwt.NewIssuer(jwt.IssuerConfig{Issuer: base, Audience: []string{base}, Keys: keys})
	if err != nil {
		return err
	}
	store, err := refresh.NewMemoryStore(refresh.MemoryConfig{})
	if err != nil {
		return err
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	s.sessions, err = refresh.New(refresh.Config{Store: store, Access: refresh.JWT(tokens), Keys: [][]byte{secret}})
	if err != nil {
		return err
	}
	// For pages in a browser, set Cookie: the refresh token is then where no script sees it.
	s.endpoints, err = s.sessions.Endpoints(refresh.EndpointsConfig{Scopes: auth.MustScopeSet("notes:read")})
	return err
}

// newLogin guards the login: guesses are limited, and an unknown name is not told from a wrong password.
func newLogin(ctx context.Context, pw string) (*middleware.Guard, error) {
	hasher, err := password.New(password.Config{})
	if err != nil {
		return nil, err
	}
	hash, err := hasher.Hash(ctx, pw)
	if err != nil {
		return nil, err
	}
	users, err := basic.NewStatic(hasher, basic.User{Name: "alice", PasswordHash: hash, Scopes: auth.Unlimited()})
	if err != nil {
		return nil, err
	}
	authenticator, err := basic.New(basic.Config{Realm: "login", Users: users, Hasher: hasher})
	if err != nil {
		return nil, err
	}
	return middleware.New(middleware.Config{Authenticator: authenticator})
}

// newAPI guards the API by the sessions' own tokens. The sessions are asked on every request, so that a logout stops access
// tokens too; a verifier that does not ask, in another program for one, takes them for ten minutes.
func (s *service) newAPI() (*middleware.Guard, error) {
	authenticator, err := s.sessions.Authenticator(jwt.AuthenticatorConfig{Realm: "notes"})
	if err != nil {
		return nil, err
	}
	return middleware.New(middleware.Config{Authenticator: authenticator, Require: auth.Scopes("notes:read")})
}

// list shows where somebody is logged in.
func (s *service) list(w http.ResponseWriter, r *http.Request) {
	who, _ := auth.FromContext(r.Context())
	sessions, err := s.sessions.Sessions(r.Context(), who.Subject())
	if err != nil {
		http.Error(w, "try again later", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	for _, session := range sessions {
		_ = json.NewEncoder(w).Encode(map[string]any{
			"id": session.ID.String(), "device": session.Device, "last_used_at": session.LastUsedAt,
		})
	}
}

func notes(w http.ResponseWriter, r *http.Request) {
	who, _ := auth.FromContext(r.Context())
	fmt.Fprintf(w, "the notes of %s\n", who.Subject())
}
