// Package apikey issues and verifies API keys.
package apikey
