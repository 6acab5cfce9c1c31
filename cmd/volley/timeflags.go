package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/volleysms/volley/enqueue"
)

// timeFlags are the flags about time that send and import share, beside --at, --delay and --tz.
type timeFlags struct {
	atLocal, zone, window, notAfter, past string
}

func (t *timeFlags) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&t.atLocal, "at-local", "", "when to send by the clocks at each recipient's place: \"2027-12-24 09:00\"")
	f.StringVar(&t.window, "window", "", "`hours` in which to send: \"mon-sat 09:00-20:00\", and a zone if not each recipient's own")
	f.StringVar(&t.zone, "zone", "", "time `zone` of recipients whose number does not tell it (default UTC)")
	f.StringVar(&t.notAfter, "not-after", "", "when it is too late: a time as --at takes it, or 2h for so long after it was due")
	f.StringVar(&t.past, "past", "refuse", "what becomes of times that have passed: `refuse or send` at once")
	cmd.MarkFlagsMutuallyExclusive("at", "delay", "at-local")
}

// apply writes into the job what the flags say. zone is that of times of day without one.
func (t *timeFlags) apply(job *enqueue.Job, zone *time.Location) error {
	job.AtLocal, job.Zone = t.atLocal, t.zone
	switch t.past {
	case "refuse", "send":
		job.Past = enqueue.Past(t.past)
	default:
		return invalid("--past is refuse or send, and not %q", t.past)
	}
	var err error
	if t.window != "" {
		if job.Window, err = enqueue.ParseWindow(t.window); err != nil {
			return invalid("--window: %w", err)
		}
	}
	if t.notAfter == "" {
		return nil
	}
	if d, err := time.ParseDuration(t.notAfter); err == nil {
		if d <= 0 {
			return invalid("--not-after: %s is no time at all", t.notAfter)
		}
		job.MaxLate = d
		return nil
	}
	if job.NotAfter, err = enqueue.ParseWhen(t.notAfter, zone, time.Now()); err != nil {
		return invalid("--not-after: %w", err)
	}
	return nil
}
