package enqueue_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/task"
)

func mustWindow(t *testing.T, s string) *enqueue.Window {
	t.Helper()
	w, err := enqueue.ParseWindow(s)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestEnqueue_TimesAreRefused(t *testing.T) {
	soon, past := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	tests := []struct {
		name  string
		set   func(*enqueue.Job)
		field string
	}{
		{"a time that has passed", func(j *enqueue.Job) { j.At = past }, "at"},
		{"an end that has passed", func(j *enqueue.Job) { j.NotAfter = past }, "notafter"},
		{"and sending what is past does not help", func(j *enqueue.Job) { j.NotAfter, j.Past = past, enqueue.SendPast }, "notafter"},
		{"an end before the beginning", func(j *enqueue.Job) { j.At, j.NotAfter = soon.Add(time.Hour), soon }, "notafter"},
		{"a window without time", func(j *enqueue.Job) { j.Window = &enqueue.Window{} }, "window"},
		{"a zone that is none", func(j *enqueue.Job) { j.Zone = "Mars/Olympus" }, "zone"},
		{"a local time that is none", func(j *enqueue.Job) { j.AtLocal = "nine" }, "atlocal"},
		{"a local time that has passed everywhere", func(j *enqueue.Job) { j.AtLocal = "2020-12-24 09:00" }, "atlocal"},
		{"a local time beside another", func(j *enqueue.Job) { j.AtLocal, j.Delay = "2030-12-24 09:00", time.Hour }, "atlocal"},
		{"a local time too far ahead", func(j *enqueue.Job) { j.AtLocal = "2999-12-24 09:00" }, "atlocal"},
		{"negative lateness", func(j *enqueue.Job) { j.MaxLate = -1 }, "maxlate"},
		{"a word for what is past that is none", func(j *enqueue.Job) { j.Past = "maybe" }, "past"},
		{"a field for the time that is not there", func(j *enqueue.Job) { j.AtField = "when" }, "atfield"},
		{"a field for the zone that is not there", func(j *enqueue.Job) { j.ZoneField = "where" }, "zonefield"},
		{"times for each and one for all", func(j *enqueue.Job) { j.Fields, j.AtField, j.At = []string{"when"}, "when", soon }, "atfield"},
		{"a field with a name of ours", func(j *enqueue.Job) { j.Fields = []string{"@at"} }, "fields"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, enqueue.Options{})
			j := job("", to("4500000001")...)
			tt.set(&j)
			_, err := r.client.Enqueue(context.Background(), j)
			var in *enqueue.InvalidError
			if !errors.As(err, &in) || in.Field != tt.field {
				t.Errorf("got %v, want it to be about %s", err, tt.field)
			}
			r.requireNoJob(t)
		})
	}
}

