// Command rbacctl checks and questions rbac policies.
//
//	rbacctl lint [-json] FILE              what is probably not meant; 1 where there is a warning
//	rbacctl test [-json] [-cover N] FILE   the policy's own tests; 1 where one fails
//	rbacctl diff [-json] OLD NEW           what NEW allows that OLD did not; 1 where anything is gained
//	rbacctl explain [-json] -roles A,B [-scopes S] [-given C] FILE PERMISSION
//	                                       why it is allowed or not; 1 where it is not
//	rbacctl who-can [-json] [-bindings F] [-tenant T] FILE PERMISSION
//	                                       the roles that allow it, or the subjects in F; 1 where nobody does
//	rbacctl gen [-package P] FILE          Go source with a handle for each permission
//	rbacctl schema                         the JSON Schema of policy files
//
// It exits with 2 where it is called wrongly or a file can't be read or does not load. Conditions have no function here:
// those in -given hold, the others are unknown.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/rbac"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// Exit codes.
const (
	exitOK      = 0
	exitFinding = 1
	exitError   = 2
)

const usage = "usage: rbacctl lint|test|diff|explain|who-can|gen|schema [flags] FILE..."

// command is one call of the program.
type command struct {
	flags *flag.FlagSet
	out   io.Writer
	json  bool

	cover                                  int
	roles, scopes, given, bindings, tenant string
	pkg                                    string
	narrowed                               bool
}

func run(args []string, out, errs io.Writer) int {
	if len(args) == 0 {
		fmt.Fprintln(errs, usage)
		return exitError
	}
	c := &command{flags: flag.NewFlagSet("rbacctl "+args[0], flag.ContinueOnError), out: out}
	c.flags.SetOutput(errs)
	commands := map[string]struct {
		files int
		run   func(files []string) (int, error)
	}{
		"lint": {1, c.lint}, "test": {1, c.test}, "diff": {2, c.diff}, "explain": {2, c.explain},
		"who-can": {2, c.whoCan}, "gen": {1, c.gen}, "schema": {0, c.schema},
	}
	chosen, ok := commands[args[0]]
	if !ok {
		fmt.Fprintf(errs, "rbacctl: unknown command %q\n%s\n", args[0], usage)
		return exitError
	}
	c.define(args[0])
	if err := c.flags.Parse(args[1:]); err != nil {
		return exitError
	}
	c.flags.Visit(func(f *flag.Flag) { c.narrowed = c.narrowed || f.Name == "scopes" })
	if c.flags.NArg() != chosen.files {
		fmt.Fprintf(errs, "rbacctl %s: %d arguments, want %d\n%s\n", args[0], c.flags.NArg(), chosen.files, usage)
		return exitError
	}
	code, err := chosen.run(c.flags.Args())
	if err != nil {
		c.complain(errs, err)
		return exitError
	}
	return code
}

func (c *command) define(name string) {
	if name != "gen" && name != "schema" {
		c.flags.BoolVar(&c.json, "json", false, "write JSON")
	}
	switch name {
	case "test":
		c.flags.IntVar(&c.cover, "cover", 0, "fail where the tests rely on less than this percentage of the grants")
	case "explain":
		c.flags.StringVar(&c.roles, "roles", "", "the roles held, separated by commas")
		c.flags.StringVar(&c.scopes, "scopes", "", "the token's scopes, separated by spaces; without the flag nothing narrows")
		c.flags.StringVar(&c.given, "given", "", "the conditions that hold, separated by commas")
	case "who-can":
		c.flags.StringVar(&c.bindings, "bindings", "", `a JSON file: {"subject": [{"role": "...", "tenant": "...", "everywhere": false}]}`)
		c.flags.StringVar(&c.tenant, "tenant", "", "the tenant to ask in; without it only what is held everywhere counts")
	case "gen":
		c.flags.StringVar(&c.pkg, "package", "permissions", "the name of the package")
	}
}

// complain writes why there is no answer; with -json the problems of a policy go to out.
func (c *command) complain(errs io.Writer, err error) {
	load, ok := errors.AsType[*rbac.LoadError](err)
	if !ok {
		fmt.Fprintln(errs, "rbacctl:", err)
		return
	}
	if !c.json {
		fmt.Fprintf(errs, "%v\nrbacctl: the policy does not load\n", load)
		return
	}
	_ = c.write(map[string]any{"problems": places(load.Problems)})
}

func (c *command) write(v any) error {
	enc := json.NewEncoder(c.out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// load compiles a file whose conditions this program does not have.
func (c *command) load(path string) (*rbac.Policy, error) {
	text, err := rbac.File(path).Load(context.Background())
	if err != nil {
		return nil, err
	}
	return rbac.Parse(text.Name, text.Data, rbac.Config{UnboundConditions: true})
}

// suppose compiles a file so that the given conditions hold and the others are unknown.
func (c *command) suppose(path string) (*rbac.Policy, error) {
	text, err := rbac.File(path).Load(context.Background())
	if err != nil {
		return nil, err
	}
	policy, err := rbac.Parse(text.Name, text.Data, rbac.Config{UnboundConditions: true})
	if err != nil {
		return nil, err
	}
	bound := map[string]rbac.Condition{}
	for name := range policy.Conditions() {
		bound[name] = func(context.Context, rbac.Input) (bool, error) { return false, rbac.ErrNeedsResource }
	}
	for name := range list(c.given) {
		if bound[name] == nil {
			return nil, fmt.Errorf("-given: the policy names no condition %q", name)
		}
		bound[name] = func(context.Context, rbac.Input) (bool, error) { return true, nil }
	}
	return rbac.Parse(text.Name, text.Data, rbac.Config{Conditions: bound})
}

// list yields the parts of a flag.
func list(s string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for part := range strings.SplitSeq(s, ",") {
			if part = strings.TrimSpace(part); part != "" && !yield(part) {
				return
			}
		}
	}
}

func (c *command) tokenScopes() (auth.ScopeSet, error) {
	if !c.narrowed {
		return auth.Unlimited(), nil
	}
	return auth.NewScopeSet(strings.Fields(c.scopes)...)
}

func (c *command) gen(files []string) (int, error) {
	policy, err := c.load(files[0])
	if err != nil {
		return 0, err
	}
	source, err := generate(policy, c.pkg)
	if err != nil {
		return 0, err
	}
	_, err = c.out.Write(source)
	return exitOK, err
}

func (c *command) schema([]string) (int, error) {
	_, err := io.WriteString(c.out, rbac.Schema())
	return exitOK, err
}
