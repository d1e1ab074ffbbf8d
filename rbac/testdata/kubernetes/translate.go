//go:build ignore

// Command translate writes the default roles of Kubernetes as an rbac policy:
//
//	go run testdata/kubernetes/translate.go > testdata/kubernetes/policy.yaml
//
// An API group and a resource become group.resource, with "_" for the dots and slashes inside of each; a path becomes
// url_path; a verb is the action. A rule for named objects is a grant under the condition "named". A role that aggregates others by label
// inherits from them. "*/scale" is written out for every resource that has a scale, and a group of which the roles name
// no resource gets one called objects.
package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

type roles struct {
	Items []struct {
		Metadata struct {
			Name   string
			Labels map[string]string
		}
		AggregationRule struct {
			Selectors []struct {
				Labels map[string]string `yaml:"matchLabels"`
			} `yaml:"clusterRoleSelectors"`
		} `yaml:"aggregationRule"`
		Rules []struct {
			Groups    []string `yaml:"apiGroups"`
			Resources []string
			URLs      []string `yaml:"nonResourceURLs"`
			Names     []string `yaml:"resourceNames"`
			Verbs     []string
		}
	}
}

func main() {
	var all roles
	for _, name := range []string{"cluster-roles.yaml", "controller-roles.yaml"} {
		data, err := os.ReadFile("testdata/kubernetes/" + name)
		if err != nil {
			panic(err)
		}
		var list roles
		if err := yaml.Unmarshal(data, &list); err != nil {
			panic(err)
		}
		all.Items = append(all.Items, list.Items...)
	}
	declared, scaled := map[string]map[string]bool{}, []string{}
	for _, item := range all.Items { // what patterns will stand for has to be there first
		for _, rule := range item.Rules {
			for _, group := range rule.Groups {
				for _, resource := range rule.Resources {
					if name := segment(group) + "." + segment(resource); group != "*" && strings.HasSuffix(resource, "/scale") && resource != "*/scale" {
						scaled = append(scaled, name)
					}
				}
			}
		}
	}
	scaled = unique(scaled)
	var out strings.Builder
	for _, item := range all.Items {
		fmt.Fprintf(&out, "  %s:\n", item.Metadata.Name)
		var parents []string
		for _, selector := range item.AggregationRule.Selectors {
			for _, other := range all.Items {
				if matches(selector.Labels, other.Metadata.Labels) {
					parents = append(parents, other.Metadata.Name)
				}
			}
		}
		if len(parents) > 0 {
			fmt.Fprintf(&out, "    inherits: [%s]\n", quoted(parents))
		}
		var plain, named []string
		for _, rule := range item.Rules {
			var grants []string
			for _, verb := range rule.Verbs {
				for _, group := range rule.Groups {
					for _, resource := range rule.Resources {
						if resource == "*/scale" {
							for _, name := range scaled {
								grants = append(grants, declare(declared, name, verb))
							}
							continue
						}
						if resource == "*" && group != "*" {
							declare(declared, segment(group)+".objects", verb)
						}
						grants = append(grants, declare(declared, segment(group)+"."+segment(resource), verb))
					}
				}
				for _, url := range rule.URLs {
					grants = append(grants, declare(declared, path(url), verb))
				}
			}
			if len(rule.Names) > 0 {
				named = append(named, grants...)
			} else {
				plain = append(plain, grants...)
			}
		}
		if len(plain)+len(named) == 0 {
			if len(parents) == 0 {
				fmt.Fprintln(&out, "    {}")
			}
			continue
		}
		fmt.Fprintln(&out, "    allow:")
		for _, grant := range unique(plain) {
			fmt.Fprintf(&out, "      - %q\n", grant)
		}
		for _, grant := range unique(named) {
			if !slices.Contains(plain, grant) {
				fmt.Fprintf(&out, "      - {permission: %q, when: [named]}\n", grant)
			}
		}
	}
	fmt.Println("# Written by translate.go from the default roles of Kubernetes v1.37.2 (Apache License 2.0). Do not edit.")
	fmt.Println("version: 1\npermissions:")
	for _, resource := range sorted(declared) {
		fmt.Printf("  %s: [%s]\n", resource, quoted(sorted(declared[resource])))
	}
	fmt.Print("roles:\n", out.String())
}

// segment turns a group, resource or path into one segment of a permission; the empty group is "core".
func segment(s string) string {
	if s == "*" {
		return s
	}
	if s == "" {
		return "core"
	}
	return strings.TrimLeft(strings.ToLower(strings.NewReplacer(".", "_", "/", "_", "*", "any").Replace(s)), "_")
}

// path turns the path of a URL into a resource of one segment, which the patterns for API resources do not reach. "*" is
// any path, and only a role that is allowed everything has it.
func path(url string) string {
	if url == "*" {
		return url
	}
	return "url_" + segment(strings.Trim(url, "/"))
}

// declare returns the permission, and declares it unless it is a pattern.
func declare(declared map[string]map[string]bool, resource, verb string) string {
	if !strings.Contains(resource, "*") && verb != "*" {
		add(declared, resource, verb)
	}
	if !strings.Contains(resource, "*") && verb == "*" {
		for _, verb := range verbs {
			add(declared, resource, verb)
		}
	}
	return resource + ":" + verb
}

var verbs = []string{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}

func add(declared map[string]map[string]bool, resource, verb string) {
	if declared[resource] == nil {
		declared[resource] = map[string]bool{}
	}
	declared[resource][verb] = true
}

func matches(selector, labels map[string]string) bool {
	for name, value := range selector {
		if labels[name] != value {
			return false
		}
	}
	return true
}

func sorted[V any](m map[string]V) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func unique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

func quoted(list []string) string {
	parts := make([]string, len(list))
	for i, s := range list {
		parts[i] = fmt.Sprintf("%q", s)
	}
	return strings.Join(parts, ", ")
}
