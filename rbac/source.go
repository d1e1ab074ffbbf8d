package rbac

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// A Source is where a policy's text comes from. Load is called by one goroutine at a time.
type Source interface {
	// Load returns the policy as it is now, or [ErrUnchanged] where the source can tell that it is what the last Load
	// returned.
	Load(ctx context.Context) (Text, error)
}

// A Text is an uncompiled policy: what [Parse] takes.
type Text struct {
	Name string
	Data []byte
}

// ErrUnchanged is what a [Source] returns instead of the text that it returned last.
var ErrUnchanged = errors.New("rbac: the policy has not changed")

// SourceFunc is a [Source] made of a function.
type SourceFunc func(ctx context.Context) (Text, error)

// Load implements [Source].
func (f SourceFunc) Load(ctx context.Context) (Text, error) { return f(ctx) }

// File returns the source that reads a file. It looks at what the path leads to each time, so that it follows a symbolic
// link that is swapped, as Kubernetes swaps those of a mounted ConfigMap, and a file that is replaced by a rename. It reads
// the file at each look: an equal time of modification does not mean an equal file.
//
// Replace the file by a rename. One that is written in place can be read half-written, and half of a YAML policy may be a
// policy: without the guardrails that come after. Where that can't be helped, end the file with its tests and set
// [ReloaderConfig.RequireTests], which refuses every such half.
func File(path string) Source { return &fileSource{path: path} }

type fileSource struct {
	path string
	mu   sync.Mutex
	last *[sha256.Size]byte // of what was read last; nil where that failed
}

func (f *fileSource) Load(context.Context) (Text, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	data, err := f.read()
	if err != nil {
		f.last = nil
		return Text{}, fmt.Errorf("rbac: policy file: %w", err)
	}
	sum := sha256.Sum256(data)
	if f.last != nil && *f.last == sum {
		return Text{}, ErrUnchanged
	}
	f.last = &sum
	return Text{f.path, data}, nil
}

func (f *fileSource) read() ([]byte, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	return io.ReadAll(io.LimitReader(file, MaxFileBytes+1))
}
