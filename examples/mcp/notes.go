package main

import (
	"sync"

	"github.com/cardea-go/auth"
)

// notebook is what the tools are about. It keeps everybody's notes apart.
type notebook struct {
	mu sync.Mutex
	of map[[2]string][]string
}

type (
	noArguments struct{}
	newNote     struct {
		Text string `json:"text" jsonschema:"what to remember"`
	}
	noteList struct {
		Notes []string `json:"notes"`
	}
)

func (n *notebook) list(who *auth.Principal, _ noArguments) noteList {
	n.mu.Lock()
	defer n.mu.Unlock()
	return noteList{append([]string{}, n.of[key(who)]...)}
}

func (n *notebook) add(who *auth.Principal, in newNote) noteList {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.of[key(who)] = append(n.of[key(who)], in.Text)
	return noteList{append([]string{}, n.of[key(who)]...)}
}

// key is what names a principal: a subject alone is only unique for its issuer.
func key(who *auth.Principal) [2]string { return [2]string{who.Issuer(), who.Subject()} }
