package ledger

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// clean fails the test when something is wrong with a job's books.
func clean(t tb, l *Ledger, id, when string) {
	t.Helper()
	problems, err := l.Audit(t.Context(), id)
	if err != nil || len(problems) > 0 {
		t.Errorf("%s: got %q, %v", when, problems, err)
	}
}

func TestAudit_CleanAtEveryStep(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()
		sizes := ofOne(Shards + 2)
		sizes[0] = [2]int{3, 2}
		c := newContent("job", sizes...)
		if _, err := l.Begin(ctx, "", 0, c.spec, c.begun()); err != nil {
			t.Fatal(err)
		}
		clean(t, l, "job", "begun")
		if err := l.Put(ctx, c.spec, c.batches[:1]); err != nil {
			t.Fatal(err)
		}
		clean(t, l, "job", "half written")
		j := c.seal(t, l)
		clean(t, l, "job", "sealed")

		h := take(t, l, "job", 0, "w1/1", "")
		clean(t, l, "job", "taken")
		commit(t, l, h, &Commit{Seq: 1, Claims: change(0, Queued, Record{State: Sending}), Via: -1})
		clean(t, l, "job", "claimed")
		var out Commit
		out.Seq, out.Via = 2, 1
		out.Records.Set(0, Sending, Record{State: Accepted, ID: h.Side.ID("id-1"), Note: h.Side.Note(Note{"0", "taken"})})
		out.Records.Set(1, Queued, Record{State: Failed, Attempts: 5})
		out.Records.Set(2, Queued, Record{State: Unknown, Attempts: 1})
		out.SideAt, out.Side = h.Side.Take()
		commit(t, l, h, &out)
		clean(t, l, "job", "recorded")
		h = take(t, l, "job", 0, "w2/1", "w1/1")
		clean(t, l, "job", "taken over")
		commit(t, l, h, &Commit{Seq: 1, Via: -1, Release: true, Compact: true, Outcomes: PackRecords(h.Records)})
		clean(t, l, "job", "given up")
		finish(t, l, "job", 0)
		clean(t, l, "job", "a batch finished")

		for _, word := range []Control{Paused, Run} {
			if err := l.SetControl(ctx, "job", word, &Entry{}); err != nil {
				t.Fatal(err)
			}
			clean(t, l, "job", "control "+string(word))
		}
		if n, _, err := l.Reopen(ctx, j, Failed); err != nil || n != 1 {
			t.Fatalf("Reopen: %d, %v", n, err)
		}
		clean(t, l, "job", "sent again")
		if err := l.SetControl(ctx, "job", Withdrawn, &Entry{}); err != nil {
			t.Fatal(err)
		}
		if n, err := l.Withdraw(ctx, j, time.UnixMilli(1_700_000_200_000)); err != nil || n != Shards+2 {
			t.Fatalf("Withdraw: %d, %v", n, err)
		}
		clean(t, l, "job", "cancelled")
		if read(t, l, "job").Completed.IsZero() {
			t.Error("the job has not completed")
		}
	})
}

