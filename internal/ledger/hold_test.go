package ledger

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/internal/redistest"
)

// change makes Changes of single positions.
func change(i int, from State, to Record) Changes {
	var c Changes
	c.Set(i, from, to)
	return c
}

func commit(t tb, l *Ledger, h *Held, c *Commit) (bool, Control) {
	t.Helper()
	granted, ctl, err := l.Commit(t.Context(), h, c)
	if err != nil {
		t.Fatalf("Commit: %v", err)
	}
	return granted, ctl
}

func TestTake(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()
		newContent("job", [2]int{3, 1}, [2]int{1, 0}).seal(t, l)

		h := take(t, l, "job", 0, "w1/1", "")
		if h.Job != "job" || h.Batch != 0 || h.Token != "w1/1" || h.Via != 0 || h.Control != Run {
			t.Errorf("got %+v", h)
		}
		if len(h.Recipients) != 3 || h.Recipients[2].To != testNumber(3) || !reflect.DeepEqual(h.Records, make([]Record, 3)) {
			t.Errorf("got recipients %+v and records %+v", h.Recipients, h.Records)
		}

		t.Run("AnotherOwnerIsNamed", func(t *testing.T) {
			for _, dead := range []string{"", "w9/9"} {
				got, err := l.Take(ctx, "job", 0, "w2/1", dead)
				if !errors.Is(err, ErrLost) || got.Token != "w1/1" {
					t.Errorf("dead %q: got %q, %v, want the owner and ErrLost", dead, got.Token, err)
				}
			}
		})
		t.Run("AnotherBatchIsFree", func(t *testing.T) { take(t, l, "job", 1, "w2/2", "") })
		t.Run("ABatchThatIsNotThere", func(t *testing.T) {
			if _, err := l.Take(ctx, "job", 2, "w1/2", ""); !errors.Is(err, ErrNotFound) {
				t.Errorf("got %v, want ErrNotFound", err)
			}
			if keys := keysLike(t, rdb, keysOf("job", 2).batch); len(keys) > 0 {
				t.Errorf("left behind: %v", keys)
			}
		})
		t.Run("UnreadableRecipientsAreAnError", func(t *testing.T) {
			if err := rdb.Set(ctx, keysOf("job", 3).recipients, "\x01damaged", 0).Err(); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Take(ctx, "job", 3, "w1/3", ""); !errors.Is(err, ErrBatch) {
				t.Errorf("got %v, want ErrBatch", err)
			}
		})
	})
}

// TestTake_SentTwice: what the network delivers late must not let a commit in a second time.
func TestTake_SentTwice(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l := New(rdb)
		j := newContent("job", [2]int{2, 0}).seal(t, l)
		h := take(t, l, "job", 0, "w1/1", "")
		claim := &Commit{Seq: 1, Claims: change(0, Queued, Record{State: Sending}), Via: -1}
		if granted, _ := commit(t, l, h, claim); !granted {
			t.Fatal("the claim is not granted")
		}
		take(t, l, "job", 0, "w1/1", "")
		if granted, _ := commit(t, l, h, claim); !granted {
			t.Error("the claim is not granted when it is sent again")
		}
		if n := agree(t, l, j); n[Sending] != 1 || n[Queued] != 1 {
			t.Errorf("counts %v", n)
		}
	})
}

