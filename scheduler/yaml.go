package scheduler

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/schedule"
)

// maxFile bounds a file of schedules, in bytes.
const maxFile = 8 << 20

// declaration is a schedule as it stands in a file.
type declaration struct {
	schedule.Schedule `yaml:",inline"`
	Start             string `yaml:"start"`
	End               string `yaml:"end"`
}

// ParseYAML reads a file of schedules: a mapping "schedules" of names to enqueue.Schedule. start and end are RFC 3339, or
// "2030-01-31 09:00:00" in the schedule's zone. Whether the schedules are acceptable is for enqueue.Schedules to say.
func ParseYAML(data []byte) ([]enqueue.Schedule, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("it has more than %d bytes", maxFile)
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	var file struct {
		Schedules map[string]*declaration `yaml:"schedules"`
	}
	if err := dec.Decode(&file); errors.Is(err, io.EOF) {
		return nil, errors.New("it is empty; it needs schedules")
	} else if err != nil {
		return nil, readably(err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("it has more than one YAML document; take out the line ---")
	}
	if file.Schedules == nil {
		return nil, errors.New("it has no schedules; none at all is written schedules: {}")
	}
	var out []enqueue.Schedule
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(file.Schedules)) {
		d := file.Schedules[name]
		if d == nil {
			d = &declaration{}
		}
		s := d.Schedule
		s.Name = name
		for field, at := range map[string]struct {
			text string
			to   *time.Time
		}{"start": {d.Start, &s.Start}, "end": {d.End, &s.End}} {
			t, err := ParseTime(at.text, s.Zone)
			if err != nil {
				errs = append(errs, fmt.Errorf("schedules.%s.%s: %w", name, field, err))
			}
			*at.to = t
		}
		out = append(out, s)
	}
	return out, errors.Join(errs...)
}

// ParseTime reads RFC 3339, or "2030-01-31 09:00:00" in the zone; empty is the zero time.
func ParseTime(text, zone string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.UTC(), nil
	}
	if _, err := time.ParseDuration(text); err == nil {
		return time.Time{}, fmt.Errorf("%q is a duration: give a time, so that it means the same tomorrow", text)
	}
	loc, err := schedule.LoadZone(zone)
	if err != nil {
		return time.Time{}, err
	}
	return enqueue.ParseWhen(text, loc, time.Time{})
}

var (
	goType  = regexp.MustCompile(` in type [a-zA-Z.]+| into [a-zA-Z.\[\]*]+`)
	noField = regexp.MustCompile(`field (\S+) not found`)
)

// readably takes what only a programmer understands out of an error of the YAML library.
func readably(err error) error {
	s := strings.TrimPrefix(err.Error(), "yaml: ")
	s = strings.TrimPrefix(s, "unmarshal errors:\n  ")
	s = noField.ReplaceAllString(s, "unknown key $1")
	s = strings.ReplaceAll(s, "cannot unmarshal", "can't use")
	return errors.New(strings.ReplaceAll(goType.ReplaceAllString(s, ""), "\n  ", "; "))
}
