package main

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/cardea-go/auth"
)

// This file stands in for what protoc generates from
//
//	service Notes {
//	  rpc Get(google.protobuf.Empty) returns (google.protobuf.StringValue);
//	  rpc Watch(google.protobuf.Empty) returns (stream google.protobuf.StringValue);
//	}
//
// and for the service itself: notes.
const (
	methodGet   = "/example.Notes/Get"
	methodWatch = "/example.Notes/Watch"
	methodPurge = "/example.Notes/Purge" // somebody forgot to say who may
)

type notes struct{}

func (notes) get(ctx context.Context) (*wrapperspb.StringValue, error) {
	principal, ok := auth.FromContext(ctx)
	if !ok { // somebody served this without the interceptors
		return nil, statusOf(auth.ErrNoCredential)
	}
	return wrapperspb.String("the note of " + principal.Subject()), nil
}

func (notes) watch(stream grpc.ServerStream) error {
	principal, ok := auth.FromContext(stream.Context())
	if !ok {
		return statusOf(auth.ErrNoCredential)
	}
	for _, text := range []string{"first", "second"} {
		if err := stream.SendMsg(wrapperspb.String(text + " for " + principal.Subject())); err != nil {
			return err
		}
	}
	return nil
}

func unaryGet(srv any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
	in := new(emptypb.Empty)
	if err := decode(in); err != nil {
		return nil, err
	}
	handler := func(ctx context.Context, _ any) (any, error) { return srv.(notes).get(ctx) }
	return interceptor(ctx, in, &grpc.UnaryServerInfo{Server: srv, FullMethod: grpc.ServerTransportStreamFromContext(ctx).Method()}, handler)
}

var notesService = grpc.ServiceDesc{
	ServiceName: "example.Notes",
	HandlerType: (*any)(nil),
	Methods:     []grpc.MethodDesc{{MethodName: "Get", Handler: unaryGet}, {MethodName: "Purge", Handler: unaryGet}},
	Streams: []grpc.StreamDesc{{
		StreamName: "Watch", ServerStreams: true,
		Handler: func(srv any, stream grpc.ServerStream) error { return srv.(notes).watch(stream) },
	}},
}

// get calls Get, or another method of that shape.
func get(ctx context.Context, c grpc.ClientConnInterface, method string) (string, error) {
	out := new(wrapperspb.StringValue)
	err := c.Invoke(ctx, method, new(emptypb.Empty), out)
	return out.GetValue(), err
}

func watch(ctx context.Context, c grpc.ClientConnInterface) ([]string, error) {
	stream, err := c.NewStream(ctx, &notesService.Streams[0], methodWatch)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(stream.SendMsg(new(emptypb.Empty)), stream.CloseSend()); err != nil {
		return nil, err
	}
	var texts []string
	for {
		out := new(wrapperspb.StringValue)
		switch err := stream.RecvMsg(out); {
		case errors.Is(err, io.EOF):
			return texts, nil
		case err != nil:
			return texts, err
		}
		texts = append(texts, out.GetValue())
	}
}
