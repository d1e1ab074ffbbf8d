package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cardea-go/auth/authtest"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// world is the service on a real server.
type world struct {
	*service
	t    *testing.T
	base string
}

func start(t *testing.T) *world {
	t.Helper()
	httpServer := httptest.NewUnstartedServer(nil)
	base := "http://" + httpServer.Listener.Addr().String()
	s, err := newService(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	httpServer.Config.Handler = s.handler
	httpServer.Start()
	t.Cleanup(httpServer.Close)
	return &world{s, t, base}
}

// token gets one, as client id, without a look at any metadata.
func (w *world) token(id, scopes, resource string) string {
	w.t.Helper()
	token, err := w.tokenSource(id, scopes, w.issuer+"/token", resource).Token(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return token.AccessToken
}

func (w *world) tokenSource(id, scopes, endpoint, resource string) *clientcredentials.Config {
	return &clientcredentials.Config{
		ClientID: id, ClientSecret: w.secrets[id].Reveal(), TokenURL: endpoint, Scopes: strings.Fields(scopes),
		AuthStyle: oauth2.AuthStyleInHeader, EndpointParams: url.Values{"resource": {resource}},
	}
}

// post sends a message as clients of before 2026-07-28 do, which repeat nothing of it in headers.
func (w *world) post(token, message string, headers ...string) (*http.Response, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.resource, strings.NewReader(message))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp, string(body)
}

func call(tool, arguments string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, tool, arguments)
}

// agent authorizes a client of the SDK. It knows an id and a secret; all else it finds where MCP says. The SDK's own
// handler for this grant names no resource, and wants to read of PKCE where there is no authorization endpoint.
type agent struct {
	w  *world
	id string

	mu     sync.Mutex
	tokens oauth2.TokenSource
	asked  []string // the scopes of each request for a token
}

func (a *agent) TokenSource(context.Context) (oauth2.TokenSource, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.tokens, nil
}

func (a *agent) Authorize(ctx context.Context, r *http.Request, resp *http.Response) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	_ = resp.Body.Close()
	challenges, err := oauthex.ParseWWWAuthenticate(resp.Header.Values("WWW-Authenticate"))
	if err != nil || len(challenges) != 1 || challenges[0].Scheme != "bearer" {
		return fmt.Errorf("got challenges %v and error %w, want one for a bearer token", challenges, err)
	}
	challenge := challenges[0].Params
	if missing := resp.StatusCode == http.StatusForbidden && challenge["error"] == "insufficient_scope"; !missing && a.tokens != nil {
		return errors.New("the token is refused, and no other will do")
	}
	resource, err := oauthex.GetProtectedResourceMetadata(ctx, challenge["resource_metadata"], r.URL.String(), http.DefaultClient)
	if err != nil {
		return err
	}
	endpoint, err := tokenEndpoint(ctx, resource.AuthorizationServers[0])
	if err != nil {
		return err
	}
	scopes := challenge["scope"]
	if len(a.asked) > 0 { // "the union of the client's previously requested scope set and the scopes from the current challenge"
		union := append(strings.Fields(a.asked[len(a.asked)-1]), strings.Fields(scopes)...)
		slices.Sort(union)
		scopes = strings.Join(slices.Compact(union), " ")
	}
	a.asked = append(a.asked, scopes)
	token, err := a.w.tokenSource(a.id, scopes, endpoint, resource.Resource).Token(ctx)
	if err != nil {
		return err
	}
	a.tokens = oauth2.StaticTokenSource(token)
	return nil
}

