package main

import (
	"context"
	"encoding/base64"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	golangjwt "github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v2/jwa"
	jwxjwt "github.com/lestrrat-go/jwx/v2/jwt"
)

// A verifyFunc verifies a token with issuer, audience, time and scope, and returns its subject.
type verifyFunc func(token string) (subject string, err error)

// verifyFuncs returns every way of verifying, the floor first and last.
func verifyFuncs(alg string) []struct {
	name string
	f    verifyFunc
} {
	key := publicOf(alg)
	floor := func(token string) (string, error) {
		c, err := floorVerify(key, token)
		if err != nil {
			return "", err
		}
		return c.Subject, nil
	}
	return []struct {
		name string
		f    verifyFunc
	}{
		{"floor", floor},
		{"**cardea jwt**", oursVerify(alg)},
		{"jwx v2 jwt.Parse", jwxVerify(alg, key)},
		{"golang-jwt v5", golangVerify(alg, key)},
		{"go-jose v4", joseVerify(alg, key)},
		{"floor again", floor},
	}
}

func verifiers(alg string) []contender {
	token := issueFuncs(alg)[0].f()
	var list []contender
	for _, v := range verifyFuncs(alg) {
		list = append(list, contender{v.name, func() { must(v.f(token)) }})
	}
	return append(list, contender{"the cryptography alone", cryptoAlone(alg, token)})
}

func oursVerify(alg string) verifyFunc {
	v := ourVerifier(alg)
	ctx := context.Background()
	return func(token string) (string, error) {
		c, err := v.Verify(ctx, token)
		if err != nil {
			return "", err
		}
		if !c.HasScope(scope) {
			return "", errRefused
		}
		return c.Subject(), nil
	}
}

func jwxVerify(alg string, key any) verifyFunc {
	options := []jwxjwt.ParseOption{
		jwxjwt.WithKey(jwa.SignatureAlgorithm(alg), key), jwxjwt.WithIssuer(issuer), jwxjwt.WithAudience(audience),
		jwxjwt.WithRequiredClaim("exp"),
	}
	return func(token string) (string, error) {
		t, err := jwxjwt.Parse([]byte(token), options...)
		if err != nil {
			return "", err
		}
		list, _ := t.Get("scope")
		if text, ok := list.(string); !ok || !hasScope(text) {
			return "", errRefused
		}
		return t.Subject(), nil
	}
}

type golangClaims struct {
	golangjwt.RegisteredClaims
	Scope string   `json:"scope"`
	Roles []string `json:"roles"`
}

func golangVerify(alg string, key any) verifyFunc {
	p := golangjwt.NewParser(golangjwt.WithValidMethods([]string{alg}), golangjwt.WithIssuer(issuer),
		golangjwt.WithAudience(audience), golangjwt.WithExpirationRequired())
	keys := func(*golangjwt.Token) (any, error) { return key, nil } //nolint:unparam // the type that golang-jwt wants
	return func(token string) (string, error) {
		var c golangClaims
		if _, err := p.ParseWithClaims(token, &c, keys); err != nil {
			return "", err
		}
		if !hasScope(c.Scope) {
			return "", errRefused
		}
		return c.Subject, nil
	}
}

type joseExtra struct {
	Scope string   `json:"scope"`
	Roles []string `json:"roles"`
}

func joseVerify(alg string, key any) verifyFunc {
	return func(token string) (string, error) {
		t, err := josejwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
		if err != nil {
			return "", err
		}
		var c josejwt.Claims
		var extra joseExtra
		if err := t.Claims(key, &c, &extra); err != nil {
			return "", err
		}
		err = c.ValidateWithLeeway(josejwt.Expected{Issuer: issuer, AnyAudience: josejwt.Audience{audience}, Time: time.Now()}, 0)
		if err != nil || c.Expiry == nil || !hasScope(extra.Scope) {
			return "", errRefused
		}
		return c.Subject, nil
	}
}

