package ledger

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/volleysms/volley/internal/redistest"
)

// apply applies reports to a batch and returns the verdicts.
func apply(t tb, r *Reporter, job string, batch int, reports ...Report) []Verdict {
	t.Helper()
	b := &BatchReports{Job: job, Batch: batch, Reports: reports}
	if err := r.Apply(t.Context(), []*BatchReports{b}); err != nil {
		t.Fatalf("Apply: %v", err)
	}
	return b.Verdicts
}

// at is a report of the first account about a position.
func at(position int, state State) Report {
	return Report{Position: position, Account: "first", State: state, Note: Note{Code: state.String()}, At: 1_700_000_005_000}
}

// words is a report about the first recipient that tells no state.
func words(code string, when int64) Report {
	return Report{Account: "first", Note: Note{Code: code}, At: when}
}

// ofCall is a report about the first recipient's nth call.
func ofCall(n int, state State) Report {
	r := at(0, state)
	r.Attempt = n
	return r
}

func TestReporter_Rules(t *testing.T) {
	tests := []struct {
		name    string
		is      Record
		reports []Report
		want    State
		verdict []Verdict
		code    string
	}{
		{"AcceptedIsDelivered", Record{State: Accepted}, []Report{at(0, Delivered)}, Delivered, []Verdict{Applied}, "delivered"},
		{"AcceptedIsUndelivered", Record{State: Accepted}, []Report{at(0, Undelivered)}, Undelivered, []Verdict{Applied}, "undelivered"},
		{"AcceptedIsOnItsWay", Record{State: Accepted}, []Report{at(0, Accepted)}, Accepted, []Verdict{Applied}, "accepted"},
		{"UnknownWasTaken", Record{State: Unknown}, []Report{at(0, Accepted)}, Accepted, []Verdict{Applied}, "accepted"},
		{"UnknownIsDelivered", Record{State: Unknown}, []Report{at(0, Delivered)}, Delivered, []Verdict{Applied}, "delivered"},
		{"FailedIsDelivered", Record{State: Failed}, []Report{at(0, Delivered)}, Delivered, []Verdict{Applied}, "delivered"},
		{"RejectedIsDelivered", Record{State: Rejected}, []Report{at(0, Delivered)}, Delivered, []Verdict{Applied}, "delivered"},
		{"FailedStaysForAllElse", Record{State: Failed}, []Report{at(0, Accepted), at(0, Undelivered)}, Failed, []Verdict{Known, Known}, ""},
		{"FinalStays", Record{State: Accepted}, []Report{at(0, Delivered), at(0, Undelivered), at(0, Accepted)}, Delivered, []Verdict{Applied, Known, Known}, "delivered"},
		{"DeliveredAtOnceStays", Record{State: Delivered}, []Report{at(0, Undelivered)}, Delivered, []Verdict{Known}, ""},
		{"TheSameTwice", Record{State: Accepted}, []Report{at(0, Accepted), at(0, Accepted)}, Accepted, []Verdict{Applied, Known}, "accepted"},
		{"WordsAloneOfAccepted", Record{State: Accepted}, []Report{words("THROTTLED", 5)}, Accepted, []Verdict{Applied}, "THROTTLED"},
		{"WordsAloneOfUnknown", Record{State: Unknown}, []Report{words("SAID", 5), words("SAID", 5)}, Unknown, []Verdict{Applied, Known}, "SAID"},
		{"WordsAloneOfFailed", Record{State: Failed}, []Report{words("SAID", 5)}, Failed, []Verdict{Known}, ""},
		{"WordsAloneAfterTheEnd", Record{State: Accepted}, []Report{at(0, Delivered), words("SAID", 1<<50)}, Delivered, []Verdict{Applied, Known}, "delivered"},
		{"WordsAloneThenTheEnd", Record{State: Unknown}, []Report{words("SAID", 1<<50), at(0, Delivered)}, Delivered, []Verdict{Applied, Applied}, "delivered"},
		{"LaterWordsThenTaken", Record{State: Unknown}, []Report{words("SAID", 1<<50), at(0, Accepted)}, Accepted, []Verdict{Applied, Applied}, "SAID"},
		{"TakenThenLaterWords", Record{State: Unknown}, []Report{at(0, Accepted), words("SAID", 1<<50)}, Accepted, []Verdict{Applied, Applied}, "SAID"},
		{"EarlierWordsThenTaken", Record{State: Unknown}, []Report{words("SAID", 5), at(0, Accepted)}, Accepted, []Verdict{Applied, Applied}, "accepted"},
		{"AcceptedIsUnclear", Record{State: Accepted}, []Report{at(0, Unknown), at(0, Unknown)}, Unknown, []Verdict{Applied, Known}, "unknown"},
		{"UnclearIsDelivered", Record{State: Accepted}, []Report{at(0, Unknown), at(0, Delivered), at(0, Unknown)}, Delivered, []Verdict{Applied, Applied, Known}, "delivered"},
		{"UnclearAfterTaken", Record{State: Accepted}, []Report{at(0, Accepted), at(0, Unknown)}, Unknown, []Verdict{Applied, Applied}, "unknown"},
		{"TakenAfterUnclear", Record{State: Accepted}, []Report{at(0, Unknown), at(0, Accepted)}, Unknown, []Verdict{Applied, Known}, "unknown"},
		{"UnknownIsTakenAndUnclear", Record{State: Unknown}, []Report{at(0, Unknown), at(0, Accepted), at(0, Unknown)}, Accepted, []Verdict{Applied, Applied, Known}, "unknown"},
		{"RejectedIsNotUnclear", Record{State: Rejected}, []Report{at(0, Unknown)}, Rejected, []Verdict{Known}, ""},
		{"WordsAloneAreEarly", Record{}, []Report{words("SAID", 5)}, Queued, []Verdict{Early}, ""},
		{"CancelledStays", Record{State: Cancelled}, []Report{at(0, Delivered)}, Cancelled, []Verdict{Known}, ""},
		{"QueuedIsEarly", Record{}, []Report{at(0, Delivered)}, Queued, []Verdict{Early}, ""},
		{"SendingIsEarly", Record{State: Sending}, []Report{at(0, Delivered)}, Sending, []Verdict{Early}, ""},
		{"OfAnotherAccount", Record{State: Accepted, Account: 1}, []Report{at(0, Delivered)}, Accepted, []Verdict{Stale}, ""},
		{"OfANumber", Record{State: Accepted}, []Report{{Position: -1, To: testNumber(1), Account: "first", State: Delivered, At: 9}}, Delivered, []Verdict{Applied}, ""},
		{"OfNobodysNumber", Record{State: Accepted}, []Report{{Position: -1, To: testNumber(99), Account: "first", State: Delivered, At: 9}}, Accepted, []Verdict{Nobody}, ""},
		{"BehindTheEnd", Record{State: Accepted}, []Report{at(2, Delivered)}, Accepted, []Verdict{Nobody}, ""},
		{"OfACallBefore", Record{State: Accepted, Attempts: 2}, []Report{ofCall(1, Undelivered), ofCall(1, Accepted), ofCall(2, Delivered)}, Delivered, []Verdict{Stale, Stale, Applied}, "delivered"},
		{"OfTheLastCallThenOfOneBefore", Record{State: Accepted, Attempts: 2}, []Report{ofCall(2, Undelivered), ofCall(1, Undelivered)}, Undelivered, []Verdict{Applied, Stale}, "undelivered"},
		{"ACallBeforeWasDelivered", Record{State: Accepted, Attempts: 2}, []Report{ofCall(1, Delivered), ofCall(2, Undelivered)}, Delivered, []Verdict{Applied, Known}, "delivered"},
		{"ACallBeforeWasDeliveredAsIsSaidLater", Record{State: Accepted, Attempts: 2}, []Report{ofCall(2, Undelivered), ofCall(1, Delivered)}, Delivered, []Verdict{Applied, Applied}, "delivered"},
		{"OfAnUnknownCallBefore", Record{State: Unknown, Attempts: 3}, []Report{ofCall(2, Undelivered), ofCall(1, Delivered)}, Delivered, []Verdict{Stale, Applied}, "delivered"},
		{"OfNobodyAtAll", Record{State: Accepted}, []Report{{Position: -1, Account: "first", State: Delivered}}, Accepted, []Verdict{Nobody}, ""},
	}
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l := New(rdb)
		r := NewReporter(l)
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				j := newContent(tt.name, [2]int{2, 0}).seal(t, l)
				records(t, l, tt.name, 0, tt.is)
				if got := apply(t, r, tt.name, 0, tt.reports...); !slices.Equal(got, tt.verdict) {
					t.Errorf("got %v, want %v", got, tt.verdict)
				}
				o := collect(t, l, j)[0]
				if o.State != tt.want || o.Code != tt.code {
					t.Errorf("got %s with code %q, want %s and %q", o.State, o.Code, tt.want, tt.code)
				}
				clean(t, l, tt.name, "after the reports")
			})
		}
	})
}

