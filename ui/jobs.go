package ui

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/signin"
	"github.com/volleysms/volley/internal/speed"
)

// perPage is how many jobs, recipients or entries a page lists.
const perPage = 50

// jobView is a job as pages show it.
type jobView struct {
	enqueue.Status
	Done, Open int64
	Rate       string // empty when it is not known
	ETA        string // empty when it is not known
	Took       string // empty for a job that has not completed
	Bar        []slice
}

// slice is a state's part of a bar, in thousandths of its width.
type slice struct {
	State   string
	N       int64
	X, Size float64
}

// stateCount is how many recipients are in a state.
type stateCount struct {
	State string
	N     int64
}

// Width is how wide the count is drawn, where most is all there is room for: some are always to be seen.
func (c stateCount) Width(most int64) int64 { return max(c.N, most/250) }

// states are the counts in the order in which pages show them: what is well first, what is to come last.
func states(c enqueue.Counts) []stateCount {
	return []stateCount{
		{"delivered", c.Delivered},
		{"accepted", c.Accepted},
		{"undelivered", c.Undelivered},
		{"rejected", c.Rejected},
		{"failed", c.Failed},
		{"unknown", c.Unknown},
		{"expired", c.Expired},
		{"cancelled", c.Cancelled},
		{"suppressed", c.Suppressed},
		{"sending", c.Sending},
		{"queued", c.Queued},
	}
}

func bar(c enqueue.Counts) (out []slice) {
	x := 0.0
	for _, s := range states(c) {
		if s.N > 0 {
			size := 1000 * float64(s.N) / float64(c.Total)
			out = append(out, slice{s.State, s.N, x, size})
			x += size
		}
	}
	return out
}

// Name is what a job is called.
func (j jobView) Name() string {
	if j.Label != "" {
		return j.Label
	}
	return "Job " + short(j.JobID)
}

// Ended reports whether nothing more is sent.
func (j jobView) Ended() bool { return j.State == enqueue.Completed || j.State == enqueue.Cancelled }

// Can reports whether an action makes sense.
func (j jobView) Can(action string) bool {
	switch action {
	case "pause":
		return !j.Ended() && j.State != enqueue.Paused
	case "resume":
		return j.State == enqueue.Paused
	case "cancel":
		return !j.Ended()
	case "retry-failed":
		return j.State != enqueue.Cancelled && j.Counts.Failed > 0
	case "retry-unknown":
		return j.State != enqueue.Cancelled && j.Counts.Unknown > 0
	}
	return false
}

func (s *Server) jobView(st enqueue.Status) jobView {
	v := jobView{Status: st, Done: done(st.Counts), Bar: bar(st.Counts)}
	v.Open = st.Counts.Total - v.Done
	if st.CompletedAt != nil {
		begun := st.CreatedAt
		if st.ScheduleAt != nil && st.ScheduleAt.After(begun) {
			begun = *st.ScheduleAt
		}
		v.Took = span(st.CompletedAt.Sub(begun))
	}
	if st.State != enqueue.Running && st.State != enqueue.Queued {
		return v
	}
	if r, known := s.watch.meter.PerSecond(st.JobID); known {
		v.Rate = rate(r)
		if left, ok := speed.Left(v.Open, r); ok {
			v.ETA = span(left)
		}
	}
	return v
}

// jobsView is the list of jobs.
type jobsView struct {
	Jobs        []jobView
	Total       int64
	Open        bool
	Page, Pages int
	First       int
}

func (v jobsView) at(page int) string {
	q := url.Values{}
	if v.Open {
		q.Set("show", "open")
	}
	if page > 1 {
		q.Set("page", strconv.Itoa(page))
	}
	if len(q) == 0 {
		return "/jobs"
	}
	return "/jobs?" + q.Encode()
}

// Newer and Older are the addresses of the pages beside this one; empty where there is none.
func (v jobsView) Newer() string {
	if v.Page <= 1 {
		return ""
	}
	return v.at(v.Page - 1)
}

// Older is Newer in the other direction.
func (v jobsView) Older() string {
	if v.Page >= v.Pages {
		return ""
	}
	return v.at(v.Page + 1)
}

// listed reads the page of the list that a request asks for.
func (s *Server) listed(ctx context.Context, q url.Values) (jobsView, error) {
	v := jobsView{Open: q.Get("show") == "open", Page: 1}
	if n, err := strconv.Atoi(q.Get("page")); err == nil && n >= 1 && n <= 1_000_000 {
		v.Page = n
	}
	s.watch.look()
	v.First = (v.Page-1)*perPage + 1
	list, err := s.client.List(ctx, v.First-1, perPage, v.Open)
	if err != nil {
		return v, err
	}
	v.Total, v.Pages = list.Total, int((list.Total+perPage-1)/perPage)
	for _, j := range list.Jobs {
		v.Jobs = append(v.Jobs, s.jobView(j))
	}
	return v, nil
}

