package apikey

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/internal/problem"
)

// MaxBody is the longest request body, in bytes, that [Keys.Handler] reads.
const MaxBody = 64 << 10

// Handler returns a handler with which callers manage their own keys as JSON, within the rules of [OwnKeys]. It takes
// the caller from [auth.FromContext]: put it behind a guard, or it answers 401. Mount it with [http.StripPrefix]:
//
//	GET    /             a page of keys; query: after, limit
//	POST   /             a new key; body: name, kind, scopes, networks, metadata, not_before, expires_at
//	GET    /{id}         one key
//	POST   /{id}/rotate  a successor; body: grace_seconds (required)
//	DELETE /{id}         revokes; again is no error
//
// A key's text is in the answers to the two POSTs, as "key", and nowhere else. Errors are application/problem+json
// (RFC 9457). A body is one JSON object of type application/json, without members that are not known; as a browser asks
// the server before it sends that type, or DELETE, to another origin, a caller's cookie is of no use to other sites.
func (k *Keys) Handler() http.Handler { return handler{k} }

type handler struct{ keys *Keys }

// ServeHTTP implements [http.Handler].
func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	p, ok := auth.FromContext(r.Context())
	if !ok {
		writeProblem(w, noPrincipal())
		return
	}
	own := h.keys.For(p)
	id, verb, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
	var allowed map[string]action
	switch {
	case id == "":
		allowed = map[string]action{"GET": list, "POST": create}
	case verb == "":
		allowed = map[string]action{"GET": find, "DELETE": revoke}
	case verb == "rotate":
		allowed = map[string]action{"POST": rotate}
	default:
		writeProblem(w, ErrNotFound)
		return
	}
	do := allowed[r.Method]
	if r.Method == http.MethodHead {
		do = allowed["GET"]
	}
	if do == nil {
		w.Header().Set("Allow", methods(allowed))
		writeProblem(w, errMethod)
		return
	}
	status, body, err := do(own, id, w, r)
	if err != nil {
		writeProblem(w, err)
		return
	}
	writeJSON(w, status, body)
}

func methods(allowed map[string]action) string {
	var names []string
	for _, m := range []string{"GET", "POST", "DELETE"} {
		if allowed[m] != nil {
			names = append(names, m)
		}
	}
	return strings.Replace(strings.Join(names, ", "), "GET", "GET, HEAD", 1)
}

// action is one route. It returns what to answer; a nil body is none.
type action func(own *OwnKeys, id string, w http.ResponseWriter, r *http.Request) (status int, body any, err error)

func list(own *OwnKeys, _ string, _ http.ResponseWriter, r *http.Request) (int, any, error) {
	query := r.URL.Query()
	limit := 0
	if s := query.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > MaxPage {
			return 0, nil, &RequestError{[]string{fmt.Sprintf("limit: use 1 to %d", MaxPage)}}
		}
		limit = n
	}
	page, err := own.List(r.Context(), query.Get("after"), limit)
	if err != nil {
		return 0, nil, err
	}
	body := pageJSON{Keys: make([]keyJSON, len(page.Records)), Next: page.Next}
	for i := range page.Records {
		body.Keys[i] = own.keys.describe(&page.Records[i])
	}
	return http.StatusOK, body, nil
}

func find(own *OwnKeys, id string, _ http.ResponseWriter, r *http.Request) (int, any, error) {
	record, err := own.Find(r.Context(), id)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, own.keys.describe(record), nil
}

func create(own *OwnKeys, _ string, w http.ResponseWriter, r *http.Request) (int, any, error) {
	var in struct {
		Name      string            `json:"name"`
		Kind      string            `json:"kind"`
		Scopes    []string          `json:"scopes"`
		Networks  []netip.Prefix    `json:"networks"`
		Metadata  map[string]string `json:"metadata"`
		NotBefore time.Time         `json:"not_before"`
		ExpiresAt time.Time         `json:"expires_at"`
	}
	if err := readJSON(w, r, &in); err != nil {
		return 0, nil, err
	}
	if len(in.Scopes) > maxScopes { // before the set is built, which compares each with each
		return 0, nil, &RequestError{[]string{fmt.Sprintf("Scopes: use up to %d", maxScopes)}}
	}
	scopes, err := auth.NewScopeSet(in.Scopes...)
	if err != nil {
		return 0, nil, &RequestError{[]string{"Scopes: use printable ASCII without space, '\"' or '\\'"}}
	}
	issued, err := own.Create(r.Context(), Request{
		Name: in.Name, Kind: in.Kind, Scopes: scopes, Networks: in.Networks, Metadata: in.Metadata,
		NotBefore: in.NotBefore, ExpiresAt: in.ExpiresAt,
	})
	if err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, own.keys.show(issued), nil
}

func rotate(own *OwnKeys, id string, w http.ResponseWriter, r *http.Request) (int, any, error) {
	var in struct {
		Grace *int64 `json:"grace_seconds"`
	}
	if err := readJSON(w, r, &in); err != nil {
		return 0, nil, err
	}
	most := int64(MaxGrace / time.Second)
	if in.Grace == nil || *in.Grace < 0 || *in.Grace > most {
		return 0, nil, &RequestError{[]string{fmt.Sprintf("grace_seconds: use 0 to %d: how long the old key goes on", most)}}
	}
	issued, err := own.Rotate(r.Context(), id, time.Duration(*in.Grace)*time.Second)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, own.keys.show(issued), nil
}

