package callbacks

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/report"
	"github.com/volleysms/volley/providers"
)

// ServeHTTP takes one push: /r/ACCOUNT/TOKEN or /in/ACCOUNT/TOKEN.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	what, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	account, token, _ := strings.Cut(rest, "/")
	if what != "r" && what != "in" || r.Method != http.MethodGet && r.Method != http.MethodPost {
		s.turn(w, http.StatusNotFound, "", noPath, nil)
		return
	}
	receiver := s.opts.Accounts[account]
	if receiver == nil {
		s.turn(w, http.StatusNotFound, "", noAccount, nil)
		return
	}
	var target *report.Target
	if what == "r" {
		t, err := s.signer.Target(account, token)
		if err != nil {
			s.turn(w, http.StatusNotFound, account, noToken, nil)
			return
		}
		target = &t
	} else if !s.signer.IsInbound(account, token) {
		s.turn(w, http.StatusNotFound, account, noToken, nil)
		return
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		s.later(w, account, busy, nil)
		return
	}
	s.take(w, r, account, receiver, target)
}

// take reads a push that came to an address that was made here.
func (s *Server) take(w http.ResponseWriter, r *http.Request, account string, receiver providers.Receiver, target *report.Target) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, providers.MaxPush))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		s.turn(w, http.StatusRequestEntityTooLarge, account, oversized, nil)
		return
	case err != nil:
		s.turn(w, http.StatusBadRequest, account, unread, nil)
		return
	}
	pushed, err := s.read(receiver, providers.Push{Method: r.Method, Query: r.URL.Query(), Header: r.Header, Body: body})
	switch {
	case errors.Is(err, providers.ErrForged):
		s.turn(w, http.StatusUnauthorized, account, forged, err)
		return
	case err != nil:
		s.turn(w, http.StatusBadRequest, account, malformed, err)
		return
	}
	entries, ignored := entriesOf(account, target, &pushed, time.Now())
	if err := s.reports.Put(r.Context(), entries...); err != nil {
		s.later(w, account, unavailable, err)
		return
	}
	if target != nil && !pushed.Proven {
		// Who knows the address of a message may report about that message, and nothing else.
		ignored += len(pushed.Inbound)
		pushed.Inbound = nil
	}
	if err := s.inbound.Put(r.Context(), account, pushed.Inbound, time.Now()); err != nil {
		s.later(w, account, unavailable, err)
		return
	}
	if ignored > 0 {
		s.m.turned(account, unproven, nil)
	} else {
		s.m.pushes.WithLabelValues(account, taken).Inc()
	}
	_, _ = io.WriteString(w, receiver.Ack())
}

// read lets the adapter read a push. One that panics has not read it.
func (s *Server) read(receiver providers.Receiver, p providers.Push) (out providers.Pushed, err error) {
	defer func() {
		if v := recover(); v != nil {
			s.log.Error("the adapter panicked over a push", zap.Stack("stack"))
			out, err = providers.Pushed{}, providers.ErrMalformed
		}
	}()
	return receiver.Receive(p)
}

// entriesOf makes entries, one for each batch, of the reports in a push: for the target of the address, or, where there is none
// and the push itself is proven, for what each report refers to. ignored is how many are neither. What says nothing is
// left out.
func entriesOf(account string, target *report.Target, p *providers.Pushed, now time.Time) (entries []report.Entry, ignored int) {
	at := map[report.Target]int{}
	for _, r := range p.Reports {
		t, ok := report.Target{}, false
		switch {
		case target != nil:
			t, ok = *target, true
		case p.Proven:
			t, ok = report.TargetOf(r.Reference)
		}
		if !ok {
			ignored++
			continue
		}
		if !r.Says() {
			continue
		}
		i, found := at[t]
		if !found {
			i = len(entries)
			at[t] = i
			entries = append(entries, report.Entry{Account: account, Target: t, Received: now})
		}
		entries[i].Reports = append(entries[i].Reports, r)
	}
	return entries, ignored
}

// turn refuses a push for good.
func (s *Server) turn(w http.ResponseWriter, status int, account, result string, err error) {
	s.m.turned(account, result, err)
	w.Header().Set("Connection", "close")
	w.WriteHeader(status)
}

// later asks for the same push again.
func (s *Server) later(w http.ResponseWriter, account, result string, err error) {
	s.m.turned(account, result, err)
	w.Header().Set("Retry-After", "10")
	w.WriteHeader(http.StatusServiceUnavailable)
}
