package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/volleysms/volley/enqueue"
)

func plain(_ text.Color, s string) string { return s }

func someOverview() overview {
	fast, left := 1234.5, 95.0
	since := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	return overview{
		At: time.Date(2026, 11, 27, 9, 30, 0, 0, time.UTC), Open: 2,
		Jobs: []topJob{
			{Status: enqueue.Status{JobID: "01a21c55-e665-731e-8162-e51dcd480247", Label: "Spring\x1b[2J sale", State: enqueue.Running, Counts: enqueue.Counts{Total: 200_000, Queued: 100_000, Accepted: 99_990, Failed: 7, Unknown: 3}}, PerSecond: &fast, LeftSeconds: &left},
			{Status: enqueue.Status{JobID: "01a21c55-e665-731e-8162-000000000001", State: enqueue.Paused}},
			{Status: enqueue.Status{JobID: "01a21c55-e665-731e-8162-000000000002", State: enqueue.Completed, Counts: enqueue.Counts{Total: 5, Delivered: 5}}},
		},
		Accounts: []topAccount{
			{accountInfo: accountInfo{Name: "dk", State: stateOK}, Batches: 12},
			{accountInfo: accountInfo{Name: "moon", State: "suspended", Since: &since, Code: "401", Detail: strings.Repeat("no such login ", 20)}},
		},
	}
}

func TestDrawTop(t *testing.T) {
	for _, width := range []int{20, 60, 80, 120, 200} {
		s := drawTop(someOverview(), topStyle{width: width, rows: 10, accounts: 10, paint: plain})
		for line := range strings.SplitSeq(s, "\n") {
			if n := utf8.RuneCountInString(line); n > width {
				t.Errorf("%d columns in %d: %q", n, width, line)
			}
		}
		if strings.ContainsRune(s, '\x1b') {
			t.Errorf("a name reaches the terminal: %q", s)
		}
	}
	s := drawTop(someOverview(), topStyle{width: 140, rows: 10, accounts: 10, paint: plain})
	for _, want := range []string{
		"2 jobs open", "Spring?[2J sale", "running", "████████········  50 %", "100,000 / 200,000", "1,235", "1m 35s", "3 unknown, 7 failed",
		"100 %", "suspended", "since 08:00:00: 401 no such login",
	} {
		if !strings.Contains(s, want) {
			t.Errorf("%q is missing in\n%s", want, s)
		}
	}
	if s := drawTop(someOverview(), topStyle{width: 100, rows: 1, accounts: 2, paint: plain}); !strings.Contains(s, "… and 2 more") ||
		strings.Index(s, "\nmoon ") > strings.Index(s, "\ndk ") {
		t.Errorf("a screen of few lines shows\n%s", s)
	}
	if s := drawTop(overview{}, topStyle{width: 100, rows: 5, paint: plain}); !strings.Contains(s, "There is no job yet") {
		t.Errorf("without jobs:\n%s", s)
	}
}

func TestTopModel(t *testing.T) {
	m := &topModel{look: &lookout{a: &app{}}, every: time.Second, width: 80, height: 24}
	if _, again := m.Update(lookedMsg{o: someOverview()}); again == nil {
		t.Error("it does not look again")
	}
	m.Update(tea.WindowSizeMsg{Width: 100, Height: 30})
	if s := m.draw(); !strings.Contains(s, "Spring") || !strings.Contains(s, "q quits") {
		t.Error(s)
	}
	for _, height := range []int{10, 11, 12, 40} {
		m.Update(tea.WindowSizeMsg{Width: 60, Height: height})
		if s := m.draw(); strings.Count(s, "\n") >= height || !strings.Contains(s, "suspended") {
			t.Errorf("on %d lines:\n%s", height, s)
		}
	}
	m.Update(lookedMsg{err: enqueue.ErrUnreachable})
	if s := m.draw(); !strings.Contains(s, "Spring") || !strings.Contains(s, "Redis does not answer") {
		t.Errorf("without Redis:\n%s", s)
	}
	for _, key := range []tea.KeyPressMsg{{Code: 'q', Text: "q"}, {Code: 'c', Mod: tea.ModCtrl}, {Code: tea.KeyEscape}} {
		if _, cmd := m.Update(key); cmd == nil || cmd() != tea.Quit() {
			t.Errorf("%s does not end it", key)
		}
	}
}

func TestTop_Once(t *testing.T) {
	c := newCLI(t)
	c.must("send", "--via", "mttm", "--from", "Acme", "--text", "Hello", "--to", "12125550100", "--label", "greeting", "--delay", "1h")
	if a := c.must("top"); !strings.Contains(a.stdout, "greeting") || !strings.Contains(a.stdout, "1 job open") || strings.Contains(a.stdout, "\x1b") {
		t.Error(a.stdout)
	}
	var o overview
	if err := json.Unmarshal([]byte(c.must("top", "--json").stdout), &o); err != nil || o.Open != 1 || len(o.Accounts) != 4 || o.Jobs[0].PerSecond == nil || *o.Jobs[0].PerSecond != 0 {
		t.Errorf("%+v, %v", o, err)
	}
	if a := c.run("top", "--every", "1ms"); a.code != exitInvalid {
		t.Errorf("exit status %d", a.code)
	}
}

func TestUI_Passwd(t *testing.T) {
	c := newCLI(t)
	a := c.pipe("correct horse battery\n", "ui", "passwd", "ann")
	if a.code != exitDone || !strings.HasPrefix(a.stdout, "ann:$2a$") || strings.Contains(a.stdout, "horse") {
		t.Errorf("%d %s%s", a.code, a.stdout, a.stderr)
	}
	for _, stdin := range []string{"", "short\n"} {
		if a := c.pipe(stdin, "ui", "passwd", "ann"); a.code != exitInvalid || a.stdout != "" {
			t.Errorf("%q: %d %s", stdin, a.code, a.stdout)
		}
	}
}
