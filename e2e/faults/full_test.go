package faults_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/internal/redistest"
)

// TestRedisFull: while Redis is nearly full new jobs are refused with a sentence, and what is on the queue is sent. When it
// is full all the same, nothing is sent until there is room, and then everything.
func TestRedisFull(t *testing.T) {
	t.Parallel()
	addr := redistest.Start(t)
	r := newRig(t, "redis://"+addr+"/0")
	r.enqueue(plain, size.many)
	if err := r.rdb.SetRange(t.Context(), "ballast", 64<<20, "x").Err(); err != nil {
		t.Fatal(err)
	}
	limit := func(share float64) {
		t.Helper()
		info, err := r.rdb.Info(t.Context(), "memory").Result()
		if err != nil {
			t.Fatal(err)
		}
		if err := r.rdb.ConfigSet(t.Context(), "maxmemory", strconv.Itoa(int(float64(after(info, "used_memory:"))/share))).Err(); err != nil {
			t.Fatal(err)
		}
	}
	limit(0.96)
	for _, args := range [][]string{
		{"send", "--via", plain, "--from", sender, "--text", "Hi", "--to", number(r.numbers).String()},
		{"import", r.Write("campaign.csv", "to\n"+number(r.numbers).String()+"\n"), "--via", plain, "--from", sender, "--text", "Hi"},
	} {
		code, out, errs := r.Run(args...)
		if code != 1 || out != "" || strings.Count(errs, "\n") != 1 {
			t.Errorf("volley %s: exit status %d, %q, %q", args[0], code, out, errs)
		}
		for _, want := range []string{"full", "maxmemory"} {
			if !strings.Contains(errs, want) {
				t.Errorf("volley %s says %q, want %q in it", args[0], errs, want)
			}
		}
	}

	r.seat(addr).live()
	r.sent(size.many / 3)
	limit(1.5) // no command that may need memory is taken any more
	r.until("a second in which nothing is sent", func() bool {
		before := r.judge.sum()
		time.Sleep(time.Second)
		return r.judge.sum() == before
	})
	if n := r.judge.sum(); n == size.many {
		t.Error("all were sent while nothing could be recorded")
	}
	limit(0.96)
	r.steady(r.books())
	r.stop()
	r.recorded()
}
