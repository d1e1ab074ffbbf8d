package main

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/cardea-go/auth/rbac"
)

var (
	errDown      = errors.New("the database does not answer")
	errSuspended = errors.New("the tenant is suspended")
)

type document struct {
	ID, Tenant, Text string
}

// database stands for the real one. Documents can only be had by way of a tenant: a query that forgets the tenant can't be
// written. In SQL, this is a view of one tenant, or row-level security.
type database struct {
	mu        sync.RWMutex
	down      bool
	suspended map[string]bool          // tenants that no longer pay
	members   map[string]rbac.Bindings // what each subject is assigned, in all tenants
	documents map[[2]string]document   // by tenant and id: ids of two tenants may be the same
}

// bindings returns what the subject is assigned. Each answer is a new list: one that was handed out does not change.
func (d *database) bindings(_ context.Context, tenant, subject string) (rbac.Bindings, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.down {
		return nil, errDown
	}
	if d.suspended[tenant] {
		return nil, errSuspended
	}
	return slices.Clone(d.members[subject]), nil
}

func (d *database) assign(subject string, b rbac.Binding, check func(rbac.Bindings) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := append(slices.Clone(d.members[subject]), b)
	if err := check(next); err != nil {
		return err
	}
	d.members[subject] = next
	return nil
}

// tenantView is all of the database that belongs to one tenant.
type tenantView struct {
	d      *database
	tenant string
}

func (d *database) of(tenant string) tenantView { return tenantView{d, tenant} }

func (v tenantView) find(id string) (document, bool) {
	v.d.mu.RLock()
	defer v.d.mu.RUnlock()
	doc, ok := v.d.documents[[2]string{v.tenant, id}]
	return doc, ok
}

func (v tenantView) put(id, text string) {
	v.d.mu.Lock()
	defer v.d.mu.Unlock()
	v.d.documents[[2]string{v.tenant, id}] = document{id, v.tenant, text}
}

func (v tenantView) ids() []string {
	v.d.mu.RLock()
	defer v.d.mu.RUnlock()
	var ids []string
	for key := range v.d.documents {
		if key[0] == v.tenant {
			ids = append(ids, key[1])
		}
	}
	slices.Sort(ids)
	return ids
}
