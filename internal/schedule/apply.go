package schedule

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Action is what Apply does to a schedule.
type Action string

// The actions of Apply.
const (
	Added     Action = "add"
	Changed   Action = "change"
	Removed   Action = "remove"
	Unchanged Action = "unchanged"
)

// Change is what Apply does, or would do, to a schedule.
type Change struct {
	Name   string `json:"name"`
	Action Action `json:"action"`
	// Differences are what changes, by their names in a file of schedules.
	Differences []Difference `json:"differences,omitempty"`
}

// Difference is a part of a schedule that changes. Recipients are told by how many they are.
type Difference struct {
	Field string `json:"field"`
	From  string `json:"from"`
	To    string `json:"to"`
}

// ApplyOptions of Apply.
type ApplyOptions struct {
	// Prune removes the schedules that are not declared.
	Prune bool
	// DryRun changes nothing.
	DryRun bool
}

// Apply makes the schedules be what is declared, and returns what that changes, by the schedules' names. Applying the
// same again changes nothing. What is not acceptable in one of them is an *InvalidError, or several joined, and nothing
// is changed. A paused schedule stays paused.
func (s *Store) Apply(ctx context.Context, declared []Schedule, o ApplyOptions) ([]Change, error) {
	want := map[string]Schedule{}
	var errs []error
	for _, d := range declared {
		errs = append(errs, within(d.Name, d.Validate()))
		if _, twice := want[d.Name]; twice {
			errs = append(errs, &InvalidError{"schedules." + d.Name, "is declared twice"})
		}
		want[d.Name] = d.filled()
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	have, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	changes := []Change{}
	for _, in := range have {
		d, ok := want[in.Name]
		switch delete(want, in.Name); {
		case ok:
			diff, err := differences(in.Schedule, d)
			if err != nil {
				return nil, err
			}
			c := Change{Name: in.Name, Action: Unchanged, Differences: diff}
			if len(diff) > 0 {
				c.Action = Changed
				err = s.unless(o.DryRun, func() error { return s.replace(ctx, d) })
			}
			if err != nil {
				return changes, err
			}
			changes = append(changes, c)
		case o.Prune:
			if err := s.unless(o.DryRun, func() error { return s.Remove(ctx, in.Name) }); err != nil && !errors.Is(err, ErrNotFound) {
				return changes, err
			}
			changes = append(changes, Change{Name: in.Name, Action: Removed})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		err := s.unless(o.DryRun, func() error {
			_, err := s.Add(ctx, want[name])
			return err
		})
		if err != nil {
			return changes, err
		}
		changes = append(changes, Change{Name: name, Action: Added})
	}
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Name, b.Name) })
	return changes, nil
}

func (s *Store) unless(dry bool, do func() error) error {
	if dry {
		return nil
	}
	return do()
}

// within says in which schedule of a file something is wrong.
func within(name string, err error) error {
	if err == nil {
		return nil
	}
	var out []error
	for _, e := range apart(err) {
		var in *InvalidError
		if errors.As(e, &in) {
			e = &InvalidError{"schedules." + name + "." + in.Field, in.Reason}
		}
		out = append(out, e)
	}
	return errors.Join(out...)
}

// apart takes joined errors apart.
func apart(err error) []error {
	if j, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // Validate joins, and wraps nothing
		return j.Unwrap()
	}
	return []error{err}
}

// differences lists what is not the same in two schedules whose defaults are written out.
func differences(a, b Schedule) ([]Difference, error) {
	x, err := leaves(a)
	if err != nil {
		return nil, err
	}
	y, err := leaves(b)
	if err != nil {
		return nil, err
	}
	all := maps.Clone(x)
	maps.Copy(all, y)
	var out []Difference
	for _, field := range slices.Sorted(maps.Keys(all)) {
		from, to := x[field], y[field]
		if bytes.Equal(from, to) {
			continue
		}
		d := Difference{field, text(from), text(to)}
		if field == "recipients.to" {
			d.From, d.To = people(len(a.Recipients.To)), people(len(b.Recipients.To))
		}
		out = append(out, d)
	}
	return out, nil
}

// leaves are the values of a schedule by their names.
func leaves(s Schedule) (map[string]json.RawMessage, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}
	out := map[string]json.RawMessage{}
	return out, spread("", b, out)
}

func spread(path string, b json.RawMessage, out map[string]json.RawMessage) error {
	if len(b) == 0 || b[0] != '{' {
		out[path] = b
		return nil
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(b, &m); err != nil {
		return fmt.Errorf("schedule: %w", err)
	}
	for k, v := range m {
		if err := spread(strings.TrimPrefix(path+"."+k, "."), v, out); err != nil {
			return err
		}
	}
	return nil
}

// text is a value for people; one that is not there is empty.
func text(b json.RawMessage) string {
	var s string
	if json.Unmarshal(b, &s) == nil {
		return s
	}
	return string(b)
}

func people(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("a list of %d", n)
}
