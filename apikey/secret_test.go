package apikey_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/cardea-go/auth/apikey"
)

func TestNoPrinterShowsASecret(t *testing.T) {
	v := newService(t, setup{})
	secret, p := v.issued.Secret, apikey.Pepper{ID: "2026", Key: []byte("pepper-pepper-pepper-pepper-pepper")}
	hidden := []string{v.key(), v.key()[23:], "pepper-pepper", fmt.Sprintf("%x", v.key()), fmt.Sprintf("%x", "pepper-pepper")}
	type wrapper struct {
		Secret apikey.Secret
		Issued *apikey.Issued
		Pepper apikey.Pepper
		Any    any
	}
	w := wrapper{secret, v.issued, p, secret}
	var outputs []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%T", "%t", "% x", "%#q", "%10.3v", "%!"} {
		for _, value := range []any{secret, &secret, v.issued, *v.issued, w, &w, []apikey.Secret{secret}, map[string]any{"k": secret}, p, []apikey.Pepper{p}} {
			outputs = append(outputs, fmt.Sprintf(verb, value))
		}
	}
	outputs = append(outputs, fmt.Sprint(secret), secret.String(), secret.GoString(), fmt.Errorf("wrapped: %v", secret).Error(),
		errors.Join(fmt.Errorf("%s", secret)).Error(), p.String(), p.GoString(), fmt.Sprint(v.issued.Record), fmt.Sprintf("%#v", v.issued.Record))
	for _, value := range []any{secret, w, v.issued, map[string]apikey.Secret{"k": secret}} {
		b, err := json.Marshal(value)
		must(t, err)
		outputs = append(outputs, string(b))
	}
	type document struct{ Secret apikey.Secret }
	x, err := xml.Marshal(document{secret})
	must(t, err)
	var g bytes.Buffer
	_ = gob.NewEncoder(&g).Encode(secret) // refuses, or writes the text form
	outputs = append(outputs, string(x), g.String())
	for _, h := range []func(io.Writer) slog.Handler{
		func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) },
		func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) },
	} {
		var b bytes.Buffer
		slog.New(h(&b)).Info("m", "secret", secret, "issued", v.issued, "pepper", p, "wrapper", w, "record", v.issued.Record)
		outputs = append(outputs, b.String())
	}
	for _, out := range outputs {
		for _, h := range hidden {
			if strings.Contains(out, h) {
				t.Errorf("a secret is in %q", out)
			}
		}
	}
	if fmt.Sprint(secret) != "[redacted]" || (apikey.Secret{}).Reveal() != "" {
		t.Errorf("got %v", secret)
	}
}

func TestADigestIsNotInARecordsText(t *testing.T) {
	r := apikey.Record{ID: "i", Subject: "s", Name: "n", Digest: "s1$secret"}
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("m", "record", r, "pointer", &r)
	for _, out := range []string{fmt.Sprint(r), fmt.Sprintf("%+v", &r), fmt.Sprintf("%#v", r), b.String()} {
		if strings.Contains(out, "s1$secret") || !strings.Contains(out, "i") {
			t.Errorf("got %s", out)
		}
	}
}
