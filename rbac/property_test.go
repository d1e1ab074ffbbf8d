package rbac_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/rbac"
)

// A world is a random policy and those who are asked about.
type world struct {
	model    rbac.Model
	bindings []rbac.Bindings
	scopes   []auth.ScopeSet
}

var (
	tenants    = []string{"", "acme", "other"}
	conditions = []string{"owner", "mfa"}
)

func randomWorld(r *rand.Rand) world {
	var m rbac.Model
	if r.IntN(20) == 0 { // more than a word of them
		for i := range 70 + r.IntN(80) {
			m.Permissions = append(m.Permissions, fmt.Sprintf("pad%d:read", i))
		}
	}
	for range 2 + r.IntN(4) {
		resource := []string{"invoice", "report", "billing.plan", "billing.line", "user"}[r.IntN(5)]
		for _, action := range []string{"read", "list", "change"} {
			if name := resource + ":" + action; r.IntN(3) > 0 && !slices.Contains(m.Permissions, name) {
				m.Permissions = append(m.Permissions, name)
			}
		}
	}
	if len(m.Permissions) == 0 {
		m.Permissions = []string{"invoice:read"}
	}
	patterns := func(n int) []string {
		var list []string
		for range n {
			list = append(list, pattern(r, m.Permissions))
		}
		return list
	}
	roles := 2 + r.IntN(7)
	for i := range roles {
		role := rbac.Role{Name: fmt.Sprintf("r%d", i)}
		for parent := range i {
			if r.IntN(3) == 0 {
				role.Inherits = append(role.Inherits, fmt.Sprintf("r%d", parent))
			}
		}
		for _, p := range patterns(r.IntN(4)) {
			g := rbac.Grant{Permission: p}
			for _, c := range conditions {
				if r.IntN(4) == 0 {
					g.When = append(g.When, c)
				}
			}
			role.Allow = append(role.Allow, g)
		}
		if len(role.Allow) > 0 && r.IntN(3) == 0 {
			role.Except = patterns(1)
		}
		m.Roles = append(m.Roles, role)
	}
	for i := range r.IntN(4) {
		m.Scopes = append(m.Scopes, rbac.Scope{Name: fmt.Sprintf("s%d", i), Permissions: patterns(r.IntN(3))})
	}
	for range r.IntN(3) {
		g := rbac.Guardrail{Permissions: patterns(1), Reason: "because"}
		if r.IntN(2) == 0 {
			g.When = []string{conditions[r.IntN(2)]}
		}
		if r.IntN(2) == 0 {
			g.Unless = []string{fmt.Sprintf("r%d", r.IntN(roles))}
		}
		m.Deny = append(m.Deny, g)
	}
	if r.IntN(4) == 0 {
		m.Exclusive = append(m.Exclusive, rbac.Exclusive{Roles: []string{"r0", fmt.Sprintf("r%d", 1+r.IntN(roles-1))}, AtCheck: true})
	}
	w := world{model: m}
	for range 6 {
		var list rbac.Bindings
		for range r.IntN(4) {
			b := rbac.Binding{Role: fmt.Sprintf("r%d", r.IntN(roles+1)), Tenant: tenants[r.IntN(3)]}
			b.Everywhere = b.Tenant == "" && r.IntN(4) > 0
			list = append(list, b)
		}
		w.bindings = append(w.bindings, list)
	}
	w.scopes = []auth.ScopeSet{auth.Unlimited(), {}, auth.MustScopeSet("s0"), auth.MustScopeSet("s1", "s2", "s9")}
	return w
}

func pattern(r *rand.Rand, permissions []string) string {
	name := permissions[r.IntN(len(permissions))]
	resource, action, _ := strings.Cut(name, ":")
	switch r.IntN(6) {
	case 0:
		return "*"
	case 1:
		return resource + ":*"
	case 2:
		return "*:" + action
	case 3:
		if head, _, ok := strings.Cut(resource, "."); ok {
			return head + ".*:" + action
		}
	}
	return name
}

// brute answers by the formula, one permission at a time, with the model alone: closure of the roles, conditions and
// guardrails that hold, scopes.
type brute struct{ m rbac.Model }

func (b brute) matches(pattern, name string) bool {
	if pattern == "*" {
		return true
	}
	pr, pa, _ := strings.Cut(pattern, ":")
	nr, na, _ := strings.Cut(name, ":")
	if pa != "*" && pa != na {
		return false
	}
	if pr == "*" {
		return true
	}
	ps, ns := strings.Split(pr, "."), strings.Split(nr, ".")
	if len(ps) != len(ns) {
		return false
	}
	for i := range ps {
		if ps[i] != "*" && ps[i] != ns[i] {
			return false
		}
	}
	return true
}

