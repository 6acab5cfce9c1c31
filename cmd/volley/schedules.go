package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/schedule"
	"github.com/volleysms/volley/scheduler"
)

func newSchedules(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "schedules",
		Short: "Manage recurring sends, which volley scheduler fires",
		Long: `Manage recurring sends: when (a cron expression in a time zone, or an interval), what, and to whom (a stored list, a
file, or what an HTTPS endpoint answers at that moment). They are kept in Redis; volley scheduler fires them, each tick
once however many schedulers run.

Without a command below it, it lists them.`,
		Example: `  volley schedules add standup --cron "55 8 * * mon-fri" --zone Europe/Copenhagen --via dk --from Acme --text "Standup in 5" --to 12125550100
  volley schedules apply -f schedules.yaml --prune --dry-run
  volley schedules list`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.listSchedules(cmd.Context()) },
	}
	list := &cobra.Command{
		Use:   "list",
		Short: "List the schedules with their next fires",
		Example: `  volley schedules list
  volley schedules list --json | jq '.[].next[0]'`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.listSchedules(cmd.Context()) },
	}
	cmd.AddCommand(newSchedulesAdd(a), list, newSchedulesShow(a), newSchedulesPause(a),
		a.steerSchedule("resume", "Let a paused schedule go on with its next tick",
			"Let a paused schedule go on with its next tick. Those of the meantime are not caught up with.",
			func(ctx context.Context, s *enqueue.Schedules, name string) error { return s.Resume(ctx, name) }),
		newSchedulesRunNow(a), newSchedulesRemove(a), newSchedulesApply(a))
	return cmd
}

// withSchedules runs fn with the schedules in the configured Redis.
func (a *app) withSchedules(ctx context.Context, fn func(*enqueue.Schedules) error) error {
	return a.withClient(ctx, func(c *enqueue.Client) error { return fn(c.Schedules()) })
}

// scheduleError says what to do about an error of a store.
func scheduleError(name string, err error) error {
	var in *enqueue.InvalidScheduleError
	switch {
	case errors.Is(err, enqueue.ErrNoSchedule):
		return fmt.Errorf("there is no schedule %q: volley schedules list shows what there is", name)
	case errors.Is(err, enqueue.ErrScheduleExists):
		return fmt.Errorf("there is a schedule %q already: change it by volley schedules apply, or remove it first", name)
	case errors.Is(err, enqueue.ErrScheduleAsked):
		return fmt.Errorf("%w: is a volley scheduler running?", err)
	case errors.As(err, &in):
		return &inputError{err}
	}
	return err
}

func (a *app) listSchedules(ctx context.Context) error {
	return a.withSchedules(ctx, func(s *enqueue.Schedules) error {
		all, err := s.List(ctx)
		if err != nil {
			return err
		}
		if a.json {
			return writeJSON(a.stdout, all)
		}
		if len(all) == 0 {
			fmt.Fprintln(a.stdout, "There is no schedule yet: volley schedules add or apply makes one.")
			return nil
		}
		t := a.newTable("Schedule", "When", "Zone", "To", "State", "Next", "Fired")
		rightAligned(t, 7)
		for _, in := range all {
			next := "-"
			if len(in.Next) > 0 {
				next = in.Next[0].Format(zoned)
			}
			t.AppendRow(table.Row{in.Name, when(in), in.Zone, whom(in), a.paint(conditionColour(in.Condition), string(in.Condition)), next, count(in.Totals.Fired)})
		}
		t.Render()
		return nil
	})
}

func newSchedulesShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a schedule, its next fires, and what became of the latest",
		Example: "  volley schedules show standup",
		Args:    oneArg("the schedule's name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return a.withSchedules(ctx, func(s *enqueue.Schedules) error { return a.answerSchedule(ctx, s, args[0]) })
		},
	}
}

// historyShown is how many of the latest ticks are shown.
const historyShown = 10

// answerSchedule answers with how a schedule is now.
func (a *app) answerSchedule(ctx context.Context, s *enqueue.Schedules, name string) error {
	in, err := s.Get(ctx, name)
	if err != nil {
		return scheduleError(name, err)
	}
	latest, err := s.History(ctx, name, historyShown)
	if err != nil {
		return scheduleError(name, err)
	}
	if a.json {
		return writeJSON(a.stdout, struct {
			enqueue.ScheduleInfo
			Latest []enqueue.Firing `json:"latest"`
		}{in, latest})
	}
	a.showSchedule(in, latest)
	return nil
}