func TestTake_FromTheDead(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()
		j := newContent("job", [2]int{3, 0}).seal(t, l)
		dead := take(t, l, "job", 0, "w1/1", "")
		note := dead.Side.Note(Note{"0", "taken"})
		var first Commit
		first.Seq, first.Via = 1, 1
		first.Claims.Set(0, Queued, Record{State: Sending, Attempts: 1})
		first.Records.Set(1, Queued, Record{State: Accepted, Note: note, ID: dead.Side.ID("id-1")})
		first.SideAt, first.Side = dead.Side.Take()
		commit(t, l, dead, &first)

		h := take(t, l, "job", 0, "w2/1", "w1/1")
		if h.Records[0].State != Sending || h.Records[0].Attempts != 1 || h.Records[1].State != Accepted || h.Records[2].State != Queued {
			t.Errorf("got %+v", h.Records)
		}
		if h.Via != 1 {
			t.Errorf("the batch is with account %d, want 1", h.Via)
		}
		if got := h.Side.Note(Note{"0", "taken"}); got != note {
			t.Errorf("a known note has number %d, want %d", got, note)
		}
		commit(t, l, h, &Commit{Seq: 1, Records: change(0, Sending, Record{State: Unknown}), Via: -1})

		late := &Commit{Seq: 2, Records: change(0, Sending, Record{State: Accepted}), Via: -1}
		last := *late
		last.Release, last.Compact = true, true
		refused := func(t *testing.T) {
			t.Helper()
			for _, c := range []*Commit{&first, late, &last} {
				if _, _, err := l.Commit(ctx, dead, c); !errors.Is(err, ErrLost) {
					t.Errorf("got %v, want ErrLost", err)
				}
			}
			if n := agree(t, l, j); n[Unknown] != 1 || n[Accepted] != 1 || n[Queued] != 1 {
				t.Errorf("counts %v", n)
			}
		}
		t.Run("TheLostOwnerChangesNothing", refused)
		commit(t, l, h, &Commit{Seq: 2, Release: true, Via: -1})
		t.Run("NorAfterItsSuccessorGaveTheBatchUp", refused)
		take(t, l, "job", 0, "w3/1", "")
		t.Run("NorWhenAThirdHasIt", refused)
	})
}

func TestCommit_Again(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()
		j := newContent("job", [2]int{4, 0}).seal(t, l)
		h := take(t, l, "job", 0, "w1/1", "")

		claim := &Commit{Seq: 1, Claims: change(0, Queued, Record{State: Sending}), Via: -1}
		commit(t, l, h, claim)
		if err := rdb.HSet(ctx, countsKey("job", 0), "ctl", string(Paused)).Err(); err != nil {
			t.Fatal(err)
		}
		t.Run("AGrantedClaimStaysGranted", func(t *testing.T) {
			if granted, ctl := commit(t, l, h, claim); !granted || ctl != Paused {
				t.Errorf("got %v, %q", granted, ctl)
			}
		})
		second := &Commit{
			Seq: 2, Records: change(0, Sending, Record{State: Accepted}), Claims: change(1, Queued, Record{State: Sending}), Via: -1,
		}
		if granted, ctl := commit(t, l, h, second); granted || ctl != Paused {
			t.Errorf("while paused: got %v, %q", granted, ctl)
		}
		if err := rdb.HDel(ctx, countsKey("job", 0), "ctl").Err(); err != nil {
			t.Fatal(err)
		}
		t.Run("ARefusedClaimStaysRefused", func(t *testing.T) {
			if granted, _ := commit(t, l, h, second); granted {
				t.Error("granted when sent again")
			}
			if n := agree(t, l, j); n[Accepted] != 1 || n[Sending] != 0 || n[Queued] != 3 {
				t.Errorf("counts %v", n)
			}
		})
		last := &Commit{Seq: 3, Records: change(1, Queued, Record{State: Rejected}), Release: true, Compact: true, Via: -1}
		commit(t, l, h, last)
		t.Run("AReleaseIsDoneOnce", func(t *testing.T) {
			if err := rdb.HSet(ctx, countsKey("job", 0), "ctl", string(Withdrawn)).Err(); err != nil {
				t.Fatal(err)
			}
			if granted, ctl := commit(t, l, h, last); granted || ctl != Withdrawn {
				t.Errorf("got %v, %q", granted, ctl)
			}
			if n := agree(t, l, j); n[Rejected] != 1 || n[Queued] != 2 {
				t.Errorf("counts %v", n)
			}
			if keys := keysLike(t, rdb, keysOf("job", 0).batch); len(keys) > 0 {
				t.Errorf("left behind: %v", keys)
			}
		})
		t.Run("WithoutTheBatchNothingIsWritten", func(t *testing.T) {
			c := &Commit{Seq: 4, Records: change(2, Queued, Record{State: Accepted}), Via: -1}
			if _, _, err := l.Commit(ctx, h, c); !errors.Is(err, ErrLost) {
				t.Errorf("got %v, want ErrLost", err)
			}
			agree(t, l, j)
		})
	})
}

