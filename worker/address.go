package worker

import "strconv"

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
	name := append(make([]byte, 0, len(t.Job)+24), t.Job...)
	for _, n := range []int{t.Batch, c.part.Items[0], t.Round, t.Attempt} {
		name = strconv.AppendInt(append(name, '.'), int64(n), 10)
	}
	call.Reference = string(name)
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
