package worker

import (
	"context"
	"testing"
	"time"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/pace"
)

// TestLane_Punctual: a call leaves at its moment and not before, and with a moment of its own when it missed it.
func TestLane_Punctual(t *testing.T) {
	w := newIdle(t, Account{Limits: Limits{Calls: 1000}})
	s := w.stay()
	l := &lane{a: s.a}
	t.Run("NotBefore", func(t *testing.T) {
		at := time.Now().Add(20 * time.Millisecond)
		if !l.punctual(s.calls[0], at) || time.Now().Before(at) {
			t.Error("the call leaves early")
		}
	})
	t.Run("NotLate", func(t *testing.T) {
		if w.mini.FlushAll(); !l.punctual(s.calls[0], time.Now().Add(-pace.Slack)) || !w.mini.Exists("volley:pace:{a}") {
			t.Error("no other moment was reserved")
		}
	})
}

// TestLane_MakesNoCallBeforeItsLastOneIsRecorded: of another batch, too.
func TestLane_MakesNoCallBeforeItsLastOneIsRecorded(t *testing.T) {
	var first *stay
	recorded := int64(-1)
	w := newIdle(t, Account{Adapter: single{func() { recorded = first.accepted() }}})
	follow, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { w.optOuts.Run(follow, func(error) {}); close(ended) }()
	t.Cleanup(func() { stop(); <-ended })
	for !w.optOuts.Fresh() {
		time.Sleep(time.Millisecond)
	}
	first = w.stay()
	second := w.stay()
	first.claimed(first.calls[0])
	first.mu.Lock()
	first.c.busy = true // a commit is on its way
	first.mu.Unlock()
	first.taken(first.calls[0], 0)
	go func() {
		for claimed := false; !claimed; time.Sleep(time.Millisecond) {
			second.mu.Lock()
			claimed = second.records[0].State != ledger.Queued
			second.mu.Unlock()
		}
		first.c.write()
	}()
	l := &lane{a: first.a, granted: make(chan bool, 1), before: first.calls[0]}
	defer l.bound.end()
	l.make(second.calls[0], time.Time{})
	if recorded != 1 {
		t.Errorf("%d were recorded when the next call was made", recorded)
	}
	first.c.flushed()
	second.c.flushed()
}

// TestCommit_IsRepeatedUntilItIsWritten: what calls established is not forgotten while Redis takes no record.
func TestCommit_IsRepeatedUntilItIsWritten(t *testing.T) {
	w := newIdle(t, Account{})
	s := w.stay()
	for _, c := range s.calls {
		s.claimed(c)
	}
	w.mini.SetError("LOADING Redis is loading the dataset in memory")
	for _, c := range s.calls {
		s.taken(c, 0)
	}
	for w.logs.FilterMessageSnippet("does not record").Len() == 0 {
		time.Sleep(time.Millisecond)
	}
	w.mini.SetError("")
	s.c.flushed()
	if n := s.accepted(); n != 3 {
		t.Errorf("%d are recorded", n)
	}
}

// TestCommit_OfABatchThatIsAnothers: whoever lost a batch makes no call of it.
func TestCommit_OfABatchThatIsAnothers(t *testing.T) {
	w := newIdle(t, Account{})
	s := w.stay()
	s.claimed(s.calls[0])
	if _, err := w.ledger.Take(t.Context(), s.job.spec.ID, 0, "other/1", s.held.Token); err != nil {
		t.Fatal(err)
	}
	for _, c := range s.calls[1:] {
		granted := make(chan bool, 1)
		if s.claim(c, granted); <-granted {
			t.Error("a claim is granted")
		}
	}
	s.taken(s.calls[0], 0)
	s.c.flushed()
	if n, err := w.ledger.Counts(t.Context(), s.job.spec.ID); err != nil || n[ledger.Accepted] != 0 || n[ledger.Sending] != 1 {
		t.Errorf("counts %v, %v", n, err)
	}
}

// TestDead: a worker is dead when two looks in a row do not find it among the living, or one after that.
func TestDead(t *testing.T) {
	w := newIdle(t, Account{})
	dead := func(owner string) bool {
		t.Helper()
		is, err := w.dead(t.Context(), owner)
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	if _, _, err := w.ledger.Heartbeat(t.Context(), "other", time.Hour); err != nil {
		t.Fatal(err)
	}
	if dead("other/1") {
		t.Error("one that lives")
	}
	w.holds.Store(w.id+"/1", struct{}{})
	if dead(w.id + "/1") {
		t.Error("one that holds the batch in this process")
	}
	if !dead(w.id + "/2") {
		t.Error("this process does not hold the batch")
	}
	if !dead("late/1") {
		t.Error("one that two looks did not find")
	}
	w.stop() // there is no second look
	if dead("gone/1") {
		t.Error("one that a single look did not find")
	}
	if !dead("late/2") {
		t.Error("one that was found dead before")
	}
	if _, _, err := w.ledger.Heartbeat(t.Context(), "late", time.Hour); err != nil {
		t.Fatal(err)
	}
	if dead("late/3") {
		t.Error("one that came back")
	}
	if err := w.ledger.Gone(t.Context(), "late"); err != nil {
		t.Fatal(err)
	}
	if dead("late/4") {
		t.Error("one that came back, and a single look did not find")
	}
}

// TestDraft_WhichBatches: a claim is drafted when an older worker that may take the batch over leaves the job alone, and nobody of
// it has been sent to.
func TestDraft_WhichBatches(t *testing.T) {
	tests := map[string]struct {
		change func(s *stay)
		want   bool
	}{
		"Fresh":           {func(*stay) {}, true},
		"OfAnOlderVolley": {func(s *stay) { s.job.spec.Format = 1 }, false},
		"Paused":          {func(s *stay) { s.held.Control = ledger.Paused }, false},
		"OfSeveralCalls":  {func(s *stay) { s.a.limits.Recipients = 2 }, false},
		"SentToBefore":    {func(s *stay) { s.records[1].Attempts = 1 }, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newIdle(t, Account{})
			s := w.stay()
			s.a.limits.Recipients = 3
			tt.change(s)
			s.draft(t.Context(), time.Now())
			key := "volley:{" + s.job.spec.ID + ".0}:b0"
			if got := w.mini.HGet(key, "draft") != ""; got != tt.want {
				t.Errorf("drafted: %v", got)
			}
		})
	}
}

// What batches without a task have left to do is done before the worker ends.
func TestDrain_WaitsForBatchesWithoutATask(t *testing.T) {
	a := newIdle(t, Account{}).accounts[0]
	at, drained := make(chan struct{}), make(chan struct{})
	a.placed.Go(func() { <-at })
	go func() { a.drain(); close(drained) }()
	select {
	case <-drained:
		t.Error("one is still at work")
	case <-time.After(50 * time.Millisecond):
	}
	close(at)
	<-drained
}

// TestShares: no more batches of a job are in hand than it may have, however many come.
func TestShares(t *testing.T) {
	var s shares
	for range 2 {
		if !s.enter(t.Context(), "job", 2) {
			t.Fatal("no place for a batch")
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if s.enter(ended, "job", 2) {
		t.Error("a third batch is in hand")
	}
	if !s.enter(t.Context(), "other", 2) {
		t.Error("no place for a batch of another job")
	}
	in := make(chan bool, 1)
	go func() { in <- s.enter(t.Context(), "job", 2) }()
	s.leave("job")
	if !<-in {
		t.Error("no place after a batch has left")
	}
}
