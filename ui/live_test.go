package ui

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/ledger"
)

// events reads server-sent events.
func (b *browser) events(path string) func() (name string, f fragments) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	b.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.web.URL+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := b.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { resp.Body.Close() })
	lines := bufio.NewReader(resp.Body)
	return func() (name string, f fragments) {
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				b.t.Fatalf("%s ended: %v", path, err)
			}
			if rest, ok := strings.CutPrefix(line, "event: "); ok {
				name = strings.TrimSpace(rest)
			}
			if rest, ok := strings.CutPrefix(line, "data: "); ok {
				if err := json.Unmarshal([]byte(rest), &f); err != nil {
					b.t.Fatal(err)
				}
				return name, f
			}
		}
	}
}

func TestLive(t *testing.T) {
	r := newRig(t)
	job := r.enqueue(hostile, 3)
	bob := r.browser("bob")
	list, one := bob.events("/live/jobs"), bob.events("/live/jobs/"+job)
	if _, f := list(); !strings.Contains(f["progress-"+job], "1 of 4") {
		t.Errorf("%v", f)
	}
	if name, f := one(); name != "change" || !strings.Contains(f["live-chart"], "queued") {
		t.Errorf("%s %v", name, f)
	}
	r.settle(job, ledger.Note{}, ledger.Accepted, ledger.Accepted)
	for {
		if _, f := list(); strings.Contains(f["progress-"+job], "3 of 4") {
			break
		}
	}
	if _, err := r.client.Cancel(t.Context(), job, enqueue.Ask{}); err != nil {
		t.Fatal(err)
	}
	for {
		if name, f := one(); name == "last" {
			if !strings.Contains(f["live-state"], "cancelled") {
				t.Errorf("%v", f)
			}
			return
		}
	}
}
