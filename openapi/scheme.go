package openapi

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cardea-go/auth"
	"go.yaml.in/yaml/v3"
)

// requiredURLs says which URLs a flow has to have, and under which grants OpenAPI 3.1 knows none.
var requiredURLs = map[string]struct{ authorization, token bool }{
	"authorizationCode":   {true, true},
	"clientCredentials":   {false, true},
	"password":            {false, true},
	"implicit":            {true, false},
	"deviceAuthorization": {false, true},
}

// schemeObject returns the Security Scheme Object for s. Scopes that routes need and no flow lists are added to every flow,
// so that a client can ask for them; one that some flow lists is left to that flow.
func schemeObject(s auth.Scheme, needed []string, v version) (*yaml.Node, error) {
	switch {
	case s.Type == "mutualTLS":
		if v.minor == 0 {
			return nil, fmt.Errorf("openapi: scheme %q: mutualTLS needs OpenAPI 3.1: raise the document's version", s.Name)
		}
		return object("type", "mutualTLS", "description", s.Description), nil
	case s.In == 0:
		return nil, fmt.Errorf("openapi: scheme %q: type %s without a place in the request: set In and Parameter", s.Name, s.Type)
	case !s.InAuthorization():
		// Whatever the value is, OpenAPI has one type for other places than Authorization.
		return object("type", "apiKey", "description", s.Description, "name", s.Parameter, "in", s.In.String()), nil
	case s.Type == "oauth2":
		return oauth2Object(s, needed, v)
	case s.Type == "openIdConnect":
		if s.URL == "" {
			return nil, fmt.Errorf("openapi: scheme %q: openIdConnect without the URL of its discovery document: set URL", s.Name)
		}
		return object("type", "openIdConnect", "description", s.Description, "openIdConnectUrl", s.URL), nil
	case s.Type == "apiKey" && !strings.EqualFold(s.AuthScheme, "Bearer") && !strings.EqualFold(s.AuthScheme, "Basic"):
		note := fmt.Sprintf("The value is the word %s, a space and the key.", s.AuthScheme)
		return object("type", "apiKey", "description", strings.TrimSpace(s.Description+" "+note), "name", s.Parameter, "in", "header"), nil
	}
	return object("type", "http", "description", s.Description, "scheme", strings.ToLower(s.AuthScheme), "bearerFormat", s.BearerFormat), nil
}

func oauth2Object(s auth.Scheme, needed []string, v version) (*yaml.Node, error) {
	flows := object()
	unlisted := slices.DeleteFunc(slices.Sorted(slices.Values(needed)), func(scope string) bool {
		return slices.ContainsFunc(s.Flows, func(f auth.Flow) bool {
			return slices.ContainsFunc(f.Scopes, func(p auth.Param) bool { return p.Name == scope })
		})
	})
	for _, f := range s.Flows {
		need, known := requiredURLs[f.Grant]
		switch {
		case !known:
			return nil, fmt.Errorf("openapi: scheme %q: grant %q: use authorizationCode, clientCredentials, password, implicit or deviceAuthorization", s.Name, f.Grant)
		case need.authorization && f.AuthorizationURL == "", need.token && f.TokenURL == "":
			return nil, fmt.Errorf("openapi: scheme %q: flow %s without its URLs: set AuthorizationURL or TokenURL", s.Name, f.Grant)
		}
		name := f.Grant
		if name == "deviceAuthorization" && v.minor < 2 {
			name = "x-deviceAuthorization" // a flow of OpenAPI 3.2
		}
		flow := object("tokenUrl", f.TokenURL, "refreshUrl", f.RefreshURL, "scopes", scopesObject(f.Scopes, unlisted))
		switch {
		case f.Grant == "deviceAuthorization":
			flow = object("deviceAuthorizationUrl", f.AuthorizationURL, "tokenUrl", f.TokenURL, "refreshUrl", f.RefreshURL, "scopes", scopesObject(f.Scopes, unlisted))
		case need.authorization:
			flow = object("authorizationUrl", f.AuthorizationURL, "tokenUrl", f.TokenURL, "refreshUrl", f.RefreshURL, "scopes", scopesObject(f.Scopes, unlisted))
		}
		if get(flows, name) != nil {
			return nil, fmt.Errorf("openapi: scheme %q: flow %s comes twice: join the two", s.Name, f.Grant)
		}
		set(flows, name, flow)
	}
	key := "x-oauth2MetadataUrl"
	if v.minor >= 2 {
		key = "oauth2MetadataUrl"
	}
	return object("type", "oauth2", "description", s.Description, "flows", flows, key, s.URL), nil
}

func scopesObject(listed []auth.Param, unlisted []string) *yaml.Node {
	n := object()
	for _, p := range listed {
		set(n, p.Name, text(p.Value))
	}
	for _, name := range unlisted {
		set(n, name, text(""))
	}
	return n
}