func (b brute) any(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return b.matches(p, name) })
}

func (b brute) closure(names []string) []string {
	var all []string
	for len(names) > 0 {
		name := names[0]
		names = names[1:]
		i := slices.IndexFunc(b.m.Roles, func(r rbac.Role) bool { return r.Name == name })
		if i >= 0 && !slices.Contains(all, name) {
			all = append(all, name)
			names = append(names, b.m.Roles[i].Inherits...)
		}
	}
	return all
}

// answer is the answer where the conditions in holds hold and the others do not; with open, where none is known.
func (b brute) answer(tenant string, bindings rbac.Bindings, scopes auth.ScopeSet, name string, holds []string, open bool) rbac.Answer {
	var held []string
	for _, x := range bindings {
		if x.Everywhere && x.Tenant == "" || !x.Everywhere && x.Tenant != "" && x.Tenant == tenant {
			held = append(held, x.Role)
		}
	}
	held = b.closure(held)
	for _, x := range b.m.Exclusive {
		n := 0
		for _, role := range x.Roles {
			if slices.Contains(held, role) {
				n++
			}
		}
		if n > 1 {
			return rbac.Denied
		}
	}
	met := func(when []string) bool {
		return !slices.ContainsFunc(when, func(c string) bool { return !slices.Contains(holds, c) })
	}
	answer := rbac.Denied
	for _, role := range b.m.Roles {
		if !slices.Contains(held, role.Name) || b.any(role.Except, name) {
			continue
		}
		for _, g := range role.Allow {
			if !b.matches(g.Permission, name) {
				continue
			}
			switch {
			case len(g.When) == 0 || !open && met(g.When):
				answer = rbac.Allowed
			case open:
				answer = max(answer, rbac.Conditional)
			}
		}
	}
	inScope := scopes.IsUnlimited()
	for _, s := range b.m.Scopes {
		inScope = inScope || scopes.Has(s.Name) && b.any(s.Permissions, name)
	}
	if !inScope {
		return rbac.Denied
	}
	for _, g := range b.m.Deny {
		if !b.any(g.Permissions, name) || slices.ContainsFunc(g.Unless, func(r string) bool { return slices.Contains(held, r) }) {
			continue
		}
		switch {
		case len(g.When) == 0 || !open && met(g.When):
			return rbac.Denied
		case open:
			answer = min(answer, rbac.Conditional)
		}
	}
	return answer
}

// fixed binds the conditions to a list of those that hold.
func fixed(holds *[]string) rbac.Config {
	bound := map[string]rbac.Condition{}
	for _, name := range conditions {
		bound[name] = func(_ ctx, in rbac.Input) (bool, error) {
			if !in.HasResource {
				return false, rbac.ErrNeedsResource
			}
			return slices.Contains(*holds, name), nil
		}
	}
	return rbac.Config{Conditions: bound}
}

const worlds = 400

func eachWorld(t *testing.T, check func(t *testing.T, r *rand.Rand, w world, p *rbac.Policy, holds *[]string)) {
	t.Helper()
	for seed := range uint64(worlds) {
		r := rand.New(rand.NewPCG(seed, 1))
		w := randomWorld(r)
		var holds []string
		p, err := rbac.New(w.model, fixed(&holds))
		if err != nil {
			if !strings.Contains(err.Error(), "of which nobody may hold more") && !strings.Contains(err.Error(), "twice") {
				t.Fatalf("seed %d: %v", seed, err)
			}
			continue
		}
		check(t, r, w, p, &holds)
		if t.Failed() {
			t.Fatalf("seed %d: %+v", seed, w)
		}
	}
}

