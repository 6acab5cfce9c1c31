package providertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

// decided returns an adapter before a gateway that decides fates and pushes nothing.
func (h *Harness) decided(t *testing.T, undelivered float64) *bench {
	t.Helper()
	g := gateway.New(h.Dialect, gateway.Options{Reports: gateway.ReportPlan{On: true, Silent: 1, Undelivered: undelivered}})
	if err := g.Start(""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return &bench{T: t, h: h, g: g, a: h.watch(t, h.New(t, g.URL()))}
}

// notAsked says that the adapter asks nothing of the kind.
func (h *Harness) notAsked(t *testing.T, what string) {
	t.Helper()
	h.idle(t, "the adapter is no providers."+what)
}

// poll asks what became of messages.
func poll(t *testing.T, h *Harness) {
	for name, share := range map[string]float64{"Delivered": 0, "Undelivered": 1} {
		t.Run(name, func(t *testing.T) {
			b := h.decided(t, share)
			p, ok := b.a.adapter.(providers.Poller)
			if !ok {
				h.notAsked(t, "Poller")
				return
			}
			results := b.send(h.call(b.a.adapter.Limits(), 3))
			allAccepted(t, results)
			if results[0].ID == "" {
				h.none(t, "identifier to ask about")
				return
			}
			want := b.g.Fates()
			seen := map[sms.MSISDN]bool{}
			for _, r := range results {
				reports, err := p.Poll(t.Context(), r.ID)
				if err != nil {
					t.Fatal(err)
				}
				for _, got := range reports {
					m := gateway.Message{To: got.To, Reference: got.Reference, Text: plainText}
					got.At = time.Time{} // it is the gateway's own
					b.a.lookAtReport(m, got)
					if got.To == 0 && len(want) == 1 {
						got.To = firstNumber
					}
					if got.Fate != want[got.To] {
						t.Errorf("got fate %d, the gateway decided %d", got.Fate, want[got.To])
					}
					seen[got.To] = true
				}
			}
			if len(seen) != len(want) {
				t.Errorf("reports on %d numbers, want %d", len(seen), len(want))
			}
			b.keptRules()
		})
	}
	t.Run("UnknownIDTellsNothing", func(t *testing.T) {
		b := h.decided(t, 0)
		p, ok := b.a.adapter.(providers.Poller)
		if !ok {
			h.notAsked(t, "Poller")
			return
		}
		for _, id := range []string{"999999", "00000000-0000-4000-8000-000000000000", "", "../me", "a/b?c=d#e", "x y\n", strings.Repeat("9", 5000)} {
			reports, err := p.Poll(t.Context(), id)
			if len(reports) != 0 {
				t.Errorf("%.20q: got %d reports", id, len(reports))
			}
			if err != nil {
				h.isError(t, err)
			}
		}
		if s := b.g.Stats(); s.Sends != 0 {
			t.Errorf("the gateway saw %d sends", s.Sends)
		}
	})
}

// isError fails when err is no *providers.Error of the adapter, or shows a secret.
func (h *Harness) isError(t *testing.T, err error) {
	t.Helper()
	var e *providers.Error
	if !errors.As(err, &e) || e.Provider != h.Dialect.Provider() {
		t.Errorf("%T %v is no *providers.Error of %s", err, err, h.Dialect.Provider())
		return
	}
	if len(e.Detail) > providers.MaxDetail {
		t.Errorf("Detail of %d bytes", len(e.Detail))
	}
	h.watch(t, nil).noLeak(fmt.Sprintf("%v %+v", err, e.Err), h.Secrets...)
}

// asks are the questions that the adapter can ask, as calls that return their error.
func asks(a providers.Adapter) map[string]func(ctx context.Context) error {
	out := map[string]func(context.Context) error{}
	if p, ok := a.(providers.Poller); ok {
		out["Poll"] = func(ctx context.Context) error { _, err := p.Poll(ctx, "421000100"); return err }
	}
	if c, ok := a.(providers.Canceller); ok {
		out["Cancel"] = func(ctx context.Context) error { _, err := c.Cancel(ctx, "421000100"); return err }
	}
	if p, ok := a.(providers.InboundPoller); ok {
		out["PollInbound"] = func(ctx context.Context) error {
			_, err := p.PollInbound(ctx, time.Now().Add(-time.Hour))
			return err
		}
	}
	if c, ok := a.(providers.Checker); ok {
		out["Check"] = func(ctx context.Context) error { _, err := c.Check(ctx); return err }
	}
	return out
}

// askInTrouble asks a gateway that is in trouble. Nothing of it sends, so that asking again does no harm.
func askInTrouble(t *testing.T, h *Harness) {
	names := asks(h.New(t, "http://127.0.0.1:1"))
	if len(names) == 0 {
		h.idle(t, "the adapter asks nothing")
	}
	for name := range names {
		for status, kinds := range map[int][]providers.Kind{
			401: {providers.Config}, 403: {providers.Config}, 307: {providers.Config}, 429: {providers.Throttled, providers.Unavailable},
			500: {providers.Unavailable, providers.Unknown}, 502: {providers.Unavailable, providers.Unknown},
			503: {providers.Unavailable, providers.Throttled}, 504: {providers.Unavailable, providers.Unknown},
		} {
			t.Run(fmt.Sprintf("%s/%d", name, status), func(t *testing.T) {
				var seen atomic.Int64
				s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					seen.Add(1)
					_, _ = io.Copy(io.Discard, r.Body)
					w.Header().Set("Location", r.URL.RequestURI())
					w.WriteHeader(status)
					_, _ = io.WriteString(w, `{"message":"`+r.Header.Get("Authorization")+" "+strings.Join(h.Secrets, " ")+`"}`)
				}))
				defer s.Close()
				ctx, cancel := context.WithTimeout(t.Context(), guard)
				defer cancel()
				err := asks(h.New(t, s.URL))[name](ctx)
				if err == nil {
					t.Fatal("got no error")
				}
				h.isError(t, err)
				if got := providers.KindOf(err); !oneOf(got, kinds...) {
					t.Errorf("got %v (%v), want %v", got, err, kinds)
				}
				if seen.Load() != 1 {
					t.Errorf("the gateway saw %d requests, want 1", seen.Load())
				}
			})
		}
		t.Run(name+"/NobodyThere", func(t *testing.T) {
			err := asks(h.New(t, "http://127.0.0.1:1"))[name](t.Context())
			if err == nil || providers.KindOf(err) != providers.Unavailable {
				t.Fatalf("got %v, want unavailable", err)
			}
			h.isError(t, err)
		})
		for kind, body := range map[string]string{
			"Page": "<!doctype html><title>Welcome</title>", "Empty": "", "Bytes": "\x00\xff\x1f\x8b", "Deep": deep, "OpenBrace": "{", "Null": "null",
			"Words": "It works",
		} {
			t.Run(name+"/Garbage"+kind, func(t *testing.T) {
				s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
				defer s.Close()
				ctx, cancel := context.WithTimeout(t.Context(), guard)
				defer cancel()
				if name == "Check" || name == "Cancel" {
					_ = asks(h.New(t, s.URL))[name](ctx) // a 200 may be all that the gateway's yes is
					return
				}
				err := asks(h.New(t, s.URL))[name](ctx)
				if err == nil {
					t.Fatal("a page that is no answer is taken for one")
				}
				h.isError(t, err)
			})
		}
		t.Run(name+"/Endless", func(t *testing.T) {
			var written atomic.Int64
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				chunk := []byte(strings.Repeat("[{<a>", 13_000))
				for written.Load() < capFloor {
					n, err := w.Write(chunk)
					if written.Add(int64(n)); err != nil {
						return
					}
				}
			}))
			ctx, cancel := context.WithTimeout(t.Context(), guard)
			defer cancel()
			_ = asks(h.New(t, s.URL))[name](ctx)
			s.Close()
			if written.Load() >= capFloor {
				t.Errorf("the adapter read %d bytes of an endless answer", written.Load())
			}
		})
		t.Run(name+"/Deadline", func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), guard)
			defer cancel()
			s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // before that a server does not see that the caller is gone
				cancel()                           // the caller's time is over while the gateway thinks
				<-r.Context().Done()
			}))
			defer s.Close()
			err := asks(h.New(t, s.URL))[name](ctx)
			if err == nil || !oneOf(providers.KindOf(err), providers.Unavailable, providers.Unknown) {
				t.Fatalf("got %v, want unavailable or unknown", err)
			}
			h.isError(t, err)
		})
	}
}

