package jwt

import "context"

// A Revoker knows which tokens have been withdrawn before their end.
//
// Revoked is asked about claims that are verified in every respect but expiry. An error says that it can't be decided
// now, which refuses the token as unavailable unless [Config.InsecureIgnoreRevokerErrors] says otherwise. It must be
// safe for concurrent use.
type Revoker interface {
	Revoked(ctx context.Context, c *Claims) (bool, error)
}