func TestReporter_ByID(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l := New(rdb)
		r := NewReporter(l)
		j := newContent("ids", [2]int{4, 0}).seal(t, l)
		h := take(t, l, "ids", 0, "w/1", "")
		c := Commit{Seq: 1, Via: -1, Release: true}
		for i, id := range []string{"one", "both", "both", ""} {
			c.Records.Set(i, Queued, Record{State: Accepted, At: 1, ID: h.Side.ID(id)})
		}
		c.SideAt, c.Side = h.Side.Take()
		commit(t, l, h, &c)
		by := func(id string) Report {
			return Report{Position: -1, ID: id, Round: -1, Account: "first", State: Delivered, At: 5}
		}
		got := apply(t, r, "ids", 0, by("one"), by("both"), by("nobody's"), Report{Position: 3, ID: "mine", Account: "first", State: Accepted, At: 4})
		if want := []Verdict{Applied, Nobody, Nobody, Applied}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		out := collect(t, l, j)
		if out[0].State != Delivered || out[0].At != 5 || out[1].State != Accepted {
			t.Errorf("got %+v", out)
		}
		if out[3].ID != "mine" {
			t.Errorf("the identifier that a report brought is %q", out[3].ID)
		}
	})
}

func TestReporter_JobsAndBatchesThatAreNotThere(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l := New(rdb)
		r := NewReporter(l)
		if got := apply(t, r, "nothing", 0, at(0, Delivered)); got[0] != Gone {
			t.Errorf("no job: %v", got)
		}
		newContent("one", [2]int{1, 0}).seal(t, l)
		if got := apply(t, r, "one", 7, at(0, Delivered)); got[0] != Nobody {
			t.Errorf("no batch: %v", got)
		}
		records(t, l, "one", 0, Record{State: Accepted})
		if err := rdb.Set(t.Context(), keysOf("one", 0).reports, "\xffnewer", 0).Err(); err != nil {
			t.Fatal(err)
		}
		if got := apply(t, r, "one", 0, at(0, Delivered)); got[0] != Damaged {
			t.Errorf("a format of tomorrow: %v", got)
		}
	})
}

