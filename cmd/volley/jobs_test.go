package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
)

// keysOf are the keys of a JSON object, to hold the answers to what is documented.
func keysOf(t *testing.T, object string) map[string]bool {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(object), &m); err != nil {
		t.Fatalf("no JSON object: %v\n%s", err, object)
	}
	keys := map[string]bool{}
	for k := range m {
		keys[k] = true
	}
	return keys
}

func wantKeys(t *testing.T, object string, want ...string) {
	t.Helper()
	have := keysOf(t, object)
	for _, k := range want {
		if !have[k] {
			t.Errorf("no %q in %s", k, object)
		}
	}
}

var receiptKeys = []string{
	"job_id", "total", "queued", "refused", "refused_count", "duplicates", "batches", "state", "schedule_at", "duplicate_of_key",
}

func TestSend(t *testing.T) {
	c := newCLI(t)
	job := []string{"send", "--via", "gatewayapi", "--from", "Acme", "--text", "Hi"}

	t.Run("PrintsTheJobID", func(t *testing.T) {
		a := c.must(append(job, "--to", "12125550100")...)
		if id := strings.TrimSpace(a.stdout); len(id) != 36 || strings.Count(a.stdout, "\n") != 1 {
			t.Errorf("got %q, want an ID on a line", a.stdout)
		}
		if a.stderr != "" {
			t.Errorf("it also says %q", a.stderr)
		}
	})
	t.Run("NumbersWithCommasAndAgain", func(t *testing.T) {
		var r enqueue.Receipt
		a := c.must(append(job, "--to", "12125550100, +1 212 555 0101", "--to", "12125550102,12125550100", "--json")...)
		a.json(&r)
		wantKeys(t, a.stdout, receiptKeys...)
		if r.Queued != 3 || r.Duplicates != 1 || r.Total != 3 || r.State != enqueue.Queued {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("RefusedNumbersAreTold", func(t *testing.T) {
		a := c.must(append(job, "--to", "12125550100,abc")...)
		if !strings.Contains(a.stderr, `refused: "abc": `) {
			t.Errorf("standard error is %q", a.stderr)
		}
	})
	t.Run("NoValidNumberStillHasAReceipt", func(t *testing.T) {
		a := c.run(append(job, "--to", "abc", "--json")...)
		var r enqueue.Receipt
		a.json(&r)
		if a.code != exitInvalid || r.RefusedCount != 1 || len(r.Refused) != 1 || r.Refused[0].To != "abc" || r.JobID != "" {
			t.Errorf("exit status %d and %+v", a.code, r)
		}
	})
	t.Run("ALocalTimeIsKeptInUTC", func(t *testing.T) {
		at := time.Now().AddDate(0, 0, 30).Truncate(24 * time.Hour).Add(9 * time.Hour)
		var r enqueue.Receipt
		c.must(append(job, "--to", "12125550100", "--at", at.Format("2006-01-02 15:04:05"), "--tz", "Asia/Tokyo", "--json")...).json(&r)
		if r.State != enqueue.Scheduled || r.ScheduleAt == nil || !r.ScheduleAt.Equal(at.UTC().Add(-9*time.Hour)) {
			t.Errorf("got %s at %v, want it nine hours before %v", r.State, r.ScheduleAt, at)
		}
	})
	t.Run("TheSameKeyEnqueuesOnce", func(t *testing.T) {
		args := append(job, "--to", "12125550100", "--at", "3600s", "--key", "k1", "--json")
		var first, second enqueue.Receipt
		c.must(args...).json(&first)
		c.must(args...).json(&second)
		if first.Duplicate || !second.Duplicate || first.JobID != second.JobID {
			t.Errorf("got %+v, and then %+v", first, second)
		}
	})
	t.Run("TheSameKeyForAnotherJobIsRefused", func(t *testing.T) {
		a := c.run(append(job, "--to", "12125550199", "--key", "k1")...)
		if a.code != exitInvalid || !strings.Contains(a.stderr, "choose another key") {
			t.Errorf("exit status %d and %q", a.code, a.stderr)
		}
	})
}

// sent enqueues numbers and waits until a worker has brought them to an end.
func (c *cli) sent(via string, numbers ...string) (job string) {
	c.t.Helper()
	w := c.start("worker")
	job = strings.TrimSpace(c.must("send", "--via", via, "--from", "Acme", "--text", "Hi", "--to", strings.Join(numbers, ",")).stdout)
	eventually(c.t, "the job to be completed", func() bool {
		var s enqueue.Status
		c.must("status", job, "--json").json(&s)
		return s.State == enqueue.Completed
	})
	if code := w.stop(); code != exitDone {
		c.t.Fatalf("the worker ends with exit status %d: %s", code, w.stderr.String())
	}
	return job
}

func TestStatusAndOutcomes(t *testing.T) {
	c := newCLI(t, "gatewayapi/refuse:0101")
	job := c.sent("gatewayapi", "12125550100", "12125550101", "abc")

	t.Run("StatusInJSON", func(t *testing.T) {
		var s enqueue.Status
		a := c.must("status", job, "--json")
		a.json(&s)
		wantKeys(t, a.stdout, "job_id", "via", "state", "created_at", "schedule_at", "completed_at", "counts")
		var all struct {
			Counts map[string]int64 `json:"counts"`
		}
		if err := json.Unmarshal([]byte(a.stdout), &all); err != nil {
			t.Fatal(err)
		}
		if len(all.Counts) != len(stateNames())+1 || all.Counts["total"] != 3 || all.Counts["accepted"] != 1 || all.Counts["rejected"] != 2 {
			t.Errorf("counts are %v", all.Counts)
		}
		if s.CompletedAt == nil || s.Via != "gatewayapi" {
			t.Errorf("got %+v", s)
		}
	})
	t.Run("StatusForPeopleShowsWhatIsNotZero", func(t *testing.T) {
		out := c.must("status", job).stdout
		for _, want := range []string{job, "completed", "accepted", "rejected", "total"} {
			if !strings.Contains(out, want) {
				t.Errorf("no %q in:\n%s", want, out)
			}
		}
		if strings.Contains(out, "unknown") || strings.Contains(out, "\x1b[") {
			t.Errorf("a state that nobody is in, or colours:\n%s", out)
		}
	})
	t.Run("StatusWithoutAJobListsTheLatest", func(t *testing.T) {
		var list []enqueue.Status
		c.must("status", "--json").json(&list)
		if len(list) != 1 || list[0].JobID != job {
			t.Errorf("got %+v", list)
		}
		if out := c.must("status").stdout; !strings.Contains(out, job) {
			t.Errorf("the job is not in:\n%s", out)
		}
	})
	t.Run("OutcomesAsNDJSON", func(t *testing.T) {
		for _, args := range [][]string{{"--format", "ndjson"}, {"--json"}, {"--json", "--format", "ndjson"}} {
			lines := strings.Split(strings.TrimSpace(c.must(append([]string{"outcomes", job}, args...)...).stdout), "\n")
			if len(lines) != 3 {
				t.Fatalf("%v: %d lines, want 3", args, len(lines))
			}
			wantKeys(t, lines[0], "to", "status", "account", "provider_message_id", "code", "detail", "attempts", "updated_at", "ref")
		}
	})
	t.Run("OutcomesAsCSV", func(t *testing.T) {
		for _, args := range [][]string{nil, {"--format", "csv"}, {"--format", "csv", "--json"}} {
			rows, err := csv.NewReader(strings.NewReader(c.must(append([]string{"outcomes", job}, args...)...).stdout)).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			if got, want := strings.Join(rows[0], ","), "to,status,account,provider_message_id,code,detail,attempts,updated_at,ref,row"; got != want {
				t.Fatalf("header %s, want %s", got, want)
			}
			got := map[string]string{}
			for _, r := range rows[1:] {
				got[r[0]] = r[1] + " by " + r[2]
			}
			want := map[string]string{"12125550100": "accepted by gatewayapi", "12125550101": "rejected by gatewayapi", "abc": "rejected by "}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("got %v, want %v", got, want)
			}
		}
	})
	t.Run("OutcomesInOneState", func(t *testing.T) {
		out := c.must("outcomes", job, "--format", "ndjson", "--status", "accepted").stdout
		if strings.Count(out, "\n") != 1 || !strings.Contains(out, "12125550100") {
			t.Errorf("got %s", out)
		}
	})
	t.Run("NobodyInThatState", func(t *testing.T) {
		if out := c.must("outcomes", job, "--json", "--status", "failed").stdout; out != "" {
			t.Errorf("got %q", out)
		}
		if out := c.must("outcomes", job, "--status", "failed").stdout; strings.Count(out, "\n") != 1 {
			t.Errorf("got %q, want the header alone", out)
		}
	})
}

func TestStatus_NoJobYet(t *testing.T) {
	c := newCLI(t)
	if out := c.must("status", "--json").stdout; out != "[]\n" {
		t.Errorf("got %q", out)
	}
	if out := c.must("status").stdout; !strings.Contains(out, "There is no job yet") {
		t.Errorf("got %q", out)
	}
}
