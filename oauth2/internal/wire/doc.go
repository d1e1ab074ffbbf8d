// Package wire reads the forms and writes the answers of OAuth 2.0 endpoints (RFC 6749 §3.2, §5).
package wire
