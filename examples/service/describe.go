package main

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/openapi"
)

// described is what the routes do not say of themselves. Security, scopes, permissions and refusals come from the guards.
var described = map[string]struct {
	summary, tag, body string
	status             int // of an answer that went well
}{
	"GET /health":         {"Does the service answer?", "service", "", 200},
	"POST /signup":        {"Make an account", "people", `{"name": "carol", "password": "a sentence is easiest"}`, 201},
	"POST /session/login": {"Log in with name and password, by HTTP Basic; the refresh token is in a cookie", "people", "", 200},

	"GET /api/hello":                             {"Greet whoever comes", "service", "", 200},
	"GET /api/me":                                {"Who am I?", "people", "", 200},
	"GET /api/teams":                             {"My teams", "teams", "", 200},
	"POST /api/teams":                            {"Make a team", "teams", `{"name": "Gardeners"}`, 201},
	"GET /api/teams/{team}/notes":                {"Notes of a team", "notes", "", 200},
	"POST /api/teams/{team}/notes":               {"Write a note", "notes", `{"text": "buy milk"}`, 201},
	"DELETE /api/teams/{team}/notes/{id}":        {"Delete a note: one's own, or any as an owner of the team", "notes", "", 204},
	"GET /api/teams/{team}/members":              {"Who is in the team", "teams", "", 200},
	"PUT /api/teams/{team}/members/{user}":       {"Give somebody a role in the team", "teams", `{"role": "member"}`, 204},
	"DELETE /api/teams/{team}/members/{user}":    {"Take somebody out of the team", "teams", "", 204},
	"GET /api/teams/{team}/programs":             {"Programs of the team", "programs", "", 200},
	"POST /api/teams/{team}/programs":            {"Register a program; its secret is shown once", "programs", `{"name": "importer", "role": "member"}`, 201},
	"DELETE /api/teams/{team}/programs/{client}": {"Take a program's access away", "programs", "", 204},
	"GET /api/keys":                              {"My API keys", "account", "", 200},
	"POST /api/keys":                             {"Make an API key; it is shown once", "account", `{"name": "laptop", "scopes": ["notes:read"]}`, 201},
	"GET /api/keys/{key}":                        {"One of my keys", "account", "", 200},
	"DELETE /api/keys/{key}":                     {"Revoke a key", "account", "", 204},
	"POST /api/keys/{key}/rotate":                {"Replace a key", "account", `{"grace_seconds": 3600}`, 201},
	"GET /api/sessions":                          {"Where I am logged in", "account", "", 200},
	"DELETE /api/sessions/{id}":                  {"Log out there", "account", "", 204},
}

// describe makes the document. Routes that are not for programs are left out, and so are concealed ones.
func describe(routes []middleware.Route) (*openapi.Document, error) {
	return openapi.New(openapi.Config{
		Title: "Notes", Version: "1.0.0", Routes: routes,
		Summary: "Notes of teams, for people and programs.",
		Describe: func(r middleware.Route) openapi.Operation {
			d, ok := described[r.Pattern]
			if !ok {
				return openapi.Operation{Omit: true}
			}
			details := map[string]any{"responses": map[string]any{strconv.Itoa(d.status): map[string]any{"description": http.StatusText(d.status)}}}
			if d.body != "" {
				details["requestBody"] = map[string]any{
					"required": true,
					"content":  map[string]any{"application/json": map[string]any{"schema": map[string]string{"type": "object"}, "example": json.RawMessage(d.body)}},
				}
			}
			return openapi.Operation{Summary: d.summary, Tags: []string{d.tag}, Object: details}
		},
	})
}

// undocumented lists the routes that are left out on purpose; a test holds the others to the document.
func undocumented(routes []middleware.Route) (patterns []string) {
	for _, r := range routes {
		for _, prefix := range []string{"/oauth/", "/.well-known/", "/session/refresh", "/session/logout"} {
			if strings.HasPrefix(r.Path, prefix) {
				patterns = append(patterns, r.Pattern)
			}
		}
	}
	return patterns
}
