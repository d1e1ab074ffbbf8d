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
	h := &hasher{}
	h.list("permissions", doc.permissions)
	rows := make([][]byte, 0, len(doc.roles))
	for _, r := range doc.roles {
		rows = append(rows, h.row(func() {
			h.field(r.name.text)
			h.list("inherits", r.inherits)
			h.list("except", r.except)
			grants := make([][]byte, len(r.allow))
			for i, g := range r.allow {
				grants[i] = h.row(func() { h.field(g.permission.text); h.list("when", g.when) })
			}
			h.rows("allow", grants)
		}))
	}
	h.rows("roles", rows)
	rows = rows[:0]
	for _, s := range doc.scopes {
		rows = append(rows, h.row(func() { h.field(s.name.text); h.list("permissions", s.permissions) }))
	}
	h.rows("scopes", rows)
	rows = rows[:0]
	for _, e := range doc.exclusive {
		rows = append(rows, h.row(func() {
			h.list(strconv.Itoa(e.max)+strconv.FormatBool(e.atCheck), e.roles)
		}))
	}
	h.rows("exclusive", rows)
	rows = rows[:0]
	for _, d := range doc.deny {
		rows = append(rows, h.row(func() {
			h.list("permissions", d.permissions)
			h.list("when", d.when)
			h.list("unless", d.unless)
			h.field(d.reason)
		}))
	}
	h.rows("deny", rows)
	sum := sha256.Sum256(h.out)
	return hex.EncodeToString(sum[:16])
}

// hasher writes fields with their lengths before them, so that no two lists of names look alike.
type hasher struct {
	out   []byte
	names []string
}

func (h *hasher) field(s string) {
	h.out = strconv.AppendInt(h.out, int64(len(s)), 10)
	h.out = append(h.out, ' ')
	h.out = append(h.out, s...)
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
	h.field(strconv.Itoa(len(h.names)))
	for _, name := range h.names {
		h.field(name)
	}
}

// row returns what write writes, and takes it out again.
func (h *hasher) row(write func()) []byte {
	start := len(h.out)
	write()
	row := bytes.Clone(h.out[start:])
	h.out = h.out[:start]
	return row
}

func (h *hasher) rows(title string, rows [][]byte) {
	slices.SortFunc(rows, bytes.Compare)
	rows = slices.CompactFunc(rows, bytes.Equal)
	h.field(title)
	h.field(strconv.Itoa(len(rows)))
	for _, row := range rows {
		h.out = append(h.out, row...)
	}
}
