package rbac

import (
	"fmt"
	"iter"

	"github.com/cardea-go/auth"
)

// A Drift is a permission that code asks for and the policy will not give.
type Drift struct {
	Permission string
	// Where is what asks for it, such as a route's pattern.
	Where string
	// Reason is [ReasonUndeclared], or [ReasonMissingPermission] where no role allows it.
	Reason auth.Reason
}

// String returns the drift as a sentence.
func (d Drift) String() string {
	what := "no role allows it"
	if d.Reason == ReasonUndeclared {
		what = "the policy does not declare it"
	}
	return fmt.Sprintf("%s asks for %q: %s", d.Where, d.Permission, what)
}

// Drift compares the policy with what a program's routes ask for: pairs of a name for the route and its rule, as
// [auth.Describe] tells. It returns each permission that the policy does not declare or that no role allows.
func (p *Policy) Drift(routes iter.Seq2[string, auth.Rule]) []Drift {
	var list []Drift
	for where, rule := range routes {
		for permission := range required(rule) {
			i, declared := p.index(permission)
			if !declared {
				list = append(list, Drift{permission, where, ReasonUndeclared})
			} else if len(p.allowing(i)) == 0 {
				list = append(list, Drift{permission, where, ReasonMissingPermission})
			}
		}
	}
	return list
}

// Unrequired yields the permissions that the policy declares and none of the routes asks for, sorted.
func (p *Policy) Unrequired(routes iter.Seq2[string, auth.Rule]) iter.Seq[string] {
	return func(yield func(string) bool) {
		asked := map[string]bool{}
		for _, rule := range routes {
			for permission := range required(rule) {
				asked[permission] = true
			}
		}
		for name := range p.Permissions() {
			if !asked[name] && !yield(name) {
				return
			}
		}
	}
}

// required yields the permissions that a rule names anywhere in it.
func required(rule auth.Rule) iter.Seq[string] {
	return func(yield func(string) bool) { eachPermission(rule, yield) }
}

func eachPermission(rule auth.Rule, yield func(string) bool) bool {
	if rule.Kind == "permission" {
		for _, name := range rule.Names {
			if !yield(name) {
				return false
			}
		}
	}
	for _, part := range rule.Rules {
		if !eachPermission(part, yield) {
			return false
		}
	}
	return true
}