// TestReopen_Reports: what was reported counts for who is queued again, and a late report of the first attempt does not
// settle the second.
func TestReopen_Reports(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		l := New(rdb)
		r := NewReporter(l)
		j := newContent("again", [2]int{4, 0}).seal(t, l)
		records(t, l, "again", 0, Record{State: Unknown}, Record{State: Unknown}, Record{State: Unknown}, Record{State: Accepted})
		apply(t, r, "again", 0, at(0, Delivered), at(1, Accepted))
		queued, _, err := l.Reopen(t.Context(), j, Unknown)
		if err != nil || queued != 1 {
			t.Fatalf("%d are queued again, %v; want the one of whom nothing is known", queued, err)
		}
		if got, want := states(t, l, j), []State{Delivered, Accepted, Queued, Accepted}; !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
		clean(t, l, "again", "after the retry")

		late := at(2, Undelivered)
		if got := apply(t, r, "again", 0, late, at(3, Delivered)); !slices.Equal(got, []Verdict{Stale, Applied}) {
			t.Errorf("late reports of the first round: %v", got)
		}
		h := take(t, l, "again", 0, "w/2", "")
		if h.Round != 1 {
			t.Errorf("the round is %d", h.Round)
		}
		c := Commit{Seq: 1, Via: -1, Release: true}
		c.Records.Set(2, Queued, Record{State: Accepted, At: 9, ID: h.Side.ID("second")})
		c.SideAt, c.Side = h.Side.Take()
		commit(t, l, h, &c)
		first, second, nameless := at(2, Undelivered), at(2, Delivered), at(2, Undelivered)
		first.Round, first.ID = -1, "first"
		second.Round = 1
		if got := apply(t, r, "again", 0, late, first, second, nameless); !slices.Equal(got, []Verdict{Stale, Stale, Applied, Stale}) {
			t.Errorf("got %v", got)
		}
		if got, want := states(t, l, j), []State{Delivered, Accepted, Delivered, Delivered}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		clean(t, l, "again", "in the end")
	})
}

