package rbac

// A document is a policy as it was written, each entry with its place; both the file formats and [Model] become one, and
// the compiler reads nothing else.
type document struct {
	permissions []entry
	roles       []roleEntry
	scopes      []scopeEntry
	exclusive   []exclusiveEntry
	deny        []denyEntry
	tests       []testEntry
}

type entry struct {
	text string
	at   pos
}

type roleEntry struct {
	name        entry
	description string
	inherits    []entry
	allow       []grantEntry
	except      []entry
}

type grantEntry struct {
	permission entry
	when       []entry
}

type scopeEntry struct {
	name        entry
	permissions []entry
}

type exclusiveEntry struct {
	at      pos
	roles   []entry
	max     int
	atCheck bool
}

type denyEntry struct {
	at           pos
	permissions  []entry
	when, unless []entry
	reason       string
}

type testEntry struct {
	at                       pos
	name                     string
	roles, scopes, given     []entry
	limited                  bool // scopes were written, if only an empty list
	allow, deny, conditional []entry
}

// A Model is a policy to be built in Go; [New] compiles it. It holds what a policy file holds, and is checked as
// strictly.
type Model struct {
	// Permissions are all there are, each "resource:action".
	Permissions []string
	Roles       []Role
	Scopes      []Scope
	Exclusive   []Exclusive
	Deny        []Guardrail
	Tests       []Test
}

// A Role is a named set of permissions.
type Role struct {
	Name        string
	Description string
	// Inherits names roles whose permissions this one has too.
	Inherits []string
	// Allow is what the role allows by itself. Except is taken away from that, and from nothing else.
	Allow  []Grant
	Except []string
}

// A Grant allows a permission, or all that a pattern matches, where every condition of When holds. Nil is no condition; an
// empty list is a mistake.
type Grant struct {
	Permission string
	When       []string
}

// Grants returns an unconditional grant of each permission or pattern.
func Grants(permissions ...string) []Grant {
	grants := make([]Grant, len(permissions))
	for i, p := range permissions {
		grants[i].Permission = p
	}
	return grants
}

// A Scope says which permissions a token's scope leaves in place.
type Scope struct {
	Name        string
	Permissions []string
}

// An Exclusive says that of Roles nobody may hold more than Max, inherited roles counted. It is checked when the policy
// is loaded (against roles that inherit) and by [Policy.CheckAssignment]; with AtCheck, a subject that breaks it is
// allowed nothing.
type Exclusive struct {
	Roles   []string
	Max     int // 0 stands for 1
	AtCheck bool
}

// A Guardrail denies permissions to everybody whatever their roles, except to holders of a role in Unless. It applies
// where every condition of When holds, and also where one of them fails or lacks what it needs to tell. An empty list in
// When or Unless is a mistake, as it is in a file.
type Guardrail struct {
	Permissions []string
	When        []string
	Unless      []string
	// Reason is shown to people who are denied. Required.
	Reason string
}

// A Test states what holders of roles may do.
type Test struct {
	Name  string
	Roles []string
	// Scopes narrow the roles; nil narrows nothing, an empty list leaves nothing.
	Scopes []string
	// Given names the conditions that hold in the test. The others do not.
	Given []string
	// Allow must be allowed and Deny must not. Conditional must be allowed under some condition and not without: it is
	// asked without Given.
	Allow, Deny, Conditional []string
}

func (m Model) document(ps *problems) *document {
	doc := &document{permissions: entries(m.Permissions), roles: make([]roleEntry, len(m.Roles))}
	for i, r := range m.Roles {
		for _, g := range r.Allow {
			ps.refuseEmpty("a grant of role "+r.Name, "when", g.When)
		}
		doc.roles[i] = roleEntry{
			name: entry{text: r.Name}, description: r.Description,
			inherits: entries(r.Inherits), allow: grantEntries(r.Allow), except: entries(r.Except),
		}
	}
	for _, s := range m.Scopes {
		doc.scopes = append(doc.scopes, scopeEntry{entry{text: s.Name}, entries(s.Permissions)})
	}
	for _, e := range m.Exclusive {
		doc.exclusive = append(doc.exclusive, exclusiveEntry{roles: entries(e.Roles), max: max(e.Max, 1), atCheck: e.AtCheck})
	}
	for _, g := range m.Deny {
		ps.refuseEmpty("a denial", "when", g.When)
		ps.refuseEmpty("a denial", "unless", g.Unless)
		doc.deny = append(doc.deny, denyEntry{
			permissions: entries(g.Permissions), when: entries(g.When), unless: entries(g.Unless), reason: g.Reason,
		})
	}
	for _, t := range m.Tests {
		doc.tests = append(doc.tests, testEntry{
			name: t.Name, roles: entries(t.Roles), scopes: entries(t.Scopes), limited: t.Scopes != nil, given: entries(t.Given),
			allow: entries(t.Allow), deny: entries(t.Deny), conditional: entries(t.Conditional),
		})
	}
	return doc
}

// refuseEmpty reports a list that was made and has nothing in it: it would say the opposite of what it seems to.
func (ps *problems) refuseEmpty(of, what string, names []string) {
	if names != nil && len(names) == 0 {
		ps.addf(pos{}, "%s: %s is an empty list: name something, or leave it nil", of, what)
	}
}

func entries(names []string) []entry {
	if len(names) == 0 {
		return nil
	}
	list := make([]entry, len(names))
	for i, name := range names {
		list[i].text = name
	}
	return list
}

func grantEntries(grants []Grant) []grantEntry {
	if len(grants) == 0 {
		return nil
	}
	list := make([]grantEntry, len(grants))
	for i, g := range grants {
		list[i] = grantEntry{entry{text: g.Permission}, entries(g.When)}
	}
	return list
}
