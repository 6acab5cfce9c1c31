package window

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // zones are known wherever the program runs
)

// Recipient is the zone of a window that each recipient has of their own.
const Recipient = "recipient"

// Window is a time of the week. In YAML and JSON it is the text that Parse reads, or its parts:
//
//	{days: mon-sat, from: "09:00", to: "20:00", zone: recipient}
type Window struct {
	// Days are those on which it begins; zero is every day.
	Days Days `yaml:"days" json:"days"`
	// From and To are times of day; a To that is not after From is on the next day. From is inside, To is not.
	From Clock `yaml:"from" json:"from"`
	To   Clock `yaml:"to" json:"to"`
	// Zone is Recipient, or the name of a zone in the IANA database; empty is Recipient.
	Zone string `yaml:"zone" json:"zone"`
}

// Parse reads a window: days, if not every day, the times of day, and the zone, if not each recipient's own.
//
//	mon-sat 09:00-20:00
//	09:00-20:00 Europe/Copenhagen
//	fri,sat 22:00-04:00 recipient
func Parse(s string) (Window, error) {
	var w Window
	f := strings.Fields(s)
	if len(f) == 0 {
		return w, errors.New("a window is written mon-sat 09:00-20:00, with a zone after it if not each recipient's own")
	}
	if f[0][0] < '0' || f[0][0] > '9' {
		var err error
		if w.Days, err = ParseDays(f[0]); err != nil {
			return w, fmt.Errorf("%q: %w", s, err)
		}
		f = f[1:]
	}
	if len(f) == 0 || len(f) > 2 {
		return w, fmt.Errorf("%q is no window: write mon-sat 09:00-20:00, with a zone after it if not each recipient's own", s)
	}
	from, to, _ := strings.Cut(f[0], "-")
	var err error
	if w.From, err = ParseClock(from); err == nil {
		w.To, err = ParseClock(to)
	}
	if err != nil {
		return w, fmt.Errorf("%q: %w", s, err)
	}
	if len(f) == 2 {
		w.Zone = f[1]
	}
	return w.valid()
}

// valid returns the window as it is kept, or what is wrong with it.
func (w Window) valid() (Window, error) {
	switch {
	case w.From < 0 || w.From >= endOfDay || w.To < 0 || w.To > endOfDay:
		return w, fmt.Errorf("the times %s to %s are outside a day", w.From, w.To)
	case w.From == w.To:
		return w, fmt.Errorf("from %s to %s is no time at all; a whole day is 00:00-24:00", w.From, w.To)
	case w.Zone == "" || w.Zone == Recipient:
		w.Zone = Recipient
		return w, nil
	}
	_, err := Load(w.Zone)
	return w, err
}

// Validate returns what is wrong with the window; nil when it can be used.
func (w Window) Validate() error {
	_, err := w.valid()
	return err
}

// String returns the window as Parse reads it.
func (w Window) String() string {
	s := w.From.String() + "-" + w.To.String()
	if w.Days != 0 && w.Days != everyDay {
		s = w.Days.String() + " " + s
	}
	if w.Zone != "" {
		s += " " + w.Zone
	}
	return s
}

// UnmarshalText is Parse.
func (w *Window) UnmarshalText(b []byte) (err error) {
	*w, err = Parse(string(b))
	return err
}

// MarshalText is String.
func (w Window) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalJSON reads the text of a window, or an object of its parts.
func (w *Window) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		return w.UnmarshalText([]byte(s))
	}
	type parts Window
	var p parts
	err := json.Unmarshal(b, &p)
	if err == nil {
		*w, err = Window(p).valid()
	}
	return err
}

// Load returns a zone of the IANA database by its name, such as Europe/Copenhagen.
func Load(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("%q is no time zone: name one such as Europe/Copenhagen", name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q is no time zone: name one such as Europe/Copenhagen", name)
	}
	return loc, nil
}

// inside reports whether clocks that show this weekday and minute of the day show a time inside the window.
func (w *Window) inside(day time.Weekday, minute Clock) bool {
	if w.From < w.To {
		return w.Days.Has(day) && minute >= w.From && minute < w.To
	}
	return w.Days.Has(day) && minute >= w.From || w.Days.Has((day+6)%7) && minute < w.To
}