func (s *Server) jobs(w http.ResponseWriter, r *http.Request, u signin.User) error {
	v, err := s.listed(r.Context(), r.URL.Query())
	if err != nil {
		return err
	}
	s.render(w, r, u, http.StatusOK, "jobs", view{Title: "Jobs", Tab: "jobs", Live: "/live" + v.at(v.Page), Data: v})
	return nil
}

// jobPage is a job's own page.
type jobPage struct {
	jobView
	From    string
	States  []stateCount
	Reasons []reasonView
	// Reasonless says why there are no Reasons; empty when there are.
	Reasonless string
	Acts       bool
	Most       int64 // the largest of States
	History    []enqueue.Entry
}

// reasonView is a reason with the address of the list of those who have it.
type reasonView struct {
	ledger.Reasoned
	List string
}

// reasonsShown is how many reasons a page lists.
const reasonsShown = 30

func (s *Server) jobPage(ctx context.Context, id string, u signin.User) (jobPage, error) {
	s.watch.look()
	st, err := s.client.Status(ctx, id)
	if err != nil {
		return jobPage{}, err
	}
	p := jobPage{jobView: s.jobView(st), Acts: u.Role >= signin.Operate}
	if p.History, err = s.client.History(ctx, id); err != nil {
		return p, err
	}
	slices.Reverse(p.History)
	for _, c := range states(st.Counts) {
		if c.N > 0 {
			p.States = append(p.States, c)
			p.Most = max(p.Most, c.N)
		}
	}
	list, err := s.whys.of(ctx, s.ledger, st)
	if err != nil {
		p.Reasonless = "What was said about the recipients can't be counted just now."
		return p, nil
	}
	for _, x := range list {
		if x.State.Open() && x.Code == "" && x.Detail == "" {
			continue // nothing has been said yet
		}
		if len(p.Reasons) == reasonsShown {
			p.Reasonless = fmt.Sprintf("The %d most frequent are listed, of %s.", reasonsShown, count(int64(len(list))))
			break
		}
		q := url.Values{"status": {x.State.String()}, "account": {x.Account}, "code": {x.Code}, "detail": {x.Detail}}
		p.Reasons = append(p.Reasons, reasonView{x, "/jobs/" + url.PathEscape(id) + "/outcomes?" + q.Encode()})
	}
	return p, nil
}

func (s *Server) job(w http.ResponseWriter, r *http.Request, u signin.User) error {
	id := r.PathValue("id")
	p, err := s.jobPage(r.Context(), id, u)
	if err != nil {
		return err
	}
	v := view{Title: p.Name(), Tab: "jobs", Data: p}
	if !p.Ended() {
		v.Live = "/live/jobs/" + url.PathEscape(id)
	}
	s.render(w, r, u, http.StatusOK, "job", v)
	return nil
}

// reasons keeps what Ledger.Reasons said of the jobs looked at last: it reads all outcomes of a job, and they change only
// with its counts.
type reasons struct {
	mu   sync.Mutex
	last map[string]*counted
}

type counted struct {
	mu     sync.Mutex
	counts enqueue.Counts
	at     time.Time
	list   []ledger.Reasoned
	known  bool
}

const (
	reasonsKept = 64
	// A large job's reasons are counted this often at most while it runs, and for so long.
	reasonsEvery   = 3 * time.Second
	reasonsTimeout = 20 * time.Second
)

func (m *reasons) of(ctx context.Context, l *ledger.Ledger, st enqueue.Status) ([]ledger.Reasoned, error) {
	m.mu.Lock()
	if m.last == nil || len(m.last) > reasonsKept {
		m.last = map[string]*counted{}
	}
	c := m.last[st.JobID]
	if c == nil {
		c = &counted{}
		m.last[st.JobID] = c
	}
	m.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known && (c.counts == st.Counts || st.CompletedAt == nil && time.Since(c.at) < reasonsEvery) {
		return c.list, nil
	}
	ctx, cancel := context.WithTimeout(ctx, reasonsTimeout)
	defer cancel()
	job, err := l.Job(ctx, st.JobID)
	if err != nil {
		return nil, err
	}
	list, err := l.Reasons(ctx, job)
	if err != nil {
		return nil, err
	}
	c.counts, c.at, c.list, c.known = st.Counts, time.Now(), list, true
	return list, nil
}
