package ledger

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/volleysms/volley/sms"
)

// personal is a job of two batches with references, values and a refused number.
func personal(id string) *content {
	c := &content{spec: Spec{ID: id, Via: "main", Accounts: []string{"first"}, Text: "Hi {{name}}", Fields: []string{"name"}, Created: 1_700_000_000_000}}
	c.fp[0] = 1
	for number := range 2 {
		var b BatchBuilder
		for i := range 3 {
			row := uint64(number*4 + i + 1)
			b.Add(Recipient{To: testNumber(row), Row: row, Ref: fmt.Sprint("ref-", row), Values: []string{fmt.Sprint("name-", row)}})
		}
		row := uint64(number*4 + 4)
		wrote := "+45 00 00 00 0" + fmt.Sprint(row)
		if number == 0 {
			wrote = "abc"
		}
		b.Refuse(Refused{To: wrote, Row: row, Ref: fmt.Sprint("ref-", row), Reason: "the route has no account for it"})
		c.receipt.Refused = append(c.receipt.Refused, Refused{To: wrote, Row: row, Reason: "the route has no account for it"})
		c.add(number, &b)
	}
	return c
}

// settleEach gives every recipient an outcome with an identifier and words of its own.
func settleEach(t tb, l *Ledger, job Job, now time.Time) {
	t.Helper()
	for b := range job.Batches {
		h := take(t, l, job.Spec.ID, b, "w/1", "")
		c := Commit{Seq: 1, Via: -1, Release: true}
		for i, rec := range h.Records {
			who := fmt.Sprint("of-", h.Recipients[i].Row)
			rec.State, rec.At, rec.Note, rec.ID = Failed, now.UnixMilli(), h.Side.Note(Note{Detail: "words-" + who}), h.Side.ID("id-"+who)
			c.Records.Set(i, Queued, rec)
		}
		c.SideAt, c.Side = h.Side.Take()
		if _, _, err := l.Commit(t.Context(), h, &c); err != nil {
			t.Fatalf("Commit: %v", err)
		}
		if _, err := l.Finish(t.Context(), job.Spec.ID, b, now); err != nil {
			t.Fatalf("Finish: %v", err)
		}
	}
}

// find lists where a number is, as job/batch/position.
func find(t tb, l *Ledger, to sms.MSISDN) (out []string) {
	t.Helper()
	for f, err := range l.Find(t.Context(), to) {
		if err != nil {
			t.Fatalf("Find: %v", err)
		}
		out = append(out, fmt.Sprint(f.Job.Spec.ID, "/", f.Batch, "/", f.Position, " ", f.Outcome.State))
	}
	return out
}

func TestFind(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l := New(rdb)
		one, two, half := personal("one"), personal("two"), personal("half")
		one.spec.Created, two.spec.Created = 1_700_000_000_000, 1_700_000_001_000
		one.seal(t, l)
		job := two.seal(t, l)
		settleEach(t, l, job, time.UnixMilli(1_700_000_002_000))
		if _, err := l.Begin(t.Context(), "", 0, half.spec, half.begun()); err != nil {
			t.Fatal(err)
		}
		if err := l.Put(t.Context(), half.spec, half.batches); err != nil {
			t.Fatal(err)
		}
		for to, want := range map[sms.MSISDN]string{
			testNumber(2):   "[two/0/1 failed one/0/1 queued half/0/1 queued]",
			testNumber(7):   "[two/1/2 failed one/1/2 queued half/1/2 queued]",
			4500000008:      "[two/1/-1 rejected one/1/-1 rejected half/1/-1 rejected]",
			testNumber(999): "[]",
		} {
			if got := fmt.Sprint(find(t, l, to)); got != want {
				t.Errorf("%d: got %s, want %s", to, got, want)
			}
		}
		t.Run("many jobs", func(t *testing.T) {
			for i := range jobsPerSearch + 10 {
				c := personal(fmt.Sprintf("many-%03d", i))
				c.spec.Created -= int64(i)
				c.seal(t, l)
			}
			if got := find(t, l, testNumber(2)); len(got) != jobsPerSearch+13 {
				t.Errorf("found in %d jobs", len(got))
			}
		})
	})
}

