package worker

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/plan"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// jobInfo is what never changes about a job whose sending has started, but for accounts that are added when it is re-routed,
// ready for use.
type jobInfo struct {
	spec    ledger.Spec
	batches int
	queued  int64 // recipients that were taken, of all batches
	tmpl    *sms.Template
	binary  *sms.Binary
	order   []int // position in Spec.Fields of each of the template's fields; nil when they are the same
	carrier int   // position in Spec.Fields of the recipients' carriers, -1 when they have none
	begun   bool  // its time, if it has one, can't be moved any more
}

// carrierField is the name of the field that has the recipients' network operators.
const carrierField = "carrier"

// jobCache keeps the jobs that are being sent. The zero cache is empty; it is safe for concurrent use.
type jobCache struct {
	mu   sync.Mutex
	jobs map[string]*jobInfo
}

const maxCachedJobs = 1024

func (c *jobCache) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.jobs, id)
}

// job returns a sealed job.
func (w *Worker) job(ctx context.Context, id string) (*jobInfo, error) {
	w.jobs.mu.Lock()
	j := w.jobs.jobs[id]
	w.jobs.mu.Unlock()
	if j != nil {
		return j, nil
	}
	rec, err := w.ledger.Job(ctx, id)
	if err != nil {
		return nil, err
	}
	if rec.Sealed == "" {
		return nil, fmt.Errorf("job %s is still being written", id)
	}
	if j, err = newJobInfo(rec); err != nil {
		return nil, fmt.Errorf("job %s: %w", id, err)
	}
	if j.spec.At > 0 && !j.begun {
		return j, nil // it may be rescheduled, and is looked up again
	}
	w.jobs.mu.Lock()
	defer w.jobs.mu.Unlock()
	if w.jobs.jobs == nil || len(w.jobs.jobs) >= maxCachedJobs {
		w.jobs.jobs = map[string]*jobInfo{}
	}
	w.jobs.jobs[id] = j
	return j, nil
}

func newJobInfo(rec ledger.Job) (*jobInfo, error) {
	j := &jobInfo{spec: rec.Spec, batches: rec.Batches, queued: rec.Receipt.Queued, begun: rec.Begun, carrier: slices.Index(rec.Spec.Fields, carrierField)}
	if len(rec.Spec.Payload) > 0 {
		j.binary = &sms.Binary{UDH: rec.Spec.UDH, Payload: rec.Spec.Payload}
		return j, nil
	}
	var err error
	if j.tmpl, err = sms.ParseTemplate(rec.Spec.Text); err != nil {
		return nil, err
	}
	want := j.tmpl.Fields()
	if slices.Equal(want, rec.Spec.Fields) {
		return j, nil
	}
	j.order = make([]int, len(want))
	for i, f := range want {
		if j.order[i] = slices.Index(rec.Spec.Fields, f); j.order[i] < 0 {
			return nil, fmt.Errorf("the text asks for the field %q, which the job has not", f)
		}
	}
	return j, nil
}

// values puts a recipient's values in the order of the template's fields.
func (j *jobInfo) values(have []string) []string {
	if j.order == nil {
		return have
	}
	out := make([]string, len(j.order))
	for i, k := range j.order {
		out[i] = have[k]
	}
	return out
}

// failsOver reports whether a batch of the job may have a next account to go to.
func (j *jobInfo) failsOver() bool { return len(j.spec.Accounts) > max(1, len(j.spec.Legs)) }

// priority is how urgent the job's calls are.
func (j *jobInfo) priority() providers.Priority {
	return providers.Priority(min(1, max(-1, j.spec.Priority)))
}

// options are the job's wishes to the gateway.
func (j *jobInfo) options() providers.Options {
	o := providers.Options{
		Flash: j.spec.Flash, Priority: j.priority(), Validity: time.Duration(j.spec.ValidFor) * time.Millisecond, Label: j.spec.Label,
	}
	if j.spec.AtGateway {
		o.At = time.UnixMilli(j.spec.At)
	}
	return o
}

// forAccount is the job as an account can send it: the schedule is kept here when the gateway can't.
func (j *jobInfo) forAccount(a *account) *jobInfo {
	if !j.spec.AtGateway || a.limits.Schedules {
		return j
	}
	own := *j
	own.spec.AtGateway = false
	return &own
}

// input is what the planner is asked.
func (j *jobInfo) input(items []plan.Item) plan.Input {
	return plan.Input{From: sms.SenderID(j.spec.From), Template: j.tmpl, Binary: j.binary, Items: items}
}
