package main

import (
	"embed"
	"io/fs"
	"net/http"

	"github.com/cardea-go/auth/openapi/docs"
)

//go:embed web
var webFiles embed.FS

// page is what people see: a page of static files that talks to the API as every client does, and the page to try the API.
type page struct {
	files http.Handler
	docs  *docs.Page
}

func newPage() (*page, error) {
	files, err := fs.Sub(webFiles, "web")
	if err != nil {
		return nil, err
	}
	p := &page{files: http.FileServerFS(files)}
	p.docs, err = docs.New(docs.Config{Title: "Notes API", ClientID: "docs"})
	return p, err
}

func (p *page) paths() []string { return []string{"/{$}", "/app.js", "/style.css", "/icon.svg"} }

// ServeHTTP serves the files. Nothing inline runs, nothing comes from elsewhere and no other page may frame this one, so
// that a note with a script in it is no more than a note.
func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache")
	p.files.ServeHTTP(w, r)
}
