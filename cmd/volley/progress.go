package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// lineEvery is how often progress is told where there is no terminal.
const lineEvery = 5 * time.Second

// barEvery is how often a bar is drawn.
const barEvery = 100 * time.Millisecond

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
		progressbar.OptionThrottle(barEvery), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false))
	return p
}

// set tells that so many items are through, which is done of total.
func (p *progress) set(items, done int64) {
	now := p.now()
	every := lineEvery
	if p.bar != nil {
		every = barEvery
	}
	if now.Sub(p.last) < every {
		return
	}
	p.last = now
	if p.bar != nil {
		p.bar.Describe(p.line(items, done, now))
		_ = p.bar.Set64(done) // a bar that can't be drawn is no reason to stop
		return
	}
	fmt.Fprintln(p.w, p.line(items, done, now))
}

// line tells items, rate and, when the whole is known, the share, where no bar shows it, and the time that is left.
func (p *progress) line(items, done int64, now time.Time) string {
	s := fmt.Sprintf("%s %s, %s/s", count(items), p.what, count(p.rate(items, now)))
	if p.total > 0 && done > 0 {
		if p.bar == nil {
			s += fmt.Sprintf(", %d %%", 100*done/p.total)
		}
		left := time.Duration(float64(now.Sub(p.start)) / float64(done) * float64(max(0, p.total-done)))
		s += fmt.Sprintf(", %v left", left.Round(time.Second))
	}
	return s
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
