// Package fositebench puts ory/fosite beside package oauth2/server, in a module of its own: it pins versions of
// OpenTelemetry that other peers can't be built with.
package fositebench
