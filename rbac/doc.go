// Package rbac decides what an authenticated principal may do, by a policy of roles and permissions.
package rbac
