package client

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cardea-go/auth/internal/secret"
)

// attempt is a login under way. It is in a cookie of the browser that began it, sealed, and nowhere else: strangers can't
// fill a store with it, and a callback in another browser finds none (RFC 9700 §4.7).
type attempt struct {
	State    string
	Nonce    string
	Verifier string // RFC 7636
	ReturnTo string
	Began    time.Time
}

const (
	cookiePrefix  = "__Host-login-"
	cookieSuffix  = 8 // characters of the state: several tabs may log in at once
	maxAttempts   = 4 // cookies of attempts that a browser may hold; one more throws them all away
	attemptFor    = 10 * time.Minute
	attemptLabel  = "cardea login attempt v1\x00"
	maxCookie     = 4 << 10 // RFC 6265bis §5.6: browsers keep no longer ones
	attemptKey    = 32
	maxLoginKeys  = 4
	maxReturnPath = 1 << 10
)

// sealer keeps attempts from being read or made by anybody else.
type sealer struct {
	boxes []cipher.AEAD
	bound []byte // the provider, us, the callback and MaxAge: an attempt of one login is none of another
}

func newSealer(keys [][]byte, bound ...string) (*sealer, error) {
	var errs []error
	if len(keys) == 0 || len(keys) > maxLoginKeys {
		errs = append(errs, fmt.Errorf("client: LoginConfig.Keys has %d members: set 1 to %d, of %d random bytes each", len(keys), maxLoginKeys, attemptKey))
	}
	s := &sealer{bound: []byte(strings.Join(bound, "\x00") + "\x00")}
	for n, key := range keys {
		if len(key) != attemptKey {
			errs = append(errs, fmt.Errorf("client: LoginConfig.Keys[%d] has %d bytes: use %d random bytes", n, len(key), attemptKey))
			continue
		}
		if secret.Empty(key) {
			errs = append(errs, fmt.Errorf("client: LoginConfig.Keys[%d] "+secret.FillIt, n))
		}
		h := hmac.New(sha256.New, key)
		h.Write([]byte(attemptLabel))
		block, _ := aes.NewCipher(h.Sum(nil))         // 32 bytes are a key
		box, _ := cipher.NewGCMWithRandomNonce(block) // AES has the block size
		s.boxes = append(s.boxes, box)
	}
	return s, errors.Join(errs...)
}

// seal writes an attempt as lines, the path last: nothing in it is escaped, so that the cookie is never longer than browsers take.
func (s *sealer) seal(name string, a attempt) string {
	text := strings.Join([]string{a.State, a.Nonce, a.Verifier, strconv.FormatInt(a.Began.Unix(), 10), a.ReturnTo}, "\n")
	return base64.RawURLEncoding.EncodeToString(s.boxes[0].Seal(nil, nil, []byte(text), slices.Concat(s.bound, []byte(name)))) //nolint:gosec // this AEAD draws its own nonce
}

func (s *sealer) open(name, value string) (attempt, bool) {
	if len(value) > maxCookie {
		return attempt{}, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(value)
	if err != nil {
		return attempt{}, false
	}
	for _, box := range s.boxes {
		text, err := box.Open(nil, nil, raw, slices.Concat(s.bound, []byte(name)))
		if lines := strings.SplitN(string(text), "\n", 5); err == nil && len(lines) == 5 {
			began, err := strconv.ParseInt(lines[3], 10, 64)
			return attempt{State: lines[0], Nonce: lines[1], Verifier: lines[2], ReturnTo: lines[4], Began: time.Unix(began, 0)}, err == nil
		}
	}
	return attempt{}, false
}

func cookieName(state string) string { return cookiePrefix + state[:cookieSuffix] }

// setAttempt gives the browser the cookie of an attempt, or takes it away where the value is "".
func setAttempt(w http.ResponseWriter, name, value string) {
	age := int(attemptFor / time.Second)
	if value == "" {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: age, Secure: true, HttpOnly: true,
		SameSite: http.SameSiteLaxMode, // the way back is a navigation from another site
	})
}

// clearAttempts takes away the cookies of a browser that began too many logins, before they fill its requests.
func clearAttempts(w http.ResponseWriter, r *http.Request) {
	var names []string
	for _, c := range r.Cookies() {
		if strings.HasPrefix(c.Name, cookiePrefix) {
			names = append(names, c.Name)
		}
	}
	if len(names) < maxAttempts {
		return
	}
	for _, name := range names {
		setAttempt(w, name, "")
	}
}
