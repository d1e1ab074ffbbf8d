package docs

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

//go:embed assets
var assets embed.FS

// A Config describes the page. The zero Config is that of a document at /openapi.json and a page at /docs/.
type Config struct {
	// Path is where the page is served, with a slash at both ends. "" is "/docs/".
	Path string
	// Title is that of the page. "" is "API".
	Title string
	// DocumentURL is the document's, in JSON or YAML: a path, or a URL whose origin is added to the policy. "" is
	// "/openapi.json".
	DocumentURL string
	// ClientID is the OAuth client that the page is, a public one with PKCE; its redirect URI is
	// Path + "oauth2-redirect.html". "" leaves the field empty.
	ClientID string
	// Scopes are ticked when the Authorize dialog opens.
	Scopes []string
	// Connect lists further origins that the page may talk to, such as https://accounts.example: those of servers and
	// token URLs that the document names elsewhere. None is the page's own.
	Connect []string
}

// A Page is the handler of the page and its files. It is immutable and safe for concurrent use.
type Page struct {
	path   string
	policy string
	files  map[string]file
}

type file struct {
	mediaType, etag string
	data            []byte
}

// New returns the page. It reports every mistake at once.
func New(c Config) (*Page, error) {
	if c.Path == "" {
		c.Path = "/docs/"
	}
	if c.DocumentURL == "" {
		c.DocumentURL = "/openapi.json"
	}
	if c.Title == "" {
		c.Title = "API"
	}
	var errs []error
	if c.Path != "/" && (c.Path != path.Join("/", c.Path)+"/" || c.Path == "//") {
		errs = append(errs, fmt.Errorf("docs: Path %q: begin and end it with a slash, as in /docs/", c.Path))
	}
	connect := slices.Clone(c.Connect)
	for _, o := range connect {
		if u, err := url.Parse(o); err != nil || !isOrigin(u) || o != u.Scheme+"://"+u.Host {
			errs = append(errs, fmt.Errorf("docs: Connect %q: use an origin such as https://accounts.example", o))
		}
	}
	switch u, err := url.Parse(c.DocumentURL); {
	case err == nil && u.Scheme == "" && u.Host == "":
	case err == nil && isOrigin(u):
		connect = append(connect, u.Scheme+"://"+u.Host)
	default:
		errs = append(errs, errors.New("docs: DocumentURL: use a path, or a URL of http or https"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	p := &Page{path: c.Path, policy: policy(connect), files: map[string]file{}}
	p.load(c)
	return p, nil
}

// isOrigin reports whether u has a scheme and host that a policy can name as they are.
func isOrigin(u *url.URL) bool {
	return (u.Scheme == "https" || u.Scheme == "http") && u.User == nil && u.Hostname() != "" &&
		strings.Trim(u.Host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]") == ""
}

func policy(connect []string) string {
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src " +
		strings.Join(append([]string{"'self'"}, connect...), " ") +
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

func (p *Page) load(c Config) {
	p.add("", "text/html; charset=utf-8", fmt.Appendf(nil, page, html.EscapeString(c.Title)))
	p.add("initializer.js", mediaTypeOf("initializer.js"), script(c))
	entries, _ := fs.ReadDir(assets, "assets") // what is embedded can be read
	for _, e := range entries {
		data, _ := fs.ReadFile(assets, "assets/"+e.Name())
		p.add(e.Name(), mediaTypeOf(e.Name()), data)
	}
}

func mediaTypeOf(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".png":
		return "image/png"
	}
	return "text/plain; charset=utf-8"
}

func (p *Page) add(name, mediaType string, data []byte) {
	sum := sha256.Sum256(data)
	p.files[name] = file{mediaType, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, data}
}

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title>
<link rel="icon" type="image/png" href="favicon-32x32.png">
<link rel="stylesheet" href="swagger-ui.css">
<link rel="stylesheet" href="index.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="swagger-ui-bundle.js"></script>
<script src="initializer.js"></script>
</body>
</html>
`

// script returns the JavaScript that starts the viewer. JSON from encoding/json is safe inside of it.
func script(c Config) []byte {
	settings, _ := json.Marshal(struct { // strings can't fail
		URL      string   `json:"url"`
		ClientID string   `json:"clientId"`
		Scopes   []string `json:"scopes"`
	}{c.DocumentURL, c.ClientID, append([]string{}, c.Scopes...)})
	return []byte(`"use strict";
const settings = ` + string(settings) + `;
const ui = SwaggerUIBundle({
  url: settings.url,
  dom_id: "#swagger-ui",
  deepLinking: true,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  persistAuthorization: false,
  queryConfigEnabled: false,
  validatorUrl: null,
  oauth2RedirectUrl: new URL("oauth2-redirect.html", document.baseURI).href,
});
ui.initOAuth({
  clientId: settings.clientId,
  scopes: settings.scopes,
  usePkceWithAuthorizationCodeGrant: true,
});
`)
}

// ServeHTTP serves the page at its path and the files below it to GET and HEAD.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, below := strings.CutPrefix(r.URL.Path, p.path)
	f, ok := p.files[name]
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", p.policy)
	switch {
	case !below || !ok:
		http.NotFound(w, r)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "the method is not allowed here", http.StatusMethodNotAllowed)
		return
	}
	h.Set("Content-Type", f.mediaType)
	h.Set("ETag", f.etag)
	if control := h.Get("Cache-Control"); control == "" {
		h.Set("Cache-Control", "no-cache")
	} else {
		h.Set("Cache-Control", control+", no-cache") // a guard in front has said private
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.data))
}
