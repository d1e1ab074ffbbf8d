package rbac

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxFileBytes is the size of the largest policy file that [Parse] reads.
const MaxFileBytes = 8 << 20

// decode reads a policy file. The syntax is JSON where the name ends in .json, and YAML otherwise.
func decode(name string, data []byte, ps *problems) *document {
	switch {
	case len(data) > MaxFileBytes:
		ps.addf(pos{}, "the file has %d bytes: the limit is %d", len(data), MaxFileBytes)
		return nil
	case !utf8.Valid(data):
		ps.addf(pos{}, "the file is not UTF-8")
		return nil
	case len(bytes.TrimSpace(data)) == 0:
		ps.addf(pos{1, 1}, "the policy is empty")
		return nil
	}
	read := readYAML
	if strings.EqualFold(path.Ext(name), ".json") {
		read = readJSON
	}
	root := read(data, ps)
	if root == nil {
		return nil
	}
	d := &decoder{problems: ps}
	return d.document(root)
}

// decoder turns nodes into a document by the schema, reporting whatever does not fit and going on.
type decoder struct{ *problems }

// fields calls the function named by each key of a map, and reports keys that have none. The result is false where n is
// no map.
func (d *decoder) fields(n *node, what string, known map[string]func(*node)) bool {
	if n.kind != mapNode {
		d.addf(n.at, "%s must be a map, not %s", what, n.what())
		return false
	}
	for i, key := range n.keys {
		read, ok := known[key.text]
		if !ok {
			d.addf(key.at, "unknown key %q in %s%s", key.text, what, d.meant(key.text, maps.Keys(known)))
			continue
		}
		read(n.items[i])
	}
	return true
}

func (d *decoder) document(n *node) *document {
	doc, version := &document{}, false
	ok := d.fields(n, "the policy", map[string]func(*node){
		"version": func(n *node) {
			if version = true; n.kind != numberNode || n.text != "1" {
				d.addf(n.at, "version must be 1, the only one there is")
			}
		},
		"permissions": func(n *node) { doc.permissions = d.permissions(n) },
		"roles":       func(n *node) { doc.roles = d.roles(n) },
		"scopes":      func(n *node) { doc.scopes = d.scopes(n) },
		"exclusive":   func(n *node) { d.each(n, "exclusive", func(n *node) { d.exclusive(n, doc) }) },
		"deny":        func(n *node) { d.each(n, "deny", func(n *node) { d.deny(n, doc) }) },
		"tests":       func(n *node) { d.each(n, "tests", func(n *node) { d.test(n, doc) }) },
	})
	if ok && !version {
		d.addf(n.at, "the policy has no version: begin it with version: 1")
	}
	return doc
}

func (d *decoder) permissions(n *node) []entry {
	if n.kind != mapNode {
		d.addf(n.at, "permissions must be a map of resources to lists of actions, not %s", n.what())
		return nil
	}
	var list []entry
	for i, resource := range n.keys {
		if len(n.items[i].items) == 0 && n.items[i].kind == listNode {
			d.addf(n.items[i].at, "resource %q has no action: name one, or leave the resource out", resource.text)
		}
		for _, action := range d.texts(n.items[i], "the actions of "+resource.text) {
			list = append(list, entry{resource.text + ":" + action.text, action.at})
		}
	}
	return list
}

func (d *decoder) roles(n *node) []roleEntry {
	if n.kind != mapNode {
		d.addf(n.at, "roles must be a map of names to roles, not %s", n.what())
		return nil
	}
	list := make([]roleEntry, len(n.keys))
	for i, key := range n.keys {
		role := &list[i]
		role.name = entry{key.text, key.at}
		d.fields(n.items[i], "role "+key.text, map[string]func(*node){
			"description": func(n *node) { role.description = d.text(n, "a description") },
			"inherits":    func(n *node) { role.inherits = d.texts(n, "inherits") },
			"except":      func(n *node) { role.except = d.texts(n, "except") },
			"allow": func(n *node) {
				d.each(n, "allow", func(n *node) { role.allow = append(role.allow, d.grant(n)) })
			},
		})
	}
	return list
}