// tokenEndpoint reads the metadata of an authorization server (RFC 8414 §3).
func tokenEndpoint(ctx context.Context, issuer string) (string, error) {
	u, err := url.Parse(issuer)
	if err != nil {
		return "", err
	}
	u.Path = "/.well-known/oauth-authorization-server" + u.Path
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	var metadata struct {
		Issuer        string `json:"issuer"`
		TokenEndpoint string `json:"token_endpoint"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&metadata); err != nil {
		return "", err
	}
	if metadata.Issuer != issuer { // §3.3
		return "", fmt.Errorf("got metadata of %q, want that of %q", metadata.Issuer, issuer)
	}
	return metadata.TokenEndpoint, nil
}

func (a *agent) connect(version string) *mcp.ClientSession {
	a.w.t.Helper()
	session, err := mcp.NewClient(&mcp.Implementation{Name: a.id, Version: "1"}, nil).Connect(a.w.t.Context(),
		&mcp.StreamableClientTransport{Endpoint: a.w.resource, OAuthHandler: a}, &mcp.ClientSessionOptions{ProtocolVersion: version})
	if err != nil {
		a.w.t.Fatal(err)
	}
	a.w.t.Cleanup(func() { _ = session.Close() })
	return session
}

// versions are the protocol with sessions, which this server does without, and the one that knows none.
var versions = []string{"2025-11-25", "2026-07-28"}

// TestClientFindsItsWay has nothing but the server's URL to begin with.
func TestClientFindsItsWay(t *testing.T) {
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			alice := &agent{w: start(t), id: "alice"}
			session := alice.connect(version)
			if got := session.InitializeResult().ProtocolVersion; got != version {
				t.Fatalf("got protocol version %s, want %s", got, version)
			}
			tools, err := session.ListTools(t.Context(), nil)
			if err != nil || len(tools.Tools) != 2 {
				t.Fatalf("got %v and error %v, want two tools", tools, err)
			}
			for _, step := range []struct {
				tool      string
				arguments map[string]any
				want      string
			}{
				{"list_notes", map[string]any{}, `{"notes":[]}`},
				{"add_note", map[string]any{"text": "buy milk"}, `{"notes":["buy milk"]}`},
				{"list_notes", map[string]any{}, `{"notes":["buy milk"]}`},
			} {
				result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: step.tool, Arguments: step.arguments})
				if err != nil || result.IsError {
					t.Fatalf("%s: got %+v and error %v", step.tool, result, err)
				}
				if got := result.Content[0].(*mcp.TextContent).Text; got != step.want {
					t.Errorf("%s: got %s, want %s", step.tool, got, step.want)
				}
			}
			if want := []string{"notes:read", "notes:read notes:write"}; !slices.Equal(alice.asked, want) {
				t.Errorf("got tokens asked for with %q, want %q: little at first, more where it is needed", alice.asked, want)
			}
		})
	}
}

func TestClientThatMayNotWrite(t *testing.T) {
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			bob := &agent{w: start(t), id: "bob"}
			session := bob.connect(version)
			result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "add_note", Arguments: map[string]any{"text": "x"}})
			var refused *oauth2.RetrieveError
			if !errors.As(err, &refused) || refused.ErrorCode != "invalid_scope" {
				t.Errorf("got %+v and error %v, want the authorization server's refusal", result, err)
			}
			if _, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "list_notes"}); err != nil {
				t.Errorf("got %v after a refusal, want what bob may do to go on", err)
			}
			if len(bob.w.notes.of) != 0 {
				t.Errorf("got notes %v", bob.w.notes.of)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	w := start(t)
	reader, writer := w.token("bob", "notes:read", w.resource), w.token("alice", "notes:write", w.resource)
	other := w.token("alice", "notes:read notes:write", otherService)
	list, add := call("list_notes", "{}"), call("add_note", `{"text":"x"}`)
	for _, tt := range []struct {
		name, token, message string
		status               int
		code, scope          string
	}{
		{"nothing sent", "", list, 401, "", "notes:read"},
		{"nothing sent and nothing said", "", "", 401, "", "notes:read"},
		{"a token that is none", "guess", list, 401, "invalid_token", "notes:read"},
		{"a token for another service", other, list, 401, "invalid_token", "notes:read"},
		{"too little for a tool: all that it needs is named", reader, add, 403, "insufficient_scope", "notes:read notes:write"},
		{"and all of it where a part is there", writer, add, 403, "insufficient_scope", "notes:read notes:write"},
		{"for another tool, what that needs", writer, list, 403, "insufficient_scope", "notes:read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := w.post(tt.token, tt.message)
			if resp.StatusCode != tt.status {
				t.Fatalf("got %d %s, want %d", resp.StatusCode, body, tt.status)
			}
			authtest.AssertChallenge(t, resp, "Bearer", "error", tt.code, "scope", tt.scope,
				"resource_metadata", w.base+"/.well-known/oauth-protected-resource/mcp")
		})
	}
	if len(w.notes.of) != 0 {
		t.Errorf("got notes %v", w.notes.of)
	}
	if resp, body := w.post(reader, list, "Origin", "https://elsewhere.example"); resp.StatusCode != 403 {
		t.Errorf("from a page of another origin: got %d %s, want 403", resp.StatusCode, body)
	}
	if resp, body := w.post(reader, strings.Repeat(" ", maxMessage)+list); resp.StatusCode != 413 {
		t.Errorf("a long message: got %d %s, want 413", resp.StatusCode, body)
	}
}

// TestToolsAskForThemselves sends calls that the look into the message misses, and headers that say something else.
func TestToolsAskForThemselves(t *testing.T) {
	w := start(t)
	reader := w.token("bob", "notes:read", w.resource)
	add := call("add_note", `{"text":"x"}`)
	for name, message := range map[string]string{
		"several messages in one":                "[" + add + "]",
		"a member that differs by its case only": strings.TrimSuffix(add, "}") + `,"Params":{"name":"list_notes"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := w.post(reader, message, "Mcp-Method", "tools/call", "Mcp-Name", "list_notes")
			if resp.StatusCode != 200 || !strings.Contains(body, `"isError":true`) || !strings.Contains(body, "the credential does not allow this") {
				t.Errorf("got %d %s, want the tool's own refusal", resp.StatusCode, body)
			}
		})
	}
	if len(w.notes.of) != 0 {
		t.Errorf("got notes %v", w.notes.of)
	}
}

