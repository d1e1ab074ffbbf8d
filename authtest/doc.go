// Package authtest helps to test what is built on package auth.
//
//   - Handlers behind a guard: [As] puts a principal into a request in one line; [Tokens] and [Fake] stand in for a real
//     authenticator; [Recorder] keeps the events.
//   - Answers: [Challenges] and [AssertChallenge] read WWW-Authenticate as RFC 9110 §11.6.1 writes it.
//   - Implementations: [TestAuthenticator] and [TestRequirement] check the contracts of [auth.Authenticator] and
//     [auth.Requirement] rule by rule, and each rule explains itself when it fails. [TestAPIKeyStore], [TestLimiter],
//     [TestUsers], [TestRingStore], [TestReplayStore] and [TestGrantStore] do the same for what other packages let you implement.
//   - Tokens: [NewIssuer] is an issuer on a real server, with keys that rotate and every way to fail. [Introspection] is an
//     endpoint that can be made to fail, [DPoPKey] a client that makes proofs.
//   - Logins: [NewProvider] is an OpenID provider at which whoever you name logs in, [Provider.Visit] the browser.
//
// It is for tests only; nothing in it keeps a secret.
package authtest
