// Package oauth2bench runs peers against package oauth2/server and what belongs to it: their clients and services as
// tests of our endpoints, their servers as tests of our verifier, and both beside each other in one harness.
package oauth2bench