// TestSessionIsNoCredential has bob name the session that alice began, as clients of before 2026-07-28 begin one.
func TestSessionIsNoCredential(t *testing.T) {
	w := start(t)
	alice, bob := w.token("alice", "notes:read notes:write", w.resource), w.token("bob", "notes:read", w.resource)
	resp, body := w.post(alice, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{
		"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"alice","version":"1"}}}`)
	if resp.StatusCode != 200 {
		t.Fatalf("got %d %s", resp.StatusCode, body)
	}
	session := resp.Header.Get("Mcp-Session-Id")
	if session == "" {
		session = "any" // there is none to begin with
	}
	hers := []string{"Mcp-Session-Id", session, "MCP-Protocol-Version", "2025-11-25"}
	if resp, body := w.post(alice, call("add_note", `{"text":"secret"}`), hers...); resp.StatusCode != 200 || !strings.Contains(body, "secret") {
		t.Fatalf("got %d %s, want alice's note to be there", resp.StatusCode, body)
	}
	if resp, body := w.post(bob, call("list_notes", "{}"), hers...); strings.Contains(body, "secret") {
		t.Errorf("got alice's notes for bob: %d %s", resp.StatusCode, body)
	}
	if resp, _ := w.post("", call("list_notes", "{}"), hers...); resp.StatusCode != 401 {
		t.Errorf("with a session and no token: got %d, want 401", resp.StatusCode)
	}
}

// TestNoTokenReachesTools looks at what the SDK shows to tools of the request.
func TestNoTokenReachesTools(t *testing.T) {
	w := start(t)
	var seen []http.Header
	w.tools.AddReceivingMiddleware(func(next mcp.MethodHandler) mcp.MethodHandler {
		return func(ctx context.Context, method string, r mcp.Request) (mcp.Result, error) {
			seen = append(seen, r.GetExtra().Header)
			return next(ctx, method, r)
		}
	})
	token := w.token("alice", "notes:read", w.resource)
	if resp, body := w.post(token, call("list_notes", "{}")); resp.StatusCode != 200 {
		t.Fatalf("got %d %s", resp.StatusCode, body)
	}
	if len(seen) != 1 || seen[0].Get("Accept") == "" {
		t.Fatalf("got headers %v, want those of one request", seen)
	}
	if strings.Contains(fmt.Sprint(seen), token) {
		t.Errorf("got the token in %v", seen)
	}
}

// TestTour pastes what main prints into a shell, and compares each status with what its line says.
func TestTour(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		if os.Getenv("AUTH_TEST_REQUIRE_ALL") != "" {
			t.Fatal(err)
		}
		t.Skip("curl is not installed")
	}
	w := start(t)
	var tour bytes.Buffer
	w.printTour(&tour, w.base)
	var want []string
	for _, line := range regexp.MustCompile(`(?m)^# (\d{3}): `).FindAllStringSubmatch(tour.String(), -1) {
		want = append(want, line[1])
	}
	if len(want) < 7 {
		t.Fatalf("got %d lines that say what to expect in %s, want at least 7", len(want), tour.String())
	}
	script := strings.ReplaceAll(tour.String(), "curl -i", `curl -s -o /dev/null -w '%{http_code}\n'`)
	got, err := exec.CommandContext(t.Context(), "sh", "-euc", script).Output()
	if err != nil || !slices.Equal(strings.Fields(string(got)), want) {
		t.Errorf("got %q and error %v, want %q", got, err, want)
	}
}
