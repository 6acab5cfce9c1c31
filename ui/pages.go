package ui

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/pulse"
	"github.com/volleysms/volley/internal/signin"
	"github.com/volleysms/volley/internal/standing"
	"github.com/volleysms/volley/internal/task"
	"github.com/volleysms/volley/internal/trail"
)

// accountView is an account and how it stands.
type accountView struct {
	Account
	// State is ok, suspended or down.
	State   string
	Trouble *standing.Trouble
	Waiting int64
	pulse.Use
	Limited []limitView
}

// limitView is a limit and how much of it is used.
type limitView struct {
	What     string
	Now, Max string
	// Part is how much that is of a thousand.
	Part float64
}

// limits are the account's, with what is used of them.
func (v *accountView) limits() (out []limitView) {
	if v.Lanes > 0 {
		out = append(out, limitView{
			"Calls in flight", strconv.Itoa(v.InFlight), strconv.Itoa(v.Lanes), min(1000, 1000*float64(v.InFlight)/float64(v.Lanes)),
		})
	}
	used := map[string]float64{"Calls": v.Calls, "Recipients": v.Recipients, "Segments": v.Segments}
	for _, l := range v.Limits {
		out = append(out, limitView{l.What, rate(used[l.What]), rate(l.PerSecond), min(1000, 1000*used[l.What]/l.PerSecond)})
	}
	return out
}

// Unlimited are the speeds that nothing limits.
func (v *accountView) Unlimited() (out []Limit) {
	used := []Limit{{"Calls", v.Calls}, {"Recipients", v.Recipients}}
	return slices.DeleteFunc(used, func(u Limit) bool {
		return slices.ContainsFunc(v.Limits, func(l Limit) bool { return l.What == u.What })
	})
}

// rank puts accounts in trouble before the others.
func rank(t *standing.Trouble) int {
	if t != nil {
		return 0
	}
	return 1
}

// accountViews are all accounts, those in trouble first.
func (s *Server) accountViews(ctx context.Context) ([]*accountView, error) {
	names := make([]string, len(s.o.Accounts))
	for i, a := range s.o.Accounts {
		names[i] = a.Name
	}
	troubles, err := s.book.Of(ctx, names...)
	if err != nil {
		return nil, err
	}
	shards, err := s.ledger.MostShards(ctx)
	if err != nil {
		return nil, err
	}
	depths, err := task.Depths(ctx, s.rdb, names, shards)
	if err != nil {
		return nil, err
	}
	uses, err := s.pulse.Of(ctx, time.Now(), names...)
	if err != nil {
		return nil, err
	}
	out := make([]*accountView, len(names))
	for i, a := range s.o.Accounts {
		v := &accountView{Account: a, State: "ok", Trouble: troubles[a.Name], Use: uses[i], Waiting: depths[i]}
		v.Limited = v.limits()
		if v.Trouble != nil {
			v.State = v.Trouble.Why
		}
		out[i] = v
	}
	slices.SortStableFunc(out, func(a, b *accountView) int { return cmp.Compare(rank(a.Trouble), rank(b.Trouble)) })
	return out, nil
}

func (s *Server) accounts(w http.ResponseWriter, r *http.Request, u signin.User) error {
	list, err := s.accountViews(r.Context())
	if err != nil {
		return err
	}
	s.render(w, r, u, http.StatusOK, "accounts", view{Title: "Accounts", Tab: "accounts", Data: list})
	return nil
}

// held finds the jobs with unknown recipients, and remembers them for a moment: all jobs are looked at for it.
type held struct {
	mu  sync.Mutex
	at  time.Time
	ids []string
	cut bool // there are older jobs
}

const (
	heldFor = 5 * time.Second
	// heldAmong is how many of the newest jobs are looked at.
	heldAmong = 20_000
)

func (h *held) find(ctx context.Context, l *ledger.Ledger) (ids []string, cut bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.at) < heldFor {
		return h.ids, h.cut, nil
	}
	ids, cut, err = l.Holding(ctx, ledger.Unknown, heldAmong)
	if err == nil {
		h.ids, h.cut, h.at = ids, cut, time.Now()
	}
	return ids, cut, err
}

type unknownView struct {
	Jobs         []jobView
	Page, Pages  int
	Newer, Older int   // the pages beside this one; 0 where there is none
	Found        int64 // jobs
	// Among is how many of the newest jobs were looked at, and Cut says that there are older ones.
	Among int64
	Cut   bool
}

func (s *Server) unknown(w http.ResponseWriter, r *http.Request, u signin.User) error {
	ids, cut, err := s.held.find(r.Context(), s.ledger)
	if err != nil {
		return err
	}
	v := unknownView{Page: 1, Pages: max(1, (len(ids)+perPage-1)/perPage), Found: int64(len(ids)), Among: heldAmong, Cut: cut}
	if n, err := strconv.Atoi(r.URL.Query().Get("page")); err == nil {
		v.Page = min(max(1, n), v.Pages)
	}
	v.Newer = v.Page - 1
	if v.Page < v.Pages {
		v.Older = v.Page + 1
	}
	ids = ids[(v.Page-1)*perPage : min(len(ids), v.Page*perPage)]
	list, err := s.client.Statuses(r.Context(), ids)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(st enqueue.Status) bool { return st.Counts.Unknown == 0 })
	for _, st := range list {
		v.Jobs = append(v.Jobs, s.jobView(st))
	}
	s.render(w, r, u, http.StatusOK, "unknown", view{Title: "Unknown recipients", Tab: "unknown", Data: v})
	return nil
}

func (s *Server) schedules(w http.ResponseWriter, r *http.Request, u signin.User) error {
	list, err := s.plans.List(r.Context())
	if err != nil {
		return err
	}
	s.render(w, r, u, http.StatusOK, "schedules", view{Title: "Schedules", Tab: "schedules", Data: list})
	return nil
}

// scheduleView is a schedule and what became of its latest ticks.
type scheduleView struct {
	enqueue.ScheduleInfo
	Latest []enqueue.Firing
}

// firingsShown is how many of a schedule's latest ticks are listed.
const firingsShown = 20

func (s *Server) schedule(w http.ResponseWriter, r *http.Request, u signin.User) error {
	name := r.PathValue("name")
	in, err := s.plans.Get(r.Context(), name)
	if err != nil {
		return err
	}
	latest, err := s.plans.History(r.Context(), name, firingsShown)
	if err != nil {
		return err
	}
	s.render(w, r, u, http.StatusOK, "schedule", view{Title: in.Name, Tab: "schedules", Data: scheduleView{in, latest}})
	return nil
}

type trailView struct {
	Entries []trail.Entry
	Next    string
}

func (s *Server) trailPage(w http.ResponseWriter, r *http.Request, u signin.User) error {
	list, next, err := s.trail.Latest(r.Context(), r.URL.Query().Get("next"), perPage)
	if err != nil {
		return err
	}
	s.render(w, r, u, http.StatusOK, "trail", view{Title: "Trail", Tab: "trail", Data: trailView{list, next}})
	return nil
}

// note puts what somebody did on the trail, also when they have left meanwhile.
func (s *Server) note(r *http.Request, u signin.User, did, to, result string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), noteTimeout)
	defer cancel()
	s.trail.Add(ctx, trail.Entry{Who: u.Name, From: s.door.From(r), Did: did, To: to, Result: result})
}

const noteTimeout = 5 * time.Second
