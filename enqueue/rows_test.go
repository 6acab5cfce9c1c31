package enqueue_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
)

func TestEnqueue_RowsAndReasonsOfTheReader(t *testing.T) {
	r := newRig(t, enqueue.Options{BatchSize: 2})
	var told []string
	j := job("", enqueue.Recipient{To: "4500000001", Row: 3}, enqueue.Recipient{To: "4500000002"}, enqueue.Recipient{To: "4500000003", Row: 9, Refuse: "it has no end"},
		enqueue.Recipient{To: "+4500000001", Row: 12}, enqueue.Recipient{To: "x", Row: 13}, enqueue.Recipient{To: "4500000004", Row: 20})
	j.FirstRow = 2
	j.OnRefused = func(f enqueue.Refused) { told = append(told, fmt.Sprintf("%d %s: %s", f.Row, f.To, f.Reason)) }
	got, err := r.client.Enqueue(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	if got.Queued != 3 || got.RefusedCount != 2 || got.Duplicates != 1 {
		t.Errorf("got %+v", got)
	}
	if want := []string{
		"9 4500000003: it has no end", "12 +4500000001: duplicate: its number stands in a row before", "13 x: has letters; write it in digits",
	}; !reflect.DeepEqual(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	found := map[string]string{}
	for _, o := range r.outcomes(t, got.JobID) {
		found[o.To] = fmt.Sprintf("%d %s", o.Row, o.Status)
	}
	if want := map[string]string{
		"4500000001": "3 queued", "4500000002": "4 queued", "4500000003": "9 rejected", "x": "13 rejected", "4500000004": "20 queued",
	}; !reflect.DeepEqual(found, want) {
		t.Errorf("got %v, want %v", found, want)
	}
	j.Recipients = []enqueue.Recipient{{To: "4500000001", Row: 7}, {To: "4500000002", Row: 7}}
	_, err = r.client.Enqueue(t.Context(), j)
	requireInvalid(t, err, "recipients", "are not in the order of their rows: 7 comes after 7")
}

func TestEnqueueStream_ABrokenListLeavesNothingToGoOnWith(t *testing.T) {
	r := newRig(t, enqueue.Options{BatchSize: 10})
	broken := fmt.Errorf("%w: a quote is open", enqueue.ErrBroken)
	_, err := r.client.EnqueueStream(t.Context(), job("k"), breakingOff(numbered(100), 77, nil, broken))
	if !errors.Is(err, enqueue.ErrBroken) {
		t.Fatal(err)
	}
	if keys := r.mr.Keys(); len(keys) > 0 {
		t.Errorf("there are %q", keys)
	}
	t.Run("but what was enqueued stays", func(t *testing.T) {
		first, err := r.client.Enqueue(t.Context(), job("k", numbered(100)...))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.client.EnqueueStream(t.Context(), job("k"), breakingOff(numbered(100), 77, nil, broken)); !errors.Is(err, enqueue.ErrBroken) {
			t.Fatal(err)
		}
		if n := len(r.outcomes(t, first.JobID)); n != 100 {
			t.Errorf("the job has %d outcomes", n)
		}
	})
}

func TestClient_LookupKey(t *testing.T) {
	r := newRig(t, enqueue.Options{BatchSize: 10})
	if _, err := r.client.LookupKey(t.Context(), "k"); !errors.Is(err, enqueue.ErrNotFound) {
		t.Errorf("before: %v", err)
	}
	if _, err := r.client.EnqueueStream(t.Context(), job("k"), breakingOff(numbered(100), 50, nil, errBroken)); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	half, err := r.client.LookupKey(t.Context(), "k")
	if err != nil || half.Complete || half.JobID == "" || time.Since(half.Begun) > time.Minute {
		t.Errorf("half-way: %+v, %v", half, err)
	}
	if _, err := r.client.JobOfKey(t.Context(), "k"); !errors.Is(err, enqueue.ErrNotFound) {
		t.Errorf("half-way: %v", err)
	}
	got, err := r.client.Enqueue(t.Context(), job("k", numbered(100)...))
	if err != nil {
		t.Fatal(err)
	}
	whole, err := r.client.LookupKey(t.Context(), "k")
	if want := (enqueue.KeyState{JobID: got.JobID, Begun: half.Begun, Complete: true}); err != nil || whole != want {
		t.Errorf("got %+v, %v, want %+v", whole, err, want)
	}
}

// A dry run says of each recipient what the real run does.
func TestDryRun(t *testing.T) {
	o := enqueue.Options{Accounts: []string{"dk", "us"}, Branching: map[string][]enqueue.Branch{
		"world": {{Prefix: "45", Use: []string{"dk", "us"}}, {Prefix: "1", Use: []string{"us"}}},
	}}
	r := newRig(t, o)
	j := job("")
	j.Via, j.Fields, j.Text, j.AtField, j.Zone = "world", []string{"name", "when"}, "Hi {{name}}", "when", "UTC"
	list := []enqueue.Recipient{
		{To: "4500000001", Values: []string{"Ann", "2099-01-02 09:00"}},
		{To: "12125550100", Row: 5, Values: []string{"Bo", "2099-01-02 09:00"}},
		{To: "447700900001", Values: []string{"Cy", "2099-01-02 09:00"}},
		{To: "4500000002", Values: []string{"Di", "noon"}},
		{To: "x", Values: []string{"Ed", "2099-01-02 09:00"}},
	}
	for i := range list { // two years ahead is the most
		list[i].Values[1] = strings.Replace(list[i].Values[1], "2099-01-02", time.Now().AddDate(1, 0, 0).Format("2006-01-02"), 1)
	}
	var got []string
	receipt, err := enqueue.DryRun(t.Context(), o, j, stream(list), func(g *enqueue.Judged) error {
		got = append(got, fmt.Sprintf("%d %s %q via %q %d at %t %v", g.Row, g.To, g.MSISDN.String(), g.Account, g.Leg, !g.At.IsZero(), g.Reason == ""))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`1 4500000001 "4500000001" via "dk" 0 at true true`, `5 12125550100 "12125550100" via "us" 2 at true true`,
		`6 447700900001 "" via "" 0 at false false`, `7 4500000002 "" via "" 0 at false false`, `8 x "" via "" 0 at false false`,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	done, err := r.client.EnqueueStream(t.Context(), j, stream(list))
	if err != nil {
		t.Fatal(err)
	}
	if receipt.JobID != "" || receipt.Queued != done.Queued || !reflect.DeepEqual(receipt.Refused, done.Refused) {
		t.Errorf("got %+v, and then %+v", receipt, done)
	}
	t.Run("nobody is left", func(t *testing.T) {
		_, err := enqueue.DryRun(t.Context(), o, job("", to("x")...), stream(to("x")), func(*enqueue.Judged) error { return nil })
		if !errors.Is(err, enqueue.ErrNoRecipients) {
			t.Error(err)
		}
	})
	t.Run("each ends it", func(t *testing.T) {
		if _, err := enqueue.DryRun(t.Context(), o, j, stream(list), func(*enqueue.Judged) error { return errBroken }); !errors.Is(err, errBroken) {
			t.Error(err)
		}
	})
	t.Run("what is wrong with the job is told", func(t *testing.T) {
		bad := j
		bad.Via = "nobody"
		_, err := enqueue.DryRun(t.Context(), o, bad, stream(list), func(*enqueue.Judged) error { return nil })
		requireInvalid(t, err, "via", `"nobody" is no account and no route; there are: dk, us, world`)
	})
}
