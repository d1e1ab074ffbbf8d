//go:build !race

package refresh_test

const slowdown = 1
