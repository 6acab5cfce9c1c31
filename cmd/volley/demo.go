package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/examples"
	"github.com/volleysms/volley/internal/rows"
	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
	"github.com/volleysms/volley/worker"
)

// demoFaults make the gateways of the demo stumble: one is out of order at first, one cuts a connection after it took
// the messages, and one refuses some numbers.
var demoFaults = []string{"mttm/503@1-3", "ogangi/cut-after@7", "mgage/refuse:177"}

// demoVia is which account gets the rows of which country, by the first letters of ref, and under which sender ID: Ogangi
// takes only digits.
var demoVia = []struct{ country, account, from string }{
	{"US", "mgage", "Volley"},
	{"GB", "gatewayapi", "Volley"},
	{"FR", "mttm", "Volley"},
	{"IE", "ogangi", "25255"},
}

const (
	demoText    = "Hi {{name}}, doors open at nine. See you there!"
	demoTimeout = 2 * time.Minute
)

func newDemo(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Send a sample campaign through four simulated gateways; needs nothing else",
		Long: `Start an embedded Redis, the four simulated gateways and a worker, send a sample campaign of 1,211 rows through all of them,
and show what became of it. One gateway is out of order at first, one cuts a connection in mid-call, one refuses a number.
Nothing leaves this machine.`,
		Example: `  volley demo
  volley demo --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			ctx, cancel := context.WithTimeout(cmd.Context(), demoTimeout)
			defer cancel()
			r, err := newRig(ctx, a, "", "127.0.0.1:0", demoFaults, worker.Retry{Initial: 200 * time.Millisecond, Max: time.Second}, gateway.ReportPlan{})
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, r.close()) }()
			s, err := a.demo(ctx, r)
			if err != nil {
				return err
			}
			if a.json {
				err = writeJSON(a.stdout, s)
			} else {
				a.showDemo(s)
			}
			if !s.OK {
				err = errors.Join(err, errors.New("the gateways' record and Volley's differ, see above"))
			}
			return err
		},
	}
}

// demo runs the sample campaign through r, one job per account.
func (a *app) demo(ctx context.Context, r *rig) (s demoSummary, err error) {
	began := time.Now()
	jobs, err := demoJobs(ctx)
	if err != nil {
		return s, err
	}
	ctx, stop := context.WithCancel(ctx)
	worked := make(chan error, 1)
	go func() { worked <- r.run(ctx) }()
	defer func() {
		stop()
		err = errors.Join(err, <-worked)
	}()
	var ids []string
	var total int64
	for _, job := range jobs {
		receipt, err := r.client.Enqueue(ctx, job)
		if err != nil {
			return s, err
		}
		ids = append(ids, receipt.JobID)
		total += receipt.Total
		s.Duplicates += receipt.Duplicates
	}
	if s.Jobs, err = a.watch(ctx, r.client, ids, total); err != nil {
		return s, err
	}
	s.Seconds = time.Since(began).Round(time.Millisecond).Seconds()
	return s, s.sum(ctx, r)
}

// demoJobs deals the sample campaign out to the accounts, by country.
func demoJobs(ctx context.Context) ([]enqueue.Job, error) {
	t, err := sms.ParseTemplate(demoText)
	if err != nil {
		return nil, err
	}
	r, err := rows.Open(strings.NewReader(examples.Campaign), rows.Options{Fields: t.Fields()})
	if err != nil {
		return nil, err
	}
	recipients := map[string][]enqueue.Recipient{}
	for rec, err := range strictRows(ctx, r) {
		if err != nil {
			return nil, err
		}
		rec.Values = slices.Clone(rec.Values)
		country := rec.Ref[:2]
		recipients[country] = append(recipients[country], rec)
	}
	var jobs []enqueue.Job
	for _, v := range demoVia {
		jobs = append(jobs, enqueue.Job{
			Via: v.account, From: v.from, Text: demoText, Fields: r.Fields(), Recipients: recipients[v.country], Label: "demo-" + v.country,
		})
	}
	return jobs, nil
}

// watchEvery is how often the demo looks how far it is.
const watchEvery = 100 * time.Millisecond

// watch shows how far the jobs are until all are completed.
func (a *app) watch(ctx context.Context, c *enqueue.Client, ids []string, total int64) ([]enqueue.Status, error) {
	p := newProgress(a.stderr, "recipients", total)
	defer p.end()
	for {
		var jobs []enqueue.Status
		var done, completed int64
		for _, id := range ids {
			s, err := c.Status(ctx, id)
			if err != nil {
				return nil, err
			}
			jobs = append(jobs, s)
			done += s.Counts.Total - s.Counts.Queued - s.Counts.Sending
			if s.State == enqueue.Completed {
				completed++
			}
		}
		p.set(done, done)
		if completed == int64(len(ids)) {
			return jobs, nil
		}
		select {
		case <-time.After(watchEvery):
		case <-ctx.Done():
			return nil, fmt.Errorf("the demo did not end: %s of %s recipients are through: %w", count(done), count(total), ctx.Err())
		}
	}
}
