package client

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

const goodMetadata = `"issuer":"https://as.example","token_endpoint":"https://as.example/token"`

func TestReadMetadata(t *testing.T) {
	for _, tt := range []struct {
		name, more string
		want       metadata
		ok         bool
	}{
		{"the least", ``, metadata{}, true},
		{"S256 among others, and iss", `,"code_challenge_methods_supported":["plain","S256"],"authorization_response_iss_parameter_supported":true`, metadata{s256: true, iss: true}, true},
		{"another method", `,"code_challenge_methods_supported":["S512"]`, metadata{}, true},
		{"methods that are no list", `,"code_challenge_methods_supported":"S256"`, metadata{}, true},
		{"no iss", `,"authorization_response_iss_parameter_supported":false`, metadata{}, true},
		{"the issuer twice", `,"issuer":"https://as.example"`, metadata{}, false},
		{"the token endpoint twice", `,"token_endpoint":"https://evil.example/"`, metadata{}, false},
		{"a member of ours twice, once escaped", `,"token_endp\u006fint":"https://evil.example/"`, metadata{}, false},
		{"the issuer again in capitals", `,"ISSUER":"https://evil.example"`, metadata{}, false},
		{"more behind the end", `}{`, metadata{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := readMetadata("{"+goodMetadata+tt.more+"}", "https://as.example")
			if (err == nil) != tt.ok || err == nil && (m.s256 != tt.want.s256 || m.iss != tt.want.iss || m.token != "https://as.example/token") {
				t.Errorf("got %+v, %v", m, err)
			}
		})
	}
}

// answering is a transport that answers with a status, and good metadata.
type answering int

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: int(a), Header: http.Header{"Location": {"https://evil.example/"}}, Body: io.NopCloser(strings.NewReader("{" + goodMetadata + "}")), Request: r}, nil
}

func TestMetadataOfAnotherStatusAreNone(t *testing.T) {
	for _, status := range []int{200, 203, 302, 307, 404, 500} {
		p := newProvider("https://as.example", newHTTPClient(answering(status), time.Second), time.Now)
		if _, err := p.metadata(t.Context()); (err == nil) != (status == 200) {
			t.Errorf("status %d: got %v", status, err)
		}
	}
}