// TestReopen_DropsWhatWasReported: who is queued again has no report any more.
func TestReopen_DropsWhatWasReported(t *testing.T) {
	rdb := connect(t, redistest.Start(t))
	l := New(rdb)
	j := newContent("dropped", [2]int{1, 0}).seal(t, l)
	records(t, l, "dropped", 0, Record{State: Accepted})
	apply(t, NewReporter(l), "dropped", 0, at(0, Undelivered))
	if n, _, err := l.Reopen(t.Context(), j, Undelivered); err != nil || n != 1 {
		t.Fatalf("Reopen: %d, %v", n, err)
	}
	clean(t, l, "dropped", "queued again")
	records(t, l, "dropped", 0, Record{State: Accepted})
	if got := agree(t, l, j); got[Accepted] != 1 {
		t.Errorf("got %v", got)
	}
}

// TestReopen_WhileReportsComeIn: neither undoes the other.
func TestReopen_WhileReportsComeIn(t *testing.T) {
	const n = 300
	rdb := connect(t, redistest.Start(t))
	l := New(rdb)
	j := newContent("both", [2]int{n, 0}).seal(t, l)
	records(t, l, "both", 0, slices.Repeat([]Record{{State: Unknown}}, n)...)
	var wg sync.WaitGroup
	wg.Go(func() {
		r := NewReporter(l)
		for i := range n {
			report := at(i, Delivered)
			for report.Round = 0; apply(t, r, "both", 0, report)[0] != Applied; {
				report.Round++ // it may have been sent again meanwhile
				report.Round %= 60
			}
		}
	})
	for range 50 {
		if _, _, err := l.Reopen(t.Context(), j, Unknown); err != nil {
			t.Fatal(err)
		}
		h := take(t, l, "both", 0, "w/1", "")
		c := Commit{Seq: 1, Via: -1, Release: true}
		for i, rec := range h.Records {
			if rec.State == Queued {
				c.Records.Set(i, Queued, Record{State: Unknown, At: 2})
			}
		}
		commit(t, l, h, &c)
	}
	wg.Wait()
	clean(t, l, "both", "in the end")
}

// TestReporter_Model lets a worker send, die and retry, and reports come in any order, early, late, and again and again.
func TestReporter_Model(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		job := 0
		rapid.Check(t, func(t *rapid.T) {
			job++
			m := newReportModel(t, New(rdb), fmt.Sprintf("job-%d", job))
			t.Repeat(map[string]func(*rapid.T){
				"":        m.check,
				"take":    m.take,
				"claim":   m.claim,
				"record":  m.record,
				"release": m.release,
				"die":     m.die,
				"report":  m.report,
				"repeat":  m.repeat,
				"retry":   m.retry,
			})
			m.end(t)
		})
	})
}

type reportModel struct {
	l    *Ledger
	r    *Reporter
	job  Job
	all  []*recipientModel
	held *Held
	seq  uint64
	sent []Report
}

// recipientModel is one recipient: its outcome, and what counts of what was reported about its last attempt, of which
// Queued is words alone.
type recipientModel struct {
	state State
	since int
	fates map[State]bool
	fate  State // what the gateway decided about the attempt
	round int
}

func newReportModel(t *rapid.T, l *Ledger, id string) *reportModel {
	n := rapid.IntRange(1, 4).Draw(t, "recipients")
	m := &reportModel{l: l, r: NewReporter(l), job: newContent(id, [2]int{n, 1}).seal(t, l)}
	for range n {
		m.all = append(m.all, &recipientModel{fates: map[State]bool{}})
	}
	return m
}

