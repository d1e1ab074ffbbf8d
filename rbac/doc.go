// Package rbac decides what an authenticated principal may do: role-based access control (INCITS 359) with a declared
// list of permissions, compiled into sets, with the tools of a policy engine around it.
//
// # The model
//
// Permissions are declared, each "resource:action". A role allows some of them, by name or by a pattern whose wildcards
// are whole segments, without what it excepts, and inherits from other roles. A principal holds roles in tenants, or
// everywhere. What it may do in a tenant is
//
//	(all that its roles there allow) ∩ (what its token's scopes leave in place) \ (what guardrails deny)
//
// Nothing depends on the order in which things are written. A policy is a file in YAML or JSON:
//
//	version: 1
//	permissions: {invoice: [read, list, create, approve, delete], report: [read, export]}
//	roles:
//	  viewer:   {allow: ["*:read", "*:list"]}
//	  clerk:    {inherits: [viewer], allow: ["invoice:create", {permission: "invoice:delete", when: [owner]}]}
//	  approver: {inherits: [viewer], allow: ["invoice:approve"]}
//	  admin:    {allow: ["*"], except: ["report:export"]}
//	scopes:     {"invoices.read": ["invoice:read", "invoice:list"]}
//	exclusive:  [{roles: [clerk, approver], max: 1, at: [assign, check]}]
//	deny:       [{permissions: ["invoice:delete"], when: [books_closed], unless: [admin], reason: "the books are closed"}]
//	tests:      [{roles: [clerk], allow: ["invoice:create"], deny: ["invoice:approve"]}]
//
// or the same as a [Model]. "owner" and "books_closed" are conditions: names in the policy, functions in the program
// ([Config.Conditions]). Whatever is wrong is found when the policy is loaded, all at once, with line, column and the
// nearest name: unknown and repeated keys, names that mean nothing, patterns that match nothing, roles that inherit from
// each other.
//
// # The smallest program
//
//	policy, err := rbac.Parse("policy.yaml", data, rbac.Config{Conditions: conditions})
//	...
//	authorizer, err := rbac.NewAuthorizer(rbac.AuthorizerConfig{Policy: policy})
//	...
//	mux := middleware.NewMux(middleware.MuxConfig{Guard: guard})
//	mux.Handle("GET /invoices", middleware.Require(authorizer.Require("invoice:list")), list)
//	mux.Handle("DELETE /invoices/{id}", middleware.Require(authorizer.RequireConditional("invoice:delete")), remove)
//	handler, err := mux.Build()
//	...
//	http.ListenAndServe(addr, authorizer.Track(handler))
//
// Whether a clerk may delete depends on the invoice, so that route is a conditional one: the guard lets in whoever may be
// allowed, the handler checks again with the resource, and Track sees to it that it does:
//
//	if err := authorizer.CheckOn(ctx, "invoice:delete", rbac.Resource{ID: id, Owner: invoice.Owner}); err != nil {
//		middleware.Refuse(w, r, err)
//		return
//	}
//
// Where principals have an issuer, as those of tokens do, set Resource.OwnerIssuer too: subjects are unique by both. Scopes
// limit what roles allow: a principal without scopes may do nothing, and a login of a person's own has [auth.Unlimited].
//
// Roles come with the principal, or as [Bindings] that an [auth.Map] attaches to it. [Reloader] follows a file.
// [Subject.Explain] says why, [Policy.WhoCan] and [Policy.RolesGranting] who, [Subject.Filter] which rows, [Policy.Diff]
// what changed, [Policy.Lint] and [Policy.RunTests] what to look at before. The command rbacctl does the same in a
// terminal and in CI.
//
// # Security considerations
//
// What is not known is denied: a permission that is not declared, a role or scope that the policy lacks, a binding
// without a tenant, the zero [Subject]. An empty set of scopes leaves nothing; only [auth.Unlimited] leaves all.
//
// A condition that fails or panics does not allow, and the answer is then that it can't be decided (503). A guardrail
// whose condition fails does deny. Conditions see what the program gives them: a [Resource] must come from the program's
// own data and never from the request.
//
// A route whose permission depends on the resource is marked with [Authorizer.RequireConditional], inside of
// [Authorizer.Track]: a handler that forgets its second check then answers 500 and not the resource. The watch sees what is
// written to the response; what the handler does before that has happened, so check first.
//
// A principal's own roles count in the principal's own tenant only. Roles in a token are as good as the token's issuer;
// [AuthorizerConfig.StrictRoles] refuses principals with a role that the policy lacks. Exclusive roles are refused at
// check time only where the policy says "at: [check]"; otherwise call [Policy.CheckAssignment] before bindings are stored,
// and [Subject.Covers] before somebody gives a role to somebody else.
//
// There is no cache of decisions: a check costs less than looking one up, and nothing can be stale. A role that is taken
// away is gone with the next principal that lacks it, a policy with the next request. Inside of
// [Authorizer.Track] a request sees one policy from its guard to its end.
//
// A [Decision] as an error is for logs. [Decision.Public] is for responses: it names the permission and the reason of a
// guardrail, and no role.
//
// # Limits
//
// [MaxFileBytes] of a policy file, 8 MiB. [MaxRoles], [MaxPermissions] and [MaxScopes], 65,536 each. [MaxSetBytes] that
// the sets of all roles, scopes, guardrails and exclusive sets take together, 128 MiB. [MaxExclusive] roles in an exclusive
// set, 64. [MaxConditionSets] different combinations of conditions, 256. Names have at most 200 bytes, and lists and maps
// nest at most 16 deep. None of them can be changed. A subject has room for 8 roles and 6 scopes; more cost an allocation.
//
// # What it leaves out
//
// An expression language, regular expressions and path patterns: conditions are Go, routes belong to the mux. Priorities
// and "the last rule wins". Denials inside of roles. Changing a policy in place: it is compiled again, whole. A store of
// users and assignments: the application's database has them. Single resources in the policy: use tenants and conditions.
// Relations between resources (Zanzibar): they need a store, and an [auth.Requirement] of your own can ask one. Role
// activation and dynamic separation of duty.
package rbac
