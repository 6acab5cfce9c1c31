package vitals

import (
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/ledger"
)

// rig is Vitals with a clock of their own, beside a producer whose batches are of ten.
type rig struct {
	t      *testing.T
	rdb    *redis.Client
	client *enqueue.Client
	ledger *ledger.Ledger
	reg    *prometheus.Registry
	v      *Vitals
	now    time.Time
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, rdb: redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()}), reg: prometheus.NewRegistry(), now: time.Now()}
	t.Cleanup(func() { _ = r.rdb.Close() })
	var err error
	r.client, err = enqueue.NewFromRedis(r.rdb, enqueue.Options{BatchSize: 10})
	if err != nil {
		t.Fatal(err)
	}
	r.ledger = ledger.New(r.rdb)
	r.v = New(r.rdb, Options{Accounts: []string{"dk", "moon"}, Metrics: r.reg})
	r.v.now = func() time.Time { return r.now }
	return r
}

// job enqueues a job of n recipients.
func (r *rig) job(n int, o enqueue.Job) string {
	r.t.Helper()
	o.Via, o.From, o.Text = "dk", "Acme", "Hi"
	for i := range n {
		o.Recipients = append(o.Recipients, enqueue.Recipient{To: fmt.Sprintf("45%08d", i)})
	}
	receipt, err := r.client.Enqueue(r.t.Context(), o)
	if err != nil {
		r.t.Fatal(err)
	}
	return receipt.JobID
}

// ends gives every recipient of a batch the same outcome, so long ago.
func (r *rig) ends(job string, batch int, state ledger.State, ago time.Duration) {
	r.t.Helper()
	ctx := r.t.Context()
	held, err := r.ledger.Take(ctx, job, batch, fmt.Sprintf("w/%d", batch), "")
	if err != nil {
		r.t.Fatal(err)
	}
	c := ledger.Commit{Seq: 1, Via: -1, Release: true}
	for i, rec := range held.Records {
		c.Records.Set(i, rec.State, ledger.Record{State: state, At: r.now.Add(-ago).UnixMilli()})
	}
	if _, _, err := r.ledger.Commit(ctx, &held, &c); err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.ledger.SetFed(ctx, job, batch+1); err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.ledger.Finish(ctx, job, batch, r.now); err != nil {
		r.t.Fatal(err)
	}
}

