package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/cardea-go/auth/rbac"
)

// place is a problem in JSON.
type place struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
	Code    string `json:"code,omitempty"`
	Warning bool   `json:"warning,omitempty"`
}

func at(p rbac.Position, message string) place {
	return place{File: p.File, Line: p.Line, Column: p.Column, Message: message}
}

func places(problems []rbac.Problem) []place {
	all := make([]place, len(problems))
	for i, p := range problems {
		all[i] = at(p.Position, p.Message)
	}
	return all
}

func (c *command) lint(files []string) (int, error) {
	policy, err := c.load(files[0])
	if err != nil {
		return 0, err
	}
	findings, code := policy.Lint(), exitOK
	all := make([]place, len(findings))
	for i, f := range findings {
		all[i] = at(f.Position, f.Message)
		all[i].Code, all[i].Warning = f.Code, f.Warning
		if f.Warning {
			code = exitFinding
		}
	}
	if c.json {
		return code, c.write(map[string]any{"findings": all})
	}
	for _, f := range findings {
		fmt.Fprintln(c.out, f)
	}
	return code, nil
}

func (c *command) test(files []string) (int, error) {
	policy, err := c.load(files[0])
	if err != nil {
		return 0, err
	}
	report, code := policy.RunTests(), exitOK
	covered := 100
	if report.Grants > 0 {
		covered = 100 * (report.Grants - len(report.Untested)) / report.Grants
	}
	if len(report.Failures) > 0 || covered < c.cover || report.Tests == 0 {
		code = exitFinding
	}
	if c.json {
		return code, c.write(map[string]any{
			"tests": report.Tests, "failures": places(report.Failures),
			"grants": report.Grants, "untested": places(report.Untested), "covered": covered,
		})
	}
	for _, p := range report.Failures {
		fmt.Fprintln(c.out, p)
	}
	for _, p := range report.Untested {
		fmt.Fprintln(c.out, p)
	}
	_, err = fmt.Fprintf(c.out, "%d tests, %d failures, %d%% of %d grants covered\n", report.Tests, len(report.Failures), covered, report.Grants)
	return code, err
}

func (c *command) diff(files []string) (int, error) {
	before, err := c.load(files[0])
	if err != nil {
		return 0, err
	}
	after, err := c.load(files[1])
	if err != nil {
		return 0, err
	}
	changes, code := after.Diff(before), exitOK
	if rbac.Gains(changes) {
		code = exitFinding
	}
	if c.json {
		type change struct {
			Who, Name, Permission, Before, After, Detail string
			Gained                                       bool
		}
		all := make([]change, len(changes))
		for i, d := range changes {
			all[i] = change{d.Who, d.Name, d.Permission, d.Before.String(), d.After.String(), d.Detail, d.Gained}
		}
		return code, c.write(map[string]any{"changes": all, "gained": code == exitFinding})
	}
	for _, d := range changes {
		fmt.Fprintln(c.out, d)
	}
	return code, nil
}

func (c *command) explain(args []string) (int, error) {
	policy, err := c.suppose(args[0])
	if err != nil {
		return 0, err
	}
	scopes, err := c.tokenScopes()
	if err != nil {
		return 0, err
	}
	s := policy.Resolve("", rbac.Everywhere(slices.Collect(list(c.roles))...), scopes)
	d := s.Explain(context.Background(), args[1], nil)
	code := exitFinding
	if d.Answer == rbac.Allowed {
		code = exitOK
	}
	if c.json {
		return code, c.write(map[string]any{
			"permission": d.Permission, "answer": d.Answer.String(), "reason": d.Reason, "policy": d.Policy,
			"path": steps(d.Path), "grant": d.Grant, "when": d.When, "held": steps(d.Held), "unknown": d.Unknown,
			"allowed_by": steps(d.AllowedBy), "missing_scopes": d.MissingScopes, "condition": d.Condition, "guardrail": d.Guardrail,
		})
	}
	_, err = fmt.Fprintln(c.out, d.String())
	return code, err
}

func steps(list []rbac.Step) []place {
	all := make([]place, len(list))
	for i, s := range list {
		all[i] = at(s.Position, s.Role)
	}
	return all
}

func (c *command) whoCan(args []string) (int, error) {
	policy, err := c.load(args[0])
	if err != nil {
		return 0, err
	}
	if !policy.HasPermission(args[1]) {
		return 0, fmt.Errorf("%s declares no permission %q", args[0], args[1])
	}
	found := policy.RolesGranting(args[1])
	if c.bindings != "" {
		subjects, err := readBindings(c.bindings)
		if err != nil {
			return 0, err
		}
		names := slices.Sorted(maps.Keys(subjects))
		found = policy.WhoCan(args[1], c.tenant, func(yield func(string, rbac.Bindings) bool) {
			for _, name := range names {
				if !yield(name, subjects[name]) {
					return
				}
			}
		})
	}
	answers := map[string]string{}
	for name, answer := range found {
		answers[name] = answer.String()
	}
	code := exitOK
	if len(answers) == 0 {
		code = exitFinding
	}
	if c.json {
		return code, c.write(answers)
	}
	for _, name := range slices.Sorted(maps.Keys(answers)) {
		fmt.Fprintf(c.out, "%s: %s\n", name, answers[name])
	}
	return code, nil
}

func readBindings(path string) (map[string]rbac.Bindings, error) {
	file, err := os.Open(path) //nolint:gosec // the file that the user names
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	subjects, err := decodeBindings(json.NewDecoder(file))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return subjects, nil
}

// decodeBindings reads one object, each subject once: what encoding/json leaves out would be missing in the answer.
func decodeBindings(dec *json.Decoder) (map[string]rbac.Bindings, error) {
	dec.DisallowUnknownFields()
	if open, err := dec.Token(); err != nil {
		return nil, err
	} else if open != json.Delim('{') {
		return nil, errors.New("write an object of subjects and lists of bindings")
	}
	subjects := map[string]rbac.Bindings{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		subject, _ := name.(string) // the decoder lets nothing else be a key
		if _, twice := subjects[subject]; twice {
			return nil, fmt.Errorf("subject %q comes twice: join its bindings", subject)
		}
		var bindings rbac.Bindings
		if err := dec.Decode(&bindings); err != nil {
			return nil, err
		}
		subjects[subject] = bindings
	}
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the end of the object")
	}
	return subjects, nil
}
