package ledger

import (
	"testing"

	"github.com/redis/go-redis/v9"
)

// TestFire_OfAJobThatWasReRouted: the model has all other answers.
func TestFire_OfAJobThatWasReRouted(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l := New(rdb)
		job := newContent("moved", [2]int{2, 0}).seal(t, l)
		held, err := l.Take(t.Context(), job.Spec.ID, 0, "worker-1/1", "")
		if err != nil {
			t.Fatal(err)
		}
		var claim Changes
		claim.SetAll(0, 2, Queued, Record{State: Sending, Attempts: 1, At: 1})
		if err := l.Draft(t.Context(), &held, &claim); err != nil {
			t.Fatal(err)
		}
		if err := rdb.HSet(t.Context(), countsKey(job.Spec.ID, 0), "from", 1).Err(); err != nil {
			t.Fatal(err)
		}
		if granted, word, err := l.Fire(t.Context(), &held); granted || word != Moved || err != nil {
			t.Errorf("got granted %v, %q, %v", granted, word, err)
		}
	})
}

// TestTake_WhatWasJottedDown: who takes a batch over finds what its dead owner had jotted down, and who was left out is queued.
func TestTake_WhatWasJottedDown(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l := New(rdb)
		job := newContent("jotted", [2]int{2, 0}).seal(t, l)
		held, err := l.Take(t.Context(), job.Spec.ID, 0, "worker-1/1", "")
		if err != nil {
			t.Fatal(err)
		}
		sending := Record{State: Sending, Attempts: 1, At: 1}
		c := Commit{Seq: 1, Via: -1, Drafted: true}
		c.Records.SetAll(0, 2, Queued, sending)
		if err := l.Draft(t.Context(), &held, &c.Records); err != nil {
			t.Fatal(err)
		}
		if granted, _, err := l.Fire(t.Context(), &held); !granted || err != nil {
			t.Fatalf("got granted %v, %v", granted, err)
		}
		c.Records.Set(0, Sending, Record{State: Accepted, Attempts: 1, At: 2, ID: held.Side.ID("id-1")})
		c.Records.Set(1, Sending, Record{At: 2})
		c.SideAt, c.Side = held.Side.Take()
		if err := l.Jot(t.Context(), &held, &c); err != nil {
			t.Fatal(err)
		}
		next, err := l.Take(t.Context(), job.Spec.ID, 0, "worker-2/1", "worker-1/1")
		if err != nil || next.Records[0].State != Accepted || next.Records[1].State != Queued {
			t.Errorf("got %+v, %v", next.Records, err)
		}
		if n := agree(t, l, job); n[Accepted] != 1 || n[Queued] != 1 || n[Sending] != 0 {
			t.Errorf("counts %v", n)
		}
	})
}

// TestCommit_Jottable: only what takes recipients from queued to one state can be written down in short.
func TestCommit_Jottable(t *testing.T) {
	changes := func(states ...State) (c Changes) {
		for i, s := range states {
			c.Set(i, Queued, Record{State: Sending})
			c.Set(i, Sending, Record{State: s})
		}
		return c
	}
	tests := map[string]struct {
		commit Commit
		want   bool
	}{
		"OneState":     {Commit{Via: -1, Records: changes(Accepted, Accepted)}, true},
		"TwoStates":    {Commit{Via: -1, Records: changes(Accepted, Rejected)}, false},
		"SomeQueued":   {Commit{Via: -1, Records: changes(Accepted, Queued)}, true}, // of those who are not
		"AllQueued":    {Commit{Via: -1, Records: changes(Queued)}, false},
		"WithClaims":   {Commit{Via: -1, Records: changes(Accepted), Claims: changes(Sending)}, false},
		"OtherAccount": {Commit{Via: 1, Records: changes(Accepted)}, false},
		"Nothing":      {Commit{Via: -1}, false},
	}
	for name, tt := range tests {
		if got := tt.commit.Jottable(); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