// TestMayHave holds the look at a batch's beginning to a look at all of it.
func TestMayHave(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b BatchBuilder
		var has bool
		to := sms.MSISDN(rapid.Uint64Range(1, 999_999_999_999_999).Draw(t, "sought"))
		for i := range rapid.IntRange(0, 1000).Draw(t, "recipients") {
			r := Recipient{To: sms.MSISDN(rapid.Uint64Range(1, 999_999_999_999_999).Draw(t, "number")), Row: uint64(i + 1), Values: []string{"a value of some length"}}
			if rapid.IntRange(0, 500).Draw(t, "is it") == 0 {
				r.To = to
			}
			has = has || r.To == to
			b.Add(r)
		}
		packed := PackBatch(Fingerprint{}, b.AppendBody(nil))
		if got := mayHave(packed[:min(len(packed), searchedHead)], to); got != has {
			t.Fatalf("got %v, want %v", got, has)
		}
	})
}

func TestForgetNumber(t *testing.T) {
	now := time.UnixMilli(1_700_000_002_000)
	// clean fails the test when something of a row is anywhere.
	clean := func(t *testing.T, rdb *redis.Client, row int) {
		t.Helper()
		for _, k := range keysLike(t, rdb, "volley:{*") {
			var v string
			if rdb.Type(t.Context(), k).Val() == "hash" {
				v = fmt.Sprint(rdb.HGetAll(t.Context(), k).Val())
			} else if rdb.Type(t.Context(), k).Val() == "string" {
				v = rdb.Get(t.Context(), k).Val()
			}
			for _, word := range []string{"ref-", "name-", "of-"} {
				if strings.Contains(v, word+fmt.Sprint(row)) {
					t.Errorf("%s still has %s%d", k, word, row)
				}
			}
		}
	}
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l := New(rdb)
		t.Run("what is left is that there was somebody", func(t *testing.T) {
			c := personal("done")
			job := c.seal(t, l)
			settleEach(t, l, job, now)
			report := []*BatchReports{{Job: "done", Batch: 1, Reports: []Report{{Position: 1, Round: -1, Account: "first", State: Delivered, Note: Note{Detail: "words-of-6"}, At: 1}}}}
			if err := NewReporter(l).Apply(t.Context(), report); err != nil {
				t.Fatal(err)
			}
			before := collect(t, l, job)
			versions, _ := l.Finished(t.Context(), []Job{job})
			got, err := l.ForgetNumber(t.Context(), testNumber(6), now)
			if err != nil || got.Recipients != 1 || got.Jobs != 1 || got.By["done"] != 1 {
				t.Errorf("got %+v, %v", got, err)
			}
			clean(t, rdb, 6)
			if found := find(t, l, testNumber(6)); len(found) > 0 {
				t.Errorf("it is still found: %v", found)
			}
			for i, o := range collect(t, l, job) {
				want := before[i]
				if want.Row == 6 {
					want = Outcome{Row: 6, State: Delivered, Account: "first", Detail: DetailForgotten, At: want.At}
				}
				if fmt.Sprint(o) != fmt.Sprint(want) {
					t.Errorf("row %d: got %+v, want %+v", o.Row, o, want)
				}
			}
			agree(t, l, job)
			if wrong, err := l.Audit(t.Context(), "done"); err != nil || len(wrong) > 0 {
				t.Errorf("the books: %v, %v", wrong, err)
			}
			after, _ := l.Finished(t.Context(), []Job{job})
			if after["done"][1].Version <= versions["done"][1].Version {
				t.Error("the batch has no new version, so that the long-term record would keep the number")
			}
			if err := l.Put(t.Context(), c.spec, c.batches); err != nil {
				t.Errorf("a producer who repeats the job is not recognised: %v", err)
			}
		})
		t.Run("one that was refused", func(t *testing.T) {
			got, err := l.ForgetNumber(t.Context(), 4500000008, now)
			if err != nil || got.Recipients != 1 {
				t.Errorf("got %+v, %v", got, err)
			}
			clean(t, rdb, 8)
			if s := rdb.HGet(t.Context(), jobKey("done"), "receipt").Val(); strings.Contains(s, "00 08") || !strings.Contains(s, "abc") {
				t.Errorf("the receipt is %s", s)
			}
		})
		t.Run("nobody is sent to again who was forgotten", func(t *testing.T) {
			if _, err := l.ForgetNumber(t.Context(), testNumber(7), now); err != nil {
				t.Fatal(err)
			}
			job, _ := l.Job(t.Context(), "done")
			queued, _, err := l.Reopen(t.Context(), job, Failed)
			if err != nil || queued != 4 {
				t.Errorf("%d are queued again, %v", queued, err)
			}
			h := take(t, l, "done", 1, "w/1", "")
			for i, r := range h.Recipients {
				if r.To == 0 && h.Records[i].State.Open() {
					t.Error("somebody without a number is to be sent to")
				}
			}
		})
		t.Run("who is queued is cancelled", func(t *testing.T) {
			job := personal("queued").seal(t, l)
			for row := range uint64(3) {
				if _, err := l.ForgetNumber(t.Context(), testNumber(row+1), now); err != nil {
					if errors.Is(err, ErrBusy) {
						continue // the other job's batch is held
					}
					t.Fatal(err)
				}
			}
			for _, o := range collect(t, l, job) {
				if o.Row <= 3 && (o.State != Cancelled || o.To != "") || o.Row > 4 && o.State == Cancelled {
					t.Errorf("row %d is %s", o.Row, o.State)
				}
			}
			agree(t, l, job)
			if j, _ := l.Job(t.Context(), "queued"); j.Done != 1 {
				t.Errorf("%d batches are finished", j.Done)
			}
		})
		t.Run("a job that is still being written", func(t *testing.T) {
			c := personal("half")
			if _, err := l.Begin(t.Context(), "", 0, c.spec, c.begun()); err != nil {
				t.Fatal(err)
			}
			if err := l.Put(t.Context(), c.spec, c.batches); err != nil {
				t.Fatal(err)
			}
			if _, err := l.ForgetNumber(t.Context(), testNumber(2), now); !errors.Is(err, ErrBeingWritten) {
				t.Errorf("got %v", err)
			}
		})
	})
}

