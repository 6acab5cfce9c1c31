package scheduler_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/schedule"
	"github.com/volleysms/volley/scheduler"
)

const declared = `
schedules:
  appointments:
    cron: "0 9 * * mon-sat"
    zone: Europe/Copenhagen
    start: 2030-01-01 00:00:00
    end: 2030-12-31T23:00:00Z
    jitter: 30s
    overlap: skip
    catch_up: all
    catch_up_within: 90m
    send: {via: dk, from: Acme, text: "Hi {{name}}", label: reminders}
    recipients:
      endpoint: {url: "https://calendar.example.com/due", secret: calendar, timeout: 20s}
  heartbeat:
    every: 1h
    send:
      via: dk
      text: Hello
    recipients:
      to:
        - {to: +4500000001, ref: a}
        - to: 4500000002
`

func parse(t *testing.T, text string) []schedule.Schedule {
	t.Helper()
	list, err := scheduler.ParseYAML([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestParseYAML(t *testing.T) {
	want := []schedule.Schedule{
		{
			Name: "appointments", Cron: "0 9 * * mon-sat", Zone: "Europe/Copenhagen",
			Start: time.Date(2029, 12, 31, 23, 0, 0, 0, time.UTC), End: time.Date(2030, 12, 31, 23, 0, 0, 0, time.UTC),
			Jitter: schedule.Duration(30 * time.Second), Overlap: schedule.Skip, CatchUp: schedule.All,
			CatchUpWithin: schedule.Duration(90 * time.Minute),
			Send:          schedule.Template{Via: "dk", From: "Acme", Text: "Hi {{name}}", Label: "reminders"},
			Recipients: schedule.Recipients{Endpoint: &schedule.Endpoint{
				URL: "https://calendar.example.com/due", Secret: "calendar", Timeout: schedule.Duration(20 * time.Second),
			}},
		},
		{
			Name: "heartbeat", Every: schedule.Duration(time.Hour), Send: schedule.Template{Via: "dk", Text: "Hello"},
			Recipients: schedule.Recipients{To: []schedule.Recipient{{To: "+4500000001", Ref: "a"}, {To: "4500000002"}}},
		},
	}
	if got := parse(t, declared); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for text, want := range map[string]string{
		"":                                 "it is empty",
		"{}":                               "it has no schedules",
		"schedules:\n  a:\n    crn: x":     "line 3: unknown key crn",
		"schedules:\n  a:\n    every: x":   `"x" is no duration`,
		"schedules:\n  a:\n    send: x":    "can't use",
		"schedules: {}\n---\n":             "more than one",
		"schedules:\n  a: {start: 1h}":     "schedules.a.start",
		"schedules: {a: {start: someday}}": "none of RFC 3339",
		"schedules: [":                     "line 1",
	} {
		_, err := scheduler.ParseYAML([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "scheduler.") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func FuzzParseYAML(f *testing.F) {
	f.Add([]byte(declared))
	f.Add([]byte("schedules:\n  a: {cron: '@daily', end: 2030-01-01}"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		list, err := scheduler.ParseYAML(b)
		if err != nil {
			return
		}
		for _, s := range list {
			_ = s.Validate() // it has to say something, and not what
		}
	})
}

func TestValidate(t *testing.T) {
	for field, change := range map[string]func(*schedule.Schedule){
		"name":                 func(s *schedule.Schedule) { s.Name = "a b" },
		"cron":                 func(s *schedule.Schedule) { s.Cron = "0 9 * *" },
		"cron ":                func(s *schedule.Schedule) { s.Cron = "" },
		"cron  ":               func(s *schedule.Schedule) { s.Cron = "0 0 30 2 *" },
		"cron   ":              func(s *schedule.Schedule) { s.Cron = "TZ=UTC 0 9 * * *" },
		"every":                func(s *schedule.Schedule) { s.Every = schedule.Duration(time.Minute) },
		"every ":               func(s *schedule.Schedule) { s.Cron, s.Every = "", schedule.Duration(time.Millisecond) },
		"zone":                 func(s *schedule.Schedule) { s.Zone = "Local" },
		"end":                  func(s *schedule.Schedule) { s.Start, s.End = begin, begin },
		"jitter":               func(s *schedule.Schedule) { s.Jitter = -1 },
		"overlap":              func(s *schedule.Schedule) { s.Overlap = "maybe" },
		"catch_up":             func(s *schedule.Schedule) { s.CatchUp = "maybe" },
		"catch_up_within":      func(s *schedule.Schedule) { s.CatchUpWithin = -1 },
		"retry_for":            func(s *schedule.Schedule) { s.RetryFor = -1 },
		"send.via":             func(s *schedule.Schedule) { s.Send.Via = "" },
		"send.from":            func(s *schedule.Schedule) { s.Send.From = "much too long a name" },
		"send.text":            func(s *schedule.Schedule) { s.Send.Text = "" },
		"send.text ":           func(s *schedule.Schedule) { s.Send.Text, s.Send.Missing = "{{a|x}} {{b}}", enqueue.DefaultMissing },
		"send.missing":         func(s *schedule.Schedule) { s.Send.Missing = "maybe" },
		"send.label":           func(s *schedule.Schedule) { s.Send.Label = strings.Repeat("x", 65) },
		"send.key_prefix":      func(s *schedule.Schedule) { s.Send.KeyPrefix = strings.Repeat("x", 129) },
		"recipients":           func(s *schedule.Schedule) { s.Recipients = schedule.Recipients{} },
		"recipients.to":        func(s *schedule.Schedule) { s.Recipients.To[0].To = "abc" },
		"recipients.file.path": func(s *schedule.Schedule) { s.Recipients = schedule.Recipients{File: &schedule.File{Path: "../x"}} },
		"recipients.endpoint.url": func(s *schedule.Schedule) {
			s.Recipients = schedule.Recipients{Endpoint: &schedule.Endpoint{URL: "ftp://x"}}
		},
		"recipients.endpoint.secret": func(s *schedule.Schedule) {
			s.Recipients = schedule.Recipients{Endpoint: &schedule.Endpoint{URL: "https://x", Secret: "whsec_c2Vj="}}
		},
	} {
		t.Run(field, func(t *testing.T) {
			s := every10(change)
			var in *schedule.InvalidError
			if err := s.Validate(); !errors.As(err, &in) || in.Field != strings.TrimSpace(field) {
				t.Errorf("got %v", err)
			}
		})
	}
	if s := every10(nil); s.Validate() != nil {
		t.Errorf("as it is: %v", s.Validate())
	}
}

// actions are what Apply did, as "add appointments".
func actions(changes []schedule.Change) string {
	var out []string
	for _, c := range changes {
		out = append(out, string(c.Action)+" "+c.Name)
	}
	return strings.Join(out, ", ")
}

func TestApply(t *testing.T) {
	r := newRig(t)
	apply := func(text string, o schedule.ApplyOptions, want string) []schedule.Change {
		t.Helper()
		changes, err := r.store.Apply(t.Context(), parse(t, text), o)
		r.must(err)
		if got := actions(changes); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		return changes
	}
	dry := schedule.ApplyOptions{DryRun: true}
	apply(declared, dry, "add appointments, add heartbeat")
	apply(declared, schedule.ApplyOptions{}, "add appointments, add heartbeat")
	before := r.get("appointments")
	r.clock.pass(time.Hour)
	apply(declared, schedule.ApplyOptions{Prune: true}, "unchanged appointments, unchanged heartbeat")
	if got := r.get("appointments"); got.ID != before.ID || !got.Created.Equal(before.Created) {
		t.Errorf("applied again it is another: %+v", got)
	}

	other := strings.ReplaceAll(strings.ReplaceAll(declared, "Hi {{name}}", "Hej {{name}}"), "        - to: 4500000002\n", "")
	want := []schedule.Difference{{Field: "send.text", From: "Hi {{name}}", To: "Hej {{name}}"}}
	for _, o := range []schedule.ApplyOptions{dry, {}} {
		c := apply(other, o, "change appointments, change heartbeat")
		if !reflect.DeepEqual(c[0].Differences, want) || c[1].Differences[0] != (schedule.Difference{Field: "recipients.to", From: "a list of 2", To: "a list of 1"}) {
			t.Errorf("got %+v", c)
		}
	}
	apply(other, dry, "unchanged appointments, unchanged heartbeat")

	apply("schedules: {}", schedule.ApplyOptions{}, "")
	apply("schedules: {}", schedule.ApplyOptions{Prune: true, DryRun: true}, "remove appointments, remove heartbeat")
	apply("schedules: {}", schedule.ApplyOptions{Prune: true}, "remove appointments, remove heartbeat")
	if _, err := r.store.Get(t.Context(), "heartbeat"); !errors.Is(err, schedule.ErrNotFound) {
		t.Errorf("it is still there: %v", err)
	}

	bad := strings.ReplaceAll(declared, "Europe/Copenhagen", "Europe/Nowhere")
	list, err := scheduler.ParseYAML([]byte(strings.ReplaceAll(bad, "    start: 2030-01-01 00:00:00\n", "")))
	if err == nil {
		_, err = r.store.Apply(t.Context(), list, schedule.ApplyOptions{})
	}
	var in *schedule.InvalidError
	if !errors.As(err, &in) || in.Field != "schedules.appointments.zone" {
		t.Errorf("got %v", err)
	}
	if all, err := r.store.List(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("something was applied: %v %v", all, err)
	}
}

func TestApply_RetimedGoesOnFromNow(t *testing.T) {
	r := newRig(t)
	s := r.scheduler(scheduler.Options{})
	r.add(every10(func(s *schedule.Schedule) { s.CatchUp = schedule.All }))
	r.clock.set(begin.Add(25 * time.Minute))
	_, err := r.store.Apply(t.Context(), []schedule.Schedule{every10(func(s *schedule.Schedule) { s.Cron, s.CatchUp = "*/5 * * * *", schedule.All })}, schedule.ApplyOptions{})
	r.must(err)
	r.look(s, "12:25:30")
	r.wantHistory()
	r.look(s, "12:30:00")
	r.wantHistory("12:30 fired")
}
