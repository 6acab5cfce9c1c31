package enqueue_test

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/sms"
)

func TestEnqueue_RepeatWithItsKeyGivesTheSameReceipt(t *testing.T) {
	at := time.Now().Add(time.Hour)
	tests := map[string]func(*enqueue.Job){
		"Plain":     func(*enqueue.Job) {},
		"Scheduled": func(j *enqueue.Job) { j.At = at },
		"Delayed":   func(j *enqueue.Job) { j.Delay = time.Hour },
		"Binary":    func(j *enqueue.Job) { j.Text, j.Binary = "", &sms.Binary{Payload: []byte{1}} },
		"Personal":  func(j *enqueue.Job) { j.Text, j.Fields = "Hi {{name|there}}", []string{"name"} },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, enqueue.Options{BatchSize: 2})
			j := job("k", to("4500000001", "x", "4500000002", "4500000001", "4500000003")...)
			change(&j)
			for i := range j.Recipients {
				j.Recipients[i].Values = make([]string, len(j.Fields))
			}
			first, err := r.client.Enqueue(t.Context(), j)
			if err != nil || first.Duplicate {
				t.Fatalf("first: got %+v, %v", first, err)
			}
			want := first
			want.Duplicate = true
			before := r.mr.Dump()
			got, err := r.client.Enqueue(t.Context(), j)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
			if after := r.mr.Dump(); after != before {
				t.Errorf("the repeat changed\n%s\nto\n%s", before, after)
			}

			r.finish(t, first.JobID)
			want.State = enqueue.Completed
			got, err = r.client.Enqueue(t.Context(), j)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("after the job was finished: got  %+v\nwant %+v", got, want)
			}
			if n := len(r.tasks(t, "dk")); n != 0 {
				t.Errorf("after the job was finished the repeat made %d tasks", n)
			}
			if c := r.counts(t, first.JobID); c.Accepted != 3 || c.Rejected != 1 || c.Total != 4 {
				t.Errorf("got counts %+v", c)
			}
		})
	}
}

func TestEnqueue_RepeatAfterItsTimeIsStillADuplicate(t *testing.T) {
	r := newRig(t, enqueue.Options{})
	j := job("k", to("4500000001")...)
	var first enqueue.Receipt
	var invalid *enqueue.InvalidError
	err := error(&enqueue.InvalidError{})
	for ahead := 20 * time.Millisecond; errors.As(err, &invalid); ahead *= 2 { // a slow machine needs a later time
		j.At = time.Now().Add(ahead)
		first, err = r.client.Enqueue(t.Context(), j)
	}
	if err != nil {
		t.Fatal(err)
	}
	<-time.After(time.Until(j.At) + time.Millisecond)
	got, err := r.client.Enqueue(t.Context(), j)
	if err != nil || !got.Duplicate || got.JobID != first.JobID {
		t.Errorf("got %+v, %v; want the first receipt", got, err)
	}
}

func TestEnqueue_KeyWithOtherContentIsAConflict(t *testing.T) {
	tests := map[string]func(*enqueue.Job){
		"Text":             func(j *enqueue.Job) { j.Text = "Ho {{name}}" },
		"Sender":           func(j *enqueue.Job) { j.From = "Acme2" },
		"Via":              func(j *enqueue.Job) { j.Via = "moon" },
		"Label":            func(j *enqueue.Job) { j.Label = "other" },
		"Schedule":         func(j *enqueue.Job) { j.At = time.Now().Add(time.Hour) },
		"Delay":            func(j *enqueue.Job) { j.Delay = time.Hour },
		"Fields":           func(j *enqueue.Job) { j.Fields = []string{"name", "y"} },
		"Binary":           func(j *enqueue.Job) { j.Text, j.Binary = "", &sms.Binary{Payload: []byte{1}} },
		"Recipient":        func(j *enqueue.Job) { j.Recipients[2].To = "4500000009" },
		"RecipientMore":    func(j *enqueue.Job) { j.Recipients = append(j.Recipients, enqueue.Recipient{To: "4500000009"}) },
		"RecipientFewer":   func(j *enqueue.Job) { j.Recipients = j.Recipients[:2] },
		"RecipientsOrder":  func(j *enqueue.Job) { j.Recipients[0], j.Recipients[1] = j.Recipients[1], j.Recipients[0] },
		"Ref":              func(j *enqueue.Job) { j.Recipients[2].Ref = "r" },
		"Value":            func(j *enqueue.Job) { j.Recipients[2].Values = []string{"w", "v"} },
		"RefusedRecipient": func(j *enqueue.Job) { j.Recipients[3].To = "y" },
		"AllRefused":       func(j *enqueue.Job) { j.Recipients = to("x") },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, enqueue.Options{BatchSize: 2})
			content := func() enqueue.Job {
				j := job("k", to("4500000001", "4500000002", "4500000003", "x")...)
				j.Text, j.Fields = "Hi {{name}}", []string{"name", "x"}
				for i := range j.Recipients {
					j.Recipients[i].Values = []string{"v", "w"}
				}
				return j
			}
			if _, err := r.client.Enqueue(t.Context(), content()); err != nil {
				t.Fatal(err)
			}
			before := r.mr.Dump()
			other := content()
			change(&other)
			got, err := r.client.Enqueue(t.Context(), other)
			if !errors.Is(err, enqueue.ErrKeyConflict) {
				t.Errorf("got %+v, %v; want ErrKeyConflict", got, err)
			}
			if after := r.mr.Dump(); after != before {
				t.Errorf("Redis had\n%s\nand now has\n%s", before, after)
			}
		})
	}
}