func newSchedulesPause(a *app) *cobra.Command {
	var note string
	cmd := a.steerSchedule("pause", "Let no tick of a schedule begin until it is resumed",
		"Let no tick of a schedule begin until it is resumed. One that is being fired already goes out.",
		func(ctx context.Context, s *enqueue.Schedules, name string) error { return s.Pause(ctx, name, note) })
	cmd.Flags().StringVar(&note, "note", "", "why, as a `text` that is kept with the schedule")
	cmd.Example = `  volley schedules pause standup --note "holidays until the 7th"`
	return cmd
}

// steerSchedule returns a command that does something to a schedule and answers with how it is then.
func (a *app) steerSchedule(name, short, long string, do func(context.Context, *enqueue.Schedules, string) error) *cobra.Command {
	return &cobra.Command{
		Use:     name + " NAME",
		Short:   short,
		Long:    long,
		Example: "  volley schedules " + name + " standup",
		Args:    oneArg("the schedule's name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return a.withSchedules(ctx, func(s *enqueue.Schedules) error {
				if err := do(ctx, s, args[0]); err != nil {
					return scheduleError(args[0], err)
				}
				return a.answerSchedule(ctx, s, args[0])
			})
		},
	}
}

func newSchedulesRemove(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "remove NAME",
		Short:   "Remove a schedule; its jobs stay",
		Example: "  volley schedules remove standup",
		Args:    oneArg("the schedule's name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return a.withSchedules(ctx, func(s *enqueue.Schedules) error {
				if err := s.Remove(ctx, args[0]); err != nil {
					return scheduleError(args[0], err)
				}
				if a.json {
					return writeJSON(a.stdout, enqueue.ScheduleChange{Name: args[0], Action: schedule.Removed})
				}
				fmt.Fprintf(a.stdout, "The schedule %s is removed.\n", args[0])
				return nil
			})
		},
	}
}

// askEvery is how often it is looked whether a request was fired.
const askEvery = 100 * time.Millisecond

func newSchedulesRunNow(a *app) *cobra.Command {
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "run-now NAME",
		Short: "Fire a schedule once, now",
		Long: `Ask for a schedule to be fired once, now, whatever the time and whether it is paused or not, and wait for a scheduler to
do so. The next tick stays when it was.`,
		Example: "  volley schedules run-now standup\n  volley schedules run-now standup --wait 0",
		Args:    oneArg("the schedule's name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return a.withSchedules(ctx, func(s *enqueue.Schedules) error {
				request, err := s.RunNow(ctx, args[0])
				if err != nil {
					return scheduleError(args[0], err)
				}
				f, err := askedFor(ctx, s, args[0], request, wait)
				if err != nil {
					return scheduleError(args[0], err)
				}
				return a.answerRunNow(args[0], request, f, wait)
			})
		},
	}
	cmd.Flags().DurationVar(&wait, "wait", 30*time.Second, "how long to wait for it to be fired; 0 is not at all")
	return cmd
}

