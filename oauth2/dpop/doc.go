// Package dpop checks proofs of possession by RFC 9449: that who presents an access token holds the key it is bound to.
//
// Resource servers set a [Verifier] in package oauth2, which does the rest. Token endpoints use it themselves:
//
//	proof, err := dpop.FromHeader(r.Header)
//	...
//	p, err := verifier.Verify(ctx, proof, dpop.Request{Method: r.Method, URL: tokenEndpoint})
//	if code := dpop.Code(err); code != "" {
//		// 400, {"error": code}, and DPoP-Nonce where verifier.Nonce() is not ""
//	}
//	// bind the token to p.Thumbprint
//
// # Security considerations
//
// A proof is good once: [Config.Replays] is required, and all instances of a service must share one. A service of several
// processes that each use [MemoryReplays] takes a proof once per process. With [Nonces], a thief who got hold of the
// client's key for a moment can't sign proofs for later.
//
// The URL that a proof is compared with must come from configuration. A URL made from the Host header is the client's
// own choice, and behind a proxy it is wrong as well.
//
// Scripts of another origin see DPoP-Nonce only where Access-Control-Expose-Headers names it.
//
// # Limits
//
//	Config.Lifetime                 how old a proof may be             1 min, at most 1 h
//	Config.Leeway                   how far clocks may differ          10 s, at most 5 min
//	Config.MaxBytes                 length of a proof, bytes           4 KiB, at most 64 KiB
//	NoncesConfig.Lifetime           how long a nonce is good at least  5 min, 10 s to 1 h
//	MemoryReplaysConfig.MaxEntries  keys remembered at a time          200,000, at most 10 million
//
// A verifier also keeps the public keys of the 1024 clients that it saw last or so, which spares it to read them again.
//
// RFC 9449 covers HTTP only, and so does this package: htm is compared as it is, and htu after the normalization of RFC
// 3986 §6.2.2 and §6.2.3, without query and fragment.
package dpop
