package poll

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/providers"
)

// job asks about the messages of a job whose time has come, and says when the next look is.
func (p *Poller) job(ctx context.Context, id string) error {
	job, err := p.ledger.Job(ctx, id)
	if errors.Is(err, ledger.ErrNotFound) {
		return p.polls.Drop(ctx, id)
	}
	if err != nil {
		return err
	}
	now := p.now()
	over := !job.Completed.IsZero() && now.Sub(job.Completed) > p.opts.GiveUp
	if over || !slices.ContainsFunc(job.Spec.Accounts, p.asks) {
		return p.polls.Drop(ctx, id)
	}
	counts, err := p.ledger.Counts(ctx, id)
	if err != nil {
		return err
	}
	next := now.Add(longest)
	if job.Completed.IsZero() {
		next = now.Add(p.opts.First)
	}
	if counts[ledger.Accepted]+counts[ledger.Unknown] > 0 {
		last, err := p.polls.LookedAt(ctx, id)
		if err != nil {
			return err
		}
		soonest, err := p.walk(ctx, job, last, now)
		if err != nil {
			return err
		}
		if !soonest.IsZero() && soonest.Before(next) {
			next = soonest
		}
		if err := p.polls.Looked(ctx, id, now); err != nil {
			return err
		}
	}
	if soon := p.now().Add(p.opts.First / 2); next.Before(soon) {
		next = soon // messages that were sent one after the other are asked after together
	}
	return p.polls.Next(ctx, id, next)
}

func (p *Poller) asks(account string) bool {
	_, ok := p.accounts[account].Adapter.(providers.Poller)
	return ok
}

// walk asks about the messages whose time has come since the last look, and returns the time of the next.
func (p *Poller) walk(ctx context.Context, job ledger.Job, last, now time.Time) (next time.Time, err error) {
	silent := map[string]bool{} // accounts whose gateway does not answer
	held := now
	for b, err := range p.ledger.Awaited(ctx, job) {
		if err != nil {
			return next, err
		}
		told := &ledger.BatchReports{Job: job.Spec.ID, Batch: b.Batch}
		for i := range b.Messages {
			m := &b.Messages[i]
			at := time.UnixMilli(m.At)
			if silent[m.Account] || !p.asks(m.Account) || now.Sub(at) > p.opts.GiveUp {
				continue
			}
			if n := after(at, p.opts.First, now); next.IsZero() || n.Before(next) {
				next = n
			}
			if after(at, p.opts.First, last).After(now) {
				continue
			}
			if p.now().Sub(held) > hold/4 {
				held = p.now()
				if err := p.polls.Next(ctx, job.Spec.ID, held.Add(hold)); err != nil {
					return next, err
				}
			}
			reports, err := p.ask(ctx, m)
			if ctx.Err() != nil {
				return next, ctx.Err()
			}
			if err != nil {
				silent[m.Account] = true
				p.log.Warn("the gateway does not say what became of a message", zap.String("account", m.Account), zap.Error(err))
			}
			told.Reports = append(told.Reports, match(m, b.Round, reports, p.now())...)
		}
		if len(told.Reports) > 0 {
			if err := p.reporter.Apply(ctx, []*ledger.BatchReports{told}); err != nil {
				return next, err
			}
			p.told(ctx, told)
		}
	}
	return next, nil
}

// told makes the span of what was told about a batch, if it was new.
func (p *Poller) told(ctx context.Context, b *ledger.BatchReports) {
	applied := 0
	for _, v := range b.Verdicts {
		if v == ledger.Applied {
			applied++
		}
	}
	if applied > 0 {
		p.spans.Applied(ctx, b.Reports[0].Account, b.Job, b.Batch, p.now(), len(b.Reports), applied)
	}
}

// ask asks about one message, within the account's limits.
func (p *Poller) ask(ctx context.Context, m *ledger.Awaited) ([]providers.Report, error) {
	a := p.accounts[m.Account]
	if a.Wait != nil {
		if err := a.Wait(ctx); err != nil {
			return nil, err
		}
	}
	limited, cancel := context.WithTimeout(ctx, a.Timeout)
	defer cancel()
	reports, err := a.Adapter.(providers.Poller).Poll(limited, m.ID)
	result := "told"
	switch {
	case err != nil:
		result = "error"
	case len(reports) == 0:
		result = "nothing"
	}
	p.asked.WithLabelValues(m.Account, "message", result).Inc()
	return reports, err
}

var states = map[providers.Fate]ledger.State{
	providers.Pending: ledger.Queued, // words alone
	providers.Taken:   ledger.Accepted, providers.Delivered: ledger.Delivered, providers.Undelivered: ledger.Undelivered,
	providers.Unclear: ledger.Unknown,
}

// match finds the recipients that reports are about: those with the number, or the only one.
func match(m *ledger.Awaited, round int, reports []providers.Report, now time.Time) (out []ledger.Report) {
	for _, r := range reports {
		i := slices.Index(m.Numbers, r.To)
		if r.To == 0 && len(m.Numbers) == 1 {
			i = 0
		}
		state, says := states[r.Fate]
		if i < 0 || !says || !r.Says() {
			continue
		}
		if r.At.IsZero() || r.At.After(now.Add(time.Hour)) {
			r.At = now
		}
		out = append(out, ledger.Report{
			Position: m.Positions[i], ID: r.ID, Round: round, Account: m.Account, State: state,
			Note: ledger.Note{Code: r.Code, Detail: r.Detail}, At: r.At.UnixMilli(),
		})
	}
	return out
}

// after returns the first time after t at which a message is asked after that was accepted at a time: first, 2 first,
// 4 first, … later, and every hour from when that is more.
func after(at time.Time, first time.Duration, t time.Time) time.Time {
	d := first
	for ; d < longest; d *= 2 {
		if s := at.Add(d); s.After(t) {
			return s
		}
	}
	s := at.Add(d)
	if !s.After(t) {
		s = s.Add((t.Sub(s)/longest + 1) * longest)
	}
	return s
}
