package authtest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/cardea-go/auth"
)

// RequirementKit is what the conformance kit needs to know about a requirement.
type RequirementKit struct {
	// Requirement is the one under test. Required.
	Requirement auth.Requirement
	// Allowed are principals that it lets go on, Refused those that it does not. At least one each. Required.
	Allowed, Refused []*auth.Principal
	// Context is what Check is called with. Nil is context.Background().
	Context context.Context //nolint:containedctx // a value for the test, as in a request
}

// TestRequirement checks kit's requirement against the contract of [auth.Requirement], one subtest a rule.
func TestRequirement(t *testing.T, kit RequirementKit) {
	t.Helper()
	run(t, kit.withContext(), requirementRules)
}

// CheckRequirement is [TestRequirement] without a test: it returns the broken rules, joined, or nil.
func CheckRequirement(kit RequirementKit) error { return all(kit.withContext(), requirementRules) }

func (k RequirementKit) withContext() RequirementKit {
	if k.Context == nil {
		k.Context = context.Background()
	}
	return k
}

var requirementRules = []rule[RequirementKit]{
	{
		"the kit is complete",
		"without a principal that is allowed and one that is refused the other rules prove nothing",
		func(k RequirementKit) error {
			if k.Requirement == nil || len(k.Allowed) == 0 || len(k.Refused) == 0 {
				return errors.New("set Requirement, Allowed and Refused")
			}
			return nil
		},
	},
	{
		"it was built right",
		"a requirement that is an auth.Validator is asked by the guard's constructor, which refuses it on an error",
		func(k RequirementKit) error {
			if v, ok := k.Requirement.(auth.Validator); ok {
				return v.Validate()
			}
			return nil
		},
	},
	{
		"no principal is answered with no credential",
		"a requirement can stand where nobody was authenticated: answer auth.KindNoCredential (401), don't panic, don't pass",
		func(k RequirementKit) error {
			if kind := auth.KindOf(k.Requirement.Check(k.Context, nil)); kind != auth.KindNoCredential {
				return fmt.Errorf("got kind %v for a nil principal", kind)
			}
			return nil
		},
	},
	{
		"allowed principals go on",
		"Check returns nil where the principal may go on",
		func(k RequirementKit) error { return k.check(k.Allowed, true) },
	},
	{
		"refused principals are forbidden, or asked to step up",
		"Check returns an *auth.Error of KindForbidden or KindStepUp; any other error reads as an outage (503)",
		func(k RequirementKit) error { return k.check(k.Refused, false) },
	},
	{
		"its description stays the same",
		"guards and API descriptions read Describe once",
		func(k RequirementKit) error {
			if a, b := auth.Describe(k.Requirement), auth.Describe(k.Requirement); !reflect.DeepEqual(a, b) || a.Kind == "" {
				return fmt.Errorf("got %v, then %v; want the same, with a kind", a, b)
			}
			return nil
		},
	},
	{
		"it can be used by many goroutines",
		"a guard checks every request with the same requirement; run the test with -race",
		func(k RequirementKit) error {
			return concurrently(k, func(k RequirementKit) error {
				for range 50 {
					if err := errors.Join(k.check(k.Allowed, true), k.check(k.Refused, false)); err != nil {
						return err
					}
				}
				return nil
			})
		},
	},
}

func (k RequirementKit) check(principals []*auth.Principal, allowed bool) error {
	for _, p := range principals {
		err := k.Requirement.Check(k.Context, p)
		if allowed {
			if err != nil {
				return fmt.Errorf("%v: got %v of kind %v, want nil", p, err, auth.KindOf(err))
			}
			continue
		}
		if kind := auth.KindOf(err); kind != auth.KindForbidden && kind != auth.KindStepUp {
			return fmt.Errorf("%v: got kind %v, want forbidden or step_up", p, kind)
		}
	}
	return nil
}