func TestAgreesWithBruteForce(t *testing.T) {
	loaded := 0
	eachWorld(t, func(t *testing.T, _ *rand.Rand, w world, p *rbac.Policy, holds *[]string) {
		loaded++
		b := brute{w.model}
		for _, bindings := range w.bindings {
			for _, tenant := range tenants {
				for _, scopes := range w.scopes {
					s := p.Resolve(tenant, bindings, scopes)
					for _, name := range w.model.Permissions {
						if got, want := s.Answer(name), b.answer(tenant, bindings, scopes, name, nil, true); got != want {
							t.Errorf("%s for %v in %q with %v: got %v, want %v", name, bindings, tenant, scopes, got, want)
						}
						if d := s.Explain(t.Context(), name, nil); d.Answer != s.Answer(name) {
							t.Errorf("%s for %v in %q: Explain without a resource says %v, Answer %v", name, bindings, tenant, d, s.Answer(name))
						}
						if s.Can(name) != (s.Answer(name) == rbac.Allowed) {
							t.Errorf("%s for %v: Can and Answer differ", name, bindings)
						}
						for _, *holds = range [][]string{nil, {"owner"}, {"mfa"}, {"owner", "mfa"}} {
							want := b.answer(tenant, bindings, scopes, name, *holds, false)
							if got := s.CanOn(t.Context(), name, rbac.Resource{}); got != (want == rbac.Allowed) {
								t.Errorf("%s for %v in %q given %v: got %v, want %v", name, bindings, tenant, *holds, got, want)
							}
							if d := s.Explain(t.Context(), name, &rbac.Resource{}); d.Answer != want || (d.Answer == rbac.Allowed) != (d.Reason == "") || (want == rbac.Allowed) != (len(d.Path) > 0 && d.Grant != "" && d.Reason == "") {
								t.Errorf("%s for %v given %v: got decision %v, want %v", name, bindings, *holds, d, want)
							}
						}
					}
				}
			}
		}
	})
	if loaded < worlds/2 {
		t.Errorf("only %d of %d policies loaded", loaded, worlds)
	}
}

func TestOrderMakesNoDifference(t *testing.T) {
	eachWorld(t, func(t *testing.T, r *rand.Rand, w world, p *rbac.Policy, _ *[]string) {
		m := w.model
		shuffle(r, m.Permissions)
		shuffle(r, m.Roles)
		shuffle(r, m.Scopes)
		shuffle(r, m.Deny)
		for i := range m.Roles {
			shuffle(r, m.Roles[i].Allow)
			shuffle(r, m.Roles[i].Inherits)
			for k := range m.Roles[i].Allow {
				shuffle(r, m.Roles[i].Allow[k].When)
			}
		}
		for i := range m.Exclusive {
			shuffle(r, m.Exclusive[i].Roles)
		}
		q, err := rbac.New(m, rbac.Config{UnboundConditions: true})
		if err != nil {
			t.Fatal(err)
		}
		if p.Version() != q.Version() {
			t.Errorf("got version %s in another order, want %s", q.Version(), p.Version())
		}
		if changes := q.Diff(p); len(changes) != 0 {
			t.Errorf("got changes %v in another order", changes)
		}
		m.Roles[0].Allow = append(m.Roles[0].Allow, rbac.Grant{Permission: "*", When: []string{"other"}})
		q, err = rbac.New(m, rbac.Config{UnboundConditions: true})
		if err != nil || q.Version() == p.Version() {
			t.Errorf("another policy has the same version (%v)", err)
		}
	})
}

