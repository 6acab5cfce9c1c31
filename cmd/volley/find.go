package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/archive"
	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/internal/inbound"
	"github.com/volleysms/volley/sms"
)

// Where something about a number was found.
const (
	inRedis    = "redis"
	inPostgres = "postgres"
)

// known is all that is known about a number.
type known struct {
	MSISDN   string            `json:"msisdn"`
	Outcomes []knownOutcome    `json:"outcomes"`
	Inbound  []inbound.Message `json:"inbound"`
	// Schedules are the recurring sends whose own lists name it.
	Schedules []string `json:"schedules"`
	// Suppressed are the lists of opt-outs that it is on.
	Suppressed []enqueue.Suppression `json:"suppressed"`
}

type knownOutcome struct {
	// In is redis or postgres. What is in both is told once, as Redis has it.
	In string `json:"in"`
	enqueue.Found
}

func newFind(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "find MSISDN",
		Short: "Tell everything that is known about one number",
		Long: `Tell what became of one number in every job that Redis still has, and in those that PostgreSQL has where the
configuration names one (outcomes.postgres); the messages that came from it; the lists of opt-outs that it is
on; and the schedules that list it.`,
		Example: `  volley find "+45 00 12 34 56"
  volley find 4500123456 --json | jq '.outcomes[] | select(.status == "delivered")'`,
		Args: oneArg("an MSISDN: a number with its country code"),
		RunE: func(cmd *cobra.Command, args []string) error {
			to, err := sms.ParseMSISDN(args[0])
			if err != nil {
				return invalid("the number: %w", err)
			}
			return a.withAll(cmd.Context(), func(s *stores) error {
				k, err := s.find(cmd.Context(), to)
				if err != nil {
					return err
				}
				if a.json {
					return writeJSON(a.stdout, k)
				}
				a.showKnown(k)
				return nil
			})
		},
	}
}

// stores are where something about a number may be.
type stores struct {
	rdb    redis.UniversalClient
	client *enqueue.Client
	record *record
}

// withAll runs fn with the stores of the configuration.
func (a *app) withAll(ctx context.Context, fn func(*stores) error) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	return withStores(ctx, cfg, fn)
}

func withStores(ctx context.Context, cfg *config.Config, fn func(*stores) error) error {
	o, err := redisOptions(cfg.Redis.URL.Reveal())
	if err != nil {
		return err
	}
	if err := checkRedis(ctx, o); err != nil {
		return err
	}
	s := &stores{}
	if s.record, err = openRecord(cfg); err != nil {
		return err
	}
	defer s.record.close()
	s.rdb = redis.NewUniversalClient(o)
	defer s.rdb.Close()
	if s.client, err = enqueue.NewFromRedis(s.rdb, producer(cfg)); err != nil {
		return err
	}
	return fn(s)
}

func (s *stores) find(ctx context.Context, to sms.MSISDN) (known, error) {
	k := known{MSISDN: to.String(), Outcomes: []knownOutcome{}, Inbound: []inbound.Message{}}
	var jobs []string
	for f, err := range s.client.Find(ctx, to) {
		if err != nil {
			return k, err
		}
		k.Outcomes, jobs = append(k.Outcomes, knownOutcome{inRedis, f}), append(jobs, f.JobID)
	}
	if s.record.store != nil {
		err := s.record.store.Find(ctx, to, func(r *archive.Row) error {
			if !slices.Contains(jobs, r.Job) {
				k.Outcomes = append(k.Outcomes, knownOutcome{inPostgres, foundRow(r)})
			}
			return nil
		})
		if err != nil {
			return k, err
		}
	}
	slices.SortStableFunc(k.Outcomes, func(a, b knownOutcome) int { return b.CreatedAt.Compare(a.CreatedAt) })
	err := inbound.NewStream(s.rdb).Of(ctx, to, func(m inbound.Message) error {
		k.Inbound = append(k.Inbound, m)
		return nil
	})
	if err != nil {
		return k, err
	}
	if k.Suppressed, err = s.client.SuppressionsOf(ctx, to); err != nil {
		return k, err
	}
	k.Schedules, err = s.schedules(ctx, to)
	return k, err
}

// schedules returns those whose own lists have a number.
func (s *stores) schedules(ctx context.Context, to sms.MSISDN) ([]string, error) {
	all, err := s.client.Schedules().List(ctx)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for i := range all {
		if slices.ContainsFunc(all[i].Recipients.To, func(r enqueue.ScheduleRecipient) bool {
			n, err := sms.ParseMSISDN(r.To)
			return err == nil && n == to
		}) {
			names = append(names, all[i].Name)
		}
	}
	return names, nil
}

// foundRow is what the long-term record knows, in the words of enqueue.
func foundRow(r *archive.Row) enqueue.Found {
	o := &r.Outcome
	f := enqueue.Found{JobID: r.Job, Via: r.Via, Label: r.Label, CreatedAt: r.JobCreated.UTC(), Outcome: enqueue.Outcome{
		To: o.To, Status: r.Status, Account: o.Account, ProviderMessageID: o.ID, Code: o.Code, Detail: o.Detail, Attempts: o.Attempts,
		UpdatedAt: time.UnixMilli(o.At).UTC(), Ref: o.Ref, Row: o.Row,
	}}
	for _, h := range o.History {
		f.History = append(f.History, enqueue.Step{
			Account: h.Account, Code: h.Code, Detail: h.Detail, Attempts: h.Attempts, LeftAt: time.UnixMilli(h.At).UTC(),
		})
	}
	return f
}

func (a *app) showKnown(k known) {
	if len(k.Outcomes)+len(k.Inbound)+len(k.Schedules)+len(k.Suppressed) == 0 {
		fmt.Fprintln(a.stdout, "Nothing is known about this number.")
		return
	}
	if len(k.Outcomes) > 0 {
		t := a.newTable("Job", "Created", "Label", "Outcome", "Account", "Reason", "Updated", "Row", "Ref", "In")
		rightAligned(t, 8)
		for _, o := range k.Outcomes {
			t.AppendRow(table.Row{
				o.JobID, clock(&o.CreatedAt), o.Label, a.paint(stateColour(o.Status), o.Status), o.Account, whyOf(&o.Outcome),
				clock(&o.UpdatedAt), o.Row, o.Ref, o.In,
			})
		}
		t.Render()
	}
	if len(k.Inbound) > 0 {
		t := a.newTable("Received", "Account", "To", "Text")
		for _, m := range k.Inbound {
			t.AppendRow(table.Row{clock(&m.ReceivedAt), m.Account, m.To, m.Text})
		}
		t.Render()
	}
	a.showSuppressions(k.Suppressed, "It is on %s since %s%s: nobody sends to it%s.\n")
	for _, name := range k.Schedules {
		fmt.Fprintf(a.stdout, "The schedule %s lists it.\n", name)
	}
}

// showSuppressions tells by format on which list somebody is, since when and why, and where that counts.
func (a *app) showSuppressions(all []enqueue.Suppression, format string) {
	for _, s := range all {
		where, why := "", ""
		if s.Account != "" {
			where = " through that account"
		}
		if s.Source != "" {
			why = " (" + s.Source
			if s.Reason != "" {
				why += ": " + s.Reason
			}
			why += ")"
		}
		fmt.Fprintf(a.stdout, format, listName(s.Account), clock(&s.At), why, where)
	}
}

// whyOf is why a recipient has its outcome, as far as is known.
func whyOf(o *enqueue.Outcome) string {
	if o.Code == "" || o.Detail == "" {
		return o.Code + o.Detail
	}
	return o.Code + ": " + o.Detail
}
