package ui

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/export"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/signin"
	"github.com/volleysms/volley/internal/trail"
)

// filter says whose outcomes are wanted; what is nil wants all.
type filter struct{ state, account, code, detail *string }

func filterOf(q url.Values) (f filter, err error) {
	get := func(key string) *string {
		if v, ok := q[key]; ok {
			return &v[0]
		}
		return nil
	}
	f = filter{get("status"), get("account"), get("code"), get("detail")}
	if f.state != nil {
		if _, ok := ledger.ParseState(*f.state); !ok {
			return f, &told{http.StatusBadRequest, "There is no such state."}
		}
	}
	return f, nil
}

func (f filter) takes(status, account, code, detail string) bool {
	is := func(want *string, got string) bool { return want == nil || *want == got }
	return is(f.state, status) && is(f.account, account) && is(f.code, code) && is(f.detail, detail)
}

func (f filter) query() url.Values {
	q := url.Values{}
	for key, v := range map[string]*string{"status": f.state, "account": f.account, "code": f.code, "detail": f.detail} {
		if v != nil {
			q.Set(key, *v)
		}
	}
	return q
}

// outcomesView is a list of a job's recipients.
type outcomesView struct {
	Job    jobView
	Rows   []outcomeRow
	States []string
	State  string // empty for all
	Words  string // what else the list is of; may be empty
	// Next is where the list goes on; empty when it does not. Searched is true when none of the page's part had been asked for.
	Next     string
	Searched bool
	Export   string
}

type outcomeRow struct {
	ledger.Outcome
	Updated time.Time
}

// searchedBatches bounds what is read for one page.
const searchedBatches = 512

func (s *Server) outcomes(w http.ResponseWriter, r *http.Request, u signin.User) error {
	ctx, id, q := r.Context(), r.PathValue("id"), r.URL.Query()
	f, err := filterOf(q)
	if err != nil {
		return err
	}
	st, err := s.client.Status(ctx, id)
	if err != nil {
		return err
	}
	job, err := s.ledger.Job(ctx, id)
	if err != nil {
		return err
	}
	v := outcomesView{Job: s.jobView(st), Words: f.words()}
	for _, c := range states(enqueue.Counts{}) {
		v.States = append(v.States, c.State)
	}
	if f.state != nil {
		v.State = *f.state
	}
	base := "/jobs/" + url.PathEscape(id)
	v.Export = base + "/export?" + f.query().Encode()
	from := placeOf(q.Get("at"))
	at := from
	for o, err := range s.ledger.OutcomesFrom(ctx, job, from) {
		if err != nil {
			return err
		}
		take := f.takes(o.State.String(), o.Account, o.Code, o.Detail)
		if take && len(v.Rows) == perPage || o.Next.Batch-from.Batch >= searchedBatches {
			next := f.query()
			next.Set("at", fmt.Sprintf("%d.%d", at.Batch, at.Skip))
			v.Next, v.Searched = base+"/outcomes?"+next.Encode(), len(v.Rows) == 0
			break
		}
		if at = o.Next; take {
			v.Rows = append(v.Rows, outcomeRow{o.Outcome, time.UnixMilli(o.At)})
		}
	}
	s.render(w, r, u, http.StatusOK, "outcomes", view{Title: "Recipients of " + v.Job.Name(), Tab: "jobs", Data: v})
	return nil
}

func (f filter) words() string {
	var out []string
	if f.account != nil && *f.account != "" {
		out = append(out, "through "+*f.account)
	}
	for _, s := range []*string{f.code, f.detail} {
		if s != nil && *s != "" {
			out = append(out, *s)
		}
	}
	return strings.Join(out, ", ")
}

// placeOf reads what outcomes wrote into an address.
func placeOf(text string) ledger.Place {
	b, k, _ := strings.Cut(text, ".")
	batch, err1 := strconv.Atoi(b)
	skip, err2 := strconv.Atoi(k)
	if err := errors.Join(err1, err2); err != nil || batch < 0 || skip < 0 {
		return ledger.Place{}
	}
	return ledger.Place{Batch: batch, Skip: skip}
}

// export writes a job's outcomes while they are read: with whole numbers for those who may operate, masked for others.
func (s *Server) export(w http.ResponseWriter, r *http.Request, u signin.User) error {
	ctx, id, q := r.Context(), r.PathValue("id"), r.URL.Query()
	f, err := filterOf(q)
	if err != nil {
		return err
	}
	format := q.Get("format")
	if !slices.Contains([]string{export.CSV, export.NDJSON}, format) {
		return &told{http.StatusBadRequest, "The format is csv or ndjson."}
	}
	if _, err := s.client.Status(ctx, id); err != nil {
		return err
	}
	whole := u.Role >= signin.Operate
	kind, name := "text/csv; charset=utf-8", "outcomes-"+id+"."+format
	if format == export.NDJSON {
		kind = "application/x-ndjson"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{}) // there is nothing to read any more, and a deadline would end the request
	out, err := export.NewWriter(w, format)
	n := 0
	for o, e := range s.client.Outcomes(ctx, id) {
		if err = errors.Join(err, e); err != nil {
			break
		}
		if !f.takes(o.Status, o.Account, o.Code, o.Detail) {
			continue
		}
		if !whole {
			o.To = masked(o.To)
		}
		if n%1000 == 0 {
			_ = rc.SetWriteDeadline(time.Now().Add(writeTimeout)) // a server without deadlines has none to move
		}
		if err = out.Write(&o); err != nil {
			break
		}
		n++
	}
	err = errors.Join(err, out.Flush())
	what, result := "export outcomes", trail.Done+": "+plural(int64(n), "recipient")
	if !whole {
		what = "export masked outcomes"
	}
	if err != nil {
		result = "cut off after " + plural(int64(n), "recipient")
	}
	s.note(r, u, what, id, result)
	if err != nil {
		panic(http.ErrAbortHandler) // so that the browser knows the file for incomplete
	}
	return nil
}
