package wire

import (
	"net/http"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/oauth2/dpop"
)

// Proof checks the DPoP proof of a token request (RFC 9449 §5), where there is one and somebody to check it, and returns
// the thumbprint of its key, or "". The nonce for the next proof is added to the answer's headers.
func Proof(w http.ResponseWriter, r *http.Request, v *dpop.Verifier, url string) (thumbprint string, reason auth.Reason, refusal *Error) {
	if v == nil || len(r.Header.Values(dpop.Header)) == 0 {
		return "", "", nil
	}
	text, err := dpop.FromHeader(r.Header)
	var proof *dpop.Proof
	if err == nil {
		proof, err = v.Verify(r.Context(), text, dpop.Request{Method: r.Method, URL: url})
	}
	if err != nil {
		e := auth.AsError(err)
		if e.Kind == auth.KindUnavailable {
			return "", e.Reason, Refusal(e)
		}
		if nonce := v.Nonce(); nonce != "" {
			w.Header().Set(dpop.NonceHeader, nonce)
		}
		code := dpop.Code(err)
		if code == "" { // two proofs
			code = InvalidDPoPProof
		}
		return "", e.Reason, &Error{Status: http.StatusBadRequest, Code: code}
	}
	if proof.NextNonce != "" {
		w.Header().Set(dpop.NonceHeader, proof.NextNonce)
	}
	return proof.Thumbprint, "", nil
}