// TestAudit_Damage damages a job's books in one place each, and wants all that follows from it told, and nothing else.
// The job has a finished batch of two accepted recipients and a refused one, and then batches of one queued recipient;
// the last two are in shards 0 and 1, which have one already.
func TestAudit_Damage(t *testing.T) {
	const last = Shards + 1
	job, done, counts, k := jobKey("job"), doneKey("job"), countsKey("job", 1), keysOf("job", last)
	tests := []struct {
		name   string
		damage func(rdb redis.Pipeliner, c *content)
		want   []string
	}{
		{
			"ACounterIsTooHigh",
			func(p redis.Pipeliner, _ *content) { p.HIncrBy(t.Context(), counts, "queued", 1) },
			[]string{"shard 1: the counter of queued is 3, and 2 recipients are so"},
		},
		{
			"ACounterIsTooLow",
			func(p redis.Pipeliner, _ *content) { p.HIncrBy(t.Context(), countsKey("job", 0), "accepted", -1) },
			[]string{"shard 0: the counter of accepted is 1, and 2 recipients are so"},
		},
		{
			"ACounterOfTheRefusedIsGone",
			func(p redis.Pipeliner, _ *content) { p.HDel(t.Context(), countsKey("job", 0), "rejected") },
			[]string{"shard 0: the counter of rejected is 0, and 1 recipients are so"},
		},
		{
			"ARecordIsInAnImpossibleState",
			func(p redis.Pipeliner, _ *content) {
				p.Append(t.Context(), k.outcomes, string((&stretch{first: 0, n: 1, rec: Record{State: State(NumStates)}}).appendTo(nil)))
			},
			[]string{
				"batch 17: recipient 0 is in no known state",
				"shard 1: the counter of queued is 2, and 1 recipients are so",
				"the receipt has 20 recipients, the outcomes 19",
			},
		},
		{
			"OutcomesCannotBeRead",
			func(p redis.Pipeliner, _ *content) { p.Set(t.Context(), k.outcomes, "\xff", 0) },
			[]string{
				"job job, batch 17: ledger: the outcomes of a batch can't be read",
				"shard 1: the counter of queued is 2, and 1 recipients are so",
				"the receipt has 20 recipients, the outcomes 19",
			},
		},
		{
			"ABatchIsGone",
			func(p redis.Pipeliner, _ *content) { p.Del(t.Context(), k.recipients) },
			[]string{
				"job job, batch 17: its recipients are gone: no such job",
				"shard 1: the counter of queued is 2, and 1 recipients are so",
				"the receipt has 20 recipients, the outcomes 19",
			},
		},
		{
			"AFinishedBatchHasOpenRecipients",
			func(p redis.Pipeliner, _ *content) {
				p.SetBit(t.Context(), done, last, 1)
				p.HIncrBy(t.Context(), job, "done", 1)
			},
			[]string{"batch 17 is noted as finished with 1 recipients that are not"},
		},
		{
			"TheCounterOfFinishedBatchesIsWrong",
			func(p redis.Pipeliner, _ *content) { p.HIncrBy(t.Context(), job, "done", 1) },
			[]string{"1 batches are finished, and the counter says 2"},
		},
		{
			"TheFinishedBatchesAreForgotten",
			func(p redis.Pipeliner, _ *content) { p.Del(t.Context(), done) },
			[]string{"0 batches are finished, and the counter says 1"},
		},
		{
			"CompletedTooEarly",
			func(p redis.Pipeliner, _ *content) { p.HSet(t.Context(), job, "completed", 1_700_000_300_000) },
			[]string{"the job is completed with 1 of 18 batches finished"},
		},
		{
			"TheReceiptHasMore",
			func(p redis.Pipeliner, c *content) {
				r := c.receipt
				r.Total++
				packed, err := json.Marshal(r)
				if err != nil {
					t.Fatal(err)
				}
				p.HSet(t.Context(), job, "receipt", packed)
			},
			[]string{"the receipt has 21 recipients, the outcomes 20"},
		},
	}
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l, ctx := New(rdb), t.Context()
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				if err := rdb.FlushDB(ctx).Err(); err != nil {
					t.Fatal(err)
				}
				sizes := ofOne(last + 1)
				sizes[0] = [2]int{2, 1}
				c := newContent("job", sizes...)
				c.seal(t, l)
				records(t, l, "job", 0, Record{State: Accepted}, Record{State: Accepted})
				finish(t, l, "job", 0)
				clean(t, l, "job", "before the damage")

				pipe := rdb.Pipeline()
				tt.damage(pipe, c)
				if _, err := pipe.Exec(ctx); err != nil {
					t.Fatal(err)
				}
				got, err := l.Audit(ctx, "job")
				slices.Sort(got)
				if err != nil || !slices.Equal(got, tt.want) {
					t.Errorf("got %q, %v\nwant %q", got, err, tt.want)
				}
			})
		}
		t.Run("NoSuchJob", func(t *testing.T) {
			if _, err := l.Audit(ctx, "none"); !errors.Is(err, ErrNotFound) {
				t.Errorf("got %v, want ErrNotFound", err)
			}
		})
	})
}
