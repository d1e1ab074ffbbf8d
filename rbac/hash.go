package rbac

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
)

// hash returns the version of what doc says: everything that decides, sorted, so that the order of writing is gone.
func (doc *document) hash() string {
	h := &hasher{buf: make([]byte, 0, 64*(len(doc.permissions)+2*len(doc.roles)+16))}
	var parts [][]byte
	parts = append(parts, h.row(func() { h.list("permissions", doc.permissions) }))
	rows := make([][]byte, 0, len(doc.roles))
	var grants [][]byte
	for _, r := range doc.roles {
		grants = grants[:0]
		for _, g := range r.allow {
			grants = append(grants, h.row(func() { h.field(g.permission.text); h.list("when", g.when) }))
		}
		rows = append(rows, h.row(func() {
			h.field(r.name.text)
			h.list("inherits", r.inherits)
			h.list("except", r.except)
			h.rows("allow", grants)
		}))
	}
	parts = append(parts, h.row(func() { h.rows("roles", rows) }))
	rows = rows[:0]
	for _, s := range doc.scopes {
		rows = append(rows, h.row(func() { h.field(s.name.text); h.list("permissions", s.permissions) }))
	}
	parts = append(parts, h.row(func() { h.rows("scopes", rows) }))
	rows = rows[:0]
	for _, e := range doc.exclusive {
		rows = append(rows, h.row(func() { h.list(strconv.Itoa(e.max)+strconv.FormatBool(e.atCheck), e.roles) }))
	}
	parts = append(parts, h.row(func() { h.rows("exclusive", rows) }))
	rows = rows[:0]
	for _, d := range doc.deny {
		rows = append(rows, h.row(func() {
			h.list("permissions", d.permissions)
			h.list("when", d.when)
			h.list("unless", d.unless)
			h.field(d.reason)
		}))
	}
	parts = append(parts, h.row(func() { h.rows("deny", rows) }))
	sum := sha256.Sum256(bytes.Join(parts, nil))
	return hex.EncodeToString(sum[:16])
}

// hasher writes fields with their lengths before them, so that no two lists of names look alike. What it has written
// stays where it is, and rows point into it.
type hasher struct {
	buf   []byte
	names []string
}

func (h *hasher) field(s string) {
	h.buf = strconv.AppendInt(h.buf, int64(len(s)), 10)
	h.buf = append(h.buf, ' ')
	h.buf = append(h.buf, s...)
}

// list writes names as a set.
func (h *hasher) list(title string, names []entry) {
	h.names = h.names[:0]
	for _, e := range names {
		h.names = append(h.names, e.text)
	}
	slices.Sort(h.names)
	h.names = slices.Compact(h.names)
	h.field(title)
	h.count(len(h.names))
	for _, name := range h.names {
		h.field(name)
	}
}

func (h *hasher) count(n int) {
	h.buf = strconv.AppendInt(h.buf, int64(n), 10)
	h.buf = append(h.buf, ' ')
}

// row returns what write writes.
func (h *hasher) row(write func()) []byte {
	start := len(h.buf)
	write()
	return h.buf[start:len(h.buf):len(h.buf)]
}

// rows writes rows as a set.
func (h *hasher) rows(title string, rows [][]byte) {
	slices.SortFunc(rows, bytes.Compare)
	rows = slices.CompactFunc(rows, bytes.Equal)
	h.field(title)
	h.count(len(rows))
	for _, row := range rows {
		h.buf = append(h.buf, row...)
	}
}
