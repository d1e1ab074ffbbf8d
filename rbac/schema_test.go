package rbac_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/cardea-go/auth/rbac"
)

// validate is as much of JSON Schema as the schema uses; a keyword that it does not know fails the test.
func validate(t *testing.T, root, schema map[string]any, value any) bool {
	t.Helper()
	ok := true
	for keyword, want := range schema {
		list, _ := value.([]any)
		object, isObject := value.(map[string]any)
		text, isText := value.(string)
		switch keyword {
		case "$schema", "$id", "title", "description", "$defs":
		case "$ref":
			name := strings.TrimPrefix(want.(string), "#/$defs/")
			ok = ok && validate(t, root, root["$defs"].(map[string]any)[name].(map[string]any), value)
		case "type":
			kind := map[bool]string{true: "object"}[isObject]
			switch value.(type) {
			case []any:
				kind = "array"
			case string:
				kind = "string"
			case int:
				kind = "integer"
			}
			ok = ok && kind == want
		case "const":
			ok = ok && value == int(want.(float64))
		case "enum":
			ok = ok && slices.Contains(want.([]any), value)
		case "pattern":
			ok = ok && isText && regexp.MustCompile(want.(string)).MatchString(text)
		case "required":
			for _, name := range want.([]any) {
				_, has := object[name.(string)]
				ok = ok && has
			}
		case "properties":
			for name, sub := range want.(map[string]any) {
				if v, has := object[name]; has {
					ok = ok && validate(t, root, sub.(map[string]any), v)
				}
			}
		case "additionalProperties":
			known, _ := schema["properties"].(map[string]any)
			for name, v := range object {
				if _, listed := known[name]; listed {
					continue
				}
				sub, allowed := want.(map[string]any)
				ok = ok && allowed && validate(t, root, sub, v)
			}
		case "propertyNames":
			for name := range object {
				ok = ok && validate(t, root, want.(map[string]any), name)
			}
		case "items":
			for _, v := range list {
				ok = ok && validate(t, root, want.(map[string]any), v)
			}
		case "oneOf":
			matched := 0
			for _, sub := range want.([]any) {
				if validate(t, root, sub.(map[string]any), value) {
					matched++
				}
			}
			ok = ok && matched == 1
		case "minItems":
			ok = ok && len(list) >= int(want.(float64))
		case "maxItems":
			ok = ok && len(list) <= int(want.(float64))
		case "uniqueItems":
			for i, v := range list {
				ok = ok && !slices.Contains(list[:i], v)
			}
		case "minProperties":
			ok = ok && len(object) >= int(want.(float64))
		case "minLength":
			ok = ok && len(text) >= int(want.(float64))
		case "maxLength":
			ok = ok && len(text) <= int(want.(float64))
		case "minimum":
			n, isInt := value.(int)
			ok = ok && isInt && n >= int(want.(float64))
		default:
			t.Fatalf("the test does not know the keyword %q", keyword)
		}
	}
	return ok
}

func TestSchema(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal([]byte(rbac.Schema()), &schema); err != nil {
		t.Fatal(err)
	}
	valid := func(text string) bool {
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			return false
		}
		return validate(t, schema, schema, value)
	}
	kubernetes, err := os.ReadFile("testdata/kubernetes/policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"books": books, "shop": shop, "readers": readers, "kubernetes": string(kubernetes)} {
		if !valid(text) {
			t.Errorf("the schema refuses the policy %s", name)
		}
	}
	// What only a look at all names can find is beyond a schema.
	beyond := []string{"cycles.yaml", "separation.yaml", "second.yaml", "second.json"}
	files, _ := filepath.Glob("testdata/bad/*.[jy]*")
	if len(files) < 15 {
		t.Fatalf("found %d bad policies, want 15 or more", len(files))
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if valid(string(data)) && !slices.Contains(beyond, filepath.Base(file)) {
			t.Errorf("the schema accepts %s", file)
		}
	}
}