func (d *decoder) grant(n *node) grantEntry {
	if n.kind == textNode {
		return grantEntry{permission: entry{n.text, n.at}}
	}
	g := grantEntry{permission: entry{at: n.at}}
	ok := d.fields(n, "a grant", map[string]func(*node){
		"permission": func(n *node) { g.permission = entry{d.text(n, "a permission"), n.at} },
		"when":       func(n *node) { g.when = d.names(n, "when") },
	})
	if ok && !slices.ContainsFunc(n.keys, func(k *node) bool { return k.text == "permission" }) {
		d.addf(n.at, "a grant without a permission")
	}
	return g
}

func (d *decoder) scopes(n *node) []scopeEntry {
	if n.kind != mapNode {
		d.addf(n.at, "scopes must be a map of scopes to lists of permissions, not %s", n.what())
		return nil
	}
	list := make([]scopeEntry, len(n.keys))
	for i, key := range n.keys {
		list[i] = scopeEntry{entry{key.text, key.at}, d.texts(n.items[i], "the permissions of scope "+key.text)}
	}
	return list
}

func (d *decoder) exclusive(n *node, doc *document) {
	e := exclusiveEntry{at: n.at, max: 1}
	d.fields(n, "exclusive", map[string]func(*node){
		"roles": func(n *node) { e.roles = d.names(n, "roles") },
		"max":   func(n *node) { e.max = d.number(n, "max") },
		"at": func(n *node) {
			for _, at := range d.names(n, "at") {
				switch at.text {
				case "check":
					e.atCheck = true
				case "assign": // always
				default:
					d.addf(at.at, "unknown %q in at: use assign or check", at.text)
				}
			}
		},
	})
	doc.exclusive = append(doc.exclusive, e)
}

func (d *decoder) deny(n *node, doc *document) {
	e := denyEntry{at: n.at}
	d.fields(n, "deny", map[string]func(*node){
		"permissions": func(n *node) { e.permissions = d.names(n, "permissions") },
		"when":        func(n *node) { e.when = d.names(n, "when") },
		"unless":      func(n *node) { e.unless = d.names(n, "unless") },
		"reason":      func(n *node) { e.reason = d.text(n, "a reason") },
	})
	doc.deny = append(doc.deny, e)
}

func (d *decoder) test(n *node, doc *document) {
	e := testEntry{at: n.at}
	d.fields(n, "a test", map[string]func(*node){
		"name":        func(n *node) { e.name = d.text(n, "a name") },
		"roles":       func(n *node) { e.roles = d.texts(n, "roles") },
		"scopes":      func(n *node) { e.scopes, e.limited = d.texts(n, "scopes"), true },
		"given":       func(n *node) { e.given = d.names(n, "given") },
		"allow":       func(n *node) { e.allow = d.names(n, "allow") },
		"deny":        func(n *node) { e.deny = d.names(n, "deny") },
		"conditional": func(n *node) { e.conditional = d.names(n, "conditional") },
	})
	doc.tests = append(doc.tests, e)
}

func (d *decoder) each(n *node, what string, read func(*node)) {
	if n.kind != listNode {
		d.addf(n.at, "%s must be a list, not %s", what, n.what())
		return
	}
	for _, item := range n.items {
		read(item)
	}
}

// texts reads a list of texts, which may be empty.
func (d *decoder) texts(n *node, what string) []entry {
	var list []entry
	d.each(n, what, func(item *node) {
		if item.kind != textNode {
			d.addf(item.at, "%s must hold text, not %s", what, item.what())
			return
		}
		list = append(list, entry{item.text, item.at})
	})
	return list
}

// names reads a list of texts that has to hold one: an empty when or unless would say the opposite of what it seems to.
func (d *decoder) names(n *node, what string) []entry {
	if n.kind == listNode && len(n.items) == 0 {
		d.addf(n.at, "%s is an empty list: name something, or leave the key out", what)
	}
	return d.texts(n, what)
}

func (d *decoder) text(n *node, what string) string {
	if n.kind != textNode {
		d.addf(n.at, "%s must be text, not %s", what, n.what())
		return ""
	}
	return n.text
}

func (d *decoder) number(n *node, what string) int {
	i, err := strconv.Atoi(n.text)
	if n.kind != numberNode || err != nil || i < 1 {
		d.addf(n.at, "%s must be a whole number, 1 or more", what)
		return 1
	}
	return i
}

// quoted lists names for a message.
func quoted(names []string) string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(list, ", ")
}
