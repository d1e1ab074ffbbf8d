// Command mcp is a server of the Model Context Protocol (MCP) that is an OAuth resource server: the transport of the
// official SDK behind a guard that accepts access tokens made for this server, and tells clients that have none where to
// get one.
//
//	go run -C examples ./mcp
//
// It listens on loopback and prints lines to paste. What is answered, and what a client makes of it:
//
//	no token            401  resource_metadata leads to the authorization server, scope is what to ask it for
//	not for this URL    401  invalid_token: a token that was made for another service is none here
//	a scope is missing  403  insufficient_scope, and all scopes that the tool needs: the client asks for them and tries again
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/oauth2"
	"github.com/cardea-go/auth/oauth2/server"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const address = "localhost:8080"

func main() {
	s, err := newService(context.Background(), "http://"+address)
	if err != nil {
		log.Fatal(err)
	}
	s.printTour(os.Stdout, "http://"+address)
	httpServer := &http.Server{Addr: address, Handler: s.handler, ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(httpServer.ListenAndServe())
}

// service is the MCP server, and the token endpoint beside it.
type service struct {
	resource, issuer string // URLs: ours, which is the aud of tokens, and theirs
	secrets          map[string]server.Secret
	guard            *middleware.Guard
	tools            *mcp.Server
	transport        http.Handler
	guarded          map[string]http.Handler // transport behind what a tool needs, by the tool's name
	notes            notebook
	handler          http.Handler
}

func newService(ctx context.Context, base string) (*service, error) {
	s := &service{
		resource: base + "/mcp", issuer: base + "/oauth",
		guarded: map[string]http.Handler{}, notes: notebook{of: map[[2]string][]string{}},
	}
	keys, err := jwt.NewKeyRing(ctx, jwt.KeyRingConfig{})
	if err != nil {
		return nil, err
	}
	tokens, err := s.newTokens(keys)
	if err != nil {
		return nil, err
	}
	metadata, err := s.protect(keys)
	if err != nil {
		return nil, err
	}
	if err := s.addTools(); err != nil {
		return nil, err
	}
	mux := middleware.NewMux(middleware.MuxConfig{Guard: s.guard})
	mux.HandleFunc("POST /mcp", middleware.Authenticated(), s.serve)
	mux.Handle(metadata.Path(), middleware.Public(), metadata) // /.well-known/oauth-protected-resource/mcp
	mux.Handle("/.well-known/", middleware.Public(), tokens)   // with an authorization server elsewhere, these two go
	mux.Handle("/oauth/", middleware.Public(), tokens)
	handler, err := mux.Build()
	if err != nil {
		return nil, err
	}
	// MCP asks for a check of Origin. Clients in pages of other origins need AddTrustedOrigin here, and CORS around it.
	s.handler = http.NewCrossOriginProtection().Handler(handler)
	return s, nil
}

// protect makes the guard. It returns what clients read before they have a token (RFC 9728).
func (s *service) protect(keys jwt.KeySource) (*oauth2.Metadata, error) {
	verifier, err := oauth2.NewJWTVerifier(oauth2.JWTConfig{Config: jwt.Config{
		Issuer: s.issuer, Keys: keys, Algorithms: []jwt.Algorithm{jwt.EdDSA}, // elsewhere: jwt.NewRemote for the keys
		Audience: []string{s.resource}, // this server's URL as clients have it: behind a proxy, the one outside
	}})
	if err != nil {
		return nil, err
	}
	// What to ask for at first: the least that is of use. Of the rest, clients learn from the 403 of what needs it.
	basic := []string{"notes:read"}
	authenticator, err := oauth2.NewAuthenticator(oauth2.AuthenticatorConfig{
		Verifier: verifier, AskFor: basic,
		Resource: &oauth2.Resource{URL: s.resource, AuthorizationServers: []string{s.issuer}, Scopes: basic, Name: "Notes"},
	})
	if err != nil {
		return nil, err
	}
	// The token is for this server and goes no further: a tool that calls another API does so with a token for that one.
	// RemoveCredentials sees to it, for the SDK shows tools the headers. For production, add an Observer and an ErrorLog.
	s.guard, err = middleware.New(middleware.Config{Authenticator: authenticator, RemoveCredentials: true})
	return authenticator.Metadata(), err
}

// addTools makes the MCP server and its tools.
func (s *service) addTools() error {
	s.tools = mcp.NewServer(&mcp.Implementation{Name: "notes", Version: "1.0.0"}, nil)
	// Stateless: every message proves who sent it, and ctx in a tool is that of the request that called it. MCP 2026-07-28
	// knows nothing else, and clients of before are served too. In a session of the SDK, ctx is that of the request that
	// began it: whoever knows the session's id acts as who began it, with the scopes of then. It is no credential.
	//
	// Who can't do without sessions leaves RemoveCredentials out and puts the SDK's RequireBearerToken between guard and
	// transport, with a verifier that makes a TokenInfo of ctx's principal: UserID is issuer and subject, to which the SDK
	// then holds the session, and in Extra is the principal itself, for tools to take it from there and not from ctx.
	s.transport = mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return s.tools },
		&mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true, PropagateRequestCancellation: true})
	if err := addTool(s, "list_notes", "Lists your notes.", auth.Scopes("notes:read"), s.notes.list); err != nil {
		return err
	}
	return addTool(s, "add_note", "Adds a note.", auth.Scopes("notes:read", "notes:write"), s.notes.add)
}

