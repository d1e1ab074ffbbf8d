package oauth2_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/oauth2"
)

// Introspection cache: key covers token hash, endpoint, caller and required claims; entry never outlives exp; negative
// entries are short; errors are not cached; on failure 503, not 401 and not pass.
func TestStatement63CacheNeverOutlivesTheToken(t *testing.T) {
	now := testTime
	as, i := introspection(t, func(c *oauth2.IntrospectorConfig) { c.Clock = func() time.Time { return now } })
	h := handler(t, newAuthenticator(t, i, nil))
	as.Set("long", active(nil))
	as.Set("short", active(object{"exp": now.Add(10 * time.Second).Unix()}))
	wantCalls := func(want int) {
		t.Helper()
		if got := as.Calls(); got != want {
			t.Fatalf("got %d calls, want %d", got, want)
		}
	}
	for range 3 {
		wantOK(t, h, bearer("long"))
		wantOK(t, h, bearer("short"))
	}
	wantCalls(2)
	as.Set("long", nil) // revoked
	as.Set("short", nil)
	now = now.Add(10 * time.Second)
	wantRefusal(t, h, bearer("short"), 401, "Bearer", "error", "invalid_token")
	wantOK(t, h, bearer("long"))
	wantCalls(3)
	now = now.Add(20 * time.Second)
	wantRefusal(t, h, bearer("long"), 401, "Bearer", "error", "invalid_token")
	wantCalls(4)
}

func TestStatement63NegativeEntriesAreShort(t *testing.T) {
	now := testTime
	as, i := introspection(t, func(c *oauth2.IntrospectorConfig) { c.Clock = func() time.Time { return now } })
	h := handler(t, newAuthenticator(t, i, nil))
	for range 3 {
		wantRefusal(t, h, bearer("new"), 401, "Bearer", "error", "invalid_token")
	}
	as.Set("new", active(nil))
	now = now.Add(oauth2.DefaultCacheInactiveFor - time.Nanosecond)
	wantRefusal(t, h, bearer("new"), 401, "Bearer", "error", "invalid_token")
	now = now.Add(time.Nanosecond)
	wantOK(t, h, bearer("new"))
	if as.Calls() != 2 {
		t.Errorf("got %d calls, want 2", as.Calls())
	}
}

func TestStatement63AnswersAreNotShared(t *testing.T) {
	as, i := introspection(t, nil)
	as.Set("t", active(nil))
	if _, err := i.Verify(t.Context(), "t"); err != nil {
		t.Fatal(err)
	}
	if _, err := i.Verify(t.Context(), "T"); !errors.Is(err, oauth2.ErrInactive) {
		t.Errorf("got %v for a token that differs in case", err)
	}
	_, other := introspection(t, func(c *oauth2.IntrospectorConfig) {
		c.HTTPClient = &http.Client{Transport: as}
		c.Audience = []string{"https://other.example"}
	})
	if _, err := other.Verify(t.Context(), "t"); !errors.Is(err, oauth2.ErrAudience) {
		t.Errorf("got %v from one with other demands", err)
	}
}

func TestStatement63WithoutACacheEachRequestAsks(t *testing.T) {
	as, i := introspection(t, func(c *oauth2.IntrospectorConfig) { c.CacheFor, c.CacheInactiveFor = oauth2.NoCache, oauth2.NoCache })
	as.Set("t", active(nil))
	for range 3 {
		if _, err := i.Verify(t.Context(), "t"); err != nil {
			t.Fatal(err)
		}
		if _, err := i.Verify(t.Context(), "u"); err == nil {
			t.Fatal("got no error for an unknown token")
		}
	}
	if as.Calls() != 6 {
		t.Errorf("got %d calls, want 6", as.Calls())
	}
}

func TestStatement63TheCacheIsBounded(t *testing.T) {
	as, i := introspection(t, func(c *oauth2.IntrospectorConfig) { c.CacheEntries = 12 })
	verify := func(n int) {
		if _, err := i.Verify(t.Context(), fmt.Sprint("t", n)); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 60 {
		as.Set(fmt.Sprint("t", n), active(nil))
		verify(n)
	}
	before := as.Calls()
	for n := range 60 {
		verify(n)
	}
	if got := as.Calls() - before; got < 48 {
		t.Errorf("got %d calls for 60 tokens where 12 are kept", got)
	}
}

func TestStatement63AThousandParallelMissesMakeOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		as, i := introspection(t, nil)
		as.Set("t", active(nil))
		release := make(chan struct{})
		as.Before = func(http.ResponseWriter, *http.Request) bool { <-release; return false }
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				if token, err := i.Verify(t.Context(), "t"); err != nil || token.Subject != "alice" {
					t.Errorf("got %v and %v", token, err)
				}
			})
		}
		synctest.Wait()
		close(release)
		wg.Wait()
		if as.Calls() != 1 {
			t.Errorf("got %d calls, want 1", as.Calls())
		}
	})
}

