package oauth2

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/internal/jose"
)

// A RouterConfig configures [NewRouter]. At least one verifier is required.
type RouterConfig struct {
	// Issuers has the verifier for the JWTs of each issuer. The iss that chooses it is not verified yet: the verifier
	// checks it again, as an [Introspector] or a [JWTVerifier] does.
	Issuers map[string]Verifier
	// Prefixes has the verifier for tokens that begin in a way of their own, such as "gho_". The longest that fits is
	// asked. A prefix goes before the shape of a JWT.
	Prefixes map[string]Verifier
	// Opaque verifies all other tokens that are no JWTs. Nil: they are unrecognized.
	Opaque Verifier
}

// A Router is a [Verifier] that asks one of several, chosen by what a token looks like. A token that is for none of them,
// such as a JWT of another issuer, is [auth.ErrUnrecognized]. A token is never tried with a second one. It is safe for
// concurrent use.
type Router struct {
	c        RouterConfig
	prefixes []string // longest first
}

// NewRouter returns the router that c describes.
func NewRouter(c RouterConfig) (*Router, error) {
	var errs []error
	if len(c.Issuers) == 0 && len(c.Prefixes) == 0 && c.Opaque == nil {
		errs = append(errs, errors.New("oauth2: RouterConfig has no verifier: set one"))
	}
	for field, m := range map[string]map[string]Verifier{"Issuers": c.Issuers, "Prefixes": c.Prefixes} {
		for name, v := range m {
			if name == "" || isNil(v) {
				errs = append(errs, fmt.Errorf("oauth2: RouterConfig.%s[%q]: an empty name or a nil verifier: remove it", field, name))
			}
		}
	}
	if c.Opaque != nil && isNil(c.Opaque) {
		errs = append(errs, errors.New("oauth2: RouterConfig.Opaque is a nil pointer or function: leave it out"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	c.Issuers, c.Prefixes = maps.Clone(c.Issuers), maps.Clone(c.Prefixes)
	prefixes := slices.SortedFunc(maps.Keys(c.Prefixes), func(a, b string) int { return len(b) - len(a) })
	return &Router{c, prefixes}, nil
}

// Verify implements [Verifier].
func (r *Router) Verify(ctx context.Context, token string) (*Token, error) {
	v := r.route(token)
	if v == nil {
		return nil, auth.ErrUnrecognized
	}
	return v.Verify(ctx, token)
}

func (r *Router) route(token string) Verifier {
	for _, p := range r.prefixes {
		if strings.HasPrefix(token, p) {
			return r.c.Prefixes[p]
		}
	}
	if !isJWT(token) {
		return r.c.Opaque
	}
	if len(r.c.Issuers) == 0 {
		return nil
	}
	compact, err := jose.Split(token)
	if err != nil {
		return nil
	}
	payload, err := compact.UnverifiedPayload()
	if err != nil {
		return nil
	}
	for o := jose.NewObject(payload, false); o.Next(); {
		if o.Name == "iss" {
			issuer, _ := o.Value.String()
			return r.c.Issuers[issuer]
		}
	}
	return nil
}