// askedFor waits until a request was fired; nil when it was not in time.
func askedFor(ctx context.Context, s *enqueue.Schedules, name, request string, wait time.Duration) (*enqueue.Firing, error) {
	for end := time.Now().Add(wait); ; {
		f, err := s.Asked(ctx, name, request)
		if err != nil || f != nil || !time.Now().Before(end) {
			return f, err
		}
		select {
		case <-time.After(askEvery):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (a *app) answerRunNow(name, request string, f *enqueue.Firing, wait time.Duration) error {
	if f == nil {
		if a.json {
			if err := writeJSON(a.stdout, enqueue.Firing{Schedule: name, Request: request, Outcome: "asked"}); err != nil {
				return err
			}
		}
		if wait > 0 {
			return fmt.Errorf("%s was asked to run, and has not done so within %s: is a volley scheduler running? volley schedules show %s tells more", name, wait, name)
		}
		if !a.json {
			fmt.Fprintf(a.stdout, "%s was asked to run; volley schedules show %s tells what became of it.\n", name, name)
		}
		return nil
	}
	if a.json {
		if err := writeJSON(a.stdout, f); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(a.stdout, "%s %s%s\n", name, f.Outcome, sent(*f))
	}
	if f.Outcome != schedule.Fired {
		return errSaid
	}
	return nil
}

func newSchedulesApply(a *app) *cobra.Command {
	var file string
	var o enqueue.ApplyOptions
	cmd := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Make the schedules be what a YAML file declares",
		Long: `Make the schedules be what a YAML file declares: "schedules:" with the names, and below each what it is. Applying the
same file again changes nothing. When one of them is not acceptable, none is changed. A paused schedule stays paused.

A schedule whose times change goes on from now; ticks of the past are not caught up with.`,
		Example: `  volley schedules apply -f schedules.yaml
  volley schedules apply -f schedules.yaml --prune --dry-run
  cat schedules.yaml | volley schedules apply -f -`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			in, _, err := a.open(ctx, file)
			if err != nil {
				return err
			}
			data, err := io.ReadAll(io.LimitReader(in, maxScheduleFile))
			if err = errors.Join(err, in.Close()); err != nil {
				return fileError(file, err)
			}
			list, err := scheduler.ParseYAML(data)
			if err != nil {
				return invalid("%s: %w; nothing was changed", file, err)
			}
			return a.withSchedules(ctx, func(s *enqueue.Schedules) error {
				changes, err := s.Apply(ctx, list, o)
				if err != nil {
					return scheduleError("", err)
				}
				if a.json {
					return writeJSON(a.stdout, changes)
				}
				a.showChanges(changes, o.DryRun)
				return nil
			})
		},
	}
	f := cmd.Flags()
	f.StringVarP(&file, "file", "f", "", "YAML `file`; - is standard input")
	f.BoolVar(&o.Prune, "prune", false, "remove the schedules that the file does not have")
	f.BoolVar(&o.DryRun, "dry-run", false, "change nothing, and show the difference")
	_ = cmd.MarkFlagRequired("file") // an error only for a flag that is not there
	return cmd
}

// maxScheduleFile is more than a file of schedules may have, in bytes.
const maxScheduleFile = 16 << 20

func newSchedulesAdd(a *app) *cobra.Command {
	var s enqueue.Schedule
	var to []string
	var start, end string
	var every, jitter, within, retry, timeout, maxLate time.Duration
	var file enqueue.ScheduleFile
	var endpoint enqueue.ScheduleEndpoint
	cmd := &cobra.Command{
		Use:   "add NAME (--cron EXPR | --every DUR) --via ACCOUNT_OR_ROUTE --text TEXT (--to NUMBER | --file PATH | --url URL)",
		Short: "Add a recurring send",
		Long: `Add a recurring send. Its first tick is the next from now on.

A cron expression has five fields: minute, hour, day of month, month, day of week. It is about the clock of --zone: a time
that does not exist there, because clocks are put forward, fires at the first moment after; one that exists twice fires
the first time only.

Recipients with values of their own are declared in a file; see volley schedules apply and docs/reminders.md.`,
		Example: `  volley schedules add standup --cron "55 8 * * mon-fri" --zone Europe/Copenhagen --via dk --from Acme --text "Standup in 5" --to 12125550100
  volley schedules add watch --every 6h --via dk --from Acme --text "Still here" --to 12125550100 --end 2031-01-01T00:00:00Z
  volley schedules add visits --cron "0 17 * * *" --via dk --from Clinic --text "Tomorrow at {{at}}" --url https://crm.example.com/due --secret crm`,
		Args: oneArg("a name for the schedule"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s.Name = args[0]
			s.Every, s.Jitter, s.CatchUpWithin = enqueue.ScheduleDuration(every), enqueue.ScheduleDuration(jitter), enqueue.ScheduleDuration(within)
			s.RetryFor, s.Send.MaxLate, endpoint.Timeout = enqueue.ScheduleDuration(retry), enqueue.ScheduleDuration(maxLate), enqueue.ScheduleDuration(timeout)
			for _, list := range to {
				for n := range strings.SplitSeq(list, ",") {
					s.Recipients.To = append(s.Recipients.To, enqueue.ScheduleRecipient{To: strings.TrimSpace(n)})
				}
			}
			if file != (enqueue.ScheduleFile{}) {
				s.Recipients.File = &file
			}
			if endpoint != (enqueue.ScheduleEndpoint{}) {
				s.Recipients.Endpoint = &endpoint
			}
			var err error
			if s.Start, err = scheduler.ParseTime(start, s.Zone); err != nil {
				return invalid("--start: %w", err)
			}
			if s.End, err = scheduler.ParseTime(end, s.Zone); err != nil {
				return invalid("--end: %w", err)
			}
			ctx := cmd.Context()
			return a.withSchedules(ctx, func(st *enqueue.Schedules) error {
				if _, err := st.Add(ctx, s); err != nil {
					return scheduleError(s.Name, err)
				}
				return a.answerSchedule(ctx, st, s.Name)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&s.Cron, "cron", "", "cron `expression`, such as \"0 9 * * mon-fri\" or @daily")
	f.DurationVar(&every, "every", 0, "interval instead, such as 90m, counted from --start or from now")
	f.StringVar(&s.Zone, "zone", "", "time `zone` of the clock, such as Europe/Copenhagen (default UTC)")
	f.StringVar(&start, "start", "", "no tick before this `time`: RFC 3339, or \"2028-01-31 09:00:00\" in the zone")
	f.StringVar(&end, "end", "", "no tick after this `time`")
	f.DurationVar(&jitter, "jitter", 0, "put each tick off by up to so much, by chance")
	f.StringVar((*string)(&s.Overlap), "overlap", "", "while the job before has not completed: `allow`, skip or queue (default allow)")
	f.StringVar((*string)(&s.CatchUp), "catch-up", "", "ticks of a downtime: none, `last` or all (default last)")
	f.DurationVar(&within, "catch-up-within", 0, "how old such a tick may be (default 1h)")
	f.DurationVar(&retry, "retry-for", 0, "how long a tick is tried again whose recipients can't be had (default 1h)")
	f.StringVar(&s.Send.Via, "via", "", "`account or route` to send through")
	f.StringVar(&s.Send.From, "from", "", "sender ID: up to 11 letters and digits, or 15 digits; left out, the account's own")
	f.StringVar(&s.Send.Text, "text", "", "the text; {{name}} stands for the recipient's value of that name, {{name|there}} for \"there\" where it is empty")
	f.StringVar((*string)(&s.Send.Missing), "missing", "", "who lacks a value that the text has no default for: `refuse`, leave it empty, or default: insist on defaults in the text (default refuse)")
	f.StringVar(&s.Send.Label, "label", "", "a `word` to tell the jobs by")
	f.StringVar(&s.Send.KeyPrefix, "key-prefix", "", "a `text` before the jobs' idempotency keys")
	f.StringVar(&s.Send.Window, "window", "", "when sending is allowed, such as \"mon-sat 09:00-20:00\", at each recipient's place unless a zone follows")
	f.StringVar(&s.Send.AtLocal, "at-local", "", "`time` of day, such as 09:00: send when it is that at each recipient's place, on the day of the tick")
	f.StringVar(&s.Send.AtField, "at-field", "", "`value` that has each recipient's own time")
	f.StringVar(&s.Send.ZoneField, "tz-field", "", "`value` that has each recipient's time zone")
	f.StringVar(&s.Send.Zone, "recipient-zone", "", "`zone` of recipients whose number does not tell it (default UTC)")
	f.DurationVar(&maxLate, "max-late", 0, "how long after they were due recipients are not sent to any more")
	f.StringVar((*string)(&s.Send.Past), "past", "", "recipients' times that have passed: `refuse` or send (default refuse)")
	f.StringArrayVar(&to, "to", nil, "recipient's `number` with its country code; several with commas, or --to again")
	f.StringVar(&file.Path, "file", "", "CSV `file` that the scheduler reads at each tick, below its scheduler.files")
	f.StringVar(&file.ToColumn, "to-column", "", "`column` of the file with the numbers")
	f.StringVar(&file.RefColumn, "ref-column", "", "`column` of the file that is given back with the outcomes")
	f.StringVar(&file.Delimiter, "delimiter", "", "`character` between the file's columns (default a comma)")
	f.StringVar(&endpoint.URL, "url", "", "`address` that the scheduler asks at each tick for the recipients")
	f.StringVar(&endpoint.Secret, "secret", "", "`name` of the secret in scheduler.secrets that signs the request")
	f.DurationVar(&timeout, "timeout", 0, "how long the answer may take (default 30s)")
	for _, name := range []string{"via", "text"} {
		_ = cmd.MarkFlagRequired(name) // an error only for a flag that is not there
	}
	cmd.MarkFlagsMutuallyExclusive("cron", "every")
	cmd.MarkFlagsOneRequired("cron", "every")
	cmd.MarkFlagsMutuallyExclusive("to", "file", "url")
	cmd.MarkFlagsOneRequired("to", "file", "url")
	_ = cmd.RegisterFlagCompletionFunc("via", a.completeVia)
	return cmd
}