// want is the state that a recipient must have, whatever the order in which all was said.
func (p *recipientModel) want() State {
	switch p.state {
	case Accepted, Unknown:
		for _, s := range []State{Delivered, Undelivered} {
			if p.fates[s] {
				return s
			}
		}
		if other := Accepted + Unknown - p.state; p.fates[other] {
			return other
		}
	case Failed, Rejected:
		if p.fates[Delivered] {
			return Delivered
		}
	}
	return p.state
}

func (m *reportModel) check(t *rapid.T) {
	got := collect(t, m.l, m.job)
	for i, p := range m.all {
		if got[i].State != p.want() {
			t.Fatalf("recipient %d is %s, want %s (%+v)", i, got[i].State, p.want(), p)
		}
	}
	clean(t, m.l, m.job.Spec.ID, "in between")
}

func (m *reportModel) take(t *rapid.T) {
	if m.held != nil {
		t.Skip("it is held")
	}
	m.held, m.seq = take(t, m.l, m.job.Spec.ID, 0, "w/"+fmt.Sprint(rapid.Uint32().Draw(t, "token")), ""), 0
}

func (m *reportModel) commit(t *rapid.T, c *Commit) {
	m.seq++
	c.Seq, c.Via = m.seq, -1
	if c.Compact = rapid.Bool().Draw(t, "compact"); c.Compact {
		c.Outcomes = PackRecords(m.held.Records)
	}
	commit(t, m.l, m.held, c)
}

func (m *reportModel) set(c *Changes, i int, to State) {
	rec := m.held.Records[i]
	from := rec.State
	rec.State, rec.At = to, 5
	c.Set(i, from, rec)
	m.held.Records[i], m.all[i].state = rec, to
}

// some draws a recipient that is in one of the states.
func (m *reportModel) some(t *rapid.T, state State) int {
	var is []int
	for i, p := range m.all {
		if p.state == state {
			is = append(is, i)
		}
	}
	if m.held == nil || len(is) == 0 {
		t.Skip("nobody")
	}
	return rapid.SampledFrom(is).Draw(t, "recipient")
}

func (m *reportModel) claim(t *rapid.T) {
	i := m.some(t, Queued)
	p := m.all[i]
	p.round = m.held.Round
	p.fate = rapid.SampledFrom([]State{Accepted, Delivered, Undelivered}).Draw(t, "fate")
	var c Commit
	m.set(&c.Claims, i, Sending)
	m.commit(t, &c)
}

func (m *reportModel) record(t *rapid.T) {
	var c Commit
	m.set(&c.Records, m.some(t, Sending), rapid.SampledFrom([]State{Accepted, Unknown, Failed, Rejected}).Draw(t, "outcome"))
	m.commit(t, &c)
}

func (m *reportModel) release(t *rapid.T) {
	if m.held == nil || slices.ContainsFunc(m.all, func(p *recipientModel) bool { return p.state == Sending }) {
		t.Skip("it is not to be released")
	}
	m.commit(t, &Commit{Release: true})
	m.held = nil
}

// die lets another worker take the batch over.
func (m *reportModel) die(t *rapid.T) {
	if m.held == nil {
		t.Skip("nobody holds it")
	}
	m.held, m.seq = take(t, m.l, m.job.Spec.ID, 0, m.held.Token+"+", m.held.Token), 0
	var c Commit
	for i, p := range m.all {
		if p.state == Sending {
			m.set(&c.Records, i, Unknown)
		}
	}
	m.commit(t, &c)
}

// report is a true word of the gateway about somebody's last attempt.
func (m *reportModel) report(t *rapid.T) {
	i := rapid.IntRange(0, len(m.all)-1).Draw(t, "recipient")
	p := m.all[i]
	if p.fate == Queued {
		t.Skip("there was no call")
	}
	r := at(i, rapid.SampledFrom([]State{p.fate, Accepted, Unknown, Queued}).Draw(t, "says"))
	r.Round, r.At = p.round, rapid.Int64Range(1, 9).Draw(t, "at")
	if rapid.Bool().Draw(t, "by number") {
		r.Position, r.To = -1, testNumber(uint64(i+1))
	}
	m.sent = append(m.sent, r)
	m.tell(t, r)
}

