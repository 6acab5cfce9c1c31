package providertest

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

func accepted(t *testing.T, h *Harness) {
	b := h.start(t)
	lim := b.a.adapter.Limits()
	if lim.Recipients < 1 {
		t.Fatalf("Limits().Recipients is %d", lim.Recipients)
	}
	c := h.call(lim, 1)
	results := b.send(c)
	allAccepted(t, results)
	b.keptRules()
	b.sawSends(1)
	b.arrived(c, everyone)
	m := b.g.Messages()[0]
	if m.Text != c.Text || m.From != string(c.From) || (m.Reference != "" && m.Reference != c.Reference) {
		t.Errorf("got %s, reference %q", describe(m), m.Reference)
	}
	if m.ID != results[0].ID {
		t.Errorf("got ID %q, the gateway gave %q", results[0].ID, m.ID)
	}
}

func oneResultPerRecipient(t *testing.T, h *Harness) {
	b := h.start(t)
	lim := b.a.adapter.Limits()
	for _, n := range []int{1, 2, 3, 7} {
		allAccepted(t, b.send(h.call(lim, n)))
	}
	b.keptRules()
}

func emptyCall(t *testing.T, h *Harness) {
	b := h.start(t)
	if got := b.send(providers.Call{From: h.From, Text: plainText, Segments: 1}); len(got) != 0 {
		t.Errorf("got %d results for no recipients", len(got))
	}
	b.sawSends(0)
}

func partlyRejected(t *testing.T, h *Harness) {
	if why := h.None["PartlyRejected"]; why != "" {
		h.idle(t, why)
		return
	}
	const n = 5
	to := numbers(firstNumber, n)
	for bad := range n {
		b := h.start(t, "refuse:"+to[bad].String())
		c := h.textCall(plainText, to...)
		for i, r := range b.settle(c, b.a.adapter.Limits()) {
			switch {
			case i != bad && r.Err != nil:
				t.Errorf("recipient %d refused: recipient %d ends as %v", bad, i, r.Err)
			case i == bad && (r.Err == nil || !oneOf(providers.KindOf(r.Err), providers.Rejected, providers.Invalid)):
				t.Errorf("recipient %d refused: ends as %v; want rejected or invalid", bad, r.Err)
			case i == bad && r.Code == "":
				t.Errorf("recipient %d refused: no Code", bad)
			}
		}
		b.arrived(c, func(i int) bool { return i != bad })
		b.keptRules()
	}
}

func rejected(t *testing.T, h *Harness) {
	if empty(h.Rejected) {
		h.none(t, "Rejected")
		return
	}
	b := h.start(t)
	b.g.Script(func(int64) *gateway.Reply { return &h.Rejected })
	results := b.send(h.call(b.a.adapter.Limits(), 3))
	allOf(t, results, providers.Rejected, providers.Invalid)
	for i, r := range results {
		if r.Code == "" {
			t.Errorf("result %d has no Code", i)
		}
	}
	b.sawSends(1)
}

func badCredentials(t *testing.T, h *Harness) {
	t.Run("RefusedByTheGateway", func(t *testing.T) {
		b := h.start(t, "auth")
		allOf(t, b.send(h.call(b.a.adapter.Limits(), 3)), providers.Config)
		b.sawSends(1)
	})
	t.Run("WrongInTheSettings", func(t *testing.T) {
		b := h.serve(t)
		b.a = h.watch(t, h.Wrong(t, b.g.URL()))
		allOf(t, b.send(h.call(b.a.adapter.Limits(), 3)), providers.Config)
		b.sawSends(1)
		if b.g.Stats().Violations != 1 {
			t.Error("the gateway did not mind the wrong credentials")
		}
	})
}

func throttledGivesDelay(t *testing.T, h *Harness) {
	b := h.start(t, "429:7s@1", "429@2")
	c := h.call(b.a.adapter.Limits(), 3)
	for i, want := range []time.Duration{7 * time.Second, 0} {
		results := b.send(c)
		allOf(t, results, providers.Throttled)
		for _, r := range results {
			if got := retryAfter(r); got != want {
				t.Errorf("answer %d: RetryAfter is %v, want %v", i+1, got, want)
			}
		}
	}
	b.sawSends(2)
	b.arrived(c, nobody)
}

func throttledInItsOwnWords(t *testing.T, h *Harness) {
	if empty(h.Throttled) {
		h.none(t, "Throttled")
		return
	}
	b := h.start(t)
	b.g.Script(func(int64) *gateway.Reply { return &h.Throttled })
	allOf(t, b.send(h.call(b.a.adapter.Limits(), 3)), providers.Throttled)
	b.sawSends(1)
}

