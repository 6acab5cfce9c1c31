package ui

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"go.uber.org/zap"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/signin"
	"github.com/volleysms/volley/internal/trail"
)

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("alive\n")) })
	mux.HandleFunc("GET /static/{version}/{file}", static)
	mux.HandleFunc("GET /signin", s.signIn)
	mux.HandleFunc("POST /signin", s.trySignIn)
	mux.HandleFunc("GET /signin/oidc", s.leave)
	mux.HandleFunc("GET "+signin.CallbackPath, s.comeBack)
	mux.HandleFunc("POST /signout", s.signOut)

	read := func(pattern string, h page) { mux.Handle("GET "+pattern, s.may(signin.Read, h)) }
	act := func(pattern string, a action) {
		mux.Handle("GET "+pattern, s.may(signin.Operate, s.confirm(a)))
		mux.Handle("POST "+pattern, s.may(signin.Operate, s.do(a)))
	}
	read("/{$}", func(w http.ResponseWriter, r *http.Request, _ signin.User) error {
		http.Redirect(w, r, "/jobs", http.StatusSeeOther)
		return nil
	})
	read("/jobs", s.jobs)
	read("/jobs/{id}", s.job)
	read("/jobs/{id}/outcomes", s.outcomes)
	read("/jobs/{id}/export", s.export)
	read("/accounts", s.accounts)
	read("/unknown", s.unknown)
	read("/schedules", s.schedules)
	read("/schedules/{name}", s.schedule)
	read("/trail", s.trailPage)
	read("/live/jobs", s.liveJobs)
	read("/live/jobs/{id}", s.liveJob)
	act("/jobs/{id}/pause", pauseJob)
	act("/jobs/{id}/resume", resumeJob)
	act("/jobs/{id}/cancel", cancelJob)
	act("/jobs/{id}/retry", retryJob)
	act("/accounts/{name}/resume", resumeAccount)
	act("/schedules/{name}/pause", pauseSchedule)
	act("/schedules/{name}/resume", resumeSchedule)
	act("/schedules/{name}/run-now", runSchedule)
	mux.Handle("GET /", s.may(signin.Read, func(http.ResponseWriter, *http.Request, signin.User) error { return errNoPage }))

	same := http.NewCrossOriginProtection()
	if s.o.SignIn.PublicURL != "" { // a proxy may call it by another name
		if err := same.AddTrustedOrigin(s.o.SignIn.PublicURL); err != nil {
			s.log.Warn("the public address is not trusted as an origin", zap.Error(err))
		}
	}
	return s.guard(same.Handler(mux))
}

// page answers a request of somebody who may make it. What it returns is told to them.
type page func(w http.ResponseWriter, r *http.Request, u signin.User) error

// policy lets a page load what this server has, and nothing else; there is no script or style in a page itself.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// guard is around everything.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store")
		if s.door.Secure() {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if !s.door.Knows(r.Host) {
			http.Error(w, "This dashboard has no sign-in, and so is only for this machine: call it by 127.0.0.1 or localhost.", http.StatusMisdirectedRequest)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler { //nolint:errorlint // it is compared as net/http does
					panic(p)
				}
				s.log.Error("a page panicked", zap.String("path", r.URL.Path), zap.Any("panic", p), zap.Stack("stack"))
				http.Error(w, "Something is wrong with this page; the log says what.", http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// may lets those in who have a role at least.
func (s *Server) may(role signin.Role, h page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, ok := s.door.User(r)
		switch {
		case !ok && r.Method == http.MethodGet && !strings.HasPrefix(r.URL.Path, "/live/"):
			http.Redirect(w, r, "/signin?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
			return
		case !ok:
			s.fail(w, r, u, errSignIn)
			return
		case u.Role < role && u.Role == signin.Nobody:
			s.fail(w, r, u, errNobody)
			return
		case u.Role < role:
			s.fail(w, r, u, errReader)
			return
		}
		if err := h(w, r, u); err != nil {
			s.fail(w, r, u, err)
		}
	})
}

// told is an error with an HTTP status, in a sentence for whoever is at the browser.
type told struct {
	status int
	text   string
}

func (e *told) Error() string { return e.text }

var (
	errNoPage = &told{http.StatusNotFound, "There is no such page."}
	errSignIn = &told{http.StatusUnauthorized, "Your session has ended: sign in again."}
	errNobody = &told{http.StatusForbidden, "You are signed in, and may do nothing here: whoever runs Volley can give you a role, under ui.read or ui.operate of its configuration."}
	errReader = &told{http.StatusForbidden, "You may look, and not act: that takes the role operate."}
	errForm   = &told{http.StatusForbidden, "This form is not from here, or from before you signed in: go back, load the page again, and repeat what you did."}
	errBusy   = &told{http.StatusServiceUnavailable, "Too many live pages are open: close some, or load the page without live progress."}
)

// explain turns an error into what a browser is told.
func explain(err error) *told {
	var t *told
	var in *enqueue.InvalidError
	var plan *enqueue.InvalidScheduleError
	switch {
	case errors.As(err, &t):
		return t
	case errors.Is(err, enqueue.ErrNotFound):
		return &told{http.StatusNotFound, "There is no such job, or it has been removed."}
	case errors.Is(err, enqueue.ErrNoSchedule):
		return &told{http.StatusNotFound, "There is no such schedule."}
	case errors.Is(err, enqueue.ErrCompleted):
		return &told{http.StatusConflict, "The job has completed: there is nothing left to stop."}
	case errors.Is(err, enqueue.ErrCancelled):
		return &told{http.StatusConflict, "The job was cancelled, which is for good."}
	case errors.Is(err, trail.ErrPlace):
		return &told{http.StatusBadRequest, "There is no such place on the trail."}
	case errors.Is(err, enqueue.ErrScheduleAsked):
		return &told{http.StatusConflict, "The schedule was asked to run before, and has not done so yet: is a volley scheduler running?"}
	case errors.Is(err, enqueue.ErrUnreachable):
		return &told{http.StatusServiceUnavailable, "Redis does not answer. Nothing is lost by that; try again in a moment."}
	case errors.As(err, &in), errors.As(err, &plan):
		return &told{http.StatusBadRequest, "That can't be done: " + err.Error() + "."}
	}
	return &told{http.StatusInternalServerError, "Something went wrong, and the log says what."}
}

// fail answers with an error's page.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, u signin.User, err error) {
	t := explain(err)
	if t.status >= http.StatusInternalServerError && r.Context().Err() == nil {
		s.log.Warn("a page could not be made", zap.String("path", r.URL.Path), zap.Error(err))
	}
	s.render(w, r, u, t.status, "error", view{Title: http.StatusText(t.status), Data: t.text})
}