func (m *reportModel) repeat(t *rapid.T) {
	if len(m.sent) == 0 {
		t.Skip("nothing was said")
	}
	m.tell(t, rapid.SampledFrom(m.sent).Draw(t, "again"))
}

func (m *reportModel) tell(t *rapid.T, r Report) {
	got := apply(t, m.r, m.job.Spec.ID, 0, r)[0]
	i := r.Position
	if i < 0 {
		i = int(r.To - testNumber(1))
	}
	p := m.all[i]
	switch {
	case r.Round < p.since:
		if got != Stale {
			t.Fatalf("a report of an earlier attempt is %v", got)
		}
	case p.state.Open():
		if got != Early {
			t.Fatalf("a report before its outcome is %v", got)
		}
	default:
		p.fates[r.State] = true
	}
}

func (m *reportModel) retry(t *rapid.T) {
	n, _, err := m.l.Reopen(t.Context(), m.job, Unknown, Failed)
	if err != nil {
		t.Fatalf("Reopen: %v", err)
	}
	if m.held != nil {
		if n != 0 {
			t.Fatalf("%d are queued again in a batch that is held", n)
		}
		return
	}
	h := take(t, m.l, m.job.Spec.ID, 0, "look", "")
	commit(t, m.l, h, &Commit{Seq: 1, Via: -1, Release: true})
	for _, p := range m.all {
		if w := p.want(); w == Unknown || w == Failed {
			*p = recipientModel{fates: map[State]bool{}, since: h.Round}
			n--
		}
	}
	if n != 0 {
		t.Fatalf("%d more are queued again than should", n)
	}
}

// end sends what is left to send, and says everything that was said once more, in another order.
func (m *reportModel) end(t *rapid.T) {
	if m.held == nil {
		m.take(t)
	}
	for i, p := range m.all {
		if p.state == Queued {
			p.round, p.fate = m.held.Round, Delivered
		}
		if p.state.Open() {
			var c Commit
			m.set(&c.Records, i, Accepted)
			m.commit(t, &c)
		}
	}
	for _, i := range rand.Perm(len(m.sent)) {
		m.tell(t, m.sent[i])
	}
	m.check(t)
}

// TestReporter_ManyAtOnce: appliers that get in each other's way, while the batch's owner works, lose nothing.
func TestReporter_ManyAtOnce(t *testing.T) {
	const recipients, appliers = 200, 6
	rdb := connect(t, redistest.Start(t))
	l := New(rdb)
	j := newContent("many", [2]int{recipients, 0}).seal(t, l)
	h := take(t, l, "many", 0, "w/1", "")
	var all []Report
	for i := range recipients {
		all = append(all, at(i, Accepted), at(i, []State{Delivered, Undelivered}[i%2]))
	}
	var wg sync.WaitGroup
	for range appliers {
		r := NewReporter(l)
		mine := slices.Clone(all)
		rand.Shuffle(len(mine), func(i, k int) { mine[i], mine[k] = mine[k], mine[i] })
		wg.Go(func() {
			for len(mine) > 0 {
				n := min(len(mine), 1+rand.IntN(20))
				b := &BatchReports{Job: "many", Reports: mine[:n]}
				if err := r.Apply(t.Context(), []*BatchReports{b}); err != nil {
					t.Errorf("Apply: %v", err)
					return
				}
				mine = mine[n:]
				for i, v := range b.Verdicts {
					if v == Early {
						mine = append(mine, b.Reports[i])
					}
				}
			}
		})
	}
	for i := range recipients {
		c := Commit{Seq: uint64(i + 1), Via: -1}
		rec := Record{State: []State{Accepted, Unknown}[i/2%2], At: 3}
		c.Records.Set(i, Queued, rec)
		h.Records[i] = rec
		if i == recipients-1 {
			c.Compact, c.Release, c.Outcomes = true, true, PackRecords(h.Records)
		}
		commit(t, l, h, &c)
	}
	wg.Wait()
	if n := agree(t, l, j); n[Delivered] != recipients/2 || n[Undelivered] != recipients/2 {
		t.Errorf("got %v", n)
	}
	clean(t, l, "many", "in the end")
}
