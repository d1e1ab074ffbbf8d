package rbac_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/cardea-go/auth/rbac"
)

// kubernetesRoles are the default roles of Kubernetes, as its repository has them.
type kubernetesRoles struct {
	Items []kubernetesRole
}

type kubernetesRole struct {
	Metadata struct {
		Name   string
		Labels map[string]string
	}
	AggregationRule struct {
		Selectors []struct {
			Labels map[string]string `yaml:"matchLabels"`
		} `yaml:"clusterRoleSelectors"`
	} `yaml:"aggregationRule"`
	Rules []kubernetesRule
}

type kubernetesRule struct {
	Groups    []string `yaml:"apiGroups"`
	Resources []string
	URLs      []string `yaml:"nonResourceURLs"`
	Names     []string `yaml:"resourceNames"`
	Verbs     []string
}

// allows is the rule of Kubernetes' own authorizer, without the names of objects.
func (r *kubernetesRule) allows(group, resource, verb string) bool {
	_, sub, _ := strings.Cut(resource, "/")
	return (slices.Contains(r.Verbs, "*") || slices.Contains(r.Verbs, verb)) &&
		(slices.Contains(r.Groups, "*") || slices.Contains(r.Groups, group)) &&
		(slices.Contains(r.Resources, "*") || slices.Contains(r.Resources, resource) || sub != "" && slices.Contains(r.Resources, "*/"+sub))
}

func readKubernetes(t *testing.T) kubernetesRoles {
	t.Helper()
	var all kubernetesRoles
	for _, name := range []string{"cluster-roles.yaml", "controller-roles.yaml"} {
		data, err := os.ReadFile("testdata/kubernetes/" + name)
		if err != nil {
			t.Fatal(err)
		}
		var list kubernetesRoles
		if err := yaml.Unmarshal(data, &list); err != nil {
			t.Fatal(err)
		}
		all.Items = append(all.Items, list.Items...)
	}
	return all
}

// rules returns the rules of a role and of those that it aggregates, however far.
func (all *kubernetesRoles) rules(role *kubernetesRole, seen map[string]bool) []kubernetesRule {
	if seen[role.Metadata.Name] {
		return nil
	}
	seen[role.Metadata.Name] = true
	rules := role.Rules
	for _, selector := range role.AggregationRule.Selectors {
		for i := range all.Items {
			selected := len(selector.Labels) > 0
			for name, value := range selector.Labels {
				selected = selected && all.Items[i].Metadata.Labels[name] == value
			}
			if selected {
				rules = append(rules, all.rules(&all.Items[i], seen)...)
			}
		}
	}
	return rules
}

func kubernetesPolicy(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/kubernetes/policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestKubernetesRoles asks the translation of a role model that nobody here wrote for every role and every resource and
// verb that its rules name, and compares with the rules themselves.
func TestKubernetesRoles(t *testing.T) {
	all := readKubernetes(t)
	policy := parse(t, string(kubernetesPolicy(t)), rbac.Config{Conditions: map[string]rbac.Condition{
		"named": func(_ context.Context, in rbac.Input) (bool, error) { return in.HasResource, nil },
	}})
	type triple struct{ group, resource, verb string }
	triples := map[triple]bool{}
	for _, role := range all.Items {
		for _, rule := range role.Rules {
			for _, group := range rule.Groups {
				for _, resource := range rule.Resources {
					for _, verb := range rule.Verbs {
						if !strings.Contains(group+resource+verb, "*") {
							triples[triple{group, resource, verb}] = true
						}
					}
				}
			}
		}
	}
	if len(all.Items) < 70 || len(triples) < 600 {
		t.Fatalf("found %d roles and %d permissions, want 70 and 600 or more", len(all.Items), len(triples))
	}
	answers := map[rbac.Answer]int{}
	for i := range all.Items {
		role := &all.Items[i]
		rules := all.rules(role, map[string]bool{})
		s := policy.Resolve("", rbac.Everywhere(role.Metadata.Name), unlimited)
		for x := range triples {
			want := rbac.Denied
			for _, rule := range rules {
				switch {
				case !rule.allows(x.group, x.resource, x.verb):
				case len(rule.Names) == 0:
					want = rbac.Allowed
				default:
					want = max(want, rbac.Conditional)
				}
			}
			name := kubernetesSegment(x.group) + "." + kubernetesSegment(x.resource) + ":" + x.verb
			if got := s.Answer(name); got != want {
				t.Errorf("%s %s: got %v, want %v", role.Metadata.Name, name, got, want)
			}
			answers[want]++
		}
	}
	if answers[rbac.Allowed] < 1000 || answers[rbac.Conditional] < 5 || answers[rbac.Denied] < 10_000 {
		t.Errorf("too few of some answer: %v", answers)
	}
}

func kubernetesSegment(s string) string {
	if s == "" {
		return "core"
	}
	return strings.ToLower(strings.NewReplacer(".", "_", "/", "_").Replace(s))
}
