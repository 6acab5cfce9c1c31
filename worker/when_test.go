package worker_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/worker"
)

// clocked is a gateway that notes when each recipient was called for.
type clocked struct {
	gateway
	mu sync.Mutex
	at map[string]time.Time
}

func newClocked(n int) *clocked {
	g := &clocked{at: map[string]time.Time{}}
	g.limits.Recipients = n
	g.answer = func(_ int, c providers.Call) []providers.Result {
		now := time.Now()
		g.mu.Lock()
		defer g.mu.Unlock()
		for _, r := range c.Recipients {
			g.at[r.To.String()] = now
		}
		return nil
	}
	return g
}

func (g *clocked) when(to string) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.at[to]
}

// hours is a window of today and tomorrow in UTC that is open or not just now, for longer than a test takes.
func hours(t *testing.T, open bool) *enqueue.Window {
	t.Helper()
	now := time.Now().UTC()
	from, to := now.Add(-2*time.Hour), now.Add(2*time.Hour)
	if !open {
		from, to = now.Add(2*time.Hour), now.Add(4*time.Hour)
	}
	w, err := enqueue.ParseWindow(from.Format("15:04-") + to.Format("15:04") + " UTC")
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func waits(st enqueue.Status) bool { return st.WaitingUntil != nil }

func TestWorker_OutsideTheWindowRecipientsWait(t *testing.T) {
	g := newClocked(10)
	s := newSystem(t, worker.Account{Name: "a", Adapter: g})
	s.start()
	job := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(3), Window: hours(t, false)})
	st := s.until(job.JobID, "waiting", waits)
	if st.WaitingFor != "window" || time.Until(*st.WaitingUntil) > 2*time.Hour || time.Until(*st.WaitingUntil) < time.Hour {
		t.Errorf("status %+v", st.Timing)
	}
	for to, o := range s.outcomes(job.JobID) {
		if o.Status != "queued" || o.Attempts != 0 {
			t.Errorf("%s: %+v", to, o)
		}
	}
	open := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(3), Window: hours(t, true)})
	s.completed(open.JobID)
	if n := g.count(); n != 1 {
		t.Errorf("%d calls, want only that of the job whose window is open", n)
	}
}

func TestWorker_QuietHoursAreAboveTheWindow(t *testing.T) {
	quiet := hours(t, true).String()
	for name, set := range map[string]func(*worker.Options){
		"of the account":  func(o *worker.Options) { o.Accounts[0].Quiet = quiet },
		"of the country":  func(o *worker.Options) { o.Quiet = map[string]string{"45": quiet} },
		"of all the rest": func(o *worker.Options) { o.Quiet = map[string]string{worker.Everybody: quiet, "46": "00:00-00:01"} },
	} {
		t.Run(name, func(t *testing.T) {
			g := newClocked(10)
			s := newSystem(t, worker.Account{Name: "a", Adapter: g})
			set(&s.opts)
			s.start()
			always, err := enqueue.ParseWindow("00:00-24:00")
			if err != nil {
				t.Fatal(err)
			}
			job := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(3), Window: always})
			if st := s.until(job.JobID, "waiting", waits); st.WaitingFor != "quiet hours" {
				t.Errorf("status %+v", st.Timing)
			}
			if n := g.count(); n != 0 {
				t.Errorf("%d calls in quiet hours", n)
			}
		})
	}
}

func TestWorker_QuietHoursThatAreNone(t *testing.T) {
	s := newSystem(t, worker.Account{Name: "a", Adapter: newClocked(1)})
	s.opts.Quiet = map[string]string{"Denmark": "21:00-08:00"}
	if _, err := worker.New(s.redis, s.opts); err == nil {
		t.Error("a country by name was taken")
	}
	s.opts.Quiet, s.opts.Accounts[0].Quiet = nil, "at night"
	if _, err := worker.New(s.redis, s.opts); err == nil {
		t.Error("hours in words were taken")
	}
}