func TestStatement63ACallEndsWhenNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		as, i := introspection(t, nil)
		as.Set("t", active(nil))
		ended := make(chan struct{})
		as.Before = func(_ http.ResponseWriter, r *http.Request) bool {
			if as.Calls() == 1 {
				<-r.Context().Done()
				close(ended)
			}
			return false
		}
		first, cancelFirst := context.WithCancel(t.Context())
		second, cancelSecond := context.WithCancel(t.Context())
		results := make(chan error, 2)
		for _, ctx := range []context.Context{first, second} {
			go func() {
				_, err := i.Verify(ctx, "t")
				results <- err
			}()
			synctest.Wait() // the first starts the call, the second joins
		}
		start := time.Now()
		cancelFirst()
		if err := <-results; auth.AsError(err).Reason != auth.ReasonCancelled {
			t.Errorf("got %v for the one who went", err)
		}
		synctest.Wait()
		select {
		case <-ended:
			t.Fatal("the call ended with the request that started it, while another waited")
		default:
		}
		cancelSecond()
		if err := <-results; auth.AsError(err).Reason != auth.ReasonCancelled {
			t.Errorf("got %v for the other", err)
		}
		<-ended
		if waited := time.Since(start); waited != 0 {
			t.Errorf("the call went on for %v with nobody waiting", waited)
		}
		if _, err := i.Verify(t.Context(), "t"); err != nil {
			t.Errorf("got %v from the next call, want it to be a new one", err)
		}
	})
}

// A call that nobody waits for any more takes no other with it when it ends at last.
func TestStatement63ACallThatWasLeftDoesNotForgetTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		as, i := introspection(t, func(c *oauth2.IntrospectorConfig) { c.CacheFor = oauth2.NoCache })
		as.Set("t", active(nil))
		gates := []chan struct{}{make(chan struct{}), make(chan struct{}), make(chan struct{})}
		as.Before = func(http.ResponseWriter, *http.Request) bool { <-gates[as.Calls()-1]; return false }
		var wg sync.WaitGroup
		verify := func(ctx context.Context) {
			wg.Go(func() { _, _ = i.Verify(ctx, "t") })
			synctest.Wait()
		}
		ctx, cancel := context.WithCancel(t.Context())
		verify(ctx)
		cancel()
		synctest.Wait()
		verify(t.Context())
		close(gates[0])
		synctest.Wait()
		verify(t.Context())
		if as.Calls() != 2 {
			t.Errorf("got %d calls, want the third to join the second", as.Calls())
		}
		close(gates[1])
		close(gates[2])
		wg.Wait()
	})
}

func answerWith(status int, contentType, body string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		return true
	}
}

// An endpoint that does not answer, or answers what can't be understood, is an outage: 503, nothing kept, no challenge.
func TestStatement63FailuresAre503(t *testing.T) {
	const json = "application/json"
	for _, tt := range []struct {
		name   string
		before func(http.ResponseWriter, *http.Request) bool
	}{
		{"status 500", answerWith(500, json, `{"active":true}`)},
		{"status 401: our own credentials are wrong", answerWith(401, json, `{"error":"invalid_client"}`)},
		{"status 403", answerWith(403, json, `{"active":false}`)},
		{"status 404", answerWith(404, "text/html", "not here")},
		{"status 429", answerWith(429, json, `{}`)},
		{"status 204", answerWith(204, json, "")},
		{"a redirect, which is not followed", func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "https://evil.example/", http.StatusTemporaryRedirect)
			return true
		}},
		{"a page in HTML", answerWith(200, "text/html", "<html>log in</html>")},
		{"no content type", answerWith(200, "", `{"active":true}`)},
		{"JSON of another type", answerWith(200, "application/token-introspection+jwt", `{"active":true}`)},
		{"an empty answer", answerWith(200, json, "")},
		{"garbage", answerWith(200, json, "garbage")},
		{"a truncated answer", answerWith(200, json, `{"active":true,"sub":"al`)},
		{"an array", answerWith(200, json, `[true]`)},
		{"something after the object", answerWith(200, json, `{"active":false}{}`)},
		{"no active", answerWith(200, json, `{"sub":"alice"}`)},
		{"active that is a string", answerWith(200, json, `{"active":"true"}`)},
		{"active that is a number", answerWith(200, json, `{"active":1}`)},
		{"active that is null", answerWith(200, json, `{"active":null}`)},
		{"active twice", answerWith(200, json, `{"active":false,"active":true}`)},
		{"active in two cases", answerWith(200, json, `{"active":false,"Active":true}`)},
		{"sub that is a number", answerWith(200, json, `{"active":true,"sub":1}`)},
		{"exp that is a string", answerWith(200, json, `{"active":true,"sub":"a","exp":"1"}`)},
		{"aud of numbers", answerWith(200, json, `{"active":true,"sub":"a","aud":[1]}`)},
		{"a scope that is none", answerWith(200, json, `{"active":true,"sub":"a","aud":"`+testAudience+`","scope":"a\u0000b"}`)},
		{"cnf that is a string", answerWith(200, json, `{"active":true,"sub":"a","cnf":"x"}`)},
		{"jkt twice", answerWith(200, json, `{"active":true,"sub":"a","cnf":{"jkt":"a","jkt":"b"}}`)},
		{"jkt that is a number", answerWith(200, json, `{"active":true,"sub":"a","cnf":{"jkt":1}}`)},
		{"an answer that is too long", answerWith(200, json, `{"active":true,"sub":"a","aud":"`+testAudience+`"}`+strings.Repeat(" ", oauth2.DefaultResponseBytes))},
		{"a hanging endpoint", func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				as, i := introspection(t, nil)
				as.Set("t", active(nil))
				as.Before = tt.before
				h := handler(t, newAuthenticator(t, i, nil))
				for range 2 {
					resp := wantRefusal(t, h, bearer("t"), 503, "")
					if resp.Header.Get("Retry-After") == "" {
						t.Error("got no Retry-After")
					}
				}
				if as.Calls() != 2 {
					t.Errorf("got %d calls, want 2: a failure is not kept", as.Calls())
				}
				as.Before = nil
				wantOK(t, h, bearer("t"))
			})
		})
	}
}

