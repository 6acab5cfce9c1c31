// Package timing says, from the ledger's own data, when each recipient of a job may be sent to.
package timing

import (
	"errors"
	"slices"
	"time"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/window"
	"github.com/volleysms/volley/internal/zones"
)

// Turns is what holds for a job's recipients at one account. It is safe for concurrent use.
type Turns struct {
	Gate *window.Gate
	// Sliding is true when recipients of later batches may have their turn earlier.
	Sliding bool

	due, zone int // positions in Spec.Fields of a recipient's own time and zone, -1 for none
	needZone  bool
}

// Of returns the turns of a job's recipients, under an account's quiet hours, which may be nil. It is nil for a job whose
// recipients may all be sent to at any time from Spec.At on.
func Of(spec *ledger.Spec, guard *window.Guard) (*Turns, error) {
	times, err := timesOf(spec)
	if err != nil {
		return nil, err
	}
	t := newTurns(spec)
	if t.due < 0 && window.Idle(&times, guard) {
		return nil, nil
	}
	return t, t.open(times, guard)
}

// Always is Of, but never nil.
func Always(spec *ledger.Spec, guard *window.Guard) (*Turns, error) {
	times, err := timesOf(spec)
	if err != nil {
		return nil, err
	}
	t := newTurns(spec)
	return t, t.open(times, guard)
}

func newTurns(spec *ledger.Spec) *Turns {
	return &Turns{due: slices.Index(spec.Fields, ledger.FieldDue), zone: slices.Index(spec.Fields, ledger.FieldZone)}
}

func (t *Turns) open(times window.Times, guard *window.Guard) (err error) {
	if t.Gate, err = window.NewGate(times, guard); err != nil {
		return err
	}
	t.needZone = t.Gate.NeedsZones()
	t.Sliding = t.needZone || t.due >= 0
	return nil
}

// timesOf reads a job's rules.
func timesOf(spec *ledger.Spec) (t window.Times, err error) {
	t.Created = time.UnixMilli(spec.Created)
	if spec.At > 0 && !spec.AtGateway {
		t.Due = time.UnixMilli(spec.At)
	}
	r := spec.Time
	if r == nil {
		return t, nil
	}
	t.SendPast, t.MaxLate = r.SendPast, time.Duration(r.MaxLate)*time.Millisecond
	if r.NotAfter > 0 {
		t.NotAfter = time.UnixMilli(r.NotAfter)
	}
	var errs [3]error
	if r.Local != "" {
		t.Local, errs[0] = window.ParseWall(r.Local)
	}
	if r.Window != "" {
		var w window.Window
		w, errs[1] = window.Parse(r.Window)
		t.Window = &w
	}
	if r.Zone != "" {
		t.Zone, errs[2] = window.ZonesOf(r.Zone)
	}
	return t, errors.Join(errs[:]...)
}

// Person is a recipient as the gate sees one.
func (t *Turns) Person(to *ledger.Recipient) window.Person {
	p := window.Person{To: to.To}
	if t.due >= 0 {
		p.Due = ledger.ParseDue(to.Values[t.due])
	}
	if !t.needZone {
		return p
	}
	if t.zone >= 0 && to.Values[t.zone] != "" {
		if z, err := window.ZonesOf(to.Values[t.zone]); err == nil {
			p.Zones = z
		}
	}
	if p.Zones == nil {
		p.Zones = zones.Of(to.To)
	}
	return p
}
