package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// lineEvery is how often progress is told where there is no terminal.
const lineEvery = 5 * time.Second

// progress tells how far a command has come: by a bar on a terminal, by a line every few seconds elsewhere.
type progress struct {
	w     io.Writer
	what  string // what is counted, such as "rows"
	total int64  // of the units given to set; 0 when it is not known
	now   func() time.Time
	start time.Time
	last  time.Time // when it was told
	bar   *progressbar.ProgressBar
}

// newProgress returns a progress on w. what names the items that are counted; total is the whole of what set is given as
// done, in any unit, and 0 when it is not known.
func newProgress(w io.Writer, what string, total int64) *progress {
	p := &progress{w: w, what: what, total: total, now: time.Now}
	p.start = p.now()
	p.last = p.start
	if !isTerminal(w) {
		return p
	}
	limit := total
	if limit == 0 {
		limit = -1
	}
	p.bar = progressbar.NewOptions64(limit, progressbar.OptionSetWriter(w), progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetPredictTime(true), progressbar.OptionSetElapsedTime(false))
	return p
}

// set tells that so many items are through, which is done of total.
func (p *progress) set(items, done int64) {
	now := p.now()
	if p.bar != nil {
		if now.Sub(p.last) >= 100*time.Millisecond {
			p.last = now
			p.bar.Describe(fmt.Sprintf("%s %s, %s/s", count(items), p.what, count(p.rate(items, now))))
		}
		_ = p.bar.Set64(done) // a bar that can't be drawn is no reason to stop
		return
	}
	if now.Sub(p.last) < lineEvery {
		return
	}
	p.last = now
	line := fmt.Sprintf("%s %s, %s/s", count(items), p.what, count(p.rate(items, now)))
	if p.total > 0 && done > 0 {
		left := time.Duration(float64(now.Sub(p.start)) / float64(done) * float64(max(0, p.total-done)))
		line += fmt.Sprintf(", %d %%, %v left", 100*done/p.total, left.Round(time.Second))
	}
	fmt.Fprintln(p.w, line)
}

func (p *progress) rate(items int64, now time.Time) int64 {
	return int64(float64(items) / max(now.Sub(p.start).Seconds(), 0.001))
}

// end takes the bar away.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
