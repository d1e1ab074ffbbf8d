//go:build race

package refresh_test

// slowdown scales what the race detector makes slow.
const slowdown = 10
