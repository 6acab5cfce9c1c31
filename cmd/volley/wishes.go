package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/volleysms/volley/enqueue"
)

// wishFlags are how a job wants to be treated, by Volley and by the gateway.
type wishFlags struct {
	priority, onUnknown, schedule string
	flash                         bool
	validity                      time.Duration
}

// register adds the flags; priority is the one unless told.
func (w *wishFlags) register(cmd *cobra.Command, priority enqueue.Priority) {
	f := cmd.Flags()
	f.StringVar(&w.priority, "priority", string(priority), "who goes first at an account: `urgent`, normal or bulk")
	f.StringVar(&w.onUnknown, "on-unknown", string(enqueue.Hold), "what to do when the gateway may have taken it: `hold`, or resend (at least once)")
	f.BoolVar(&w.flash, "flash", false, "show it at once and store it nowhere (class 0), where the gateway can do that")
	f.DurationVar(&w.validity, "validity", 0, "how long the network may try, such as 6h, where the gateway can be told")
	f.StringVar(&w.schedule, "schedule", "here", "who keeps the schedule: Volley `here`, or at_gateway, which can't be cancelled everywhere")
}

// apply puts them into a job.
func (w *wishFlags) apply(job *enqueue.Job) error {
	switch w.schedule {
	case "here", "at_gateway":
	default:
		return invalid("--schedule must be here or at_gateway")
	}
	job.Priority, job.OnUnknown = enqueue.Priority(w.priority), enqueue.OnUnknown(w.onUnknown)
	job.Flash, job.Validity, job.AtGateway = w.flash, w.validity, w.schedule == "at_gateway"
	return nil
}