func TestWorker_WhoCanNeverBeSentToIsExpired(t *testing.T) {
	g := newClocked(10)
	s := newSystem(t, worker.Account{Name: "a", Adapter: g, Quiet: "00:00-12:00 UTC"})
	s.start()
	morning, err := enqueue.ParseWindow("09:00-10:00 UTC")
	if err != nil {
		t.Fatal(err)
	}
	job := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(3), Window: morning})
	if st := s.completed(job.JobID); st.Counts.Expired != 3 || g.count() != 0 {
		t.Errorf("counts %+v, %d calls", st.Counts, g.count())
	}
	if n := s.metric("volley_recipients_total", "account", "a", "outcome", "expired"); n != 3 {
		t.Errorf("%v are counted as expired", n)
	}
}

func TestWorker_WhatCouldNotBeSentInTimeIsExpired(t *testing.T) {
	t.Run("AfterAnOutage", func(t *testing.T) {
		g := newClocked(10)
		s := newSystem(t, worker.Account{Name: "a", Adapter: g})
		job := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(3), NotAfter: time.Now().Add(300 * time.Millisecond)})
		<-time.After(310 * time.Millisecond) // nobody works meanwhile
		s.start()
		if st := s.completed(job.JobID); st.Counts.Expired != 3 || g.count() != 0 {
			t.Errorf("counts %+v, %d calls", st.Counts, g.count())
		}
		for to, o := range s.outcomes(job.JobID) {
			if o.Code != "expired" || o.Detail == "" || o.Attempts != 0 {
				t.Errorf("%s: %+v", to, o)
			}
		}
	})
	t.Run("BetweenTwoAttempts", func(t *testing.T) {
		g := &gateway{limits: providers.Limits{Recipients: 10}}
		g.answer = func(_ int, c providers.Call) []providers.Result { return fail(c, providers.Unavailable) }
		s := newSystem(t, worker.Account{Name: "a", Adapter: g})
		s.opts.Retry = worker.Retry{MaxAttempts: 200, Initial: 20 * time.Millisecond, Max: 50 * time.Millisecond}
		s.start()
		end := time.Now().Add(time.Second)
		job := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(3), NotAfter: end})
		if st := s.completed(job.JobID); st.Counts.Expired != 3 || g.count() == 0 {
			t.Errorf("counts %+v, %d calls", st.Counts, g.count())
		}
	})
	t.Run("BeforeTheWindowOpens", func(t *testing.T) {
		g := newClocked(10)
		s := newSystem(t, worker.Account{Name: "a", Adapter: g})
		s.start()
		job := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Recipients: numbers(3), Window: hours(t, false), NotAfter: time.Now().Add(time.Second)})
		if st := s.completed(job.JobID); st.Counts.Expired != 3 || g.count() != 0 {
			t.Errorf("counts %+v, %d calls", st.Counts, g.count())
		}
	})
}

func TestWorker_RecipientsHaveTheirOwnTimes(t *testing.T) {
	g := newClocked(10)
	s := newSystem(t, worker.Account{Name: "a", Adapter: g})
	s.start()
	const n = 30
	base := time.Now().Add(4 * time.Second).Truncate(time.Second)
	due := func(i int) time.Time { return base.Add(time.Duration(i%3) * time.Second) }
	rs := numbers(n)
	for i := range rs {
		rs[i].Values = []string{due(i).Format(time.RFC3339)}
	}
	rs[n-1].Values[0] = base.Add(time.Hour).Format(time.RFC3339)
	rs[n-1].Ref = "appointment-17"
	job := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", Fields: []string{"at"}, AtField: "at", Recipients: rs})
	if st := s.until(job.JobID, "waiting", waits); st.State != enqueue.Scheduled || st.WaitingFor != "scheduled" {
		t.Errorf("status %+v", st)
	}
	s.until(job.JobID, "sent, but for one", func(st enqueue.Status) bool { return st.Counts.Accepted == n-1 })
	for i, r := range rs[:n-1] {
		late := g.when(r.To).Sub(due(i))
		if late < 0 {
			t.Errorf("recipient %d was called for %v too early", i, -late)
		}
	}
	if cancelled, err := s.client.CancelRef(t.Context(), job.JobID, "appointment-17", enqueue.Ask{}); err != nil || cancelled != 1 {
		t.Errorf("CancelRef: %d, %v", cancelled, err)
	}
	s.completed(job.JobID)
}

