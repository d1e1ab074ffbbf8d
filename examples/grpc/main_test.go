package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/jwt"
)

// connect serves on loopback and returns a connection.
func connect(t *testing.T, server *grpc.Server) *grpc.ClientConn {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	connection, err := dial(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	return connection
}

func TestCalls(t *testing.T) {
	s, err := newService()
	if err != nil {
		t.Fatal(err)
	}
	connection := connect(t, s.server)
	key := func(r apikey.Request) string {
		t.Helper()
		issued, err := s.keys.Create(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return issued.Secret.Reveal()
	}
	token := func(g jwt.Grant) string {
		t.Helper()
		issued, err := s.tokens.Issue(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		return issued.Token
	}
	read, all := auth.MustScopeSet("notes:read"), auth.MustScopeSet("notes:read", "notes:watch")
	thumbprint := jwt.Confirmation{JWKThumbprint: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}
	for _, tt := range []struct {
		name, credential string
		get, watch       codes.Code
	}{
		{"nobody", "", codes.Unauthenticated, codes.Unauthenticated},
		{"what nobody knows", "guess", codes.Unauthenticated, codes.Unauthenticated},
		{"a key that is none", "notes_live_guess", codes.Unauthenticated, codes.Unauthenticated},
		{"a token that is none", "a.b.c", codes.Unauthenticated, codes.Unauthenticated},
		{"a key that reads", key(apikey.Request{Subject: "alice", Scopes: read}), codes.OK, codes.PermissionDenied},
		{"a key that does both", key(apikey.Request{Subject: "alice", Scopes: all}), codes.OK, codes.OK},
		{"a key from here", key(apikey.Request{Subject: "alice", Scopes: all, Networks: networks("127.0.0.0/8")}), codes.OK, codes.OK},
		{"a key for elsewhere", key(apikey.Request{Subject: "alice", Scopes: all, Networks: networks("192.0.2.0/24")}), codes.PermissionDenied, codes.PermissionDenied},
		{"a token that reads", token(jwt.Grant{Subject: "alice", ClientID: "cli", Scopes: read}), codes.OK, codes.PermissionDenied},
		{"a token that does both", token(jwt.Grant{Subject: "alice", ClientID: "cli", Scopes: all}), codes.OK, codes.OK},
		{"a token bound to a key", token(jwt.Grant{Subject: "alice", ClientID: "cli", Scopes: all, Confirmation: thumbprint}), codes.Unauthenticated, codes.Unauthenticated},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx := as(t.Context(), tt.credential)
			text, err := get(ctx, connection, methodGet)
			if status.Code(err) != tt.get || err == nil && text != "the note of alice" {
				t.Errorf("Get: got %q, %v, want %v", text, err, tt.get)
			}
			texts, err := watch(ctx, connection)
			if status.Code(err) != tt.watch || err == nil && !slices.Equal(texts, []string{"first for alice", "second for alice"}) {
				t.Errorf("Watch: got %q, %v, want %v", texts, err, tt.watch)
			}
			if _, err := get(ctx, connection, methodPurge); status.Code(err) != codes.Unimplemented {
				t.Errorf("a method that states nothing: got %v, want %v", err, codes.Unimplemented)
			}
		})
	}
	twice := metadata.AppendToOutgoingContext(as(t.Context(), "a"), "authorization", "Bearer b")
	if _, err := get(twice, connection, methodGet); status.Code(err) != codes.InvalidArgument {
		t.Errorf("two credentials: got %v, want %v", err, codes.InvalidArgument)
	}
}

func networks(text string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(text)} }

func TestKindsBecomeCodes(t *testing.T) {
	var answer error
	g, err := newGate(func(context.Context, string, netip.Addr) (*auth.Principal, error) { return nil, answer },
		map[string]auth.Requirement{methodGet: auth.Scopes("notes:read")})
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.UnaryInterceptor(g.unary), grpc.StreamInterceptor(g.stream))
	server.RegisterService(&notesService, notes{})
	connection := connect(t, server)
	for _, tt := range []struct {
		name  string
		err   error
		code  codes.Code
		retry bool
	}{
		{"not accepted", auth.Invalid(auth.ReasonExpired, nil), codes.Unauthenticated, false},
		{"a stronger login would do", &auth.Error{Kind: auth.KindStepUp}, codes.Unauthenticated, false},
		{"not allowed", auth.Forbidden(auth.ReasonAddress, nil), codes.PermissionDenied, false},
		{"too many tries", auth.Throttled(0), codes.ResourceExhausted, true},
		{"a store that does not answer", auth.Unavailable(errors.New("password of the database")), codes.Unavailable, true},
		{"an error of nobody's", errors.New("password of the database"), codes.Unavailable, true},
		{"neither a principal nor an error", nil, codes.Unavailable, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer = tt.err
			_, err := get(as(t.Context(), "token"), connection, methodGet)
			got := status.Convert(err)
			if got.Code() != tt.code {
				t.Fatalf("got %v, want %v", err, tt.code)
			}
			if want := auth.AsError(tt.err); want != nil && got.Message() != want.Error() {
				t.Errorf("got text %q, want the public one, %q", got.Message(), want.Error())
			}
			retry := slices.ContainsFunc(got.Details(), func(d any) bool { _, ok := d.(*errdetails.RetryInfo); return ok })
			if retry != tt.retry {
				t.Errorf("got retry info: %v, want %v", retry, tt.retry)
			}
		})
	}
}

func TestARequirementBuiltWrongIsFoundAtTheStart(t *testing.T) {
	if _, err := newGate(nil, map[string]auth.Requirement{methodGet: auth.Scopes("not a scope")}); err == nil {
		t.Error("got no error")
	}
}

func TestAServerWithoutInterceptorsRefuses(t *testing.T) {
	server := grpc.NewServer()
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: notesService.ServiceName, HandlerType: notesService.HandlerType, Streams: notesService.Streams,
	}, notes{})
	if _, err := watch(as(t.Context(), "token"), connect(t, server)); status.Code(err) != codes.Unauthenticated {
		t.Errorf("got %v, want %v", err, codes.Unauthenticated)
	}
}

func TestAStreamEndsWithItsCredential(t *testing.T) {
	end := time.Now().Add(time.Hour).Truncate(time.Second)
	p, err := auth.NewPrincipal(auth.PrincipalConfig{Subject: "alice", Scopes: auth.MustScopeSet("notes:watch"), ExpiresAt: end})
	if err != nil {
		t.Fatal(err)
	}
	g, err := newGate(func(context.Context, string, netip.Addr) (*auth.Principal, error) { return p, nil },
		map[string]auth.Requirement{methodWatch: auth.Scopes("notes:watch")})
	if err != nil {
		t.Fatal(err)
	}
	in := serverStream{ctx: metadata.NewIncomingContext(t.Context(), metadata.Pairs("authorization", "Bearer token"))}
	err = g.stream(nil, in, &grpc.StreamServerInfo{FullMethod: methodWatch}, func(_ any, stream grpc.ServerStream) error {
		if got, ok := stream.Context().Deadline(); !ok || !got.Equal(end) {
			t.Errorf("got deadline %v, want %v", got, end)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAHandlerIsTestedWithoutAnyOfThis(t *testing.T) {
	got, err := notes{}.get(auth.NewContext(t.Context(), authtest.Principal("alice")))
	if err != nil || got.GetValue() != "the note of alice" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestRun(t *testing.T) {
	if err := run(t.Context()); err != nil {
		t.Fatal(err)
	}
}
