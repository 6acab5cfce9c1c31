package worker

import "fmt"

// address gives the call, which is about to be made, its name and the addresses for reports about it.
func (c *call) address() {
	r, call := c.run, &c.part.Call
	t := ReportTarget{Account: r.a.name, Job: r.job.spec.ID, Batch: r.held.Batch, Round: r.held.Round}
	r.mu.Lock()
	for _, i := range c.part.Items {
		t.Attempt = max(t.Attempt, int(r.records[i].Attempts))
	}
	r.mu.Unlock()
	c.attempt = t.Attempt
	call.Reference = fmt.Sprintf("%s.%d.%d.%d.%d", t.Job, t.Batch, c.part.Items[0], t.Round, t.Attempt)
	to, items := r.w.opts.ReportTo, c.part.Items
	if to == nil {
		return
	}
	call.ReportTo = func(i int) string {
		t := t
		t.Position = -1
		if i >= 0 {
			t.Position = items[i]
		}
		return to(t)
	}
}
