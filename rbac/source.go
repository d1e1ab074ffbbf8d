package rbac

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
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
// link that is swapped, as Kubernetes swaps those of a mounted ConfigMap, and a file that is replaced by a rename.
func File(path string) Source { return &fileSource{path: path} }

// settled is how old a modification must be before an equal time of modification means an equal file: file systems keep
// that time in steps of up to two seconds.
const settled = 3 * time.Second

type fileSource struct {
	path string
	mu   sync.Mutex
	last os.FileInfo
	read time.Time
}

func (f *fileSource) Load(context.Context) (Text, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	file, err := os.Open(f.path)
	if err != nil {
		f.last = nil
		return Text{}, fmt.Errorf("rbac: policy file: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	info, err := file.Stat()
	if err != nil {
		f.last = nil
		return Text{}, fmt.Errorf("rbac: policy file: %w", err)
	}
	if f.unchanged(info) {
		return Text{}, ErrUnchanged
	}
	read := time.Now()
	data, err := io.ReadAll(io.LimitReader(file, MaxFileBytes+1))
	if err != nil {
		f.last = nil
		return Text{}, fmt.Errorf("rbac: policy file: %w", err)
	}
	f.last, f.read = info, read
	return Text{f.path, data}, nil
}

func (f *fileSource) unchanged(info os.FileInfo) bool {
	return f.last != nil && os.SameFile(f.last, info) && f.last.Size() == info.Size() &&
		f.last.ModTime().Equal(info.ModTime()) && f.read.Sub(info.ModTime()) > settled
}
