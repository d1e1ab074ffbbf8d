package rbac

import _ "embed"

//go:embed policy.schema.json
var schema string

// Schema returns the JSON Schema (draft 2020-12) of policy files, for editors. [Parse] is stricter: it knows which names
// are declared.
func Schema() string { return schema }