// looks lets the time pass, looks once and tells.
func (r *rig) looks(after time.Duration) {
	r.t.Helper()
	r.now = r.now.Add(after)
	if err := r.v.Look(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	if err := r.v.Tell(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// gauge is a gauge's value, by the values of its labels in the order of their names; -1 when there is none.
func (r *rig) gauge(name string, values ...string) float64 {
	r.t.Helper()
	all, err := r.reg.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range all {
		if f.GetName() != name {
			continue
		}
	metrics:
		for _, m := range f.GetMetric() {
			for i, l := range m.GetLabel() {
				if i >= len(values) || l.GetValue() != values[i] {
					continue metrics
				}
			}
			return m.GetGauge().GetValue()
		}
	}
	return -1
}

func (r *rig) want(want float64, name string, values ...string) {
	r.t.Helper()
	if got := r.gauge(name, values...); got < want-1 || got > want+1 {
		r.t.Errorf("%s%v is %v, want %v", name, values, got, want)
	}
}

// listed is how many jobs are on the agenda.
func (r *rig) listed() int64 { return r.rdb.ZCard(r.t.Context(), ledger.VitalsAgenda).Val() }

func TestVitals_Queues(t *testing.T) {
	r := newRig(t)
	r.job(1, enqueue.Job{})
	r.job(1, enqueue.Job{At: time.Now().Add(time.Hour)})
	r.job(1, enqueue.Job{Priority: enqueue.Urgent})
	r.looks(90 * time.Second)
	r.want(1, "volley_queue_tasks", "dk", "normal", "pending")
	r.want(1, "volley_queue_tasks", "dk", "normal", "scheduled")
	r.want(1, "volley_queue_tasks", "dk", "urgent", "pending")
	if got := r.gauge("volley_queue_tasks", "dk", "bulk", "pending"); got != 0 {
		t.Errorf("%v bulk tasks", got)
	}
	r.want(90, "volley_queue_oldest_seconds", "dk", "normal")
	r.want(90, "volley_queue_oldest_seconds", "dk", "urgent")
	if got := r.gauge("volley_queue_oldest_seconds", "moon", "normal"); got != 0 {
		t.Errorf("an empty queue's oldest is %v", got)
	}
	r.want(3, "volley_jobs_live")
}

func TestVitals_Oldest(t *testing.T) {
	r := newRig(t)
	job := r.job(30, enqueue.Job{})
	r.ends(job, 0, ledger.Delivered, 3*time.Hour)
	r.ends(job, 1, ledger.Unknown, 2*time.Hour)
	r.ends(job, 2, ledger.Accepted, time.Hour)
	r.looks(0)
	r.want(7200, "volley_unknown_oldest_seconds", "dk")
	r.want(3600, "volley_unreported_oldest_seconds", "dk")
	r.want(1, "volley_unknown_jobs", "dk")
	r.want(1, "volley_unreported_jobs", "dk")
	if got := r.gauge("volley_unknown_oldest_seconds", "moon"); got != 0 {
		t.Errorf("nobody is unknown at moon, and the oldest is %v", got)
	}
	// Reports settle one after the other.
	reporter := ledger.NewReporter(r.ledger)
	told := func(batch int, state ledger.State) {
		t.Helper()
		b := &ledger.BatchReports{Job: job, Batch: batch}
		for i := range 10 {
			b.Reports = append(b.Reports, ledger.Report{Position: i, Account: "dk", State: state, At: r.now.UnixMilli()})
		}
		if err := reporter.Apply(t.Context(), []*ledger.BatchReports{b}); err != nil {
			t.Fatal(err)
		}
	}
	told(1, ledger.Delivered)
	r.looks(seldom)
	r.want(0, "volley_unknown_oldest_seconds", "dk")
	r.want(3600+seldom.Seconds(), "volley_unreported_oldest_seconds", "dk")
	told(2, ledger.Undelivered)
	r.looks(seldom)
	r.want(0, "volley_unreported_oldest_seconds", "dk")
	r.want(0, "volley_unreported_jobs", "dk")
	if n := r.listed(); n != 0 {
		t.Errorf("%d jobs are on the agenda though nobody waits any more", n)
	}
}

func TestVitals_ALargeJobTakesSeveralLooks(t *testing.T) {
	r := newRig(t)
	const batches = 2*batchesPerJob + 3
	job := r.job(10*batches, enqueue.Job{})
	for b := range batches {
		r.ends(job, b, ledger.Accepted, time.Minute)
	}
	looked := func(after time.Duration, want float64) {
		t.Helper()
		r.looks(after)
		r.want(want, "volley_unreported_oldest_seconds", "dk")
	}
	looked(0, 60)
	looked(lookEvery, 61)
	looked(lookEvery, 62)
	if p := r.v.passes[job]; p == nil || p.next != 0 || p.previous.Unreported["dk"] == 0 {
		t.Errorf("three looks were not one way through all: %+v", p)
	}
	// In the next one what the last one found holds until it is over.
	if _, err := r.ledger.SetFed(t.Context(), job, batches); err != nil {
		t.Fatal(err)
	}
	looked(often, 72)
}

func TestVitals_NobodyWaitsForever(t *testing.T) {
	r := newRig(t)
	job := r.job(10, enqueue.Job{})
	r.ends(job, 0, ledger.Accepted, 0)
	r.looks(0)
	r.want(1, "volley_unreported_jobs", "dk")
	r.looks(r.v.opts.GiveUp + time.Minute)
	r.want(0, "volley_unreported_oldest_seconds", "dk")
	r.want(0, "volley_unreported_jobs", "dk")
	if n := r.listed(); n != 0 {
		t.Errorf("%d jobs are on the agenda though no report is expected", n)
	}
}

func TestVitals_ARemovedJobGoes(t *testing.T) {
	r := newRig(t)
	job := r.job(10, enqueue.Job{})
	r.ends(job, 0, ledger.Unknown, 0)
	r.looks(0)
	r.want(1, "volley_unknown_jobs", "dk")
	if err := r.ledger.Remove(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	r.looks(seldom)
	if got := r.gauge("volley_unknown_jobs", "dk"); got != 0 || r.listed() != 0 {
		t.Errorf("%v jobs have unknowns, %d are on the agenda", got, r.listed())
	}
}

// TestVitals_ManyJobs: one look does a bounded part of the work, and nothing is forgotten.
func TestVitals_ManyJobs(t *testing.T) {
	r := newRig(t)
	const jobs = jobsPerLook + 50
	for range jobs {
		r.job(1, enqueue.Job{At: time.Now().Add(24 * time.Hour)})
	}
	r.looks(0)
	waiting := func() int64 {
		return r.rdb.ZCount(t.Context(), ledger.VitalsAgenda, "-inf", fmt.Sprint(r.now.UnixMilli())).Val()
	}
	if n := waiting(); n != jobs-jobsPerLook {
		t.Errorf("%d jobs are left after a look, want %d", n, jobs-jobsPerLook)
	}
	r.looks(lookEvery)
	if n := waiting(); n != 0 {
		t.Errorf("%d jobs are left after two", n)
	}
	r.want(jobs, "volley_jobs_live")
}
