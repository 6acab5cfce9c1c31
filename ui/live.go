package ui

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/volleysms/volley/internal/signin"
)

const (
	// liveEvery is how often a live page is told what has changed.
	liveEvery = time.Second
	// liveFor is how long a connection lasts; browsers come again by themselves, and are asked who they are.
	liveFor = 10 * time.Minute
	// maxLive is how many there are at a time.
	maxLive = 256
)

var livePages = make(chan struct{}, maxLive)

// fragments are parts of a page by their elements' ids.
type fragments map[string]string

// stream tells a page what has changed, by server-sent events, until there is nothing more to tell: last is true then.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, look func(context.Context) (f fragments, last bool, err error)) error {
	select {
	case livePages <- struct{}{}:
		defer func() { <-livePages }()
	default:
		return errBusy
	}
	ctx, cancel := context.WithTimeout(r.Context(), liveFor)
	defer cancel()
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{}) // there is nothing to read any more, and a deadline would end the request
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	t := time.NewTicker(liveEvery)
	defer t.Stop()
	shown := fragments{}
	for {
		f, last, err := look(ctx)
		if err == nil {
			changed := fragments{}
			for id, html := range f {
				if shown[id] != html {
					changed[id] = html
				}
			}
			shown = f
			b, err := json.Marshal(changed)
			if err != nil {
				return nil
			}
			name := "change"
			if last {
				name = "last"
			}
			_ = rc.SetWriteDeadline(time.Now().Add(writeTimeout)) // a server without deadlines has none to move
			if _, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", name, b); err != nil || rc.Flush() != nil || last {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

func (s *Server) liveJobs(w http.ResponseWriter, r *http.Request, _ signin.User) error {
	return s.stream(w, r, func(ctx context.Context) (fragments, bool, error) {
		v, err := s.listed(ctx, r.URL.Query())
		f := fragments{}
		for _, j := range v.Jobs {
			for _, name := range []string{"state", "progress", "pace"} {
				html, e := part("jobs", "job-"+name, j)
				if e != nil {
					return nil, true, e
				}
				f[name+"-"+j.JobID] = html
			}
		}
		return f, false, err
	})
}

func (s *Server) liveJob(w http.ResponseWriter, r *http.Request, u signin.User) error {
	id := r.PathValue("id")
	return s.stream(w, r, func(ctx context.Context) (fragments, bool, error) {
		p, err := s.jobPage(ctx, id, u)
		if err != nil {
			return nil, false, err
		}
		f := fragments{}
		for _, name := range []string{"state", "summary", "chart"} {
			html, e := part("job", "live-"+name, p)
			if e != nil {
				return nil, true, e
			}
			f["live-"+name] = html
		}
		return f, p.Ended(), nil
	})
}