func TestEnqueue_PastIsSentWhenAskedFor(t *testing.T) {
	r := newRig(t, enqueue.Options{})
	j := job("", to("4500000001")...)
	j.At, j.Past = time.Now().Add(-time.Hour), enqueue.SendPast
	got, err := r.client.Enqueue(context.Background(), j)
	if err != nil || got.State != enqueue.Queued {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestEnqueue_TimeRulesAreInTheLedger(t *testing.T) {
	r := newRig(t, enqueue.Options{})
	end := time.Now().Add(48 * time.Hour).Truncate(time.Second)
	j := job("", to("4500000001")...)
	j.Window, j.NotAfter, j.MaxLate, j.Zone = mustWindow(t, "mon-sat 09:00-20:00"), end, time.Hour, "Europe/Copenhagen"
	got, err := r.client.Enqueue(context.Background(), j)
	if err != nil {
		t.Fatal(err)
	}
	in, err := r.ledger.Job(context.Background(), got.JobID)
	if err != nil {
		t.Fatal(err)
	}
	want := ledger.TimeRules{NotAfter: end.UnixMilli(), MaxLate: 3600_000, Window: "mon-sat 09:00-20:00 recipient", Zone: "Europe/Copenhagen"}
	if in.Spec.Time == nil || *in.Spec.Time != want {
		t.Errorf("got %+v, want %+v", in.Spec.Time, want)
	}
	st, err := r.client.Status(context.Background(), got.JobID)
	if err != nil || st.NotAfter == nil || !st.NotAfter.Equal(end) || st.Window != want.Window || st.MaxLate != "1h0m0s" {
		t.Errorf("status %+v, %v", st.Timing, err)
	}
}

func TestEnqueue_LocalTimeWaitsForTheFirstZone(t *testing.T) {
	r := newRig(t, enqueue.Options{})
	j := job("", to("4500000001")...)
	day := time.Now().Add(72 * time.Hour).UTC()
	j.AtLocal = day.Format("2006-01-02 ") + "09:00"
	got, err := r.client.Enqueue(context.Background(), j)
	if err != nil || got.State != enqueue.Scheduled || got.ScheduleAt != nil {
		t.Fatalf("got %+v, %v", got, err)
	}
	first := time.Date(day.Year(), day.Month(), day.Day(), 9, 0, 0, 0, time.UTC).Add(-14 * time.Hour)
	if tasks := r.tasks(t, "dk"); len(tasks) != 1 || !tasks[0].NextProcessAt.Equal(first.Add(-task.Ahead)) {
		t.Errorf("tasks %+v, want one at %s", tasks, first)
	}
	st, err := r.client.Status(context.Background(), got.JobID)
	if err != nil || st.AtLocal != j.AtLocal+":00" || st.WaitingUntil == nil || !st.WaitingUntil.Equal(first) || st.WaitingFor != "scheduled" {
		t.Errorf("status %+v, %v", st.Timing, err)
	}
}

// timedJob has the fields name, at and tz; the text asks for name.
func timedJob(rows ...[3]string) enqueue.Job {
	j := enqueue.Job{Via: "dk", From: "Acme", Text: "Hi {{name}}", Fields: []string{"name", "at", "tz"}, AtField: "at"}
	for i, r := range rows {
		j.Recipients = append(j.Recipients, enqueue.Recipient{To: fmt.Sprintf("45%08d", i), Ref: fmt.Sprint("r", i), Values: r[:]})
	}
	return j
}

func TestEnqueue_RecipientsTimes(t *testing.T) {
	year := time.Now().Year() + 1
	date := fmt.Sprintf("%d-06-01", year)
	tests := []struct {
		name, at, tz, zone string
		want, reason       string
	}{
		{"RFC 3339", date + "T09:00:00+02:00", "", "", date + "T07:00:00Z", ""},
		{"in the recipient's zone", date + " 09:00", "Europe/Copenhagen", "America/Lima", date + "T07:00:00Z", ""},
		{"else in the job's", date + " 09:00:30", "", "America/Lima", date + "T14:00:30Z", ""},
		{"without a zone", date + " 09:00", "", "", "", "has no time zone"},
		{"in a zone that is none", date + " 09:00", "CPH", "", "", "no time zone"},
		{"that has passed", "2020-06-01T09:00:00Z", "", "", "", "has passed"},
		{"too far ahead", "2999-06-01T09:00:00Z", "", "", "", "two years"},
		{"none", "", "UTC", "", "", "there is no time"},
		{"words", "tomorrow", "UTC", "", "", "it is no time"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, enqueue.Options{})
			j := timedJob([3]string{"Ann", tt.at, tt.tz})
			j.Zone = tt.zone
			got, err := r.client.Enqueue(context.Background(), j)
			if tt.reason != "" {
				if !errors.Is(err, enqueue.ErrNoRecipients) || len(got.Refused) != 1 || !strings.Contains(got.Refused[0].Reason, tt.reason) {
					t.Errorf("got %+v, %v; want %q", got.Refused, err, tt.reason)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			in, err := r.ledger.Job(context.Background(), got.JobID)
			if err != nil || !slices.Equal(in.Spec.Fields, []string{"name", ledger.FieldDue, ledger.FieldZone}) {
				t.Fatalf("fields %q, %v", in.Spec.Fields, err)
			}
			v := r.recipients(t, got.JobID)[0].Values
			if due := ledger.ParseDue(v[1]).UTC().Format(time.RFC3339); v[0] != "Ann" || due != tt.want || v[2] != tt.tz {
				t.Errorf("got %q, due %s, want %s", v, due, tt.want)
			}
		})
	}
}

func TestEnqueue_BatchesAreByTime(t *testing.T) {
	r := newRig(t, enqueue.Options{BatchSize: 3})
	base := time.Now().Add(time.Hour).Truncate(time.Minute)
	var rows [][3]string
	for i := range 9 {
		rows = append(rows, [3]string{fmt.Sprint(i), base.Add(time.Duration(i%3) * time.Hour).Format(time.RFC3339), ""})
	}
	got, err := r.client.Enqueue(context.Background(), timedJob(rows...))
	if err != nil || got.Batches != 3 || got.Queued != 9 {
		t.Fatalf("got %+v, %v", got, err)
	}
	for i, rec := range r.recipients(t, got.JobID) {
		if want := base.Add(time.Duration(i/3) * time.Hour); !ledger.ParseDue(rec.Values[1]).Equal(want) || int(rec.Row) != 1+i/3+i%3*3 {
			t.Errorf("recipient %d: row %d, due %s, want %s", i, rec.Row, ledger.ParseDue(rec.Values[1]), want)
		}
	}
	if c := r.counts(t, got.JobID); c.Queued != 9 {
		t.Errorf("counts %+v", c)
	}
}

func TestEnqueue_ANumberHasOneTime(t *testing.T) {
	r := newRig(t, enqueue.Options{})
	at := time.Now().Add(time.Hour).Format(time.RFC3339)
	j := timedJob([3]string{"Ann", at, ""}, [3]string{"Ann", at, ""})
	j.Recipients[1].To = j.Recipients[0].To
	got, err := r.client.Enqueue(context.Background(), j)
	if err != nil || got.Queued != 1 || got.RefusedCount != 1 || !strings.Contains(got.Refused[0].Reason, "has a time in this job already") {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestEnqueue_TimesAreRecognisedByAKey(t *testing.T) {
	r := newRig(t, enqueue.Options{})
	j := timedJob([3]string{"Ann", time.Now().Add(90500 * time.Millisecond).Format(time.RFC3339Nano), ""})
	j.Key = "k"
	first, err := r.client.Enqueue(context.Background(), j)
	if err != nil {
		t.Fatal(err)
	}
	again, err := r.client.Enqueue(context.Background(), j)
	if err != nil || !again.Duplicate || again.JobID != first.JobID {
		t.Errorf("got %+v, %v", again, err)
	}
}

func TestEnqueue_ATextMayShowTheTime(t *testing.T) {
	r := newRig(t, enqueue.Options{})
	at := time.Now().Add(time.Hour).Format(time.RFC3339)
	j := timedJob([3]string{"Ann", at, "Europe/Copenhagen"})
	j.Text = "At {{at}}"
	got, err := r.client.Enqueue(context.Background(), j)
	if err != nil {
		t.Fatal(err)
	}
	if v := r.recipients(t, got.JobID)[0].Values; !slices.Contains(v, at) {
		t.Errorf("values %q", v)
	}
}

func TestEnqueue_ManyTimesSpill(t *testing.T) {
	const n = 300
	r := newRig(t, enqueue.Options{BatchSize: 10})
	r.client.SetSorted(100)
	base := time.Now().Add(time.Hour).Truncate(time.Minute)
	j := enqueue.Job{Via: "dk", From: "Acme", Text: "Hi", Fields: []string{"at"}, AtField: "at"}
	got, err := r.client.EnqueueStream(context.Background(), j, func(yield func(enqueue.Recipient, error) bool) {
		values := make([]string, 1)
		for i := range n {
			values[0] = base.Add(time.Duration(i*7919%100) * time.Minute).Format(time.RFC3339)
			if !yield(enqueue.Recipient{To: fmt.Sprintf("45%08d", i), Values: values}, nil) {
				return
			}
		}
	})
	if err != nil || got.Queued != n || got.Batches != 30 {
		t.Fatalf("got %d in %d batches, %v", got.Queued, got.Batches, err)
	}
	if c := r.counts(t, got.JobID); c.Queued != n {
		t.Errorf("counts %+v", c)
	}
	last := int64(0)
	for i, rec := range r.recipients(t, got.JobID) {
		due := int64(ledger.ParseDue(rec.Values[0]).Sub(base) / (10 * time.Minute))
		if i%100 != 0 && due < last {
			t.Fatalf("recipient %d is due before one of an earlier batch", i)
		}
		last = due
	}
}

func TestCancelRef(t *testing.T) {
	r := newRig(t, enqueue.Options{})
	ctx := context.Background()
	at := time.Now().Add(time.Hour).Format(time.RFC3339)
	got, err := r.client.Enqueue(ctx, timedJob([3]string{"Ann", at, ""}, [3]string{"Bob", at, ""}))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := r.client.CancelRef(ctx, got.JobID, "r1", enqueue.Ask{}); n != 1 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	if c := r.counts(t, got.JobID); c.Queued != 1 || c.Cancelled != 1 {
		t.Errorf("counts %+v", c)
	}
	if _, err := r.client.CancelRef(ctx, got.JobID, "r9", enqueue.Ask{}); !errors.Is(err, enqueue.ErrNoRef) {
		t.Errorf("got %v", err)
	}
	if _, err := r.client.CancelRef(ctx, "none", "r1", enqueue.Ask{}); !errors.Is(err, enqueue.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	var in *enqueue.InvalidError
	if _, err := r.client.CancelRef(ctx, got.JobID, "", enqueue.Ask{}); !errors.As(err, &in) {
		t.Errorf("got %v", err)
	}
}
