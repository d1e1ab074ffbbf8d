package authtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cardea-go/auth/authtest"
)

// replays is a right replay store with switches that make it wrong.
type replays struct {
	clock                                     func() time.Time
	max                                       int
	foldCase, forgetEarly, never, evict, deaf bool
	always, racy                              bool

	mu   sync.Mutex
	keys map[string]time.Time
}

func (s *replays) Once(ctx context.Context, key string, until time.Time) (bool, error) {
	if err := ctx.Err(); err != nil && !s.deaf {
		return false, err
	}
	if s.foldCase {
		key = strings.ToLower(key)
	}
	if s.forgetEarly {
		until = until.Add(-time.Second)
	}
	s.mu.Lock()
	end, used := s.keys[key]
	if s.racy {
		s.mu.Unlock()
		for range 100 {
			runtime.Gosched()
		}
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	if used && (s.never || s.clock().Before(end)) {
		return s.always, nil
	}
	for k, end := range s.keys {
		if !s.clock().Before(end) {
			delete(s.keys, k)
		}
	}
	if s.max > 0 && len(s.keys) >= s.max {
		if !s.evict {
			return false, errors.New("full")
		}
		clear(s.keys)
	}
	s.keys[key] = until
	return true, nil
}

func replayKit(change func(*replays)) authtest.ReplayStoreKit {
	newStore := func(clock func() time.Time, n int) authtest.ReplayStore {
		s := &replays{clock: clock, max: n, keys: map[string]time.Time{}}
		change(s)
		return s
	}
	return authtest.ReplayStoreKit{
		New:        func(clock func() time.Time) authtest.ReplayStore { return newStore(clock, 0) },
		NewBounded: newStore,
	}
}

func TestAReplayStoreThatConforms(t *testing.T) {
	authtest.TestReplayStore(t, replayKit(func(*replays) {}))
}

func TestBrokenReplayStoresAreCaught(t *testing.T) {
	apart := replayKit(func(*replays) {})
	apart.Twin = func(s authtest.ReplayStore) authtest.ReplayStore {
		return &replays{clock: s.(*replays).clock, keys: map[string]time.Time{}}
	}
	for _, tt := range []struct {
		rule string
		kit  authtest.ReplayStoreKit
	}{
		{"the kit is complete", authtest.ReplayStoreKit{}},
		{"a key is first once", replayKit(func(s *replays) { s.always = true })},
		{"keys are told apart by every character", replayKit(func(s *replays) { s.foldCase = true })},
		{"a key is remembered until its time", replayKit(func(s *replays) { s.forgetEarly = true })},
		{"a key is free again after its time", replayKit(func(s *replays) { s.never = true })},
		{"instances share what is remembered", apart},
		{"of parallel calls with one key exactly one is first", replayKit(func(s *replays) { s.racy = true })},
		{"a full store refuses and forgets nothing", replayKit(func(s *replays) { s.evict = true })},
		{"a cancelled call is not a first use", replayKit(func(s *replays) { s.deaf = true })},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			err := authtest.CheckReplayStore(tt.kit)
			if err == nil || !strings.Contains(err.Error(), tt.rule+":") {
				t.Errorf("got %v, want the rule", err)
			}
		})
	}
}

func TestIntrospection(t *testing.T) {
	s := &authtest.Introspection{ClientID: "c", ClientSecret: "s"}
	s.Set("t", map[string]any{"sub": "alice"})
	post := func(form string, fields ...string) (int, bool) {
		r := authtest.Request(http.MethodPost, "/", append(fields, "Content-Type", "application/x-www-form-urlencoded")...)
		r.Body = http.NoBody
		if form != "" {
			r.Body = body{strings.NewReader(form)}
		}
		resp, err := s.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		var m struct{ Active bool }
		_ = json.NewDecoder(resp.Body).Decode(&m)
		return resp.StatusCode, m.Active
	}
	if s.LastForm() != nil || s.Calls() != 0 {
		t.Error("got calls before the first")
	}
	for _, tt := range []struct {
		form, authorization string
		status              int
		active              bool
	}{
		{"token=t", "Basic Yzpz", 200, true},
		{"token=t&client_id=c&client_secret=s", "", 200, true},
		{"token=u", "Basic Yzpz", 200, false},
		{"token=t", "Basic Yzp4", 401, false},
		{"", "", 401, false},
	} {
		if status, active := post(tt.form, "Authorization", tt.authorization); status != tt.status || active != tt.active {
			t.Errorf("%+v: got %d and %v", tt, status, active)
		}
	}
	s.Set("t", nil)
	if _, active := post("token=t", "Authorization", "Basic Yzpz"); active || s.Calls() != 6 || s.LastForm().Get("token") != "t" {
		t.Errorf("got %v after %d calls, the last with %v", active, s.Calls(), s.LastForm())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.RoundTrip(authtest.Request("POST", "/").WithContext(ctx)); err == nil {
		t.Error("got no error of a cancelled request")
	}
}

type body struct{ *strings.Reader }

func (body) Close() error { return nil }

func ExampleDPoPKey() {
	key := authtest.NewDPoPKey(nil)
	r := key.Request("GET", "https://api.example/notes", "access-token", "")
	fmt.Println(r.Header.Get("Authorization"), strings.Count(r.Header.Get("DPoP"), "."))
	// Output: DPoP access-token 2
}