// addTool adds a tool with what its callers need. Add tools by it alone, so that none is open by omission. All of them are
// listed to every caller: a client has to know of a tool to ask for its scopes.
func addTool[In, Out any](s *service, name, description string, needs auth.Requirement, run func(*auth.Principal, In) Out) error {
	guard, err := s.guard.Require(needs)
	if err != nil {
		return err
	}
	s.guarded[name] = guard.Handler(s.transport)
	mcp.AddTool(s.tools, &mcp.Tool{Name: name, Description: description},
		func(ctx context.Context, _ *mcp.CallToolRequest, in In) (*mcp.CallToolResult, Out, error) {
			caller, _ := auth.FromContext(ctx)
			if err := needs.Check(ctx, caller); err != nil { // without a caller too
				return nil, *new(Out), auth.AsError(err) // the text of an auth.Error is public
			}
			return nil, run(caller, in), nil
		})
	return nil
}

const maxMessage = 1 << 20

// serve asks for what a call of a tool needs before the transport begins to answer: by MCP it is refused with 403 and all
// scopes of the operation, which clients know what to do with, and not inside of a 200. Clients of 2026-07-28 repeat the
// tool's name in the header Mcp-Name, older ones don't, so the message is looked into, once it is known who sent it.
//
// This look decides how a refusal is said. Whether there is one, the tool decides itself: the SDK reads the message with
// a parser of its own, and takes several in one from old clients, so that it may see a call where there seems to be none.
//
// For production: a subscription (subscriptions/listen) is a request that lasts, and may outlive its token. Where there is
// something to subscribe to, end it with the token, as the example grpc does with streams.
func (s *service) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
	if err != nil {
		http.Error(w, "the message is too long, or broken off", http.StatusRequestEntityTooLarge)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var call struct {
		Method string
		Params struct{ Name string }
	}
	next := s.transport
	if json.Unmarshal(body, &call) == nil && call.Method == "tools/call" && s.guarded[call.Params.Name] != nil {
		next = s.guarded[call.Params.Name]
	}
	next.ServeHTTP(w, r)
}

// printTour prints lines that can be pasted into a shell, in this order, each with what to expect.
func (s *service) printTour(out io.Writer, base string) {
	line := func(expect, command string, args ...any) {
		fmt.Fprintf(out, "\n# %s\n%s\n", expect, fmt.Sprintf(command, args...))
	}
	token := func(expect, scopes, resource string) {
		line(expect, `token=$(curl -s -u alice:%s -d grant_type=client_credentials -d scope="%s" -d resource=%s %s/token | sed 's/.*"access_token":"\([^"]*\).*/\1/')`,
			s.secrets["alice"].Reveal(), scopes, resource, s.issuer)
	}
	line("401: the challenge says where to read on, and which scope to ask for", "curl -i -X POST %s", s.resource)
	line("200: whose tokens are taken here", "curl -i %s/.well-known/oauth-protected-resource/mcp", base)
	line("200: and where that one has its endpoints", "curl -i %s/.well-known/oauth-authorization-server/oauth", base)
	line("a call of a tool, as MCP 2026-07-28 has it", `call() { curl -i -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
  -H 'Accept: application/json, text/event-stream' -H 'MCP-Protocol-Version: 2026-07-28' -H 'Mcp-Method: tools/call' -H "Mcp-Name: $1" \
  -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"'"$1"'","arguments":'"$2"',"_meta":{
  "io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}' %s; }`, s.resource)
	token("a token for this server, with the scope that the challenge named", "notes:read", s.resource)
	line("200: alice's notes", `call list_notes '{}'`)
	line("403: the challenge names both scopes that this tool needs", `call add_note '{"text":"buy milk"}'`)
	token("a token with both", "notes:read notes:write", s.resource)
	line("200: it is done", `call add_note '{"text":"buy milk"}'`)
	token("a token with both for another service", "notes:read notes:write", otherService)
	line("401: which is none here", `call list_notes '{}'`)
	fmt.Fprintln(out)
}