func TestEnqueue_WithoutKeyEachCallIsAJob(t *testing.T) {
	r := newRig(t, enqueue.Options{})
	a, err1 := r.client.Enqueue(t.Context(), job("", to("4500000001")...))
	b, err2 := r.client.Enqueue(t.Context(), job("", to("4500000001")...))
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if a.JobID == b.JobID || a.Duplicate || b.Duplicate {
		t.Errorf("got %+v and %+v, want two jobs", a, b)
	}
}

func TestEnqueue_KeyIsForgottenAfterKeyTTL(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"AtOnce": 0, "CountedFromTheSchedule": 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, enqueue.Options{KeyTTL: time.Hour})
			j := job("k", to("4500000001")...)
			j.Delay = ahead
			enqueueJob := func() enqueue.Receipt {
				t.Helper()
				got, err := r.client.Enqueue(t.Context(), j)
				if err != nil {
					t.Fatal(err)
				}
				return got
			}
			first := enqueueJob()
			r.mr.FastForward(ahead + time.Hour - time.Minute)
			if got := enqueueJob(); !got.Duplicate {
				t.Error("a minute before, the key was forgotten")
			}
			r.mr.FastForward(2 * time.Minute)
			if got := enqueueJob(); got.Duplicate || got.JobID == first.JobID {
				t.Error("a minute after, the key was still known")
			}
		})
	}
}

func TestEnqueue_ProducersRaceToOneJob(t *testing.T) {
	const rounds, producers = 12, 12
	r := newRig(t, enqueue.Options{BatchSize: 3})
	clients := []*enqueue.Client{r.client, newClient(t, r.rdb, enqueue.Options{BatchSize: 3})}
	for round := range rounds {
		key := fmt.Sprint("round ", round)
		receipts := make([]enqueue.Receipt, producers)
		errs := make([]error, producers)
		begin := make(chan struct{})
		var wg sync.WaitGroup
		for p := range producers {
			wg.Go(func() {
				j := job(key, numbered(20)...)
				<-begin
				receipts[p], errs[p] = clients[p%2].Enqueue(t.Context(), j)
			})
		}
		close(begin)
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		firsts := 0
		for _, got := range receipts {
			if got.JobID != receipts[0].JobID || got.Queued != 20 || got.Batches != 7 {
				t.Fatalf("round %d: got %+v and %+v", round, receipts[0], got)
			}
			if !got.Duplicate {
				firsts++
			}
		}
		if firsts != 1 {
			t.Errorf("round %d: %d producers were first, want 1", round, firsts)
		}
		if n := len(r.recipients(t, receipts[0].JobID)); n != 20 {
			t.Errorf("round %d: the job has %d recipients, want 20", round, n)
		}
		if c := r.counts(t, receipts[0].JobID); c != (enqueue.Counts{Total: 20, Queued: 20}) {
			t.Errorf("round %d: got counts %+v", round, c)
		}
		if n := len(r.tasks(t, "dk")); n != round+1 {
			t.Fatalf("round %d: there are %d tasks, want %d", round, n, round+1)
		}
	}
	if ids, err := r.client.Recent(t.Context(), 1000); err != nil || len(ids) != rounds {
		t.Errorf("there are %d jobs, %v; want %d", len(ids), err, rounds)
	}
}
