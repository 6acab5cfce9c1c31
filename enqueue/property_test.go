package enqueue_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/volleysms/volley/enqueue"
)

// drawn is a recipient whose fate is known.
type drawn struct {
	r enqueue.Recipient
	// number is the MSISDN; empty when the recipient is to be refused.
	number string
}

// people draws recipients from few numbers, so that many come twice.
func people(fields int) *rapid.Generator[drawn] {
	return rapid.Custom(func(t *rapid.T) drawn {
		n := rapid.IntRange(0, 15).Draw(t, "number")
		d := drawn{number: fmt.Sprintf("45000000%02d", n)}
		switch rapid.IntRange(0, 2).Draw(t, "written") {
		case 0:
			d.r.To = d.number
		case 1:
			d.r.To = fmt.Sprintf("+45 00-00-00 %02d", n)
		case 2:
			d.r.To = "00" + d.number
		}
		if rapid.Bool().Draw(t, "hasRef") {
			d.r.Ref = rapid.StringN(0, 5, 20).Draw(t, "ref")
		}
		d.r.Values = rapid.SliceOfN(rapid.StringN(0, 5, 20), fields, fields).Draw(t, "values")
		switch rapid.IntRange(0, 11).Draw(t, "fault") {
		case 0:
			d.number, d.r.To = "", rapid.SampledFrom([]string{"", "12", "abc", strings.Repeat("4", 40), "٤٥"}).Draw(t, "to")
		case 1:
			d.number, d.r.Ref = "", strings.Repeat("r", enqueue.MaxRef+1)
		case 2:
			d.number, d.r.Values = "", append(d.r.Values, "one too many")
		}
		return d
	})
}

// row is what is to be known of one recipient.
type row struct {
	Row             uint64
	To, Ref, Status string
	Values          string
}

// expect says what becomes of a stream.
func expect(ds []drawn) (queued, refused []row, duplicates int64) {
	seen := map[string]bool{}
	for i, d := range ds {
		at := row{Row: uint64(i + 1), To: d.number, Ref: d.r.Ref}
		switch {
		case d.number == "":
			at.To, at.Status = d.r.To, "rejected"
			at.Ref = at.Ref[:min(len(at.Ref), enqueue.MaxRef)]
			refused = append(refused, at)
		case seen[d.number]:
			duplicates++
		default:
			seen[d.number] = true
			at.Status, at.Values = "queued", fmt.Sprintf("%q", d.r.Values)
			queued = append(queued, at)
		}
	}
	return queued, refused, duplicates
}

func TestEnqueueStream_Property(t *testing.T) {
	r := newRig(t, enqueue.Options{})
	rapid.Check(t, func(t *rapid.T) {
		r.mr.FlushAll()
		fields := []string{"name", "city"}[:rapid.IntRange(0, 2).Draw(t, "fields")]
		ds := rapid.SliceOfN(people(len(fields)), 0, 60).Draw(t, "recipients")
		rs := make([]enqueue.Recipient, len(ds))
		for i, d := range ds {
			rs[i] = d.r
		}
		j := job("k")
		j.Fields = fields
		o := enqueue.Options{BatchSize: rapid.IntRange(1, 9).Draw(t, "batchSize")}
		chunk := rapid.IntRange(1, 300).Draw(t, "chunk")

		// Every call is made by another process.
		process := func() *enqueue.Client {
			r.client = newClient(t, r.rdb, o)
			r.client.SetChunk(chunk)
			return r.client
		}
		for range rapid.IntRange(0, 3).Draw(t, "breaks") {
			breakOff(t, process(), j, rs)
			r.requireNoJob(t)
		}
		keyless := j
		keyless.Key = ""
		before := r.mr.Dump()
		breakOff(t, process(), keyless, rs)
		if after := r.mr.Dump(); after != before {
			t.Fatalf("without a key, what broke off left\n%s", after)
		}

		queued, refused, duplicates := expect(ds)
		got, err := process().EnqueueStream(context.Background(), j, stream(rs))
		if len(queued) == 0 {
			if !errors.Is(err, enqueue.ErrNoRecipients) {
				t.Fatalf("got error %v, want ErrNoRecipients", err)
			}
			r.requireNoKeys(t)
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if got.Duplicate || got.Queued != int64(len(queued)) || got.RefusedCount != int64(len(refused)) ||
			len(got.Refused) != len(refused) || got.Duplicates != duplicates || got.Total != got.Queued+got.RefusedCount {
			t.Fatalf("got %+v, want %d queued, %d refused, %d duplicates", got, len(queued), len(refused), duplicates)
		}
		requireRows(t, r, got, queued, refused)

		again, err := process().EnqueueStream(context.Background(), j, stream(rs))
		got.Duplicate = true
		if err != nil || !reflect.DeepEqual(again, got) {
			t.Fatalf("the repeat got %+v, %v\nwant %+v", again, err, got)
		}
		if n := len(r.tasks(t, "dk")); n != 1 {
			t.Fatalf("there are %d tasks, want 1", n)
		}
	})
}

// breakOff enqueues a stream that ends somewhere with an error, or whose context does.
func breakOff(t *rapid.T, c *enqueue.Client, j enqueue.Job, rs []enqueue.Recipient) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	at := rapid.IntRange(0, len(rs)).Draw(t, "at")
	end := cancel
	if rapid.Bool().Draw(t, "byError") {
		end = nil
	}
	_, err := c.EnqueueStream(ctx, j, func(yield func(enqueue.Recipient, error) bool) {
		for _, r := range rs[:at] {
			if !yield(r, nil) {
				return
			}
		}
		if end != nil {
			end()
			for _, r := range rs[at:] {
				if !yield(r, nil) {
					return
				}
			}
		}
		yield(enqueue.Recipient{}, errBroken)
	})
	if !errors.Is(err, errBroken) && !errors.Is(err, context.Canceled) {
		t.Fatalf("what broke off got error %v", err)
	}
}

func requireRows(t *rapid.T, r *rig, got enqueue.Receipt, queued, refused []row) {
	var sent []row
	for _, to := range r.recipients(t, got.JobID) {
		sent = append(sent, row{Row: to.Row, To: to.To.String(), Ref: to.Ref, Status: "queued", Values: fmt.Sprintf("%q", to.Values)})
	}
	if !reflect.DeepEqual(sent, queued) {
		t.Fatalf("to be sent are %v\nwant %v", sent, queued)
	}
	want := slices.Concat(queued, refused)
	for i := range want {
		want[i].Values = ""
	}
	byRow := func(a, b row) int { return int(a.Row) - int(b.Row) }
	slices.SortFunc(want, byRow)
	var have []row
	for _, o := range r.outcomes(t, got.JobID) {
		have = append(have, row{Row: o.Row, To: o.To, Ref: o.Ref, Status: o.Status})
		if o.Status == "rejected" && (o.Detail == "" || o.Code != "refused") {
			t.Fatalf("%+v has no reason", o)
		}
	}
	slices.SortStableFunc(have, byRow)
	if !reflect.DeepEqual(have, want) {
		t.Fatalf("the outcomes are %v\nwant %v", have, want)
	}
	if c, want := r.counts(t, got.JobID), (enqueue.Counts{Total: got.Total, Queued: int64(len(queued)), Rejected: int64(len(refused))}); c != want {
		t.Fatalf("got counts %+v, want %+v", c, want)
	}
}
