package worker

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/standing"
	"github.com/volleysms/volley/providers"
)

// lookAround is how often a worker asks how its accounts stand.
const lookAround = time.Second

// stand keeps the accounts' gates as the shared records say, until the worker stops. Whichever worker's turn it is
// probes.
func (w *Worker) stand() {
	names := w.names()
	t := time.NewTicker(lookAround)
	defer t.Stop()
	for first := true; ; first = false {
		ctx, cancel := context.WithTimeout(w.stopCtx, 2*lookAround)
		records, err := w.book.Of(ctx, names...)
		cancel()
		if err == nil {
			for _, a := range w.accounts {
				a.heedRecord(records[a.name], first)
			}
		}
		select {
		case <-t.C:
		case <-w.stopCtx.Done():
			return
		}
	}
}

// heedRecord opens or shuts the gate. A worker that starts with other settings than those that were refused tries them.
func (a *account) heedRecord(rec *standing.Trouble, first bool) {
	w := a.w
	a.noteStanding(rec)
	switch {
	case rec == nil:
		a.gate.open()
		return
	case first && rec.Why == standing.Suspended && rec.Settings != "" && rec.Settings != a.settings:
		w.log.Info("the account has new settings; it is tried again", zap.String("account", a.name))
		a.clear()
		return
	}
	a.gate.shut(rec)
	if !a.asking.CompareAndSwap(false, true) {
		return
	}
	ctx, cancel := context.WithTimeout(w.stopCtx, ackTimeout)
	mine, err := w.book.Turn(ctx, a.name)
	cancel()
	if err != nil || !mine {
		a.asking.Store(false)
		return
	}
	a.w.errands.Go(func() {
		defer a.asking.Store(false)
		a.ask(rec)
	})
}

// ask finds out without sending whether the trouble is over. Where the gateway has no operation for that, a call is to
// find out.
func (a *account) ask(rec *standing.Trouble) {
	log := a.w.log.With(zap.String("account", a.name), zap.String("state", rec.Why), zap.Time("since", rec.Since))
	if c, ok := a.adapter.(providers.Checker); ok {
		ctx, cancel := context.WithTimeout(a.w.stopCtx, a.timeout)
		defer cancel()
		_, err := c.Check(ctx)
		// A gateway that answers anything is not down.
		if err != nil && (rec.Why == standing.Suspended || noAnswer(err)) {
			log.Warn("the account is still in trouble", zap.Error(err))
			return
		}
	}
	log.Info("the account is tried again")
	a.clear()
}

// clear ends the trouble for all workers.
func (a *account) clear() {
	ctx, cancel := context.WithTimeout(a.w.hard, ackTimeout)
	defer cancel()
	if _, err := a.w.book.Clear(ctx, a.name); err != nil {
		a.w.log.Warn("Redis does not take that an account is tried again", zap.String("account", a.name), zap.Error(err))
		return
	}
	a.noteStanding(nil)
	a.gate.open()
}

// report shuts the gate, here at once and for all workers as soon as Redis has it.
func (a *account) report(why string, res *providers.Result) {
	n := noteOf(res)
	t := &standing.Trouble{Why: why, Since: time.Now(), Code: n.Code, Detail: n.Detail, Settings: a.settings}
	a.gate.shut(t)
	a.noteStanding(t)
	a.w.errands.Go(func() {
		ctx, cancel := context.WithTimeout(a.w.hard, ackTimeout)
		defer cancel()
		news, err := a.w.book.Report(ctx, a.name, *t)
		switch {
		case err != nil:
			// Nobody else knows: the next look opens the gate here, and one call finds the same again.
			a.w.log.Warn("Redis does not take an account's trouble", zap.String("account", a.name), zap.Error(err))
		case news && why == standing.Suspended:
			a.w.log.Error("the gateway refuses the account; it is suspended, and its recipients stay queued",
				zap.String("account", a.name), zap.String("code", n.Code), zap.String("detail", n.Detail))
		case news:
			a.w.log.Error("the gateway does not answer; its recipients stay queued, or go to the route's next account",
				zap.String("account", a.name), zap.String("detail", n.Detail))
		}
	})
}

// noteStanding notes how the account stands; nil is well.
func (a *account) noteStanding(t *standing.Trouble) {
	if t != nil {
		a.troubled.Store(true)
	}
	a.meter.stands(t)
}

// noAnswer reports whether an error is the network's and not the gateway's.
func noAnswer(err error) bool {
	var e *providers.Error
	return errors.As(err, &e) && e.Code == "" && e.Err != nil
}

// recovered notes that the gateway takes the account's calls, once after each trouble.
func (a *account) recovered() {
	if !a.troubled.CompareAndSwap(true, false) {
		return
	}
	a.w.log.Info("the gateway takes the account again", zap.String("account", a.name))
	a.w.errands.Go(func() {
		ctx, cancel := context.WithTimeout(a.w.hard, ackTimeout)
		defer cancel()
		if _, err := a.w.book.Resume(ctx, a.name); err != nil {
			a.w.log.Warn("Redis does not take that an account is well", zap.String("account", a.name), zap.Error(err))
		}
	})
}
