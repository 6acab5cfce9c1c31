package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/volleysms/volley/enqueue"
)

// topModel is the screen of `volley top`.
type topModel struct {
	look          *lookout
	every         time.Duration
	width, height int
	seen          overview
	err           error
	looked        bool
}

// lookedMsg is what a look brought.
type lookedMsg struct {
	o   overview
	err error
}

type tickMsg struct{}

func (m *topModel) ask() tea.Msg {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	o, err := m.look.look(ctx)
	return lookedMsg{o, err}
}

// Init looks for the first time.
func (m *topModel) Init() tea.Cmd { return m.ask }

// Update takes a key, a size, or what a look brought. It looks again some time after that.
func (m *topModel) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.KeyPressMsg:
		switch msg.String() {
		case "q", "esc", "ctrl+c":
			return m, tea.Quit
		}
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case lookedMsg:
		m.err, m.looked = msg.err, true
		if msg.err == nil {
			m.seen = msg.o
		}
		return m, tea.Tick(m.every, func(time.Time) tea.Msg { return tickMsg{} })
	case tickMsg:
		return m, m.ask
	}
	return m, nil
}

// View is a screen of its own, so that what was in the terminal before is there again afterwards.
func (m *topModel) View() tea.View {
	v := tea.NewView(m.draw())
	v.AltScreen = true
	return v
}

func (m *topModel) draw() string {
	if !m.looked {
		return "…\n"
	}
	room := m.height - 8 // for jobs and accounts
	accounts := min(len(m.seen.Accounts), max(1, room/2, room-len(m.seen.Jobs)))
	s := drawTop(m.seen, topStyle{width: m.width, rows: max(1, room-accounts), accounts: accounts, paint: m.look.a.paint})
	if m.err != nil {
		s += m.look.a.paint(text.FgRed, fit("Redis does not answer: what is shown is from before. "+sentence(m.err), m.width)) + "\n"
	}
	return s + m.look.a.paint(text.Faint, "q quits")
}

// topStyle is how an overview is drawn: in so many columns, with so many jobs and accounts, and colours where paint gives some.
type topStyle struct {
	width, rows, accounts int
	paint                 func(text.Color, string) string
}

// drawTop draws an overview, a line for each job and account, none wider than the style says.
func drawTop(o overview, st topStyle) string {
	var b strings.Builder
	fmt.Fprintln(&b, st.paint(text.Bold, fit(fmt.Sprintf("Volley  %s UTC  %s open", o.At.Format("15:04:05"), plural(o.Open, "job")), st.width)))
	b.WriteByte('\n')
	const fixed = 2 + 10 + 22 + 19 + 9 + 9 // all columns but the name
	name := max(12, min(40, st.width-fixed-5))
	fmt.Fprintln(&b, st.paint(text.Faint, fit(fmt.Sprintf("%-*s %-10s %-22s %19s %9s %9s", name, "JOB", "STATE", "PROGRESS", "OF", "/S", "LEFT"), st.width)))
	if len(o.Jobs) == 0 {
		fmt.Fprintln(&b, fit("There is no job yet: volley send or volley import enqueues one.", st.width))
	}
	for i, j := range o.Jobs {
		if i == st.rows && len(o.Jobs) > st.rows {
			fmt.Fprintln(&b, fit(fmt.Sprintf("… and %d more", len(o.Jobs)-i), st.width))
			break
		}
		b.WriteString(st.job(j, name))
	}
	b.WriteByte('\n')
	fmt.Fprintln(&b, st.paint(text.Faint, fit(fmt.Sprintf("%-*s %-10s %7s  %s", name, "ACCOUNT", "STATE", "BATCHES", "WHAT IS WRONG"), st.width)))
	accounts := slices.Clone(o.Accounts)
	slices.SortStableFunc(accounts, func(a, b topAccount) int { return cmp.Compare(wellness(a), wellness(b)) })
	for i, a := range accounts {
		if i == st.accounts {
			fmt.Fprintln(&b, fit(fmt.Sprintf("… and %d more", len(accounts)-i), st.width))
			break
		}
		wrong := ""
		if a.Since != nil {
			wrong = strings.TrimSpace("since " + a.Since.Format("15:04:05") + ": " + a.Code + " " + a.Detail)
		}
		line := fit(fmt.Sprintf("%-*s %-10s %7s  %s", name, fit(a.Name, name), a.State, count(a.Batches), wrong), st.width)
		fmt.Fprintln(&b, strings.Replace(line, " "+a.State+" ", " "+st.paint(accountColour(a.State), a.State)+" ", 1))
	}
	return b.String()
}

// wellness puts accounts in trouble before the others.
func wellness(a topAccount) int {
	if a.State == stateOK {
		return 1
	}
	return 0
}

func accountColour(state string) text.Color {
	if state == stateOK {
		return text.FgGreen
	}
	return text.FgRed
}

// job is a job's line.
func (st topStyle) job(j topJob, name int) string {
	c := j.Counts
	done := c.Total - c.Queued - c.Sending
	called := j.Label
	if called == "" {
		called = j.JobID
		if n := len(called); n > name {
			called = "…" + called[n-name+1:] // jobs of about one time begin alike
		}
	}
	perSecond, left := "", ""
	if j.PerSecond != nil {
		perSecond = fmt.Sprintf("%.1f", *j.PerSecond)
		if *j.PerSecond >= 10 {
			perSecond = count(int64(math.Round(*j.PerSecond)))
		}
	}
	if j.LeftSeconds != nil {
		left = brief(time.Duration(*j.LeftSeconds * float64(time.Second)))
	}
	line := fit(fmt.Sprintf("%-*s %-10s %s %19s %9s %9s", name, fit(printable(called), name), j.State, gauge(c, done),
		count(done)+" / "+count(c.Total), perSecond, left), st.width)
	var wrong []string
	if c.Unknown > 0 {
		wrong = append(wrong, count(c.Unknown)+" unknown")
	}
	if c.Failed > 0 {
		wrong = append(wrong, count(c.Failed)+" failed")
	}
	if len(wrong) > 0 && utf8.RuneCountInString(line)+2+len(strings.Join(wrong, ", ")) <= st.width {
		line += "  " + strings.Join(wrong, ", ")
	}
	state := string(j.State)
	return strings.Replace(line, " "+state+" ", " "+st.paint(stateColour(state), state)+" ", 1) + "\n"
}

// gauge is a bar of 16 and the percentage, 22 columns in all.
func gauge(c enqueue.Counts, done int64) string {
	const cells = 16
	if c.Total == 0 {
		return strings.Repeat("·", cells) + "   0 %"
	}
	full := int(done * cells / c.Total)
	return strings.Repeat("█", full) + strings.Repeat("·", cells-full) + fmt.Sprintf(" %3d %%", 100*done/c.Total)
}

// brief is a length of time in 9 columns at most.
func brief(d time.Duration) string {
	switch s := int64(math.Ceil(d.Seconds())); {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm %02ds", s/60, s%60)
	case s < 100*3600:
		return fmt.Sprintf("%dh %02dm", s/3600, s/60%60)
	default:
		return fmt.Sprintf("%dd", min(s/86400, 99999))
	}
}

// printable takes out of a name what would do something to a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == utf8.RuneError {
			return '?'
		}
		return r
	}, s)
}

// fit cuts s to a number of columns.
func fit(s string, width int) string {
	s = printable(s)
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:max(0, width-1)]) + "…"
}
