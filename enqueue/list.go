package enqueue

import (
	"context"
	"time"

	"github.com/volleysms/volley/internal/ledger"
)

// List is a part of the list of jobs, the newest first.
type List struct {
	Jobs []Status
	// Total is how many there are.
	Total int64
}

// List returns n jobs after the newest from of them; with open, of those that have not completed. It takes some round trips,
// whatever n is. A job that was removed in the meantime is left out.
func (c *Client) List(ctx context.Context, from, n int, open bool) (List, error) {
	if err := c.Check(ctx); err != nil {
		return List{}, err
	}
	ids, total, err := c.ledger.Page(ctx, from, n, open)
	if err != nil {
		return List{}, reached(ctx, err)
	}
	jobs, err := c.Statuses(ctx, ids)
	return List{jobs, total}, err
}

// Statuses is Status of many jobs, in their order, in as many round trips as one takes for some hundred of them. Jobs that
// are not there are left out.
func (c *Client) Statuses(ctx context.Context, ids []string) ([]Status, error) {
	if err := c.Check(ctx); err != nil {
		return nil, err
	}
	found, err := c.ledger.Jobs(ctx, ids)
	if err != nil {
		return nil, reached(ctx, err)
	}
	var jobs []*ledger.Job
	for _, id := range ids {
		if j, ok := found[id]; ok && j.Sealed != "" {
			jobs = append(jobs, &j)
		}
	}
	all, err := c.statuses(ctx, jobs)
	return all, reached(ctx, err)
}

// statuses returns the statuses of jobs, by their index.
func (c *Client) statuses(ctx context.Context, jobs []*ledger.Job) ([]Status, error) {
	counts, err := c.ledger.CountsOf(ctx, jobs)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	out := make([]Status, len(jobs))
	var held []string // those of whom some recipients may wait for a time
	var of []int
	for i, j := range jobs {
		out[i] = statusOf(j, &counts[i], now)
		if out[i].Counts.Queued > 0 && j.Control == ledger.Run {
			held, of = append(held, j.Spec.ID), append(of, i)
		}
	}
	waits, err := c.ledger.WaitingOf(ctx, held, now)
	if err != nil {
		return nil, err
	}
	for k, i := range of {
		out[i].waits(jobs[i], waits[k], now)
	}
	return out, nil
}
