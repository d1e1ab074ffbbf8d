package auth_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestPackagesPullInOnlyWhatTheyMay looks at everything that importing a package compiles: a user of API keys gets no JWT
// library, and the contract stands on the standard library.
func TestPackagesPullInOnlyWhatTheyMay(t *testing.T) {
	const module = "github.com/cardea-go/auth"
	for _, tt := range []struct {
		pkg     string
		allowed []string // beside the standard library, itself and internal packages; those under a path that ends in /
	}{
		{".", nil},
		{"./middleware", []string{module}},
		{"./throttle", nil},
		{"./apikey", []string{module, module + "/throttle"}},
		{"./basic", []string{module, module + "/throttle", module + "/basic/password", "golang.org/x/"}},
		{"./jwt", []string{module, "github.com/lestrrat-go/", "golang.org/x/", "github.com/goccy/go-json/", "github.com/decred/", "github.com/segmentio/asm/"}},
		{"./oauth2/dpop", []string{module, module + "/jwt", "github.com/lestrrat-go/", "golang.org/x/crypto/", "golang.org/x/sys/", "github.com/goccy/go-json/", "github.com/decred/", "github.com/segmentio/asm/"}},
		{"./oauth2", []string{module, module + "/jwt", module + "/oauth2/dpop", "github.com/lestrrat-go/", "golang.org/x/crypto/", "golang.org/x/sys/", "github.com/goccy/go-json/", "github.com/decred/", "github.com/segmentio/asm/"}},
		{"./rbac", []string{module, "go.yaml.in/yaml/v3"}},
		{"./openapi", []string{module, module + "/middleware", "go.yaml.in/yaml/v3"}},
		{"./openapi/docs", nil},
		{"./openapi/openapitest", []string{module, module + "/middleware", module + "/openapi", "go.yaml.in/yaml/v3"}},
		{"./basic/password", []string{"golang.org/x/"}},
		{"./basic/htpasswd", []string{module, module + "/throttle", module + "/basic", module + "/basic/password", "golang.org/x/"}},
	} {
		t.Run(tt.pkg, func(t *testing.T) {
			out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", tt.pkg).Output()
			if err != nil {
				t.Fatal(err)
			}
			listed := strings.Fields(string(out))
			if len(listed) == 0 {
				t.Fatal("go list named no package")
			}
			allowed := slices.Concat(tt.allowed, []string{module + strings.TrimPrefix(tt.pkg, "."), module + "/internal/"})
			for _, dep := range listed {
				ok := slices.ContainsFunc(allowed, func(p string) bool {
					return dep == p || strings.HasSuffix(p, "/") && strings.HasPrefix(dep, p)
				})
				if !ok {
					t.Errorf("%s pulls in %s", tt.pkg, dep)
				}
			}
		})
	}
}
