package password

import (
	"context"
	"errors"
	"time"
)

// Calibrate measures this machine and returns argon2id parameters of one lane that take about target, with at most
// maxMemory KiB, and never less than [Default]'s cost. It takes several times target and is for a command that prints
// them, not for a server's start: parameters belong in the configuration, where every process has the same.
func Calibrate(ctx context.Context, target time.Duration, maxMemoryKiB uint32) (Params, error) {
	if target <= 0 || target > 10*time.Second {
		return Params{}, errors.New("password: Calibrate: target: use up to 10 s")
	}
	p := Default()
	if maxMemoryKiB < p.Memory || maxMemoryKiB > maxMemory {
		return Params{}, errors.New("password: Calibrate: memory: use 19456 to 4194304 KiB")
	}
	took, err := measure(ctx, p)
	for err == nil {
		next := p
		if next.Memory < maxMemoryKiB { // memory first: it is what an attacker's machine has least of
			next.Memory = min(2*next.Memory, maxMemoryKiB)
		} else {
			next.Time++
		}
		expected := time.Duration(float64(took) * cost(next) / cost(p))
		if expected > target || next.Time > maxTime {
			return p, nil
		}
		p = next
		took, err = measure(ctx, p)
	}
	return Params{}, err
}

func cost(p Params) float64 { return float64(p.Memory) * float64(p.Time) }

// measure takes the shortest of three.
func measure(ctx context.Context, p Params) (time.Duration, error) {
	h := newArgon2id(p)
	h.salt, h.tag = random(saltBytes), random(tagBytes)
	shortest := time.Duration(-1)
	for range 3 {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		start := time.Now()
		h.compute("correct horse battery staple")
		if took := time.Since(start); shortest < 0 || took < shortest {
			shortest = took
		}
	}
	return shortest, nil
}