func revoke(own *OwnKeys, id string, _ http.ResponseWriter, r *http.Request) (int, any, error) {
	if err := own.Revoke(r.Context(), id, "revoked by its owner"); err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, nil
}

// readJSON reads one JSON object, strictly: no member twice, none that is not known, nothing after it.
func readJSON(w http.ResponseWriter, r *http.Request, into any) error {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return errMediaType
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return errBodyLength
	case err != nil || !oneObject(body):
		return errBody
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if d.Decode(into) != nil {
		return errBody
	}
	return nil
}

// oneObject reports whether body is one JSON object whose members differ, letter case aside: the decoder takes the last
// of several, and any case.
func oneObject(body []byte) bool {
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return false
	}
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if name = fold(name); err != nil || !ok || seen[name] {
			return false
		}
		seen[name] = true
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return false
		}
	}
	if _, err := d.Token(); err != nil {
		return false
	}
	_, err := d.Token()
	return errors.Is(err, io.EOF)
}

// fold makes names equal that the decoder takes for one member: by upper case first, as it reads "ſ" as "s".
func fold(name string) string { return strings.ToLower(strings.ToUpper(name)) }

// keyJSON is a key as its owner sees it.
type keyJSON struct {
	Key           string            `json:"key,omitempty"` // its text, once
	ID            string            `json:"id"`
	Name          string            `json:"name"`
	Kind          string            `json:"kind,omitempty"`
	Environment   string            `json:"environment"`
	State         string            `json:"state"`
	Scopes        []string          `json:"scopes"`
	Networks      []netip.Prefix    `json:"networks,omitempty"`
	Metadata      map[string]string `json:"metadata,omitempty"`
	CreatedAt     time.Time         `json:"created_at"`
	CreatedBy     string            `json:"created_by,omitempty"`
	NotBefore     time.Time         `json:"not_before,omitzero"`
	ExpiresAt     time.Time         `json:"expires_at"`
	LastUsedAt    time.Time         `json:"last_used_at,omitzero"`
	RevokedAt     time.Time         `json:"revoked_at,omitzero"`
	RevokedReason string            `json:"revoked_reason,omitempty"`
	Family        string            `json:"family"`
	RotatedFrom   string            `json:"rotated_from,omitempty"`
	RotatedTo     string            `json:"rotated_to,omitempty"`
}

type pageJSON struct {
	Keys []keyJSON `json:"keys"`
	Next string    `json:"next,omitempty"`
}

func (k *Keys) describe(r *Record) keyJSON {
	scopes := r.Scopes
	if scopes == nil {
		scopes = []string{}
	}
	return keyJSON{
		ID: r.ID, Name: r.Name, Kind: r.Kind, Environment: r.Environment, State: k.state(r),
		Scopes: scopes, Networks: r.Networks, Metadata: r.Metadata,
		CreatedAt: r.CreatedAt, CreatedBy: r.CreatedBy, NotBefore: r.NotBefore, ExpiresAt: r.ExpiresAt, LastUsedAt: r.LastUsedAt,
		RevokedAt: r.RevokedAt, RevokedReason: r.RevokedReason,
		Family: r.Family, RotatedFrom: r.RotatedFrom, RotatedTo: r.RotatedTo,
	}
}

// state is "active", or the reason why the key would be refused now.
func (k *Keys) state(r *Record) string {
	if err := k.standing(r, k.now()); err != nil {
		return string(auth.AsError(err).Reason)
	}
	return "active"
}

func (k *Keys) show(issued *Issued) keyJSON {
	body := k.describe(&issued.Record)
	body.Key = issued.Secret.Reveal()
	return body
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	if body == nil {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that has gone away is no error of ours
}

// Refusals of the handler's own, with the sentences that are shown.
var (
	errMethod     = errors.New("the method is not allowed here")
	errMediaType  = errors.New("send a body of type application/json")
	errBody       = errors.New("the body is not the JSON object that is expected here")
	errBodyLength = errors.New("the body is too long")
)

// writeProblem answers an error as RFC 9457 has it. What it shows is constant or the package's own text.
func writeProblem(w http.ResponseWriter, err error) {
	status, detail := statusOf(err)
	switch status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "ApiKey") // RFC 9110 §15.5.2 wants a challenge; the guard knows better ones
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", problem.RetryAfter(auth.AsError(err).RetryAfter))
	}
	problem.Write(w, status, detail)
}

func statusOf(err error) (status int, detail string) {
	var request *RequestError
	switch {
	case errors.As(err, &request):
		return http.StatusUnprocessableEntity, strings.Join(request.Mistakes, "; ")
	case errors.Is(err, errMethod):
		return http.StatusMethodNotAllowed, err.Error()
	case errors.Is(err, errMediaType):
		return http.StatusUnsupportedMediaType, err.Error()
	case errors.Is(err, errBodyLength):
		return http.StatusRequestEntityTooLarge, err.Error()
	case errors.Is(err, errBody):
		return http.StatusBadRequest, err.Error()
	case errors.Is(err, ErrNotFound):
		return http.StatusNotFound, "there is no such key"
	case errors.Is(err, ErrState):
		return http.StatusConflict, "the key's state does not allow this"
	case errors.Is(err, ErrFull):
		return http.StatusInsufficientStorage, "no more keys can be kept"
	}
	e := auth.AsError(err)
	return e.Kind.Status(), e.Error()
}
