package main

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/rbac"
)

// An invoice belongs to a tenant and to whoever created it.
type invoice struct {
	ID            int
	Tenant, Owner string
}

// invoices would be a table of the database.
type invoices struct {
	authorizer *rbac.Authorizer
	mu         sync.Mutex
	next       int
	rows       map[int]invoice
}

func newInvoices(a *rbac.Authorizer) *invoices {
	return &invoices{authorizer: a, next: 2, rows: map[int]invoice{1: {1, "acme", "dora"}}}
}

func (i *invoices) list(w http.ResponseWriter, r *http.Request) {
	p, _ := auth.FromContext(r.Context())
	i.mu.Lock()
	defer i.mu.Unlock()
	found := []invoice{}
	for _, row := range i.rows {
		if row.Tenant == p.Tenant() {
			found = append(found, row)
		}
	}
	_ = json.NewEncoder(w).Encode(found)
}

func (i *invoices) create(w http.ResponseWriter, r *http.Request) {
	p, _ := auth.FromContext(r.Context())
	i.mu.Lock()
	defer i.mu.Unlock()
	row := invoice{i.next, p.Tenant(), p.Subject()}
	i.rows[row.ID] = row
	i.next++
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(row)
}

func (i *invoices) remove(w http.ResponseWriter, r *http.Request) {
	p, _ := auth.FromContext(r.Context())
	id, _ := strconv.Atoi(r.PathValue("id"))
	i.mu.Lock()
	defer i.mu.Unlock()
	row, ok := i.rows[id]
	if !ok || row.Tenant != p.Tenant() {
		http.Error(w, "no such invoice", http.StatusNotFound)
		return
	}
	resource := rbac.Resource{ID: r.PathValue("id"), Tenant: row.Tenant, Owner: row.Owner}
	if err := i.authorizer.CheckOn(r.Context(), "invoice:delete", resource); err != nil {
		middleware.Refuse(w, r, err) // the reasons are in the audit log
		return
	}
	delete(i.rows, id)
	w.WriteHeader(http.StatusNoContent)
}
