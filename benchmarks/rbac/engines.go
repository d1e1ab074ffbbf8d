package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"
	cedar "github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/rbac"
)

// An engine builds whatever it needs of a scenario and answers its questions. ask prepares a question outside of the
// measured loop, in the engine's favour.
type engine struct {
	name string
	load func(s *scenario) (ask func(q question) func() bool)
}

func engines() []engine {
	return []engine{
		{"map floor: user, roles, set", loadFloor},
		{"rbac: handle on a resolved subject", func(s *scenario) func(question) func() bool {
			return loadOurs(s, func(o *ours, q question) func() bool {
				h, _ := o.policy.Catalog().Permission(q.permission.name())
				subject := o.policy.Resolve("", o.users[q.user], auth.Unlimited())
				return func() bool { return subject.Has(h) }
			})
		}},
		{"rbac: string on a resolved subject", func(s *scenario) func(question) func() bool {
			return loadOurs(s, func(o *ours, q question) func() bool {
				subject, name := o.policy.Resolve("", o.users[q.user], auth.Unlimited()), q.permission.name()
				return func() bool { return subject.Can(name) }
			})
		}},
		{"rbac: user, resolve, check", func(s *scenario) func(question) func() bool {
			return loadOurs(s, func(o *ours, q question) func() bool {
				name := q.permission.name()
				return func() bool {
					subject := o.policy.Resolve("", o.users[q.user], auth.Unlimited())
					return subject.Can(name)
				}
			})
		}},
		{"rbac: the same, 2 scopes", func(s *scenario) func(question) func() bool {
			return loadOurs(s, func(o *ours, q question) func() bool {
				name, scopes := q.permission.name(), auth.MustScopeSet("reading", "everything")
				return func() bool {
					subject := o.policy.Resolve("", o.users[q.user], scopes)
					return subject.Can(name)
				}
			})
		}},
		{"rbac: auth.Principal, resolve, check", func(s *scenario) func(question) func() bool {
			return loadOurs(s, func(o *ours, q question) func() bool {
				a, err := rbac.NewAuthorizer(rbac.AuthorizerConfig{Policy: o.policy})
				must(err)
				var roles []string
				for _, b := range o.users[q.user] {
					roles = append(roles, b.Role)
				}
				who, err := auth.NewPrincipal(auth.PrincipalConfig{Subject: q.user, Roles: roles, Scopes: auth.Unlimited()})
				must(err)
				name, ctx := q.permission.name(), context.Background()
				return func() bool {
					subject := a.Resolve(ctx, who)
					return subject.Can(name)
				}
			})
		}},
		{"cedar-go, a policy an action", loadCedarActions},
		{"cedar-go, a policy a grant", loadCedarGrants},
		{"OPA, map store", loadOPA},
		{"casbin v2 Enforcer", func(s *scenario) func(question) func() bool { return loadCasbin(s, false) }},
		{"casbin v2 CachedEnforcer, a hit", func(s *scenario) func(question) func() bool { return loadCasbin(s, true) }},
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// loadFloor is what one would write by hand: two maps, with inheritance closed beforehand.
func loadFloor(s *scenario) func(question) func() bool {
	grants := map[string][]permission{}
	for _, r := range s.roles {
		grants[r.name] = r.grants
	}
	roles := make(map[string]map[string]struct{}, len(s.roles))
	for name, held := range s.closure() {
		set := map[string]struct{}{}
		for _, h := range held {
			for _, p := range grants[h] {
				set[p.name()] = struct{}{}
			}
		}
		roles[name] = set
	}
	users := make(map[string][]string, len(s.users))
	for _, u := range s.users {
		users[u.name] = u.roles
	}
	return func(q question) func() bool {
		name := q.permission.name()
		return func() bool {
			for _, r := range users[q.user] {
				if _, ok := roles[r][name]; ok {
					return true
				}
			}
			return false
		}
	}
}

// ours is a policy and the bindings of its users, as a program would keep them.
type ours struct {
	policy *rbac.Policy
	users  map[string]rbac.Bindings
}

func loadOurs(s *scenario, prepare func(*ours, question) func() bool) func(question) func() bool {
	m := rbac.Model{
		Permissions: make([]string, len(s.permissions)), Roles: make([]rbac.Role, len(s.roles)),
		Scopes: []rbac.Scope{{Name: "reading", Permissions: []string{"*:read"}}, {Name: "everything", Permissions: []string{"*"}}},
	}
	for i, p := range s.permissions {
		m.Permissions[i] = p.name()
	}
	all := make(rbac.Bindings, len(s.roles)) // one binding a role, which its holders share
	place := make(map[string]int, len(s.roles))
	for i, r := range s.roles {
		names := make([]string, len(r.grants))
		for k, g := range r.grants {
			names[k] = g.name()
		}
		m.Roles[i] = rbac.Role{Name: r.name, Inherits: r.parents, Allow: rbac.Grants(names...)}
		all[i] = rbac.Binding{Role: r.name, Everywhere: true}
		place[r.name] = i
	}
	policy, err := rbac.New(m, rbac.Config{})
	must(err)
	o := &ours{policy, make(map[string]rbac.Bindings, len(s.users))}
	for _, u := range s.users {
		if len(u.roles) == 1 {
			i := place[u.roles[0]]
			o.users[u.name] = all[i : i+1 : i+1]
			continue
		}
		o.users[u.name] = rbac.Everywhere(u.roles...)
	}
	return func(q question) func() bool { return prepare(o, q) }
}

const casbinModel = `
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act
`

func loadCasbin(s *scenario, cached bool) func(question) func() bool {
	m, err := model.NewModelFromString(casbinModel)
	must(err)
	var e interface {
		AddPolicies(rules [][]string) (bool, error)
		AddGroupingPolicies(rules [][]string) (bool, error)
		Enforce(rvals ...any) (bool, error)
	}
	if cached {
		e, err = casbin.NewCachedEnforcer(m)
	} else {
		e, err = casbin.NewEnforcer(m)
	}
	must(err)
	var grants, groups [][]string
	for _, r := range s.roles {
		for _, p := range r.grants {
			grants = append(grants, []string{r.name, p.object, p.action})
		}
		for _, parent := range r.parents {
			groups = append(groups, []string{r.name, parent})
		}
	}
	for _, u := range s.users {
		for _, r := range u.roles {
			groups = append(groups, []string{u.name, r})
		}
	}
	_, err = e.AddPolicies(grants)
	must(err)
	_, err = e.AddGroupingPolicies(groups)
	must(err)
	return func(q question) func() bool {
		return func() bool {
			ok, err := e.Enforce(q.user, q.permission.object, q.permission.action)
			return ok && err == nil
		}
	}
}

const opaPolicy = `package authz
default allow := false
allow if {
	some role in graph.reachable(data.parents, data.users[input.user])
	data.grants[role][input.permission]
}`

const opaFlatPolicy = `package authz
default allow := false
allow if {
	some role in data.users[input.user]
	data.grants[role][input.permission]
}`

func loadOPA(s *scenario) func(question) func() bool {
	grants, parents, users := map[string]any{}, map[string]any{}, map[string]any{}
	policy := opaFlatPolicy
	for _, r := range s.roles {
		set, up := map[string]any{}, []any{}
		for _, p := range r.grants {
			set[p.name()] = true
		}
		for _, parent := range r.parents {
			up = append(up, parent)
			policy = opaPolicy
		}
		grants[r.name], parents[r.name] = set, up
	}
	for _, u := range s.users {
		held := []any{}
		for _, r := range u.roles {
			held = append(held, r)
		}
		users[u.name] = held
	}
	ctx := context.Background()
	store := inmem.NewFromObjectWithOpts(map[string]any{"grants": grants, "parents": parents, "users": users}, inmem.OptRoundTripOnWrite(false))
	query, err := rego.New(rego.Query("data.authz.allow"), rego.Module("authz.rego", policy), rego.Store(store)).PrepareForEval(ctx)
	must(err)
	return func(q question) func() bool {
		input := rego.EvalInput(map[string]any{"user": q.user, "permission": q.permission.name()})
		return func() bool {
			results, err := query.Eval(ctx, input)
			return err == nil && results.Allowed()
		}
	}
}

// loadCedarGrants writes a policy for each grant; cedar looks at each of them.
func loadCedarGrants(s *scenario) func(question) func() bool {
	var text strings.Builder
	for _, r := range s.roles {
		for _, p := range r.grants {
			fmt.Fprintf(&text, "permit(principal in Role::%q, action == Action::%q, resource == Data::%q);\n", r.name, p.action, p.object)
		}
	}
	return cedarAsk(s, text.String(), cedarPeople(s))
}

// loadCedarActions writes a policy for each action, and the roles that are allowed it onto the resource: the idiom that
// stays flat.
func loadCedarActions(s *scenario) func(question) func() bool {
	entities, allowed := cedarPeople(s), map[string]map[string][]types.Value{}
	for _, r := range s.roles {
		for _, p := range r.grants {
			if allowed[p.object] == nil {
				allowed[p.object] = map[string][]types.Value{}
			}
			allowed[p.object][p.action] = append(allowed[p.object][p.action], types.NewEntityUID("Role", types.String(r.name)))
		}
	}
	actions := map[string]bool{}
	for object, lists := range allowed {
		attributes := types.RecordMap{}
		for action, list := range lists {
			attributes[types.String(action)] = types.NewSet(list...)
			actions[action] = true
		}
		uid := types.NewEntityUID("Data", types.String(object))
		entities[uid] = types.Entity{UID: uid, Attributes: types.NewRecord(attributes)}
	}
	var text strings.Builder
	for action := range actions {
		fmt.Fprintf(&text, "permit(principal, action == Action::%q, resource) when { resource has %s && principal in resource.%s };\n", action, action, action)
	}
	return cedarAsk(s, text.String(), entities)
}

func cedarPeople(s *scenario) types.EntityMap {
	entities := types.EntityMap{}
	add := func(kind types.EntityType, name string, parents []string) {
		uid := types.NewEntityUID(kind, types.String(name))
		up := make([]types.EntityUID, len(parents))
		for i, p := range parents {
			up[i] = types.NewEntityUID("Role", types.String(p))
		}
		entities[uid] = types.Entity{UID: uid, Parents: types.NewEntityUIDSet(up...)}
	}
	for _, r := range s.roles {
		add("Role", r.name, r.parents)
	}
	for _, u := range s.users {
		add("User", u.name, u.roles)
	}
	return entities
}

func cedarAsk(_ *scenario, text string, entities types.EntityMap) func(question) func() bool {
	policies, err := cedar.NewPolicySetFromBytes("policy.cedar", []byte(text))
	must(err)
	return func(q question) func() bool {
		request := types.Request{
			Principal: types.NewEntityUID("User", types.String(q.user)),
			Action:    types.NewEntityUID("Action", types.String(q.permission.action)),
			Resource:  types.NewEntityUID("Data", types.String(q.permission.object)),
		}
		return func() bool {
			ok, _ := cedar.Authorize(policies, entities, request)
			return ok == types.Allow
		}
	}
}
