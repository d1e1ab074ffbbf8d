package oauth2bench_test

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	goauth2 "github.com/go-oauth2/oauth2/v4"
	"github.com/go-oauth2/oauth2/v4/generates"
	"github.com/go-oauth2/oauth2/v4/manage"
	"github.com/go-oauth2/oauth2/v4/models"
	goserver "github.com/go-oauth2/oauth2/v4/server"
	gostore "github.com/go-oauth2/oauth2/v4/store"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/oauth2/refresh"
	"github.com/cardea-go/auth/oauth2/server"
)

func ourAS(t testing.TB, name string, change func(*server.Config)) *as {
	o := newOurs(t, change)
	return &as{
		name: name, handler: o.handler, token: "/token", introspect: "/introspect",
		id: "worker", secret: o.secret, ownID: "worker", ownSecret: o.secret,
		start: func(t testing.TB) string {
			tokens, err := o.server.Sessions().Issue(t.Context(), refresh.Login{Subject: "alice", Client: "worker", Scopes: auth.MustScopeSet("read")})
			check(t, err)
			return tokens.RefreshToken
		},
	}
}

// goOAuth2 is go-oauth2 with its memory store and opaque tokens. It has no introspection endpoint.
func goOAuth2(t testing.TB) *as {
	const secret = "a secret of the benchmark, in clear"
	m := manage.NewDefaultManager()
	m.MustTokenStorage(gostore.NewMemoryTokenStore())
	m.MapAccessGenerate(generates.NewAccessGenerate())
	clients := gostore.NewClientStore()
	check(t, clients.Set("worker", &models.Client{ID: "worker", Secret: secret, Domain: "http://127.0.0.1"}))
	m.MapClientStorage(clients)
	s := goserver.NewDefaultServer(m)
	s.SetClientInfoHandler(goserver.ClientBasicHandler)
	return &as{
		name: "go-oauth2", token: "/token", id: "worker", secret: secret, ownID: "worker", ownSecret: secret,
		handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _ = s.HandleTokenRequest(w, r) }),
		start: func(t testing.TB) string {
			info, err := m.GenerateAccessToken(t.Context(), goauth2.PasswordCredentials, &goauth2.TokenGenerateRequest{
				ClientID: "worker", ClientSecret: secret, UserID: "alice", Scope: "read",
			})
			check(t, err)
			return info.GetRefresh()
		},
	}
}

// zitadel is zitadel/oidc with its example storage: opaque tokens that are a JWE, secrets in clear. A refresh signs an
// RS256 ID token too.
func zitadel(t testing.TB) *as {
	const issuer = "http://127.0.0.1"
	storage.RegisterClients(storage.WebClient("web", "secret", issuer+"/callback"))
	s := storage.NewStorage(storage.NewUserStore(issuer))
	handler := exampleop.SetupServer(issuer, s, slog.New(slog.DiscardHandler), false)
	return &as{
		name: "zitadel", handler: handler, token: "/oauth/token", introspect: "/oauth/introspect",
		id: "web", secret: "secret", ownID: "sid1", ownSecret: "verysecret",
		start: func(t testing.TB) string {
			ctx := context.Background()
			r, err := s.CreateAuthRequest(ctx, &oidc.AuthRequest{
				ClientID: "web", RedirectURI: issuer + "/callback", ResponseType: oidc.ResponseTypeCode,
				Scopes: oidc.SpaceDelimitedArray{oidc.ScopeOpenID, oidc.ScopeOfflineAccess},
			}, "id1")
			check(t, err)
			_, token, _, err := s.CreateAccessAndRefreshTokens(ctx, r, "")
			check(t, err)
			return token
		},
	}
}

func peers(t testing.TB) []*as {
	return []*as{ourAS(t, "ours, opaque", opaque), ourAS(t, "ours, ES256", nil), goOAuth2(t), zitadel(t)}
}

func BenchmarkServers(b *testing.B) { benchmarkAll(b, peers(b)) }

// Ours never forks a session. What the others do is printed, not judged: their stores are examples.
func TestParallelRefresh(t *testing.T) {
	const rounds = 100
	for _, a := range peers(t) {
		began := time.Now()
		forked, most := a.countSuccessors(t, rounds)
		t.Logf("%s: %d of %d rounds with more than one successor, at most %d of 50 (%v)", a.name, forked, rounds, most, time.Since(began).Round(time.Millisecond))
		if a.name[:4] == "ours" && (forked != 0 || most != 1) {
			t.Errorf("%s forked a session", a.name)
		}
	}
}