func busyUntilADate(t *testing.T, h *Harness) {
	b := h.start(t)
	until := time.Now().Add(30 * time.Minute)
	b.g.Script(func(int64) *gateway.Reply {
		return &gateway.Reply{
			Status: http.StatusServiceUnavailable,
			Header: http.Header{"Retry-After": {until.UTC().Format(http.TimeFormat)}},
		}
	})
	results := b.send(h.call(b.a.adapter.Limits(), 2))
	allOf(t, results, providers.Unavailable, providers.Throttled)
	for _, r := range results {
		if got := retryAfter(r); got <= 0 || got > 30*time.Minute {
			t.Errorf("RetryAfter is %v, want the time until the date", got)
		}
	}
	b.sawSends(1)
}

func serverError(t *testing.T, h *Harness) {
	for _, fault := range []string{"500-after", "502-after", "504-after", "500"} {
		t.Run(fault, func(t *testing.T) {
			b := h.start(t, fault)
			allOf(t, b.send(h.call(b.a.adapter.Limits(), 3)), providers.Unknown)
			b.sawSends(1)
		})
	}
}

func redirectNotFollowed(t *testing.T, h *Harness) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			b := h.start(t)
			b.g.Script(func(n int64) *gateway.Reply {
				if n > 1 {
					return nil
				}
				return &gateway.Reply{Status: status, Header: http.Header{"Location": {b.g.URL() + b.g.Requests()[0].URL}}}
			})
			c := h.call(b.a.adapter.Limits(), 2)
			allOf(t, b.send(c), providers.Config, providers.Rejected)
			b.sawSends(1)
			b.arrived(c, nobody)
		})
	}
}

func garbage(t *testing.T, h *Harness) {
	t.Run("Page", func(t *testing.T) {
		b := h.start(t, "garbage")
		allOf(t, b.send(h.call(b.a.adapter.Limits(), 3)), providers.Unknown)
		b.sawSends(1)
	})
	for name, reply := range map[string]gateway.Reply{
		"Empty":         {},
		"NoContent":     {Status: http.StatusNoContent},
		"Accepted202":   {Status: http.StatusAccepted},
		"Blank":         {Body: []byte(" \r\n")},
		"OpenBrace":     gateway.JSON(200, "{"),
		"EmptyObject":   gateway.JSON(200, "{}"),
		"EmptyArray":    gateway.JSON(200, "[]"),
		"Null":          gateway.JSON(200, "null"),
		"OtherObject":   gateway.JSON(200, `{"hello":{"world":[true,null,"x"]}}`),
		"HalfATag":      {Type: "text/xml", Body: []byte("<respo")},
		"OtherElements": {Type: "text/xml", Body: []byte("<a><b>c</b></a>")},
		"Words":         {Body: []byte("Thank you, come again")},
		"Bytes":         {Body: []byte("\x00\xff\xfe\x1f\x8b\x08\xed")},
		"Deep":          gateway.JSON(200, deep),
	} {
		t.Run(name, func(t *testing.T) {
			b := h.start(t)
			b.g.Script(func(int64) *gateway.Reply { return &reply })
			allOf(t, b.send(h.call(b.a.adapter.Limits(), 3)), providers.Unknown)
			b.sawSends(1)
		})
	}
}

func concurrent(t *testing.T, h *Harness) {
	const senders, each = 8, 10
	b := h.start(t)
	lim := b.a.adapter.Limits()
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for k := range each {
				c := h.textCall(plainText, numbers(firstNumber-10*sms.MSISDN(s*each+k), min(3, lim.Recipients))...)
				ctx, cancel := context.WithTimeout(context.Background(), guard)
				for i, r := range b.a.Send(ctx, c) {
					if r.Err != nil {
						t.Errorf("sender %d, call %d, recipient %d: %v", s, k, i, r.Err)
					}
				}
				cancel()
			}
		})
	}
	wg.Wait()
	b.keptRules()
	b.sawSends(senders * each)
	if twice := b.g.TakenTwice(); len(twice) > 0 {
		t.Errorf("%d numbers were taken more than once", len(twice))
	}
	if got, want := b.g.Stats().Taken, int64(senders*each*min(3, lim.Recipients)); got != want {
		t.Errorf("%d messages were taken, want %d", got, want)
	}
}