func TestCommit_ControlWord(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()
		j := newContent("job", [2]int{2, 0}).seal(t, l)
		h := take(t, l, "job", 0, "w1/1", "")
		var seq uint64
		for _, word := range []Control{Paused, Withdrawn} {
			t.Run(string(word)+"RefusesClaimsAndRecordsOutcomes", func(t *testing.T) {
				seq++
				if granted, ctl := commit(t, l, h, &Commit{Seq: seq, Claims: change(0, Queued, Record{State: Sending}), Via: -1}); !granted || ctl != Run {
					t.Fatalf("before: got %v, %q", granted, ctl)
				}
				if err := rdb.HSet(ctx, countsKey("job", 0), "ctl", string(word)).Err(); err != nil {
					t.Fatal(err)
				}
				seq++
				granted, ctl := commit(t, l, h, &Commit{
					Seq: seq, Records: change(0, Sending, Record{State: Queued, Attempts: 1}), Claims: change(1, Queued, Record{State: Sending}), Via: -1,
				})
				if granted || ctl != word {
					t.Errorf("got %v, %q", granted, ctl)
				}
				if n := agree(t, l, j); n[Queued] != 2 {
					t.Errorf("counts %v", n)
				}
				if got := collect(t, l, j)[0].Attempts; got != 1 {
					t.Errorf("the record has %d attempts, want 1", got)
				}
				if got := take(t, l, "job", 0, h.Token, "").Control; got != word {
					t.Errorf("Take: got control %q", got)
				}
				if err := rdb.HDel(ctx, countsKey("job", 0), "ctl").Err(); err != nil {
					t.Fatal(err)
				}
			})
		}
	})
}

func TestCommit_MovesTheBatchToAnotherAccount(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l := New(rdb)
		newContent("job", [2]int{1, 0}).seal(t, l)
		h := take(t, l, "job", 0, "w1/1", "")
		commit(t, l, h, &Commit{Seq: 1, Via: 1, Release: true})
		h = take(t, l, "job", 0, "w1/2", "")
		if h.Via != 1 {
			t.Errorf("got account %d, want 1", h.Via)
		}
		commit(t, l, h, &Commit{Seq: 1, Via: -1, Release: true})
		if got := take(t, l, "job", 0, "w1/3", "").Via; got != 1 {
			t.Errorf("got account %d, want 1", got)
		}
	})
}

func TestCommit_Compact(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()
		j := newContent("job", [2]int{2, 0}).seal(t, l)
		h := take(t, l, "job", 0, "w1/1", "")
		long := strings.Repeat("x", 5000)
		var c Commit
		c.Seq, c.Via = 1, -1
		c.Records.Set(0, Queued, Record{State: Accepted, Note: h.Side.Note(Note{"0", long}), ID: h.Side.ID("id")})
		c.SideAt, c.Side = h.Side.Take()
		commit(t, l, h, &c)
		before := collect(t, l, j)
		commit(t, l, h, &Commit{Seq: 2, Via: -1, Compact: true, Release: true})
		if after := collect(t, l, j); !reflect.DeepEqual(after, before) || after[0].Detail != long || after[0].ID != "id" {
			t.Errorf("got %+v\nwant %+v", after, before)
		}
		h = take(t, l, "job", 0, "w1/2", "")
		c = Commit{Seq: 1, Via: -1, Records: change(1, Queued, Record{State: Accepted, ID: h.Side.ID("id-2")})}
		c.SideAt, c.Side = h.Side.Take()
		commit(t, l, h, &c)
		if got := collect(t, l, j)[1].ID; got != "id-2" {
			t.Errorf("an identifier added later is %q", got)
		}
		stored, err := rdb.Get(ctx, keysOf("job", 0).side).Bytes()
		if err != nil || !bytes.HasSuffix(stored, []byte("id-2")) || len(stored) > len(long)+20 {
			t.Errorf("the texts are %d bytes, %v", len(stored), err)
		}
	})
}