// cancelScheduled takes back what the gateway was told to send later.
func cancelScheduled(t *testing.T, h *Harness) {
	b := h.decided(t, 0)
	c, ok := b.a.adapter.(providers.Canceller)
	if !ok {
		h.notAsked(t, "Canceller")
		return
	}
	later := h.call(b.a.adapter.Limits(), 2)
	later.Options.At = time.Now().Add(time.Hour)
	results := b.send(later)
	allAccepted(t, results)
	for i, want := range []bool{true, false} { // the second time there is nothing to take back
		if done, err := c.Cancel(t.Context(), results[0].ID); err != nil || done != want {
			t.Errorf("time %d: got %v, %v, want %v", i+1, done, err, want)
		}
	}
	for _, m := range b.g.Messages() {
		if !m.Cancelled {
			t.Error("the gateway still sends it")
		}
	}
	now := b.send(shifted(h.call(b.a.adapter.Limits(), 1), 1000))
	allAccepted(t, now)
	for what, id := range map[string]string{"what is sent already": now[0].ID, "what nobody knows": "999999"} {
		if done, err := c.Cancel(t.Context(), id); err != nil || done {
			t.Errorf("%s: got %v, %v, want false", what, done, err)
		}
	}
	b.keptRules()
}

// inboundPolled fetches what handsets wrote.
func inboundPolled(t *testing.T, h *Harness) {
	b := h.decided(t, 0)
	p, ok := b.a.adapter.(providers.InboundPoller)
	if !ok {
		h.notAsked(t, "InboundPoller")
		return
	}
	since := time.Now().Add(-time.Minute)
	if got, err := p.PollInbound(t.Context(), since); err != nil || len(got) != 0 {
		t.Fatalf("an empty inbox: got %d messages, %v", len(got), err)
	}
	const n = 7
	for i := range n {
		b.g.Write(gateway.MO{From: firstNumber - sms.MSISDN(i), To: "2020", Text: fmt.Sprintf("STOP %d é €", i), At: time.Now()})
	}
	for range 2 { // they stay, and are the same
		got, err := p.PollInbound(t.Context(), since)
		if err != nil {
			t.Fatal(err)
		}
		ids := map[string]bool{}
		texts := map[sms.MSISDN]string{}
		for _, m := range got {
			ids[m.ID] = true
			texts[m.From] = m.Text
		}
		if len(got) != n || len(ids) != n || ids[""] {
			t.Fatalf("got %d messages with %d identifiers, want %d", len(got), len(ids), n)
		}
		for i := range n {
			if want := fmt.Sprintf("STOP %d é €", i); texts[firstNumber-sms.MSISDN(i)] != want {
				t.Errorf("got %q, want %q", texts[firstNumber-sms.MSISDN(i)], want)
			}
		}
	}
	b.keptRules()
}
