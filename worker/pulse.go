package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/volleysms/volley/internal/pulse"
	"github.com/volleysms/volley/providers"
)

// doings are what was done for an account since that was told last, for people who look at it.
type doings struct {
	mu       sync.Mutex
	beat     pulse.Beat
	failures map[failure]int64
}

type failure struct{ kind, code, detail string }

// maxFailures bounds how many errors are told apart between two times of telling.
const maxFailures = 10

func (d *doings) begins() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.beat.InFlight++
}

// ended notes a call with what it brought. Of the errors of its recipients the first is told.
func (d *doings) ended(c *providers.Call, results []providers.Result) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.beat.InFlight--
	d.beat.Calls++
	d.beat.Recipients += int64(len(c.Recipients))
	d.beat.Segments += int64(len(c.Recipients) * max(1, c.Segments))
	for i := range results {
		if results[i].Err == nil {
			continue
		}
		n := noteOf(&results[i])
		f := failure{providers.KindOf(results[i].Err).String(), n.Code, n.Detail}
		if _, known := d.failures[f]; known || len(d.failures) < maxFailures {
			if d.failures == nil {
				d.failures = map[failure]int64{}
			}
			d.failures[f]++
		}
		return
	}
}

// take returns what there is to tell, and begins anew.
func (d *doings) take(now time.Time) (beat pulse.Beat, fresh []pulse.Failure) {
	d.mu.Lock()
	defer d.mu.Unlock()
	beat = d.beat
	for f, n := range d.failures {
		fresh = append(fresh, pulse.Failure{At: now, Kind: f.kind, Code: f.code, Detail: f.detail, Calls: n})
	}
	d.beat, d.failures = pulse.Beat{InFlight: beat.InFlight}, nil
	return beat, fresh
}

// tell tells what is done for the accounts until the worker has stopped.
func (w *Worker) tell() {
	book := pulse.New(w.rdb)
	t := time.NewTicker(pulse.Every)
	defer t.Stop()
	last := time.Now()
	for {
		select {
		case <-w.hard.Done():
			ctx, cancel := context.WithTimeout(context.Background(), ackTimeout)
			defer cancel()
			_ = book.Leave(ctx, w.id, w.names()...) // it is forgotten by itself soon
			return
		case <-t.C:
		}
		ctx, cancel := context.WithTimeout(w.hard, pulse.Every)
		now := w.clock.now()
		passed := time.Since(last).Seconds()
		last = time.Now()
		var errs []error
		for _, a := range w.accounts {
			beat, fresh := a.doings.take(now)
			beat.Seconds, beat.Lanes = passed, a.lanes
			errs = append(errs, book.Tell(ctx, w.id, a.name, now, beat, fresh))
		}
		cancel()
		_ = errors.Join(errs...) // nothing depends on it, and the heartbeat says when Redis is not there
	}
}

func (w *Worker) names() []string {
	names := make([]string, len(w.accounts))
	for i, a := range w.accounts {
		names[i] = a.name
	}
	return names
}
