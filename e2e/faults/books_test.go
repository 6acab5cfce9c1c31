package faults_test

import (
	"strings"

	"github.com/volleysms/volley/enqueue"
)

// found is what the ledger says at the end, over all campaigns.
type found struct {
	enqueue.Counts
	// perhaps are the unknowns that a gateway's answer left so by the fact sheets, others the rest.
	perhaps, others int
	// unsent are those of the others that no gateway took.
	unsent int
}

// books closes the campaigns: it waits until they are completed, and holds the ledger against the gateways' record. Nobody
// may be missing, nobody may have been taken twice, what is accepted was taken and what was taken is accepted or unknown.
func (r *rig) books() (f found) {
	r.t.Helper()
	r.until("the campaigns to be completed", r.completed)
	for _, c := range r.jobs {
		st := r.status(c.id)
		n := st.Counts
		if st.State != enqueue.Completed || n.Total != int64(c.to-c.from) ||
			n.Accepted+n.Rejected+n.Failed+n.Unknown != n.Total {
			r.t.Errorf("job %s is %s, and does not add up: %+v", c.id, st.State, n)
		}
		r.job(c, &f)
		f.Total += n.Total
		f.Accepted += n.Accepted
		f.Rejected += n.Rejected
		f.Failed += n.Failed
		f.Unknown += n.Unknown
	}
	if int64(f.perhaps+f.others) != f.Unknown {
		r.t.Errorf("%d outcomes are unknown, and the counters say %d", f.perhaps+f.others, f.Unknown)
	}
	r.clean()
	return f
}

func (r *rig) status(job string) enqueue.Status {
	r.t.Helper()
	if !r.direct {
		return r.Status(job)
	}
	st, err := r.producer.Status(r.t.Context(), job)
	if err != nil {
		r.t.Fatal(err)
	}
	return st
}

// outcomes are a job's by number.
func (r *rig) outcomes(job string) map[string]enqueue.Outcome {
	r.t.Helper()
	if !r.direct {
		return r.Outcomes(job)
	}
	out := map[string]enqueue.Outcome{}
	for o, err := range r.producer.Outcomes(r.t.Context(), job) {
		if err != nil {
			r.t.Fatal(err)
		}
		out[o.To] = o
	}
	return out
}

// job compares one campaign's outcomes with what the gateways took.
func (r *rig) job(c campaign, f *found) {
	r.t.Helper()
	outcomes := r.outcomes(c.id)
	if len(outcomes) != c.to-c.from {
		r.t.Errorf("%d outcomes of %d recipients", len(outcomes), c.to-c.from)
	}
	r.judge.mu.Lock()
	defer r.judge.mu.Unlock()
	wrong := 0
	complain := func(i int, o enqueue.Outcome, what string) {
		if wrong++; wrong <= 5 {
			r.t.Errorf("%s: %s is %q after %d attempts (%s), and was taken %d times", what, number(i), o.Status, o.Attempts,
				strings.TrimSpace(o.Code+" "+o.Detail), r.judge.taken[number(i)])
		}
	}
	for i := c.from; i < c.to; i++ {
		o, there := outcomes[number(i).String()]
		taken := r.judge.taken[number(i)]
		met := map[leaves]bool{}
		for w := range r.judge.calls[number(i)] {
			met[w.leaves] = true
		}
		switch {
		case !there:
			complain(i, o, "lost")
		case taken > 1:
			complain(i, o, "sent twice")
		case o.Status == "accepted" && taken == 0:
			complain(i, o, "nobody took it")
		case (o.Status == "rejected" || o.Status == "failed") && taken > 0:
			complain(i, o, "taken all the same")
		case o.Status == "rejected" && !met[refuses]:
			complain(i, o, "nobody refused it")
		case o.Status == "accepted" || o.Status == "rejected" || o.Status == "failed":
		case o.Status != "unknown":
			complain(i, o, "not at an end")
		case met[ambiguous]:
			f.perhaps++
		default:
			f.others++
			if taken == 0 {
				f.unsent++
			}
		}
	}
	if wrong > 5 {
		r.t.Errorf("and %d more", wrong-5)
	}
}

// clean asks volley verify.
func (r *rig) clean() {
	r.t.Helper()
	var v struct {
		Clean    bool
		Jobs     int
		Problems []struct{ Problem string }
	}
	if r.JSON(&v, "verify"); !v.Clean || v.Jobs != len(r.jobs)+r.open || len(v.Problems) > 0 {
		r.t.Errorf("volley verify: %+v", v)
	}
}

// onWire is how many recipients all workers that were killed had claimed and not recorded, and how many of those the
// gateways had at that moment.
func (r *rig) onWire() (claimed, atGateways, kills int) {
	for _, s := range r.seats {
		for _, l := range append(s.past, s.now) {
			if l != nil && l.ended() {
				claimed += l.onWire()
				atGateways += l.atKill
				kills++
			}
		}
	}
	return claimed, atGateways, kills
}

// recorded fails when a worker that was not killed leaves something on the wire. Call it after stop.
func (r *rig) recorded() {
	r.t.Helper()
	for i, s := range r.seats {
		for _, l := range append(s.past, s.now) {
			if l != nil && !l.ended() && l.onWire() != 0 {
				r.t.Errorf("worker %d ended in good order with %d recipients claimed", i, l.onWire())
			}
		}
	}
}
