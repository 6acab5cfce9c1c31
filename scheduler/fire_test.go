package scheduler_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/schedule"
	"github.com/volleysms/volley/scheduler"
)

// look lets a scheduler look at what is due, at a time of day.
func (r *rig) look(s *scheduler.Scheduler, at string) {
	r.t.Helper()
	d, err := time.Parse("15:04:05", at)
	r.must(err)
	r.clock.set(time.Date(begin.Year(), begin.Month(), begin.Day(), d.Hour(), d.Minute(), d.Second(), 0, time.UTC))
	r.must(s.Look(r.t.Context()))
}

func TestFire(t *testing.T) {
	r := newRig(t)
	var told []schedule.Firing
	s := r.scheduler(scheduler.Options{Fired: func(f schedule.Firing) { told = append(told, f) }})
	r.add(every10(func(s *schedule.Schedule) {
		s.Send.KeyPrefix = "acme:"
		s.Recipients.To = append(s.Recipients.To, schedule.Recipient{To: "4500000002"}, schedule.Recipient{To: "4500000001", Values: map[string]string{"name": "Ann"}})
	}))
	r.look(s, "12:09:59")
	if jobs := r.jobs(); len(jobs) > 0 {
		t.Fatalf("the jobs %v before the tick", jobs)
	}
	r.look(s, "12:10:00")
	r.look(s, "12:10:01")
	r.wantHistory("12:10 fired")
	jobs := r.jobs()
	if len(jobs) != 1 {
		t.Fatalf("%d jobs, want 1", len(jobs))
	}
	st, err := r.client.Status(t.Context(), jobs[0])
	r.must(err)
	if st.Via != "dk" || st.Label != "reminders" || st.Counts.Queued != 1 || st.Counts.Rejected != 1 {
		t.Errorf("got %+v", st)
	}
	o := r.outcomes(jobs[0])
	if o[0].To != "4500000001" || o[0].Ref != "a" || !strings.Contains(o[1].Detail, `its field "name" is empty`) {
		t.Errorf("got %+v", o)
	}
	if len(told) != 1 || told[0].JobID != jobs[0] || told[0].Queued != 1 || told[0].Refused != 1 || !told[0].Tick.Equal(begin.Add(10*time.Minute)) {
		t.Errorf("told %+v", told)
	}
	in := r.get("reminder")
	if in.LastJob != jobs[0] || in.Totals.Fired != 1 || in.Condition != schedule.Active || !in.Next[0].Equal(begin.Add(20*time.Minute)) || len(in.Next) != 5 {
		t.Errorf("got %+v", in)
	}
}

func TestCatchUp(t *testing.T) {
	for policy, want := range map[schedule.CatchUp][]string{
		schedule.None: {"13:00 missed", "13:10 fired"},
		schedule.Last: {"12:50 missed", "13:00 fired", "13:10 fired"},
		schedule.All:  {"12:30 missed", "12:40 fired", "12:50 fired", "13:00 fired", "13:10 fired"},
	} {
		t.Run(string(policy), func(t *testing.T) {
			r := newRig(t)
			s := r.scheduler(scheduler.Options{})
			r.add(every10(func(s *schedule.Schedule) {
				s.CatchUp, s.CatchUpWithin = policy, schedule.Duration(25*time.Minute)
			}))
			r.look(s, "13:05:00")
			r.look(s, "13:10:00")
			r.wantHistory(want...)
		})
	}
}

func TestOverlap(t *testing.T) {
	for policy, want := range map[schedule.Overlap][]string{
		schedule.Allow: {"12:10 fired", "12:20 fired", "12:30 fired"},
		schedule.Skip:  {"12:10 fired", "12:20 skipped", "12:30 fired"},
		schedule.Queue: {"12:10 fired", "12:20 fired"},
	} {
		t.Run(string(policy), func(t *testing.T) {
			r := newRig(t)
			s := r.scheduler(scheduler.Options{})
			r.add(every10(func(s *schedule.Schedule) { s.Overlap = policy }))
			r.look(s, "12:10:00")
			first := r.get("reminder").LastJob
			r.look(s, "12:20:00")
			if got := r.get("reminder").Condition; (policy == schedule.Queue) != (got == schedule.Waiting) {
				t.Errorf("it is %s", got)
			}
			if _, err := r.client.Cancel(t.Context(), first, enqueue.Ask{Reason: "done with"}); err != nil {
				t.Fatal(err)
			}
			r.look(s, "12:30:00")
			r.wantHistory(want...)
		})
	}
}

