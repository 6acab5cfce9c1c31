package faults_test

import (
	"fmt"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/volleysms/volley/e2e/world"
	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/redistest"
)

// TestSchedulersKilled: three schedulers fire ticks, each schedule one a second, and one or another of them is killed again
// and again. Each tick has one job, and the gateway takes one message for each.
func TestSchedulersKilled(t *testing.T) {
	t.Parallel()
	const ticks = 20
	addr := redistest.Start(t)
	r := newRig(t, "redis://"+addr+"/0")
	r.seat(addr).live()
	all := make([]*world.Process, 3)
	for i := range all {
		all[i] = r.Start("scheduler")
	}
	began := time.Now().Add(3 * time.Second).Truncate(time.Second)
	s := r.producer.Schedules()
	ids := make([]string, size.schedules)
	for i := range ids {
		in, err := s.Add(t.Context(), enqueue.Schedule{
			Name: "tick" + strconv.Itoa(i), Every: enqueue.ScheduleDuration(time.Second), Start: began, End: began.Add((ticks - 1) * time.Second),
			CatchUp:    enqueue.CatchUpAll,
			Send:       enqueue.ScheduleTemplate{Via: plain, From: sender, Text: text},
			Recipients: enqueue.ScheduleRecipients{To: []enqueue.ScheduleRecipient{{To: number(i).String()}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = in.ID
	}
	kills := 0
	r.until("all ticks", func() bool {
		if kills < size.kills && r.rng.below(6) == 0 {
			i := r.rng.below(len(all))
			all[i].Kill()
			all[i] = r.Start("scheduler")
			kills++
		}
		infos, err := s.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		fired := int64(0)
		for _, in := range infos {
			fired += in.Totals.Fired
			if in.Totals.Missed+in.Totals.Skipped+in.Totals.Failed > 0 {
				t.Fatalf("%s: %+v", in.Name, in.Totals)
			}
		}
		return fired == int64(ticks*size.schedules) && kills == size.kills
	})
	t.Logf("%d ticks of %d schedules, %d kills", ticks*size.schedules, size.schedules, kills)
	jobs := map[string]bool{}
	for i, id := range ids {
		for k := range ticks {
			tick := began.Add(time.Duration(k) * time.Second)
			job, err := r.producer.JobOfKey(t.Context(), fmt.Sprintf("schedule:%s:%d", id, tick.Unix()))
			if err != nil || jobs[job] {
				t.Errorf("the tick %d of schedule %d has the job %q (%v)", k, i, job, err)
			}
			jobs[job] = true
		}
	}
	if recent, err := r.producer.Recent(t.Context(), 0); err != nil || len(recent) != ticks*size.schedules {
		t.Errorf("there are %d jobs (%v), want %d", len(recent), err, ticks*size.schedules)
	}
	r.until("all messages", func() bool { return r.judge.sum() >= ticks*size.schedules })
	for _, p := range all {
		p.Signal(syscall.SIGTERM)
	}
	for i, p := range all {
		if code := p.Ended(); code != 0 {
			t.Errorf("scheduler %d ends with exit status %d: %s", i, code, p.Log())
		}
	}
	r.stop()
	for i := range ids {
		if n := r.judge.taken[number(i)]; n != ticks {
			t.Errorf("the gateway took %d messages of schedule %d, want %d", n, i, ticks)
		}
	}
}
