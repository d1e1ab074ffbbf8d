package openapi_test

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/openapi"
)

func notes() *middleware.Mux {
	guard, err := middleware.New(middleware.Config{Authenticator: authtest.Tokens(map[string]*auth.Principal{
		"writer": authtest.Principal("bob", "notes:write"),
	})})
	if err != nil {
		panic(err)
	}
	mux := middleware.NewMux(middleware.MuxConfig{Guard: guard})
	mux.HandleFunc("POST /notes", middleware.Require(auth.Scopes("notes:write")), nothing)
	return mux
}

func ExampleNew() {
	mux := notes()
	doc, err := openapi.New(openapi.Config{
		Title: "Notes", Version: "1.0.0",
		Routes: mux.Routes(),
		Describe: func(r middleware.Route) openapi.Operation {
			return map[string]openapi.Operation{
				"POST /notes": {ID: "createNote", Summary: "Write a note", Tags: []string{"notes"}},
			}[r.Pattern]
		},
	})
	if err != nil {
		panic(err)
	}
	mux.Handle("GET /openapi.json", middleware.Public(), doc.JSONHandler())
	operation, _, _ := strings.Cut(string(doc.YAML()), "      x-requirement:")
	fmt.Println(operation)
	// Output:
	// openapi: 3.1.1
	// info:
	//   title: Notes
	//   version: 1.0.0
	// servers:
	//   - url: /
	// paths:
	//   /notes:
	//     post:
	//       operationId: createNote
	//       summary: Write a note
	//       tags:
	//         - notes
	//       responses:
	//         2XX:
	//           description: The request went through.
	//         "400":
	//           $ref: '#/components/responses/AuthMalformed'
	//         "401":
	//           $ref: '#/components/responses/AuthRequired'
	//         "403":
	//           $ref: '#/components/responses/AuthForbidden'
	//         "429":
	//           $ref: '#/components/responses/AuthThrottled'
	//         "503":
	//           $ref: '#/components/responses/AuthUnavailable'
	//       security:
	//         - test:
	//             - notes:write
}

func ExampleMerge() {
	document := []byte(`
openapi: 3.1.0
info: {title: Notes, version: 1.0.0}
paths:
  /notes:
    post:
      responses:
        "201": {description: Written.}
  /other:
    get:
      responses:
        "200": {description: Something else.}
`)
	doc, report, err := openapi.Merge(document, openapi.MergeConfig{Routes: notes().Routes()})
	if err != nil {
		panic(err)
	}
	fmt.Println("not served:", report.OperationsWithoutRoute)
	for line := range strings.Lines(string(doc.YAML())) {
		if strings.Contains(line, "notes:write") {
			fmt.Println(strings.TrimSpace(line))
		}
	}
	// Output:
	// not served: [#/paths/~1other/get]
	// - notes:write
	// - notes:write
}

func ExampleDocument_JSONHandler() {
	doc, err := openapi.New(openapi.Config{Title: "Notes", Version: "1.0.0", Routes: notes().Routes()})
	if err != nil {
		panic(err)
	}
	resp := authtest.Do(doc.JSONHandler(), authtest.Request(http.MethodGet, "/openapi.json"))
	fmt.Println(resp.StatusCode, resp.Header.Get("Content-Type"), resp.Header.Get("Cache-Control"))
	// Output: 200 application/json no-cache
}