func TestWorker_AtNineInTheirOwnZones(t *testing.T) {
	g := newClocked(10)
	s := newSystem(t, worker.Account{Name: "a", Adapter: g})
	s.start()
	// A moment soon, as clocks show it in Denmark, where the other two will have it later or had it before.
	denmark, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	soon := time.Now().Add(2 * time.Second).Truncate(time.Second)
	job := s.enqueue(enqueue.Job{
		Via: "a", Text: "Hi", Fields: []string{"tz"}, AtLocal: soon.In(denmark).Format("2006-01-02 15:04:05"),
		Recipients: []enqueue.Recipient{
			{To: "4500000001", Values: []string{""}},
			{To: "4500000002", Values: []string{"America/New_York"}},
			{To: "4500000003", Values: []string{"Asia/Tokyo"}},
		},
	})
	st := s.until(job.JobID, "sent to the first", func(st enqueue.Status) bool { return st.Counts.Accepted == 1 && st.WaitingUntil != nil })
	if late := g.when("4500000001").Sub(soon); late < 0 {
		t.Errorf("%v too early", -late)
	}
	if left := st.WaitingUntil.Sub(soon); left < 5*time.Hour || left > 7*time.Hour {
		t.Errorf("New York waits for another %v", left)
	}
	out := s.outcomes(job.JobID)
	if o := out["4500000003"]; o.Status != "expired" || o.Detail != "its time had passed when it was enqueued" {
		t.Errorf("Tokyo: %+v", o)
	}
	if o := out["4500000002"]; o.Status != "queued" {
		t.Errorf("New York: %+v", o)
	}
}

func TestWorker_LaterBatchesMayHaveTheirTurnEarlier(t *testing.T) {
	g := newClocked(10)
	s := newSystem(t, worker.Account{Name: "a", Adapter: g})
	s.opts.Window = 1
	client, err := enqueue.New(s.redis, enqueue.Options{Accounts: []string{"a"}, BatchSize: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	s.start()
	// Every batch has somebody who waits for long in New York, and somebody in Denmark.
	denmark, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	rs := numbers(20)
	for i := range rs {
		rs[i].Values = []string{""}
		if i%2 == 0 {
			rs[i].Values[0] = "America/New_York"
		}
	}
	job, err := client.Enqueue(t.Context(), enqueue.Job{
		Via: "a", Text: "Hi", Fields: []string{"tz"}, Recipients: rs,
		AtLocal: time.Now().Add(time.Second).In(denmark).Format("2006-01-02 15:04:05"), Past: enqueue.SendPast,
	})
	if err != nil || job.Batches != 10 {
		t.Fatal(job, err)
	}
	s.until(job.JobID, "sent to all in Denmark", func(st enqueue.Status) bool { return st.Counts.Accepted == 10 })
}

func TestWorker_AJobOfAFractionOfASecondIsNotEarly(t *testing.T) {
	g := newClocked(10)
	s := newSystem(t, worker.Account{Name: "a", Adapter: g})
	s.start()
	var jobs []string
	var dues []time.Time
	for i := range 5 {
		at := time.Now().Add(1200*time.Millisecond + time.Duration(i)*170*time.Millisecond).Truncate(time.Millisecond)
		r := s.enqueue(enqueue.Job{Via: "a", Text: "Hi", At: at, Recipients: []enqueue.Recipient{{To: fmt.Sprintf("450000000%d", i)}}})
		jobs, dues = append(jobs, r.JobID), append(dues, at)
	}
	for i, id := range jobs {
		s.completed(id)
		if late := g.when(fmt.Sprintf("450000000%d", i)).Sub(dues[i]); late < 0 {
			t.Errorf("job %d: %v too early", i, -late)
		}
	}
	if n := s.metric("volley_schedule_lateness_seconds", "account", "a"); n == 0 {
		t.Error("lateness is not in the metrics")
	}
}