func TestQueue_ThoseBehindFollowTheCatchUpPolicy(t *testing.T) {
	r := newRig(t)
	s := r.scheduler(scheduler.Options{})
	r.add(every10(func(s *schedule.Schedule) { s.Overlap, s.CatchUp = schedule.Queue, schedule.None }))
	r.look(s, "12:10:00")
	r.look(s, "12:20:00")
	if _, err := r.client.Cancel(t.Context(), r.get("reminder").LastJob, enqueue.Ask{}); err != nil {
		t.Fatal(err)
	}
	r.look(s, "12:45:00")
	r.wantHistory("12:10 fired", "12:20 fired", "12:40 missed")
}

func TestSourceFails(t *testing.T) {
	r := newRig(t)
	broken := errors.New("it is not there")
	s := r.scheduler(scheduler.Options{Files: func(context.Context, schedule.File, []string) (scheduler.Rows, error) {
		return scheduler.Rows{Recipients: func(yield func(enqueue.Recipient, error) bool) {
			if yield(enqueue.Recipient{To: "4500000001"}, nil) {
				_ = broken == nil || yield(enqueue.Recipient{}, broken)
			}
		}}, nil
	}})
	r.add(every10(func(s *schedule.Schedule) {
		s.RetryFor, s.Send.Text = schedule.Duration(5*time.Minute), "Hi"
		s.Recipients = schedule.Recipients{File: &schedule.File{Path: "people.csv"}}
	}))
	r.look(s, "12:10:00")
	if in := r.get("reminder"); in.Condition != schedule.Failing || in.Error != "it is not there" || !in.Tick.Equal(begin.Add(10*time.Minute)) {
		t.Errorf("got %+v", in)
	}
	r.look(s, "12:10:04") // not yet
	broken = nil
	r.look(s, "12:10:05")
	r.wantHistory("12:10 fired")

	broken = errors.New("it is not there")
	for _, at := range []string{"12:20:00", "12:20:05", "12:24:59"} {
		r.look(s, at)
	}
	r.wantHistory("12:10 fired")
	r.look(s, "12:26:00")
	r.wantHistory("12:10 fired", "12:20 failed")
	if jobs := r.jobs(); len(jobs) != 1 {
		t.Errorf("%d jobs, want 1", len(jobs))
	}
	if keys := r.rdb.Keys(t.Context(), "volley:{schedules.*").Val(); len(keys) > 0 {
		t.Errorf("the lists %v are left behind", keys)
	}
}

func TestNobodyToSendTo(t *testing.T) {
	r := newRig(t)
	s := r.scheduler(scheduler.Options{Files: func(context.Context, schedule.File, []string) (scheduler.Rows, error) {
		return scheduler.Rows{Recipients: func(func(enqueue.Recipient, error) bool) {}}, nil
	}})
	r.add(every10(func(s *schedule.Schedule) {
		s.Send.Text, s.Recipients = "Hi", schedule.Recipients{File: &schedule.File{Path: "people.csv"}}
	}))
	r.look(s, "12:10:00")
	r.wantHistory("12:10 fired")
	if jobs := r.jobs(); len(jobs) > 0 {
		t.Errorf("the jobs %v", jobs)
	}
}

func TestPauseAndResume(t *testing.T) {
	r := newRig(t)
	s := r.scheduler(scheduler.Options{})
	r.add(every10(nil))
	r.must(r.store.Pause(t.Context(), "reminder", "holidays"))
	r.look(s, "12:10:00")
	if in := r.get("reminder"); in.Condition != schedule.Paused || in.Note != "holidays" || len(in.Next) > 0 {
		t.Errorf("got %+v", in)
	}
	r.look(s, "12:25:00")
	r.must(r.store.Resume(t.Context(), "reminder"))
	r.look(s, "12:25:00")
	r.wantHistory()
	r.look(s, "12:30:00")
	r.wantHistory("12:30 fired")
}

func TestRunNow(t *testing.T) {
	r := newRig(t)
	s := r.scheduler(scheduler.Options{})
	r.add(every10(nil))
	r.must(r.store.Pause(t.Context(), "reminder", ""))
	request, err := r.store.RunNow(t.Context(), "reminder")
	r.must(err)
	if _, err := r.store.RunNow(t.Context(), "reminder"); !errors.Is(err, schedule.ErrAsked) {
		t.Errorf("again: %v", err)
	}
	if f, err := r.store.Asked(t.Context(), "reminder", request); err != nil || f != nil {
		t.Errorf("before: %v, %v", f, err)
	}
	r.look(s, "12:05:00")
	r.look(s, "12:05:01")
	r.wantHistory("12:05 fired")
	if f, err := r.store.Asked(t.Context(), "reminder", request); err != nil || f == nil || f.JobID != r.jobs()[0] {
		t.Errorf("then: %v, %v", f, err)
	}
	r.must(r.store.Resume(t.Context(), "reminder"))
	r.look(s, "12:10:00")
	r.wantHistory("12:05 fired", "12:10 fired")
}

