package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/cardea-go/auth"
)

// A verifyFunc proves a bearer token. client is the caller's address, the zero Addr where it is not known.
type verifyFunc func(ctx context.Context, token string, client netip.Addr) (*auth.Principal, error)

// gate is for gRPC what a guard is for HTTP: it proves who calls and asks for what the method needs.
type gate struct {
	verify verifyFunc
	needs  map[string]auth.Requirement
}

// newGate returns a gate in which each method asks for something. One that is not named is refused: no method is open by
// omission, reflection and health checks included.
func newGate(verify verifyFunc, needs map[string]auth.Requirement) (*gate, error) {
	var errs []error
	for method, need := range needs {
		if v, ok := need.(auth.Validator); ok { // a guard does this by itself
			if err := v.Validate(); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", method, err))
			}
		}
	}
	return &gate{verify, needs}, errors.Join(errs...)
}

func (g *gate) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	ctx, err := g.authenticate(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	return handler(ctx, req)
}

func (g *gate) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	ctx, err := g.authenticate(ss.Context(), info.FullMethod)
	if err != nil {
		return err
	}
	// A stream may outlive its credential: end it with the credential.
	if p, ok := auth.FromContext(ctx); ok && !p.ExpiresAt().IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, p.ExpiresAt())
		defer cancel()
	}
	return handler(srv, serverStream{ss, ctx})
}

// serverStream is a stream whose context knows the principal.
type serverStream struct {
	grpc.ServerStream
	ctx context.Context //nolint:containedctx // gRPC hands contexts to streams in this way
}

func (s serverStream) Context() context.Context { return s.ctx }

func (g *gate) authenticate(ctx context.Context, method string) (context.Context, error) {
	need, known := g.needs[method]
	if !known {
		return nil, status.Error(codes.Unimplemented, "unknown method")
	}
	principal, err := g.prove(ctx)
	if err == nil {
		err = need.Check(ctx, principal)
	}
	if err != nil {
		return nil, statusOf(err)
	}
	return auth.NewContext(ctx, principal), nil // handlers use auth.FromContext, as they do behind HTTP
}

func (g *gate) prove(ctx context.Context) (*auth.Principal, error) {
	values := metadata.ValueFromIncomingContext(ctx, "authorization")
	switch len(values) {
	case 0:
		return nil, auth.ErrNoCredential
	case 1:
	default:
		return nil, auth.Malformed(auth.ReasonRepeated, nil)
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return nil, auth.ErrNoCredential
	}
	var client netip.Addr
	if p, ok := peer.FromContext(ctx); ok {
		if addr, err := netip.ParseAddrPort(p.Addr.String()); err == nil {
			client = addr.Addr().Unmap()
		}
	}
	principal, err := g.verify(ctx, token, client)
	if err == nil && principal == nil {
		return nil, auth.Unavailable(nil) // a verifier that broke its contract lets nobody in
	}
	return principal, err
}

// statusOf maps the kinds of package auth to codes. The text is the public one: the cause stays behind, for logs.
func statusOf(err error) error {
	e := auth.AsError(err)
	code := codes.Unavailable // and whatever else there may be: never a pass, and clients try again
	switch e.Kind {
	case auth.KindNoCredential, auth.KindInvalid, auth.KindStepUp:
		code = codes.Unauthenticated
	case auth.KindMalformed:
		code = codes.InvalidArgument
	case auth.KindForbidden:
		code = codes.PermissionDenied
	case auth.KindThrottled:
		code = codes.ResourceExhausted
	default:
	}
	s := status.New(code, e.Error())
	if code == codes.ResourceExhausted || code == codes.Unavailable { // what Retry-After says over HTTP
		if detailed, err := s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(max(e.RetryAfter, time.Second))}); err == nil {
			s = detailed
		}
	}
	return s.Err()
}
