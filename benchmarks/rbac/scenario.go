package main

import "fmt"

// A scenario is one policy, its users, and two questions.
type scenario struct {
	name        string
	permissions []permission
	roles       []role
	users       []user
	allow, deny question
}

type permission struct{ object, action string }

func (p permission) name() string { return p.object + ":" + p.action }

type role struct {
	name    string
	parents []string
	grants  []permission
}

type user struct {
	name  string
	roles []string
}

type question struct {
	user       string
	permission permission
}

// scenarios are an ordinary application, the three sizes that casbin publishes figures for (one permission a role), and
// 100 chains of ten roles asked at their ends.
func scenarios() []scenario {
	return []scenario{
		application(),
		flat("small", 100, 1_000), flat("medium", 1_000, 10_000), flat("large", 10_000, 100_000),
		chains(),
	}
}

// application has 20 roles in four levels over 620 permissions, and 5,000 users with three roles each.
func application() scenario {
	s := scenario{name: "app"}
	for i := range 124 {
		for _, action := range []string{"read", "list", "create", "update", "delete"} {
			s.permissions = append(s.permissions, permission{fmt.Sprintf("resource%d", i), action})
		}
	}
	for i := range 20 {
		r := role{name: fmt.Sprintf("role%d", i)}
		for k := range 31 {
			r.grants = append(r.grants, s.permissions[i*31+k])
		}
		if i >= 5 {
			r.parents = []string{fmt.Sprintf("role%d", i-5)}
		}
		s.roles = append(s.roles, r)
	}
	for i := range 5_000 {
		s.users = append(s.users, user{fmt.Sprintf("user%d", i), []string{
			fmt.Sprintf("role%d", i%5), fmt.Sprintf("role%d", 5+i%5), fmt.Sprintf("role%d", 10+(i+1)%5),
		}})
	}
	// user501 has role1, role6 (which inherits role1) and role12 (which inherits role7 and role2).
	s.allow = question{"user501", s.permissions[2*31+5]}
	s.deny = question{"user501", s.permissions[19*31+5]}
	return s
}

// flat is casbin's benchmark: group i may read data i/10, user i is in group i/10.
func flat(name string, roles, users int) scenario {
	s := scenario{name: name}
	for i := range roles / 10 {
		s.permissions = append(s.permissions, permission{fmt.Sprintf("data%d", i), "read"})
	}
	for i := range roles {
		s.roles = append(s.roles, role{name: fmt.Sprintf("group%d", i), grants: []permission{s.permissions[i/10]}})
	}
	for i := range users {
		s.users = append(s.users, user{fmt.Sprintf("user%d", i), []string{s.roles[i/10].name}})
	}
	s.allow = question{"user501", s.permissions[5]}
	s.deny = question{"user501", s.permissions[len(s.permissions)-1]}
	return s
}

func chains() scenario {
	s := scenario{name: "chain10"}
	for i := range 100 {
		for k := range 10 {
			p := permission{fmt.Sprintf("data%d-%d", i, k), "read"}
			s.permissions = append(s.permissions, p)
			r := role{name: fmt.Sprintf("chain%d-%d", i, k), grants: []permission{p}}
			if k > 0 {
				r.parents = []string{fmt.Sprintf("chain%d-%d", i, k-1)}
			}
			s.roles = append(s.roles, r)
		}
		s.users = append(s.users, user{fmt.Sprintf("user%d", i), []string{fmt.Sprintf("chain%d-9", i)}})
	}
	s.allow = question{"user50", s.permissions[50*10]}
	s.deny = question{"user50", s.permissions[51*10]}
	return s
}

// closure returns every role with all that it inherits, for engines that want the hierarchy closed.
func (s *scenario) closure() map[string][]string {
	index := map[string]*role{}
	for i := range s.roles {
		index[s.roles[i].name] = &s.roles[i]
	}
	closed := make(map[string][]string, len(s.roles))
	for _, r := range s.roles {
		queue := []string{r.name}
		for i := 0; i < len(queue); i++ {
			queue = append(queue, index[queue[i]].parents...)
		}
		closed[r.name] = queue
	}
	return closed
}
