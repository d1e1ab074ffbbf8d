package password

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// bcryptAlphabet is that of bcrypt's own base64.
var bcryptEncoding = base64.NewEncoding("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789").WithPadding(base64.NoPadding)

const (
	bcryptBytes   = 60 // $2b$12$ and 53 characters
	bcryptMinCost = 4
	bcryptReads   = 72 // bcrypt ignores what comes after
)

// parseBcrypt reads $2a$, $2b$ and $2y$, which are the same for what can be a password here. $2x$ is a broken variant
// that golang.org/x/crypto would compute as the good one, as it ignores a 61st byte; both are refused.
func parseBcrypt(l Limits, stored string) (*Record, error) {
	if !strings.HasPrefix(stored, "$2") {
		return nil, ErrForeign
	}
	cost, ok := bcryptCost(l, stored)
	if !ok {
		return nil, ErrMalformed
	}
	return &Record{
		Shape: fmt.Sprintf("bcrypt %d", cost), Memory: bcryptMemory, truncated: true,
		Verify: func(password string) bool { return bcryptMatches(stored, password) },
		Decoy:  func() string { return stored[:len("$2a$12$")] + randomBcrypt() },
	}, nil
}

// bcryptMemory is bcrypt's state, rounded up, in KiB.
const bcryptMemory = 8

func bcryptCost(l Limits, stored string) (uint32, bool) {
	if len(stored) != bcryptBytes || stored[3] != '$' || stored[6] != '$' || strings.IndexByte("aby", stored[2]) < 0 {
		return 0, false
	}
	cost, ok := decimal(strings.TrimPrefix(stored[4:6], "0"), l.BcryptCost)
	if _, err := bcryptEncoding.DecodeString(stored[7:29]); err != nil || !ok || cost < bcryptMinCost {
		return 0, false
	}
	_, err := bcryptEncoding.DecodeString(stored[29:])
	return cost, err == nil && !strings.ContainsAny(stored, "\r\n")
}

// bcryptMatches compares what bcrypt reads of a password. Whether that was all of it is the caller's to judge.
func bcryptMatches(stored, password string) bool {
	p := []byte(password)
	return bcrypt.CompareHashAndPassword([]byte(stored), p[:min(len(p), bcryptReads)]) == nil
}

// randomBcrypt returns a salt and a result without loose bits.
func randomBcrypt() string {
	return bcryptEncoding.EncodeToString(random(16)) + bcryptEncoding.EncodeToString(random(23))
}

// parseBcryptSHA256 reads passlib's $bcrypt-sha256$v=2,t=2b,r=12$salt$checksum: bcrypt over the base64 of
// HMAC-SHA-256(salt, password), and so without bcrypt's limit of 72 bytes. Version 1 is not read: it lacks the salt.
func parseBcryptSHA256(l Limits, stored string) (*Record, error) {
	rest, ok := strings.CutPrefix(stored, "$bcrypt-sha256$v=2,t=2b,r=")
	if !ok {
		if strings.HasPrefix(stored, "$bcrypt-sha256$") {
			return nil, ErrMalformed
		}
		return nil, ErrForeign
	}
	parts, ok := split(rest, 3)
	if !ok || len(parts[1]) != 22 || len(parts[2]) != 31 {
		return nil, ErrMalformed
	}
	rounds, ok := decimal(parts[0], l.BcryptCost)
	inner := fmt.Sprintf("$2b$%02d$%s%s", rounds, parts[1], parts[2])
	if _, innerOK := bcryptCost(l, inner); !ok || !innerOK {
		return nil, ErrMalformed
	}
	return &Record{
		Shape: fmt.Sprintf("bcrypt-sha256 %d", rounds), Memory: bcryptMemory,
		Verify: func(password string) bool {
			mac := hmac.New(sha256.New, []byte(parts[1]))
			mac.Write([]byte(password))
			return bcryptMatches(inner, base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		},
		Decoy: func() string {
			r := randomBcrypt()
			return fmt.Sprintf("$bcrypt-sha256$v=2,t=2b,r=%d$%s$%s", rounds, r[:22], r[22:])
		},
	}, nil
}
