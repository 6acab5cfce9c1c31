package enqueue_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/volleysms/volley/enqueue"
)

func TestParseThreshold(t *testing.T) {
	for s, want := range map[string]enqueue.Threshold{
		"failed=5%":        {State: "failed", PerMille: 50},
		"undelivered=0.5%": {State: "undelivered", PerMille: 5},
		"rejected=100%":    {State: "rejected", PerMille: 1000},
		"unknown=100":      {State: "unknown", Count: 100},
	} {
		got, err := enqueue.ParseThreshold(s)
		if err != nil || got != want || got.String() != s {
			t.Errorf("%s: got %+v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "failed", "failed=", "failed=5%%", "failed=-1", "failed=0", "failed=0%", "failed=101%", "failed=1.5", "failed=1.55%", "queued=5%", "lost=1", "failed = 5%", "failed=9999999999"} {
		if got, err := enqueue.ParseThreshold(s); err == nil {
			t.Errorf("%q is taken for %+v", s, got)
		}
	}
}

func FuzzParseThreshold(f *testing.F) {
	f.Add("failed=5%")
	f.Add("unknown=0.5%")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := enqueue.ParseThreshold(s)
		if err != nil {
			return
		}
		if again, err := enqueue.ParseThreshold(got.String()); err != nil || again != got {
			t.Errorf("%q is %+v, and that is %q", s, got, got.String())
		}
	})
}

func TestJob_Hook(t *testing.T) {
	five := enqueue.Threshold{State: "failed", PerMille: 50}
	for name, c := range map[string]struct {
		hook enqueue.Hook
		want string
	}{
		"no address":          {enqueue.Hook{}, "begins with https://"},
		"another scheme":      {enqueue.Hook{URL: "ftp://app.example.com/x"}, "begins with https://"},
		"a threshold twice":   {enqueue.Hook{URL: "https://app.example.com/x", At: []enqueue.Threshold{five, five}}, "failed=5% twice"},
		"a threshold of none": {enqueue.Hook{URL: "https://app.example.com/x", At: []enqueue.Threshold{{State: "failed"}}}, "ParseThreshold"},
		"a secret's content":  {enqueue.Hook{URL: "https://app.example.com/x", Secret: "a b"}, "names no secret"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, enqueue.Options{})
			_, err := r.client.Enqueue(t.Context(), enqueue.Job{Via: "main", From: "Acme", Text: "Hi", Hook: &c.hook, Recipients: []enqueue.Recipient{{To: "4500000001"}}})
			var in *enqueue.InvalidError
			if !errors.As(err, &in) || in.Field != "hook" || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}
