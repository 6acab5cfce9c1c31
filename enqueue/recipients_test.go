package enqueue_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
)

func TestEnqueue_RefusedRecipientsDoNotStopTheOthers(t *testing.T) {
	const good = "4500000001"
	long := strings.Repeat("1", 40)
	tests := map[string]struct {
		bad    enqueue.Recipient
		to     string // as it is told
		reason string
	}{
		"ThreeDigits": {enqueue.Recipient{To: "123", Values: []string{"v"}}, "123", "3 digits; a number with country code has 7 to 15"},
		"FortyDigits": {enqueue.Recipient{To: long, Values: []string{"v"}}, long, "40 digits; a number with country code has 7 to 15"},
		"Empty":       {enqueue.Recipient{Values: []string{"v"}}, "", "empty"},
		"Letters":     {enqueue.Recipient{To: "abc", Values: []string{"v"}}, "abc", "letters"},
		"Endless":     {enqueue.Recipient{To: strings.Repeat("é", 1000), Values: []string{"v"}}, strings.Repeat("é", 32), "letters"},
		"NotUTF8":     {enqueue.Recipient{To: "45\xff\xfe", Values: []string{"v"}}, "45?", "write one number"},
		"RefTooLong": {
			enqueue.Recipient{To: "4500000002", Ref: strings.Repeat("r", enqueue.MaxRef+1), Values: []string{"v"}},
			"4500000002", "its ref is not UTF-8 of at most 128 bytes",
		},
		"RefNotUTF8":    {enqueue.Recipient{To: "4500000002", Ref: "\xff", Values: []string{"v"}}, "4500000002", "its ref"},
		"ValuesMissing": {enqueue.Recipient{To: "4500000002"}, "4500000002", "it has 0 values for 1 fields"},
		"ValuesTooMany": {enqueue.Recipient{To: "4500000002", Values: []string{"v", "w"}}, "4500000002", "it has 2 values for 1 fields"},
		"ValueTooLong": {
			enqueue.Recipient{To: "4500000002", Values: []string{strings.Repeat("v", enqueue.MaxValue+1)}},
			"4500000002", `its field "name" is not UTF-8 of at most 1000 bytes`,
		},
		"ValueNotUTF8": {enqueue.Recipient{To: "4500000002", Values: []string{"\xff"}}, "4500000002", `its field "name"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, enqueue.Options{})
			j := job("", enqueue.Recipient{To: good, Values: []string{"v"}}, tt.bad, enqueue.Recipient{To: "4500000003", Values: []string{"v"}})
			j.Fields = []string{"name"}
			got, err := r.client.Enqueue(t.Context(), j)
			if err != nil {
				t.Fatal(err)
			}
			if got.Total != 3 || got.Queued != 2 || got.RefusedCount != 1 || len(got.Refused) != 1 {
				t.Fatalf("got %+v, want 2 queued and 1 refused", got)
			}
			f := got.Refused[0]
			if f.To != tt.to || f.Row != 2 || !strings.Contains(f.Reason, tt.reason) {
				t.Errorf("got %+v, want to %q, row 2, reason %q", f, tt.to, tt.reason)
			}
			if tt.to != "" && strings.Contains(f.Reason, tt.to) {
				t.Errorf("the reason %q holds the number", f.Reason)
			}
			o := r.outcomes(t, got.JobID)
			if len(o) != 3 || o[0].To != good || o[1].To != "4500000003" {
				t.Fatalf("got outcomes %+v, want the two others first", o)
			}
			if o[2].Status != "rejected" || o[2].To != tt.to || o[2].Row != 2 || o[2].Code != "refused" || o[2].Detail != f.Reason || o[2].Attempts != 0 {
				t.Errorf("got outcome %+v of the refused", o[2])
			}
			if c := r.counts(t, got.JobID); c != (enqueue.Counts{Total: 3, Queued: 2, Rejected: 1}) {
				t.Errorf("got counts %+v", c)
			}
		})
	}
}

func TestEnqueue_ABoundIsStillTaken(t *testing.T) {
	r := newRig(t, enqueue.Options{})
	want := enqueue.Recipient{To: "4500000001", Ref: strings.Repeat("r", enqueue.MaxRef), Values: make([]string, enqueue.MaxFields)}
	for i := range want.Values {
		want.Values[i] = strings.Repeat("v", enqueue.MaxValue)
	}
	j := job(strings.Repeat("k", enqueue.MaxKey), want)
	j.Label, j.Fields = strings.Repeat("l", enqueue.MaxLabel), fields(enqueue.MaxFields)
	got, err := r.client.Enqueue(t.Context(), j)
	if err != nil || got.Queued != 1 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if rs := r.recipients(t, got.JobID); rs[0].Ref != want.Ref || !reflect.DeepEqual(rs[0].Values, want.Values) {
		t.Error("ref or values are not what was given")
	}
}

func TestEnqueue_DuplicatesAreDroppedAfterNormalising(t *testing.T) {
	r := newRig(t, enqueue.Options{BatchSize: 2})
	rs := to("4500000001", "+45 00 00 00 01", "0045-00000001", "4500000002", "4500000003", "4500000004", "(45) 00000001")
	got, err := r.client.Enqueue(t.Context(), job("", rs...))
	if err != nil {
		t.Fatal(err)
	}
	if got.Total != 4 || got.Queued != 4 || got.Duplicates != 3 || got.RefusedCount != 0 || got.Batches != 2 {
		t.Errorf("got %+v, want 4 queued in 2 batches and 3 duplicates", got)
	}
	var rows []uint64
	for _, o := range r.outcomes(t, got.JobID) {
		rows = append(rows, o.Row)
	}
	if want := []uint64{1, 4, 5, 6}; !reflect.DeepEqual(rows, want) {
		t.Errorf("got rows %v, want %v: the first of equal ones stays", rows, want)
	}
}

func TestEnqueue_ALargeJobHasLargeBatches(t *testing.T) {
	r := newRig(t, enqueue.Options{})
	r.client.SetChunk(1 << 20)
	const n = 30_000
	j, rs := job("large"), numbered(n)
	got, err := r.client.EnqueueStream(t.Context(), j, stream(rs))
	if err != nil {
		t.Fatal(err)
	}
	r.wantSizes(t, got, 1000, 1000, 1000, 1000, 4000, 4000, 4000, 4000, 4000, 4000, 2000)
	if again, err := r.client.EnqueueStream(t.Context(), j, stream(rs)); err != nil || !again.Duplicate || again.JobID != got.JobID {
		t.Errorf("once more: %+v, %v", again, err)
	}
}

func TestEnqueue_ALargeJobWithTimesHasLargeBatches(t *testing.T) {
	r := newRig(t, enqueue.Options{})
	rs, at := numbered(9000), []string{time.Now().Add(time.Hour).Format(time.RFC3339)}
	for i := range rs {
		rs[i].Values = at
	}
	j := job("", rs...)
	j.Fields, j.AtField = []string{"at"}, "at"
	got, err := r.client.Enqueue(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	r.wantSizes(t, got, 1000, 1000, 1000, 1000, 4000, 1000)
}

// wantSizes looks at how many recipients each batch has.
func (r *rig) wantSizes(t *testing.T, rc enqueue.Receipt, want ...int) {
	t.Helper()
	var sizes []int
	for b := range rc.Batches {
		sizes = append(sizes, len(r.batch(t, rc.JobID, b)))
	}
	if !slices.Equal(sizes, want) {
		t.Errorf("the batches have %v recipients, want %v", sizes, want)
	}
}

func TestEnqueue_ARefusedRecipientMakesNoDuplicate(t *testing.T) {
	r := newRig(t, enqueue.Options{})
	got, err := r.client.Enqueue(t.Context(), job("", enqueue.Recipient{To: "4500000001", Ref: "\xff"}, enqueue.Recipient{To: "4500000001"}))
	if err != nil || got.Queued != 1 || got.RefusedCount != 1 || got.Duplicates != 0 {
		t.Errorf("got %+v, %v; want 1 queued, 1 refused", got, err)
	}
}

func TestEnqueue_ReceiptListsAHundredRefused(t *testing.T) {
	r := newRig(t, enqueue.Options{BatchSize: 30})
	rs := to("4500000001")
	for i := range 250 {
		rs = append(rs, enqueue.Recipient{To: fmt.Sprint("x", i)})
	}
	got, err := r.client.Enqueue(t.Context(), job("", rs...))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Refused) != 100 || got.RefusedCount != 250 || got.Total != 251 {
		t.Errorf("got %d listed, %d refused, total %d; want 100, 250, 251", len(got.Refused), got.RefusedCount, got.Total)
	}
	for i, f := range got.Refused {
		if f.Row != uint64(i+2) || f.To != fmt.Sprint("x", i) {
			t.Fatalf("place %d has %+v: not the first 100 in order", i, f)
		}
	}
	rejected := map[uint64]bool{}
	for _, o := range r.outcomes(t, got.JobID) {
		if o.Status == "rejected" {
			rejected[o.Row] = true
		}
	}
	if len(rejected) != 250 {
		t.Errorf("the outcomes have %d refused, want 250", len(rejected))
	}
	if c := r.counts(t, got.JobID); c.Rejected != 250 || c.Total != 251 {
		t.Errorf("got counts %+v", c)
	}
}

func TestEnqueue_AllRefusedLeavesNothing(t *testing.T) {
	for _, key := range []string{"", "k"} {
		for _, n := range []int{1, 9, 10, 11, 250} {
			for _, chunk := range []int{1, 1 << 20} {
				t.Run(fmt.Sprintf("Key=%s/Recipients=%d/Chunk=%d", key, n, chunk), func(t *testing.T) {
					r := newRig(t, enqueue.Options{BatchSize: 10})
					r.client.SetChunk(chunk)
					rs := make([]enqueue.Recipient, n)
					for i := range rs {
						rs[i].To = "12"
					}
					got, err := r.client.Enqueue(t.Context(), job(key, rs...))
					if !errors.Is(err, enqueue.ErrNoRecipients) {
						t.Fatalf("got error %v, want ErrNoRecipients", err)
					}
					if len(got.Refused) != min(n, 100) || got.Refused[0].Reason == "" || got.Refused[0].Row != 1 {
						t.Errorf("got %+v, want the reasons", got.Refused)
					}
					got.Refused = nil
					if want := (enqueue.Receipt{Total: int64(n), RefusedCount: int64(n)}); !reflect.DeepEqual(got, want) {
						t.Errorf("got receipt %+v, want %+v", got, want)
					}
					r.requireNoKeys(t)

					if _, err := r.client.Enqueue(t.Context(), job(key, to("4500000001")...)); err != nil {
						t.Errorf("corrected, with the same key: %v", err)
					}
				})
			}
		}
	}
}

func TestEnqueue_TotalIsQueuedPlusRefused(t *testing.T) {
	r := newRig(t, enqueue.Options{BatchSize: 2})
	got, err := r.client.Enqueue(t.Context(), job("", to("4500000001", "x", "4500000001", "4500000002", "y", "4500000003")...))
	if err != nil {
		t.Fatal(err)
	}
	if got.Total != got.Queued+got.RefusedCount || got.Total != 5 || got.Duplicates != 1 {
		t.Errorf("got %+v, want total 5 and 1 duplicate", got)
	}
}

func TestEnqueue_RowsCountFromFirstRow(t *testing.T) {
	r := newRig(t, enqueue.Options{BatchSize: 2, MaxRecipients: 4})
	j := job("", to("4500000001", "x", "4500000002", "4500000003")...)
	j.FirstRow = 2
	got, err := r.client.Enqueue(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	if got.Refused[0].Row != 3 {
		t.Errorf("the refused has row %d, want 3", got.Refused[0].Row)
	}
	rows := map[string]uint64{}
	for _, o := range r.outcomes(t, got.JobID) {
		rows[o.To] = o.Row
	}
	if want := map[string]uint64{"4500000001": 2, "x": 3, "4500000002": 4, "4500000003": 5}; !reflect.DeepEqual(rows, want) {
		t.Errorf("got rows %v, want %v", rows, want)
	}
	j.Recipients = nil
	_, err = r.client.Enqueue(t.Context(), j)
	requireInvalid(t, err, "recipients", "there are none")
}
