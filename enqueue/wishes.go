package enqueue

import (
	"time"

	"github.com/volleysms/volley/internal/ledger"
)

// Priority is how urgent a job is. The zero Priority is Normal.
type Priority string

// The priorities. Urgent jobs overtake all others at each call; normal ones get four turns for one of the bulk jobs, and
// jobs of the same priority share an account evenly.
const (
	Urgent Priority = "urgent"
	Normal Priority = "normal"
	Bulk   Priority = "bulk"
)

// OnUnknown says what becomes of a recipient whom the gateway may or may not have taken. The zero value is Hold.
type OnUnknown string

// What may be done about the unknown.
const (
	// Hold: it is unknown until a report or an operator settles it. Nobody gets a message twice.
	Hold OnUnknown = "hold"
	// Resend: it is sent again, as if it had not been taken: at least once, and now and then twice.
	Resend OnUnknown = "resend"
)

// maxValidity is the longest time for which a network can be told to try.
const maxValidity = 7 * 24 * time.Hour

// checkWishes validates what a job asks beside its message and times, and writes it into spec.
func (j *Job) checkWishes(spec *ledger.Spec) (errs []error) {
	switch j.Priority {
	case "", Normal:
	case Urgent:
		spec.Priority = 1
	case Bulk:
		spec.Priority = -1
	default:
		errs = append(errs, invalid("priority", "must be urgent, normal or bulk"))
	}
	switch j.OnUnknown {
	case "", Hold:
	case Resend:
		spec.ResendUnknown = true
	default:
		errs = append(errs, invalid("on_unknown", "must be hold or resend"))
	}
	if j.Validity < 0 || j.Validity > maxValidity {
		errs = append(errs, invalid("validity", "must be at most %d days", maxValidity/(24*time.Hour)))
	}
	if j.AtGateway && j.At.IsZero() && j.Delay == 0 {
		errs = append(errs, invalid("schedule", "is left to the gateway, and there is no time: give one"))
	}
	spec.Flash, spec.ValidFor, spec.AtGateway = j.Flash, j.Validity.Milliseconds(), j.AtGateway
	return errs
}
