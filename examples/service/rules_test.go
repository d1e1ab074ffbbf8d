package main

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
)

// atOnce calls f n times at once, and returns how often it returned nil. Every other time has to be of the error want.
func atOnce(t *testing.T, n int, want error, f func(i int) error) (done int) {
	t.Helper()
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	for _, err := range errs {
		switch {
		case err == nil:
			done++
		case !errors.Is(err, want):
			t.Errorf("got %v, want %v", err, want)
		}
	}
	return done
}

// TestCapsHoldAtOnce has many take the last places at the same time.
func TestCapsHoldAtOnce(t *testing.T) {
	s, c := newTestService(t)
	ctx := t.Context()
	bobs := founded(t, s, "bob")
	insert := func(name string) error {
		_, err := s.people.insert(ctx, account{Name: name})
		return err
	}
	addTeam := func(founder string) error {
		_, err := s.teams.add(ctx, "more", founder)
		return err
	}
	addProgram := func(team string) error {
		_, _, err := s.teams.addProgram(ctx, "more", "reader", team)
		return err
	}
	for _, tt := range []struct { // in order: the service remembers
		name, fill string // with numbers from 1
		to         int
		full       error
		one        func(i int) error
		want       int
	}{
		{"the notes of a team", "INSERT INTO notes (team, author, text) SELECT $2, 'alice', '' FROM numbers", maxNotes - 2, errNoRoom,
			func(int) error { _, err := s.teams.addNote(ctx, c.team, note{Author: "alice", Text: "x"}); return err }, 2},
		{"the teams of a founder", "INSERT INTO teams (id, name, founder) SELECT 'alice-' || n, $2, 'alice' FROM numbers", maxEach - 1 - 2, errNoRoom,
			func(int) error { return addTeam("alice") }, 2},
		{"the programs of a team", "INSERT INTO programs (id, name, team, role, secret) SELECT 'p-' || n, '', $2, 'reader', '' FROM numbers", maxEach - 1 - 2, errNoRoom,
			func(int) error { return addProgram(c.team) }, 2},
		{"a name", "", 0, errTaken, func(int) error { return insert("carol") }, 1},
		{"people", "INSERT INTO people (name, hash, admin) SELECT 'person-' || n, $2, FALSE FROM numbers", maxPeople - 4 - 1, errFull,
			func(i int) error { return insert(fmt.Sprint("late-", i)) }, 1},
		{"the members of a team", "INSERT INTO members (team, name, role) SELECT $2, 'person-' || n, 'reader' FROM numbers", maxMembers - 2 - 2, errNoRoom,
			func(i int) error { return s.teams.setMember(ctx, c.team, fmt.Sprint("person-", 1000+i), "reader") }, 2},
		{"teams", "INSERT INTO teams (id, name, founder) SELECT 'team-' || n, $2, 'root' FROM numbers WHERE n + (SELECT count(*) FROM teams) < $1", maxTeams, errNoRoom,
			func(int) error { return addTeam("bob") }, 1},
		{"programs", "INSERT INTO programs (id, name, team, role, secret) SELECT 'program-' || n, $2, 'team-1', '', '' FROM numbers WHERE n + (SELECT count(*) FROM programs) < $1", maxPrograms, errNoRoom,
			func(int) error { return addProgram(bobs) }, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.fill != "" {
				change(t, s, "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < $1) "+tt.fill, tt.to, c.team)
			}
			if got := atOnce(t, 6, tt.full, tt.one); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

// TestATeamKeepsAnOwnerAtOnce has both owners of a team leave, or become less, at the same time.
func TestATeamKeepsAnOwnerAtOnce(t *testing.T) {
	s, c := newTestService(t)
	owners := []string{"alice", "bob"}
	for range 10 {
		for _, name := range owners {
			if err := s.teams.setMember(t.Context(), c.team, name, "owner"); err != nil {
				t.Fatal(err)
			}
		}
		if got := atOnce(t, 2, errLastOwner, func(i int) error {
			if i == 0 {
				return s.teams.removeMember(t.Context(), c.team, owners[i])
			}
			return s.teams.setMember(t.Context(), c.team, owners[i], "reader")
		}); got != 1 {
			t.Fatalf("got %d changes, want 1", got)
		}
		members, err := s.teams.members(t.Context(), c.team)
		if err != nil || !slices.ContainsFunc(members, func(m memberJSON) bool { return m.Role == "owner" }) {
			t.Fatalf("got %v and error %v, want an owner", members, err)
		}
	}
}

// TestANoteIsDeletedOnce has many delete one note, each of whom was allowed to.
func TestANoteIsDeletedOnce(t *testing.T) {
	s, c := newTestService(t)
	n, err := s.teams.addNote(t.Context(), c.team, note{Author: "alice", Text: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if got := atOnce(t, 6, errNoSuch, func(int) error {
		return s.teams.removeNote(t.Context(), c.team, n.ID, func(note) error { return nil })
	}); got != 1 {
		t.Errorf("got %d deletions, want 1", got)
	}
}
