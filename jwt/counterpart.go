package jwt

import (
	"errors"
	"slices"
)

var (
	errNoPublicHalf = errors.New("jwt: Issuer.VerifierConfig: an HMACKey has no public half: use NewHMACVerifier")
	errNoAudience   = errors.New("jwt: Issuer.VerifierConfig: IssuerConfig.Audience is empty: set it, so that a verifier knows which tokens are for it")
)

// VerifierConfig returns the configuration of a verifier of the tokens that the issuer makes for its own Audience: where
// one program makes tokens and takes them, nothing has to be said twice. Change what you need, such as Revoker, and give it
// to [NewVerifier].
//
// It is an error where IssuerConfig.Audience is empty, and where the tokens are signed with an [HMACKey].
func (i *Issuer) VerifierConfig() (Config, error) {
	c := Config{Issuer: i.c.Issuer, Audience: slices.Clone(i.c.Audience), Profile: i.c.Profile, Clock: i.c.Clock}
	var errs []error
	if len(c.Audience) == 0 {
		errs = append(errs, errNoAudience)
	}
	switch k := i.c.Keys.(type) {
	case *KeyRing:
		// The ring says which algorithm each key is for, and may come to hold keys of others than those of today.
		c.Keys, c.Algorithms = k, []Algorithm{EdDSA, ES256, ES384, ES512, PS256, PS384, PS512, RS256, RS384, RS512}
	case *SigningKey:
		set, err := NewKeySet(k.Public())
		c.Keys, c.Algorithms = set, []Algorithm{k.Public().Algorithm()}
		errs = append(errs, err)
	default:
		errs = append(errs, errNoPublicHalf)
	}
	if err := errors.Join(errs...); err != nil {
		return Config{}, err
	}
	return c, nil
}