func TestRemove(t *testing.T) {
	r := newRig(t)
	s := r.scheduler(scheduler.Options{})
	r.add(every10(nil))
	r.look(s, "12:10:00")
	r.must(r.store.Remove(t.Context(), "reminder"))
	r.look(s, "12:20:00")
	if keys := r.rdb.Keys(t.Context(), "volley:{schedules}*").Val(); len(keys) > 0 {
		t.Errorf("left behind: %v", keys)
	}
	if err := r.store.Remove(t.Context(), "reminder"); !errors.Is(err, schedule.ErrNotFound) {
		t.Errorf("again: %v", err)
	}
	r.add(every10(nil))
	if _, err := r.store.Add(t.Context(), every10(nil)); !errors.Is(err, schedule.ErrExists) {
		t.Errorf("added twice: %v", err)
	}
	r.look(s, "12:30:00")
	r.wantHistory("12:30 fired")
}

func TestAnotherIsNotDisturbed(t *testing.T) {
	r := newRig(t)
	a, b := r.scheduler(scheduler.Options{}), r.scheduler(scheduler.Options{})
	r.add(every10(nil))
	a.SetReached(func(step string) error {
		if step == "freeze" { // while a is at it, b looks too
			r.must(b.Look(t.Context()))
		}
		return nil
	})
	r.look(a, "12:10:00")
	r.wantHistory("12:10 fired")
}

func TestRun(t *testing.T) {
	r := newRig(t)
	fired := make(chan schedule.Firing, 100)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	s := r.scheduler(scheduler.Options{Fired: func(f schedule.Firing) { fired <- f }})
	r.add(every10(nil))
	r.clock.set(begin.Add(10 * time.Minute))
	go func() {
		defer close(ended)
		s.Run(ctx)
	}()
	<-fired
	r.clock.pass(10 * time.Minute)
	<-fired
	cancel()
	<-ended
	r.wantHistory("12:10 fired", "12:20 fired")
}

func TestReplacedWhileItIsFired(t *testing.T) {
	r := newRig(t)
	s := r.scheduler(scheduler.Options{})
	r.add(every10(nil))
	// It dies with the tick's job half known; then the text is another.
	s.SetReached(func(step string) error {
		if step == "enqueue" {
			return errDied
		}
		return nil
	})
	r.clock.set(begin.Add(10 * time.Minute))
	if err := s.Look(t.Context()); !errors.Is(err, errDied) {
		t.Fatal(err)
	}
	_, err := r.store.Apply(t.Context(), []schedule.Schedule{every10(func(s *schedule.Schedule) { s.Send.Text = "Hej {{name}}" })}, schedule.ApplyOptions{})
	r.must(err)
	s.SetReached(func(string) error { return nil })
	r.look(s, "12:10:02")
	r.wantHistory("12:10 fired")
	if jobs := r.jobs(); len(jobs) != 1 || r.get("reminder").LastJob != jobs[0] {
		t.Errorf("the jobs %v", jobs)
	}
	r.look(s, "12:20:00")
	if jobs := r.jobs(); len(jobs) != 2 || slices.Contains(jobs[1:], r.get("reminder").LastJob) {
		t.Errorf("the jobs %v", jobs)
	}
}

// A schedule that an application adds is fired like any other.
func TestFire_WhatAnApplicationAdds(t *testing.T) {
	r := newRig(t)
	s := r.scheduler(scheduler.Options{})
	sc := every10(nil)
	sc.Start = begin
	if _, err := r.client.Schedules().Add(t.Context(), sc); err != nil {
		t.Fatal(err)
	}
	request, err := r.client.Schedules().RunNow(t.Context(), "reminder")
	r.must(err)
	r.must(s.Attend(t.Context(), "reminder"))
	f, err := r.client.Schedules().Asked(t.Context(), "reminder", request)
	if err != nil || f == nil || f.Outcome != schedule.Fired || !slices.Contains(r.jobs(), f.JobID) {
		t.Errorf("what became of it: %+v, %v", f, err)
	}
}