// A slow endpoint is waited for as long as Timeout allows, and no longer, whether it is slow to begin or to end.
func TestStatement63SlowEndpoints(t *testing.T) {
	for _, tt := range []struct {
		name          string
		before, after time.Duration // the header, and between header and end
		status        int
		took          time.Duration
	}{
		{"slow within the limit", 2 * time.Second, 2 * time.Second, 200, 4 * time.Second},
		{"slow to answer", 6 * time.Second, 0, 503, 5 * time.Second},
		{"slow to end", time.Second, time.Hour, 503, 5 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, i := introspection(t, func(c *oauth2.IntrospectorConfig) {
					c.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
						if err := wait(r.Context(), tt.before); err != nil {
							return nil, err
						}
						body := io.MultiReader(slowReader{r.Context(), tt.after}, bytes.NewReader(must(json.Marshal(with(active(nil), "active", true)))))
						return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(body)}, nil
					})}
				})
				start := time.Now()
				if resp := authtest.Do(handler(t, newAuthenticator(t, i, nil)), bearer("t")); resp.StatusCode != tt.status || time.Since(start) != tt.took {
					t.Errorf("got status %d after %v, want %d after %v", resp.StatusCode, time.Since(start), tt.status, tt.took)
				}
			})
		})
	}
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// slowReader ends after a while, without a byte.
type slowReader struct {
	ctx context.Context
	d   time.Duration
}

func (r slowReader) Read([]byte) (int, error) {
	if err := wait(r.ctx, r.d); err != nil {
		return 0, err
	}
	return 0, io.EOF
}

// roundTripper is a transport made of a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestStatement63FailuresOfTheTransportAre503(t *testing.T) {
	for name, transport := range map[string]roundTripper{
		"no connection": func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") },
		"a body that breaks off": func(*http.Request) (*http.Response, error) {
			body := io.MultiReader(strings.NewReader(`{"active":`), brokenReader{})
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(body)}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, i := introspection(t, func(c *oauth2.IntrospectorConfig) { c.HTTPClient = &http.Client{Transport: transport} })
			wantRefusal(t, handler(t, newAuthenticator(t, i, nil)), bearer("a-secret-token"), 503, "")
			_, err := i.Verify(t.Context(), "a-secret-token")
			for e := err; e != nil; e = errors.Unwrap(e) {
				if strings.Contains(e.Error(), "secret") || strings.Contains(e.Error(), testIssuer) {
					t.Errorf("got an error that holds what it should not: %v", e)
				}
			}
		})
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestAPanicOfTheConfigurationIsAnOutage(t *testing.T) {
	_, i := introspection(t, func(c *oauth2.IntrospectorConfig) {
		c.Client = oauth2.ClientAuthenticationFunc(func(context.Context, http.Header, url.Values) error { panic("boom") })
	})
	if _, err := i.Verify(t.Context(), "t"); auth.KindOf(err) != auth.KindUnavailable {
		t.Errorf("got %v", err)
	}
}

func TestCallsUnderWayAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		as, i := introspection(t, func(c *oauth2.IntrospectorConfig) { c.MaxCalls = 2 })
		release := make(chan struct{})
		as.Before = func(http.ResponseWriter, *http.Request) bool { <-release; return false }
		var wg sync.WaitGroup
		for n := range 2 {
			wg.Go(func() { _, _ = i.Verify(t.Context(), fmt.Sprint("t", n)) })
		}
		synctest.Wait()
		if _, err := i.Verify(t.Context(), "one more"); auth.KindOf(err) != auth.KindUnavailable {
			t.Errorf("got %v with two calls under way, want unavailable", err)
		}
		close(release)
		wg.Wait()
		if _, err := i.Verify(t.Context(), "one more"); !errors.Is(err, oauth2.ErrInactive) {
			t.Errorf("got %v afterwards, want an answer", err)
		}
	})
}
