package oauth2bench_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// as is an authorization server in process.
type as struct {
	name    string
	handler http.Handler
	// token and introspect are paths; "" is none.
	token, introspect string
	// id and secret authenticate by Basic; own is the same for client credentials where that is another client.
	id, secret, ownID, ownSecret string
	// start starts a session and returns its refresh token, which the client may use.
	start func(t testing.TB) string
}

func (a *as) post(path, id, secret, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(id, secret)
	rec := httptest.NewRecorder()
	a.handler.ServeHTTP(rec, r)
	return rec
}

const credentials = "grant_type=client_credentials&scope=read"

func (a *as) credentials() *httptest.ResponseRecorder {
	return a.post(a.token, a.ownID, a.ownSecret, credentials)
}

func (a *as) refresh(token string) *httptest.ResponseRecorder {
	return a.post(a.token, a.id, a.secret, "grant_type=refresh_token&refresh_token="+url.QueryEscape(token))
}

// member reads a text from a JSON object without decoding it, which would count.
func member(body, name string) string {
	_, rest, _ := strings.Cut(body, `"`+name+`":"`)
	text, _, _ := strings.Cut(rest, `"`)
	return text
}

func benchmarkAll(b *testing.B, servers []*as) {
	b.Run("credentials", func(b *testing.B) {
		for _, a := range servers {
			b.Run(a.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if rec := a.credentials(); rec.Code != http.StatusOK {
						b.Fatalf("got %d %s", rec.Code, rec.Body)
					}
				}
			})
		}
	})
	b.Run("refresh", func(b *testing.B) {
		for _, a := range servers {
			b.Run(a.name, func(b *testing.B) {
				token := a.start(b)
				b.ReportAllocs()
				for b.Loop() {
					rec := a.refresh(token)
					if rec.Code != http.StatusOK {
						b.Fatalf("got %d %s", rec.Code, rec.Body)
					}
					token = member(rec.Body.String(), "refresh_token")
				}
			})
		}
	})
	b.Run("introspect", func(b *testing.B) {
		for _, a := range servers {
			if a.introspect == "" {
				continue
			}
			b.Run(a.name, func(b *testing.B) {
				access := member(a.refresh(a.start(b)).Body.String(), "access_token")
				body := "token=" + url.QueryEscape(access)
				b.ReportAllocs()
				for b.Loop() {
					rec := a.post(a.introspect, a.id, a.secret, body)
					if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), `"active":true`) {
						b.Fatalf("got %d %s", rec.Code, rec.Body)
					}
				}
			})
		}
	})
}

// countSuccessors lets 50 requests use one refresh token at once, and returns in how many of the rounds they got more than
// one successor, and the most that they got.
func (a *as) countSuccessors(t *testing.T, rounds int) (forked, most int) {
	t.Helper()
	for range rounds {
		token := a.start(t)
		answers := make([]string, 50)
		var wg sync.WaitGroup
		gate := make(chan struct{})
		for i := range answers {
			wg.Go(func() { <-gate; answers[i] = member(a.refresh(token).Body.String(), "refresh_token") })
		}
		close(gate)
		wg.Wait()
		successors := make(map[string]bool)
		for _, s := range answers {
			if s != "" {
				successors[s] = true
			}
		}
		if len(successors) > 1 {
			forked++
		}
		most = max(most, len(successors))
	}
	return forked, most
}
