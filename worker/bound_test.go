package worker

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestBound: whenever a call begins, it has all of its time, and at most a tenth more.
func TestBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const timeout = 10 * time.Second
		var b bound
		defer b.end()
		for _, pause := range []time.Duration{0, time.Millisecond, 500 * time.Millisecond, 499 * time.Millisecond, time.Millisecond, 3 * time.Second, time.Minute} {
			time.Sleep(pause)
			ctx := b.from(time.Now(), timeout)
			if err := ctx.Err(); err != nil {
				t.Fatalf("after %v: %v", pause, err)
			}
			end, _ := ctx.Deadline()
			if has := time.Until(end); has < timeout || has > timeout+timeout/10 {
				t.Errorf("after %v the call has %v", pause, has)
			}
		}
	})
}