func shuffle[T any](r *rand.Rand, list []T) {
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

func TestMoreNeverTakesAway(t *testing.T) {
	eachWorld(t, func(t *testing.T, r *rand.Rand, w world, _ *rbac.Policy, _ *[]string) {
		m := w.model
		m.Deny, m.Exclusive = nil, nil
		before, err := rbac.New(m, rbac.Config{UnboundConditions: true})
		if err != nil {
			t.Fatal(err)
		}
		i := r.IntN(len(m.Roles))
		m.Roles = slices.Clone(m.Roles)
		m.Roles[i].Allow = append(slices.Clone(m.Roles[i].Allow), rbac.Grant{Permission: pattern(r, m.Permissions)})
		after, err := rbac.New(m, rbac.Config{UnboundConditions: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, bindings := range w.bindings {
			more := append(slices.Clone(bindings), rbac.Everywhere(m.Roles[r.IntN(len(m.Roles))].Name)...)
			for _, tenant := range tenants {
				a, b, c := before.Resolve(tenant, bindings, unlimited), after.Resolve(tenant, bindings, unlimited), before.Resolve(tenant, more, unlimited)
				for _, name := range m.Permissions {
					if b.Answer(name) < a.Answer(name) {
						t.Errorf("a grant more took %s from %v", name, bindings)
					}
					if c.Answer(name) < a.Answer(name) {
						t.Errorf("a role more took %s from %v", name, bindings)
					}
				}
			}
		}
		if changes := after.Diff(before); slices.ContainsFunc(changes, func(c rbac.Change) bool { return !c.Gained }) {
			t.Errorf("a grant more is told as a loss: %v", changes)
		}
	})
}

func TestCoversAgreesWithCan(t *testing.T) {
	covered := 0
	eachWorld(t, func(t *testing.T, _ *rand.Rand, w world, p *rbac.Policy, holds *[]string) {
		for _, bindings := range w.bindings {
			granter := p.Resolve("", bindings, unlimited)
			for _, role := range w.model.Roles {
				given := p.Resolve("", rbac.Everywhere(role.Name), unlimited)
				covers := granter.Covers(rbac.Binding{Role: role.Name, Everywhere: true})
				for _, name := range w.model.Permissions {
					for _, *holds = range [][]string{nil, {"owner"}, {"mfa"}, {"owner", "mfa"}} {
						more := given.CanOn(t.Context(), name, rbac.Resource{}) && !granter.CanOn(t.Context(), name, rbac.Resource{})
						if covers && more {
							t.Errorf("%v covers %s and lacks %s given %v", bindings, role.Name, name, *holds)
						}
					}
				}
				if covers {
					covered++
				} else if len(w.model.Deny) == 0 && len(w.model.Exclusive) == 0 && !lacks(&granter, &given, w.model.Permissions) {
					t.Errorf("%v does not cover %s and lacks nothing", bindings, role.Name)
				}
			}
		}
	})
	if covered < 100 {
		t.Errorf("only %d roles were covered", covered)
	}
}

// lacks reports whether given has, by answer or perhaps by condition, what granter has not.
func lacks(granter, given *rbac.Subject, permissions []string) bool {
	return slices.ContainsFunc(permissions, func(name string) bool {
		return given.Answer(name) > granter.Answer(name) || given.Answer(name) == rbac.Conditional && granter.Answer(name) == rbac.Conditional
	})
}

func TestDiffAgreesWithCan(t *testing.T) {
	gains := 0
	eachWorld(t, func(t *testing.T, r *rand.Rand, w world, p *rbac.Policy, holds *[]string) {
		m := randomWorld(r).model
		q, err := rbac.New(m, fixed(holds))
		if err != nil {
			return
		}
		changes := q.Diff(p)
		told := func(role, name string, gained bool) bool {
			return slices.ContainsFunc(changes, func(c rbac.Change) bool {
				return c.Who == "role" && c.Name == role && c.Permission == name && c.Gained == gained
			})
		}
		for _, role := range append(m.Roles, w.model.Roles...) {
			before, after := p.Resolve("", rbac.Everywhere(role.Name), unlimited), q.Resolve("", rbac.Everywhere(role.Name), unlimited)
			for _, name := range append(m.Permissions, w.model.Permissions...) {
				for _, *holds = range [][]string{nil, {"owner"}, {"mfa"}, {"owner", "mfa"}} {
					was, is := before.CanOn(t.Context(), name, rbac.Resource{}), after.CanOn(t.Context(), name, rbac.Resource{})
					if was != is && !told(role.Name, name, is) {
						t.Errorf("%s of %s given %v: was %v, is %v, and Diff tells %v", name, role.Name, *holds, was, is, changes)
					}
					if is && !was {
						gains++
					}
				}
			}
		}
	})
	if gains < 100 {
		t.Errorf("only %d gains were met", gains)
	}
}

// TestGainsMissesNobody edits a policy in one place and asks for holders of any two roles: what they gain or lose is told,
// though a change names single roles.
func TestGainsMissesNobody(t *testing.T) {
	gains, losses := 0, 0
	eachWorld(t, func(t *testing.T, r *rand.Rand, w world, p *rbac.Policy, holds *[]string) {
		for range 3 {
			m, edit := edited(r, w.model)
			q, err := rbac.New(m, fixed(holds))
			if err != nil {
				continue
			}
			changes := q.Diff(p)
			lost := slices.ContainsFunc(changes, func(c rbac.Change) bool { return !c.Gained })
			for _, a := range m.Roles {
				for _, b := range m.Roles[:r.IntN(len(m.Roles))+1] {
					held := rbac.Everywhere(a.Name, b.Name)
					for _, scopes := range w.scopes[:3] {
						before, after := p.Resolve("", held, scopes), q.Resolve("", held, scopes)
						for _, name := range m.Permissions {
							for _, *holds = range [][]string{nil, {"owner"}, {"mfa"}, {"owner", "mfa"}} {
								was, is := before.CanOn(t.Context(), name, rbac.Resource{}), after.CanOn(t.Context(), name, rbac.Resource{})
								if is && !was && !rbac.Gains(changes) || was && !is && !lost {
									t.Fatalf("%s: %s of %s and %s given %v: was %v, is %v, and Diff tells %v", edit, name, a.Name, b.Name, *holds, was, is, changes)
								}
								if is && !was {
									gains++
								}
								if was && !is {
									losses++
								}
							}
						}
					}
				}
			}
		}
	})
	if gains < 100 || losses < 100 {
		t.Errorf("only %d gains and %d losses were met", gains, losses)
	}
}

// edited returns a copy of m with one change, and its name.
func edited(r *rand.Rand, m rbac.Model) (rbac.Model, string) {
	m.Roles, m.Scopes, m.Deny, m.Exclusive = slices.Clone(m.Roles), slices.Clone(m.Scopes), slices.Clone(m.Deny), slices.Clone(m.Exclusive)
	role := &m.Roles[r.IntN(len(m.Roles))]
	first := m.Roles[0].Name
	switch n := r.IntN(10); {
	case n == 0:
		role.Allow = append(slices.Clone(role.Allow), rbac.Grant{Permission: pattern(r, m.Permissions)})
		return m, "a grant more"
	case n == 1 && len(role.Allow) > 0:
		role.Allow, role.Except = role.Allow[1:], nil
		return m, "a grant less"
	case n == 2 && len(role.Inherits) > 0:
		role.Inherits = role.Inherits[1:]
		return m, "a parent less"
	case n == 3 && role.Name != first && !slices.Contains(role.Inherits, first):
		role.Inherits = append([]string{first}, role.Inherits...)
		return m, "a parent more"
	case n == 4 && len(m.Deny) > 0:
		m.Deny[0].Unless = []string{role.Name}
		return m, "another exemption"
	case n == 5 && len(m.Deny) > 0:
		m.Deny = m.Deny[1:]
		return m, "a guardrail less"
	case n == 6 && len(m.Deny) > 0:
		m.Deny[0].Permissions = []string{pattern(r, m.Permissions)}
		return m, "a guardrail over something else"
	case n == 7:
		m.Exclusive = nil
		return m, "no exclusive set"
	case n == 8 && len(m.Scopes) > 0:
		m.Scopes[0].Permissions = []string{pattern(r, m.Permissions)}
		return m, "another scope"
	case n == 9 && len(role.Allow) > 0:
		role.Allow = slices.Clone(role.Allow)
		role.Allow[0].When = []string{conditions[r.IntN(2)]}
		return m, "another condition"
	}
	return m, "nothing"
}

func TestWhoCanAndFilterAgreeWithCan(t *testing.T) {
	eachWorld(t, func(t *testing.T, _ *rand.Rand, w world, p *rbac.Policy, holds *[]string) {
		subjects := func(yield func(string, rbac.Bindings) bool) {
			for i, bindings := range w.bindings {
				if !yield(fmt.Sprint(i), bindings) {
					return
				}
			}
		}
		for _, name := range w.model.Permissions {
			for _, tenant := range tenants {
				found := maps.Collect(p.WhoCan(name, tenant, subjects))
				for i, bindings := range w.bindings {
					s := p.Resolve(tenant, bindings, unlimited)
					if found[fmt.Sprint(i)] != s.Answer(name) {
						t.Errorf("%s in %q for %v: WhoCan says %v, Answer %v", name, tenant, bindings, found[fmt.Sprint(i)], s.Answer(name))
					}
				}
			}
			for _, bindings := range w.bindings {
				for _, *holds = range [][]string{nil, {"owner"}, {"owner", "mfa"}} {
					s := p.Resolve("", bindings, unlimited)
					f := s.Filter(t.Context(), name)
					for _, tenant := range []string{"acme", "other", "third"} {
						local := p.Resolve(tenant, bindings, unlimited)
						want := local.CanOn(t.Context(), name, rbac.Resource{Tenant: tenant})
						got := passes(f, tenant, *holds) && (!f.Recheck || want)
						if got != want {
							t.Errorf("%s in %q for %v given %v: the filter says %v (%+v), CanOn %v", name, tenant, bindings, *holds, got, f, want)
						}
						if s.CanOn(t.Context(), name, rbac.Resource{Tenant: tenant}) && !want {
							t.Errorf("%s in %q for %v given %v: allowed from outside of the tenant and not from inside", name, tenant, bindings, *holds)
						}
					}
				}
			}
		}
	})
}

func passes(f rbac.Filter, tenant string, holds []string) bool {
	return slices.ContainsFunc(f.Clauses, func(c rbac.Clause) bool {
		where := c.Tenant == tenant || c.Everywhere && !slices.Contains(c.Except, tenant)
		return where && !slices.ContainsFunc(c.When, func(w string) bool { return !slices.Contains(holds, w) })
	})
}