func TestChanges_Set(t *testing.T) {
	var c Changes
	if !c.Empty() {
		t.Error("no changes are not empty")
	}
	for _, i := range []int{0, 1, 2, 7, 8, 3} {
		c.Set(i, Queued, Record{State: Sending})
	}
	c.Set(7, Sending, Record{State: Sending, Attempts: 1})
	if c.Empty() {
		t.Error("changes are empty")
	}
	var got [][2]int
	for _, s := range c.stretches {
		got = append(got, [2]int{s.first, s.n})
	}
	if want := [][2]int{{0, 3}, {7, 2}, {3, 1}, {7, 1}}; !reflect.DeepEqual(got, want) {
		t.Errorf("stretches %v, want %v", got, want)
	}
	if c.delta[Queued] != -6 || c.delta[Sending] != 6 {
		t.Errorf("counters change by %v", c.delta)
	}
}

// TestScripts_Forgotten: a server that restarts, or a replica that takes over, knows no script.
func TestScripts_Forgotten(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()
		forget := func() {
			t.Helper()
			if err := rdb.ScriptFlush(ctx).Err(); err != nil {
				t.Fatal(err)
			}
		}
		sizes := make([][2]int, 20)
		for i := range sizes {
			sizes[i] = [2]int{1, 1}
		}
		c := newContent("job", sizes...)
		var h Held
		steps := []struct {
			name string
			do   func() error
		}{
			{"Begin", func() error { _, err := l.Begin(ctx, "", 0, c.spec, c.begun()); return err }},
			{"Put", func() error { return l.Put(ctx, c.spec, c.batches[:10]) }},
			{"PutSomeAgain", func() error { return l.Put(ctx, c.spec, c.batches) }},
			{"Seal", func() error { _, err := l.Seal(ctx, c.spec, c.fp, c.receipt, &c.tally); return err }},
			{"Take", func() (err error) { h, err = l.Take(ctx, "job", 0, "w1/1", ""); return err }},
			{"Commit", func() error {
				_, _, err := l.Commit(ctx, &h, &Commit{Seq: 1, Records: change(0, Queued, Record{State: Accepted}), Via: -1})
				return err
			}},
			{"SetFed", func() error { _, err := l.SetFed(ctx, "job", 4); return err }},
			{"Finish", func() error { _, err := l.Finish(ctx, "job", 0, time.UnixMilli(1)); return err }},
		}
		for _, s := range steps {
			forget()
			if err := s.do(); err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
		}
		j, err := l.Job(ctx, "job")
		if err != nil || j.Fed != 4 || j.Done != 1 {
			t.Errorf("fed %d, done %d, %v", j.Fed, j.Done, err)
		}
		if n := agree(t, l, j); n[Accepted] != 1 || n[Queued] != 19 || n[Rejected] != 20 {
			t.Errorf("counts %v", n)
		}
	})
}

// TestScripts_ForgottenByAPipeline: one script that fails for good beside others that are run again is still an error.
func TestScripts_ForgottenByAPipeline(t *testing.T) {
	rdb := connect(t, redistest.Start(t))
	l := New(rdb)
	c := newContent("job", [2]int{1, 0}, [2]int{1, 0})
	rdb.AddHook(&failOnce{key: keysOf("job", 0).recipients})
	rdb.AddHook(&failOnce{key: countsKey("job", 0)})

	t.Run("Put", func(t *testing.T) {
		if _, err := l.Begin(t.Context(), "", 0, c.spec, c.begun()); err != nil {
			t.Fatal(err)
		}
		if err := l.Put(t.Context(), c.spec, c.batches); !errors.Is(err, errFailOnce) || errors.Is(err, ErrConflict) {
			t.Errorf("got %v, want the error of the first script", err)
		}
	})
	t.Run("Seal", func(t *testing.T) {
		if _, err := l.Seal(t.Context(), c.spec, c.fp, c.receipt, &c.tally); !errors.Is(err, errFailOnce) {
			t.Errorf("got %v, want the error of the first script", err)
		}
	})
}

var errFailOnce = errors.New("the slot's node is gone")

// failOnce lets the first command on key fail, after all commands of its pipeline have run.
type failOnce struct {
	key  string
	done bool
}

func (f *failOnce) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (f *failOnce) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (f *failOnce) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		for _, c := range cmds {
			if args := c.Args(); !f.done && len(args) > 3 && args[3] == f.key {
				f.done = true
				c.SetErr(errFailOnce)
			}
		}
		return err
	}
}
