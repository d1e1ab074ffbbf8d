package apikey_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/authtest"
)

// call sends a request to the handler as p and returns the status, the header and the decoded body.
func call(t *testing.T, k *apikey.Keys, p *auth.Principal, method, target, body string) (int, http.Header, map[string]any) {
	t.Helper()
	r := authtest.Request(method, target)
	if body != "" {
		r.Body = io.NopCloser(strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	if p != nil {
		r = authtest.As(r, p)
	}
	resp := authtest.Do(http.StripPrefix("/keys", k.Handler()), r)
	raw, err := io.ReadAll(resp.Body)
	must(t, err)
	var out map[string]any
	if len(raw) > 0 && json.Unmarshal(raw, &out) != nil {
		t.Fatalf("the body is no JSON object: %s", raw)
	}
	if resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control is %q", resp.Header.Get("Cache-Control"))
	}
	if resp.StatusCode >= 400 && (resp.Header.Get("Content-Type") != "application/problem+json" || out["status"] != float64(resp.StatusCode) || out["detail"] == "") {
		t.Errorf("not a problem: %v %s", resp.Header, raw)
	}
	return resp.StatusCode, resp.Header, out
}

func TestHandlerTakesAKeyThroughItsLife(t *testing.T) {
	v := newService(t, setup{})
	alice := authtest.Principal("alice", "notes:read")
	status, _, made := call(t, v.keys, alice, "POST", "/keys", `{"name":"ci","scopes":["notes:read"],"networks":["10.0.0.0/8"],
		"metadata":{"team":"a"},"expires_at":"2026-03-02T00:00:00Z"}`)
	id, _ := made["id"].(string)
	key, _ := made["key"].(string)
	if status != 201 || made["name"] != "ci" || made["state"] != "active" || made["created_by"] != "alice" || made["expires_at"] != "2026-03-02T00:00:00Z" {
		t.Fatalf("got %d %v", status, made)
	}
	r := v.request(key)
	r.RemoteAddr = "10.0.0.1:1"
	if a := v.do(r, key); a.status != 200 {
		t.Errorf("the new key: got %d", a.status)
	}
	status, _, one := call(t, v.keys, alice, "GET", "/keys/"+id, "")
	if status != 200 || one["id"] != id || one["key"] != nil || one["digest"] != nil {
		t.Errorf("got %d %v", status, one)
	}
	status, _, page := call(t, v.keys, alice, "GET", "/keys/?limit=1", "")
	if list, _ := page["keys"].([]any); status != 200 || len(list) != 1 || page["next"] == "" {
		t.Errorf("got %d %v", status, page)
	}
	next, _ := page["next"].(string)
	if status, _, page = call(t, v.keys, alice, "GET", "/keys?after="+next, ""); status != 200 || len(page["keys"].([]any)) != 1 {
		t.Errorf("got %d %v", status, page)
	}
	status, _, rotated := call(t, v.keys, alice, "POST", "/keys/"+id+"/rotate", `{"grace_seconds":60}`)
	if status != 201 || rotated["key"] == "" || rotated["rotated_from"] != id {
		t.Errorf("got %d %v", status, rotated)
	}
	if status, _, _ = call(t, v.keys, alice, "POST", "/keys/"+id+"/rotate", `{"grace_seconds":60}`); status != 409 {
		t.Errorf("a second rotation: got %d, want 409", status)
	}
	for range 2 {
		if status, _, _ = call(t, v.keys, alice, "DELETE", "/keys/"+id, ""); status != 204 {
			t.Errorf("got %d, want 204", status)
		}
	}
	if _, _, one = call(t, v.keys, alice, "GET", "/keys/"+id, ""); one["state"] != "revoked" || one["revoked_reason"] == nil {
		t.Errorf("got %v", one)
	}
	if status, _, _ = call(t, v.keys, alice, "HEAD", "/keys/"+id, ""); status != 200 {
		t.Errorf("HEAD: got %d", status)
	}
}

func TestHandlerRefuses(t *testing.T) {
	v := newService(t, setup{})
	bob := mustCreate(t, v.keys, func(r *apikey.Request) { r.Subject = "bob" }).Record.ID
	alice := authtest.Principal("alice", "notes:read")
	long := strings.Repeat("x", apikey.MaxBody)
	for _, row := range []struct {
		name, method, target, body string
		status                     int
	}{
		{"another's key", "GET", "/keys/" + bob, "", 404},
		{"an unknown key", "GET", "/keys/AAAAAAAAAAAA", "", 404},
		{"revoking another's key", "DELETE", "/keys/" + bob, "", 404},
		{"rotating another's key", "POST", "/keys/" + bob + "/rotate", `{"grace_seconds":0}`, 404},
		{"an id that can't be", "GET", "/keys/%27%20or%201", "", 404},
		{"a path below", "GET", "/keys/" + bob + "/secret", "", 404},
		{"a method", "PUT", "/keys", "{}", 405},
		{"a method on a key", "POST", "/keys/" + bob, "{}", 405},
		{"a scope that is not held", "POST", "/keys", `{"scopes":["admin"]}`, 403},
		{"a life beyond the cap", "POST", "/keys", `{"expires_at":"2099-01-01T00:00:00Z"}`, 403},
		{"a scope that can't be", "POST", "/keys", `{"scopes":["a b"]}`, 422},
		{"too many scopes", "POST", "/keys", `{"scopes":["a"` + strings.Repeat(`,"a"`, 64) + `]}`, 422},
		{"a name with a line break", "POST", "/keys", `{"name":"a\r\nb"}`, 422},
		{"a life in the past", "POST", "/keys", `{"expires_at":"2001-01-01T00:00:00Z"}`, 422},
		{"no grace", "POST", "/keys/" + v.issued.Record.ID + "/rotate", `{}`, 422},
		{"a grace too long", "POST", "/keys/" + v.issued.Record.ID + "/rotate", `{"grace_seconds":9223372036854775807}`, 422},
		{"a negative grace", "POST", "/keys/" + v.issued.Record.ID + "/rotate", `{"grace_seconds":-1}`, 422},
		{"a limit that is none", "GET", "/keys?limit=all", "", 422},
		{"a limit too high", "GET", "/keys?limit=101", "", 422},
		{"a page that is none", "GET", "/keys?after=x", "", 422},
		{"no body", "POST", "/keys", "", 415},
		{"no JSON", "POST", "/keys", "name=ci", 400},
		{"null", "POST", "/keys", "null", 400},
		{"a list", "POST", "/keys", "[]", 400},
		{"two objects", "POST", "/keys", "{}{}", 400},
		{"something after it", "POST", "/keys", "{} x", 400},
		{"half an object", "POST", "/keys", `{"name":`, 400},
		{"a member twice", "POST", "/keys", `{"scopes":[],"scopes":["notes:read"]}`, 400},
		{"a member twice in other case", "POST", "/keys", `{"scopes":[],"Scopes":["notes:read"]}`, 400},
		{"a member twice in another spelling", "POST", "/keys", `{"scopes":[],"ſcopes":["notes:read"]}`, 400},
		{"a member that is not known", "POST", "/keys", `{"subject":"bob"}`, 400},
		{"a member of another type", "POST", "/keys", `{"name":1}`, 400},
		{"a network that is none", "POST", "/keys", `{"networks":["10.0.0.0"]}`, 400},
		{"no network", "POST", "/keys", `{"networks":[]}`, 422},
		{"thousands of networks that are none", "POST", "/keys", `{"networks":[""` + strings.Repeat(`,""`, 20_000) + `]}`, 422},
		{"a body too long", "POST", "/keys", `{"name":"` + long + `"}`, 413},
		{"a body of spaces too long", "POST", "/keys", `{}` + strings.Repeat(" ", apikey.MaxBody), 413},
	} {
		t.Run(row.name, func(t *testing.T) {
			status, header, body := call(t, v.keys, alice, row.method, row.target, row.body)
			if status != row.status {
				t.Errorf("got %d %v, want %d", status, body, row.status)
			}
			if detail, _ := body["detail"].(string); len(detail) > 8<<10 {
				t.Errorf("the answer has %d bytes of mistakes", len(detail))
			}
			if status == 405 && header.Get("Allow") == "" {
				t.Error("405 without Allow")
			}
		})
	}
	_, _, unknown := call(t, v.keys, alice, "GET", "/keys/AAAAAAAAAAAA", "")
	if _, _, others := call(t, v.keys, alice, "GET", "/keys/"+bob, ""); others["detail"] != unknown["detail"] {
		t.Error("a key of somebody else is answered otherwise than one that does not exist")
	}
	r := authtest.As(authtest.Request("POST", "/", "Content-Type", "text/plain"), alice)
	r.Body = io.NopCloser(strings.NewReader("{}"))
	if resp := authtest.Do(v.keys.Handler(), r); resp.StatusCode != 415 {
		t.Errorf("a form's content type: got %d, want 415", resp.StatusCode)
	}
}

func TestAKeyThatBeganBeforeTheYear0CanBeShown(t *testing.T) {
	v := newService(t, setup{})
	alice := authtest.Principal("alice", "notes:read")
	status, _, made := call(t, v.keys, alice, "POST", "/keys", `{"not_before":"0000-01-01T00:00:00+23:59"}`)
	if key, _ := made["key"].(string); status != 201 || key == "" {
		t.Fatalf("got %d %v, want a key", status, made)
	}
	if _, _, page := call(t, v.keys, alice, "GET", "/keys", ""); page["keys"] == nil {
		t.Error("the list of the subject's keys can't be written any more")
	}
}

func TestHandlerWithoutAGuardAnswers401(t *testing.T) {
	v := newService(t, setup{})
	for _, method := range []string{"GET", "POST", "DELETE"} {
		status, header, _ := call(t, v.keys, nil, method, "/keys/", "{}")
		if status != 401 || header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: got %d, %v", method, status, header)
		}
	}
}