// TestView_forget holds what a forgetting writes to what was there: nothing but the forgotten changes.
func TestView_forget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "recipients")
		var b BatchBuilder
		var side Side
		records := make([]Record, n)
		for i := range n {
			b.Add(Recipient{To: sms.MSISDN(rapid.Uint64Range(1, 5).Draw(t, "number")), Row: uint64(2*i + 1), Ref: rapid.String().Draw(t, "ref"), Values: []string{"v", "w"}})
			records[i] = Record{State: State(rapid.IntRange(2, NumStates-1).Draw(t, "state")), At: 1, Note: side.Note(anyNote().Draw(t, "note")), ID: side.ID(anyID().Draw(t, "id"))}
		}
		_, packedSide := side.Take()
		stored := func(b, o, x, d []byte) []any { return []any{string(b), string(o), string(x), string(d)} }
		read := func(v []any) view {
			out, err := readView("job", 0, v)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		all := func(v view) (out []Outcome) {
			v.yield(&Spec{Accounts: []string{"first"}}, func(o Outcome, _ error) bool { out = append(out, o); return true })
			return out
		}
		fp := Fingerprint{1, 2, 3}
		v := stored(PackBatch(fp, b.AppendBody(nil)), PackRecords(records), packedSide, anyReported(t, n).pack())
		before, changed := all(read(v)), read(v)
		gone := changed.forget(3)
		after := read(stored(changed.packRecipients(fp), PackRecords(changed.recorded), changed.packSide(), changed.reports.pack()))
		for i, o := range all(after) {
			want := before[i]
			if want.To == "3" {
				gone--
				want = Outcome{Row: want.Row, State: want.State, Account: want.Account, Detail: DetailForgotten, At: want.At}
			}
			if fmt.Sprint(o) != fmt.Sprint(want) {
				t.Fatalf("row %d: got %+v, want %+v", o.Row, o, want)
			}
		}
		if gone != 0 {
			t.Fatalf("%d more are counted than were forgotten", gone)
		}
	})
}
