// Package throttle limits how often something may be tried: guesses at passwords and keys, and requests to a route.
//
// A [Limiter] holds one policy for many keys. [Bucket] allows a burst and then a rate, [Backoff] makes waits grow, and
// [Fallback] keeps a limiter that processes share from failing open or closed. [Logins] combines them for passwords,
// [Sources] for whatever a stranger can guess at, [NewMiddleware] for a plain handler.
//
// The charge comes before the attempt and is given back after a success, so that fifty guesses at once are no more than
// one after another.
//
//	logins, err := throttle.NewLogins(throttle.LoginsConfig{})
//	...
//	attempt, d := logins.Reserve(ctx, account, addr)
//	if !d.Allowed {
//		// 429 with Retry-After: d.Seconds(), and the password is not looked at
//	}
//	if passwordIsRight() {
//		attempt.Succeed(ctx)
//	}
//
// It is not for fairness between paying customers, quotas or billing: what it forgets on a restart, and the bucket that
// strangers share when a table is full, are right for refusing and wrong for counting.
//
// # Security considerations
//
// Limits by address are only as good as the address: resolve it with a function that trusts your proxies and nobody
// else (auth.ForwardedFor). Behind a proxy that is not named there, all clients are one.
//
// A table in memory is full when an attacker has used up as many budgets as it has keys. Budgets that are used up are
// never forgotten to make room, so he can't wash off a penalty; new keys share one strict bucket until some age.
//
// # Limits
//
//   - Sources: 20 failures an IPv4 address or IPv6 /64, then one each 6 s; 80 an IPv6 /48, then one each 1.5 s.
//   - Logins, account and network: 5 failures, then waits of 1, 2, 4 … 900 s, remembered for an hour.
//   - Logins, account: 100 failures, then one each 14.4 min; beyond, one try each 30 s from networks that are new to it.
//   - MaxKeys: 65536 keys a limit (about 6 MB when full), maximum 16777216.
//   - FallbackConfig.Timeout: 250 ms a call of the shared limiter, maximum 10 s. Rest: 1 s after an error, maximum 1 min.
package throttle
