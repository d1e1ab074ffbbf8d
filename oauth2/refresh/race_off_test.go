//go:build !race

package refresh_test

const slowdown = 1

const raceDetector = false