// issueFuncs returns every way of issuing the same claims, the floor first and last.
func issueFuncs(alg string) []struct {
	name string
	f    func() string
} {
	key := keyOf[alg]
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"` + alg + `","typ":"JWT","kid":"` + keyID + `"}`))
	floor := func() string {
		now := time.Now()
		return must(floorIssue(header, key, &floorClaims{
			Issuer: issuer, Subject: "user-4711", Audience: audience, Expires: now.Add(time.Hour).Unix(), NotBefore: now.Unix(),
			Issued: now.Unix(), ID: "01JD8ZQ6W3N1X4M7Y2K5T9R0AB", ClientID: "web-app", Scope: "notes:read " + scope, Roles: roles,
		}))
	}
	return []struct {
		name string
		f    func() string
	}{
		{"floor", floor},
		{"**cardea jwt**", oursIssue(alg)},
		{"jwx v2 Builder + Sign", jwxIssue(alg, key)},
		{"golang-jwt v5", golangIssue(alg, key)},
		{"go-jose v4", joseIssue(alg, key)},
		{"floor again", floor},
	}
}

func issuers(alg string) []contender {
	var list []contender
	for _, i := range issueFuncs(alg) {
		list = append(list, contender{i.name, func() { i.f() }})
	}
	return list
}

func oursIssue(alg string) func() string {
	i := ourIssuer(alg)
	ctx := context.Background()
	scopes := auth.MustScopeSet("notes:read", scope)
	return func() string {
		return must(i.Issue(ctx, jwt.Grant{
			Subject: "user-4711", ClientID: "web-app", Scopes: scopes, NotBefore: time.Now(),
			ID: "01JD8ZQ6W3N1X4M7Y2K5T9R0AB", Claims: roleClaims{roles},
		})).Token
	}
}

func jwxIssue(alg string, key any) func() string {
	return func() string {
		now := time.Now()
		t := must(jwxjwt.NewBuilder().Issuer(issuer).Subject("user-4711").Audience([]string{audience}).
			Expiration(now.Add(time.Hour)).NotBefore(now).IssuedAt(now).JwtID("01JD8ZQ6W3N1X4M7Y2K5T9R0AB").
			Claim("client_id", "web-app").Claim("scope", "notes:read "+scope).Claim("roles", roles).Build())
		return string(must(jwxjwt.Sign(t, jwxjwt.WithKey(jwa.SignatureAlgorithm(alg), key))))
	}
}

func golangIssue(alg string, key any) func() string {
	method := golangjwt.GetSigningMethod(alg)
	return func() string {
		now := time.Now()
		t := golangjwt.NewWithClaims(method, &struct {
			golangClaims
			ClientID string `json:"client_id"`
		}{golangClaims{golangjwt.RegisteredClaims{
			Issuer: issuer, Subject: "user-4711", Audience: golangjwt.ClaimStrings{audience}, ID: "01JD8ZQ6W3N1X4M7Y2K5T9R0AB",
			ExpiresAt: golangjwt.NewNumericDate(now.Add(time.Hour)), NotBefore: golangjwt.NewNumericDate(now),
			IssuedAt: golangjwt.NewNumericDate(now),
		}, "notes:read " + scope, roles}, "web-app"})
		t.Header["kid"] = keyID
		return must(t.SignedString(key))
	}
}

func joseIssue(alg string, key any) func() string {
	signer := must(jose.NewSigner(jose.SigningKey{
		Algorithm: jose.SignatureAlgorithm(alg), Key: jose.JSONWebKey{Key: key, KeyID: keyID},
	}, (&jose.SignerOptions{}).WithType("JWT")))
	return func() string {
		now := time.Now()
		return must(josejwt.Signed(signer).Claims(josejwt.Claims{
			Issuer: issuer, Subject: "user-4711", Audience: josejwt.Audience{audience}, ID: "01JD8ZQ6W3N1X4M7Y2K5T9R0AB",
			Expiry: josejwt.NewNumericDate(now.Add(time.Hour)), NotBefore: josejwt.NewNumericDate(now), IssuedAt: josejwt.NewNumericDate(now),
		}).Claims(struct {
			ClientID string   `json:"client_id"`
			Scope    string   `json:"scope"`
			Roles    []string `json:"roles"`
		}{"web-app", "notes:read " + scope, roles}).Serialize())
	}
}