func TestHandlerOverAStoreThatFails(t *testing.T) {
	v := newService(t, setup{})
	alice := authtest.Principal("alice", "notes:read")
	v.store.find = func(context.Context, string) (*apikey.Record, error) { return nil, errors.New("secret dsn") }
	status, header, body := call(t, v.keys, alice, "GET", "/keys/"+v.issued.Record.ID, "")
	if status != 503 || header.Get("Retry-After") != "1" || strings.Contains(body["detail"].(string), "dsn") {
		t.Errorf("got %d %v %v", status, header, body)
	}
	if status, _, made := call(t, v.keys, alice, "POST", "/keys", "{}"); status != 201 || made["scopes"] == nil {
		t.Errorf("a key without scopes: got %d %v", status, made)
	}
	v.store.find = nil
	v.store.update = func(context.Context, *apikey.Record) error { return errors.New("secret dsn") }
	if status, _, _ := call(t, v.keys, alice, "DELETE", "/keys/"+v.issued.Record.ID, ""); status != 503 {
		t.Errorf("got %d for a store that does not write", status)
	}
	full := newKeys(t, func(c *apikey.Config) { c.Store = apikey.NewMemoryStore(apikey.MemoryConfig{MaxKeys: 1}) })
	mustCreate(t, full, nil)
	if status, _, _ := call(t, full, alice, "POST", "/keys", "{}"); status != 507 {
		t.Errorf("got %d for a full store, want 507", status)
	}
}

func TestHandlerBehindAGuard(t *testing.T) {
	v := newService(t, setup{})
	h := v.guard.Handler(v.keys.Handler())
	r := v.request(v.key())
	r.URL.Path = "/"
	if resp := authtest.Do(h, r); resp.StatusCode != 200 {
		t.Errorf("got %d", resp.StatusCode)
	}
	if resp := authtest.Do(h, authtest.Request("GET", "/")); resp.StatusCode != 401 {
		t.Errorf("got %d without a key", resp.StatusCode)
	}
	v.clock.Add(time.Second)
}
