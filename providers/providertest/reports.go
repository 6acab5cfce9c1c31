package providertest

import (
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

// webhook is where a gateway pushes what has no address of its own.
const webhook = "https://sms.example.com/hook/account-1"

// pushOf returns r as the adapter gets it.
func pushOf(t testing.TB, r gateway.PushRequest) providers.Push {
	t.Helper()
	u, err := url.Parse(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	header := r.Header
	if header == nil {
		header = http.Header{}
	}
	return providers.Push{Method: r.Method, Query: u.Query(), Header: header, Body: r.Body}
}

// receiving returns an adapter that reads pushes, and the gateway that makes them; nil when neither is, which is logged.
func (h *Harness) receiving(t *testing.T) (*bench, providers.Receiver, gateway.Pusher) {
	t.Helper()
	b := h.start(t)
	r, reads := b.a.adapter.(providers.Receiver)
	p, makes := h.Dialect.(gateway.Pusher)
	switch {
	case reads && makes:
		return b, r, p
	case !reads && !makes:
		h.idle(t, "the gateway pushes nothing, and the adapter is no providers.Receiver")
	case makes:
		h.none(t, "adapter that is a providers.Receiver, though its gateway pushes")
	default:
		h.none(t, "Dialect that is a gateway.Pusher, though its adapter reads pushes")
	}
	return nil, nil, nil
}

// told returns what the gateway pushes about a message of fate.
func told(p gateway.Pusher, m gateway.Message, e gateway.Event) []gateway.PushRequest {
	m.Fate = e.Fate
	if e.Fate == providers.Taken {
		m.Fate = providers.Delivered
	}
	if e.At.IsZero() {
		e.At = time.Unix(1_900_000_000, 0)
	}
	e.Webhook = webhook
	return p.Push(&m, e)
}

// pushesReports is receiving for a gateway that pushes reports: b is nil when it pushes inbound messages alone.
func (h *Harness) pushesReports(t *testing.T, n int) (b *bench, r providers.Receiver, p gateway.Pusher, taken []gateway.Message) {
	t.Helper()
	if b, r, p = h.receiving(t); b == nil {
		return nil, nil, nil, nil
	}
	taken = b.asked(n)
	if len(told(p, taken[0], gateway.Event{Fate: providers.Delivered})) == 0 {
		h.idle(t, "the gateway pushes no reports")
		return nil, nil, nil, nil
	}
	return b, r, p, taken
}

// address returns the address of a push without its query.
func address(r gateway.PushRequest) string {
	a, _, _ := strings.Cut(r.URL, "?")
	return a
}

// reportsAskedFor looks at what the gateway is told of where to push.
func reportsAskedFor(t *testing.T, h *Harness) {
	t.Run("ToTheAddressGiven", func(t *testing.T) {
		b, _, p, taken := h.pushesReports(t, 3)
		if b == nil {
			return
		}
		to, own := reportTo("https://sms.example.com"), 0
		index := map[sms.MSISDN]int{}
		for i, r := range h.call(b.a.adapter.Limits(), 3).Recipients {
			index[r.To] = i
		}
		for _, m := range taken {
			for _, r := range told(p, m, gateway.Event{Fate: providers.Delivered}) {
				i := index[m.To]
				switch address(r) {
				case to(i):
					own++
				case to(-1):
				case webhook:
					if h.None["ReportsAreAskedFor"] == "" {
						t.Errorf("recipient %d: no address was handed to the gateway", i)
					}
				default:
					t.Errorf("recipient %d: the gateway pushes to %q", i, address(r))
				}
				if m.Text != plainText {
					t.Errorf("got %s", describe(m))
				}
			}
		}
		t.Logf("%d of %d messages have an address of their own", own, len(taken))
	})
	t.Run("NobodyListens", func(t *testing.T) {
		b := h.start(t)
		allAccepted(t, b.send(h.call(b.a.adapter.Limits(), 3)))
		for _, m := range b.g.Messages() {
			if c := m.Callback; c != nil && c.URL+c.Progress+c.Errors != "" {
				t.Errorf("the gateway was asked for reports to %q", c.URL+c.Progress+c.Errors)
			}
		}
		b.keptRules()
	})
	t.Run("TheLongestAddress", func(t *testing.T) {
		b, _, p := h.receiving(t)
		if b == nil {
			return
		}
		long := "https://sms.example.com/"
		long += strings.Repeat("a", providers.MaxReportTo-len(long))
		c := h.call(b.a.adapter.Limits(), 2)
		c.ReportTo = func(int) string { return long }
		allAccepted(t, b.send(c))
		b.keptRules()
		for _, m := range b.g.Messages() {
			for _, r := range told(p, m, gateway.Event{Fate: providers.Delivered}) {
				if got := address(r); got != long && h.None["ReportsAreAskedFor"] == "" {
					t.Errorf("the address that the gateway has is %d bytes, not %d", len(got), len(long))
				}
			}
		}
	})
}

// reportsAreRead reads what the gateway pushes of each fate, about each of several recipients.
func reportsAreRead(t *testing.T, h *Harness) {
	b, r, p, taken := h.pushesReports(t, 3)
	if b == nil {
		return
	}
	for _, want := range []providers.Fate{providers.Taken, providers.Delivered, providers.Undelivered} {
		for _, m := range taken {
			last := providers.Pending
			for _, req := range told(p, m, gateway.Event{Fate: want}) {
				pushed, err := r.Receive(pushOf(t, req))
				if err != nil {
					t.Fatalf("fate %d: %v", want, err)
				}
				if len(pushed.Reports) == 0 {
					t.Errorf("fate %d: the push has no report", want)
				}
				for _, got := range pushed.Reports {
					b.a.lookAtReport(m, got)
					if ownAddress := strings.HasSuffix(address(req), ".0123456789abcdef") && !strings.Contains(address(req), ".all."); got.To == 0 && !ownAddress {
						t.Errorf("fate %d: neither the address nor the report says whom it is about", want)
					}
					if got.To != 0 && got.To != m.To {
						t.Errorf("fate %d: the report is about another number", want)
					}
					if got.Fate != providers.Pending {
						last = got.Fate
					}
				}
			}
			if want != providers.Taken && last != want {
				t.Errorf("the gateway told fate %d, and fate %d was understood", want, last)
			}
			if want == providers.Taken && last.Final() {
				t.Errorf("the gateway told of no end, and fate %d was understood", last)
			}
		}
	}
}

// lookAtReport looks at what must hold of every report.
func (w *watched) lookAtReport(m gateway.Message, r providers.Report) {
	w.t.Helper()
	const most = 256
	if len(r.Detail) > providers.MaxDetail || len(r.Code) > providers.MaxDetail || len(r.ID) > most || len(r.Reference) > most {
		w.t.Errorf("Detail of %d bytes, Code of %d, ID of %d, Reference of %d", len(r.Detail), len(r.Code), len(r.ID), len(r.Reference))
	}
	if r.Reference != "" && r.Reference != m.Reference {
		w.t.Errorf("got reference %q, the call's was %q", r.Reference, m.Reference)
	}
	if !r.At.IsZero() && r.At.Sub(time.Unix(1_900_000_000, 0)).Abs() > time.Second {
		w.t.Errorf("got the time %v, want %v", r.At, time.Unix(1_900_000_000, 0))
	}
	shown := r.Code + "\n" + r.Detail
	w.noLeak(shown, append([]string{m.Text, m.To.String()}, w.h.Secrets...)...)
}

// repeatedPush reads the same push several times, at the same time and after others.
func repeatedPush(t *testing.T, h *Harness) {
	b, r, p, taken := h.pushesReports(t, 2)
	if b == nil {
		return
	}
	for _, req := range told(p, taken[0], gateway.Event{Fate: providers.Undelivered}) {
		push := pushOf(t, req)
		want, err := r.Receive(push)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = r.Receive(pushOf(t, told(p, taken[len(taken)-1], gateway.Event{Fate: providers.Delivered})[0]))
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 10 {
					if got, err := r.Receive(push); err != nil || !reflect.DeepEqual(got, want) {
						t.Errorf("got %+v, %v, and %+v before", got, err, want)
					}
				}
			})
		}
		wg.Wait()
	}
}

// forgedPush reads what somebody else pushes. It must not be proven, and where the gateway signs, it is refused.
func forgedPush(t *testing.T, h *Harness) {
	b, r, p, taken := h.pushesReports(t, 2)
	if b == nil {
		return
	}
	genuine, err := r.Receive(pushOf(t, told(p, taken[0], gateway.Event{Fate: providers.Delivered})[0]))
	if err != nil {
		t.Fatal(err)
	}
	if !genuine.Proven {
		t.Log("nothing in a push of this gateway proves who made it; its address does")
	}
	for _, m := range taken {
		for _, req := range told(p, m, gateway.Event{Fate: providers.Undelivered, Forged: true}) {
			pushed, err := r.Receive(pushOf(t, req))
			if err == nil && pushed.Proven {
				t.Error("a forged push is taken for proven")
			}
			known := address(req) == reportTo("https://sms.example.com")(-1) || address(req) == webhook
			if genuine.Proven && known && !errors.Is(err, providers.ErrForged) {
				t.Errorf("got %v, want ErrForged", err)
			}
		}
		if !genuine.Proven {
			continue
		}
		for _, req := range told(p, m, gateway.Event{Fate: providers.Delivered}) {
			push := pushOf(t, req)
			for name, values := range push.Header {
				if !strings.Contains(strings.ToLower(name), "signature") {
					continue
				}
				for _, other := range []string{"", values[0] + "x", values[0][:len(values[0])/2], gateway.Tampered(values[0]), strings.Repeat("A", 100_000), "..", "\x00"} {
					changed := push
					changed.Header = push.Header.Clone()
					changed.Header[name] = []string{other}
					if pushed, err := r.Receive(changed); err == nil && pushed.Proven {
						t.Errorf("a signature of %d bytes that is not the gateway's is taken for proof", len(other))
					}
				}
			}
		}
	}
}

// unknownWord reads a status word that is in no document.
func unknownWord(t *testing.T, h *Harness) {
	b, r, _, _ := h.pushesReports(t, 1)
	if b == nil {
		return
	}
	if h.Word == nil {
		h.none(t, "Word")
		return
	}
	for _, word := range []string{"EXAMPLEWORD", "DELIVEREDX", "NOTDELIVERED", "X"} {
		pushed, err := r.Receive(pushOf(t, h.Word(word)))
		if err != nil || len(pushed.Reports) != 1 {
			t.Fatalf("%s: got %+v, %v, want one report", word, pushed, err)
		}
		if got := pushed.Reports[0]; got.Fate != providers.Pending || got.Code != word {
			t.Errorf("got fate %d and code %q, want pending and %q", got.Fate, got.Code, word)
		}
	}
	t.Run("Oversized", func(t *testing.T) {
		pushed, err := r.Receive(pushOf(t, h.Word(strings.Repeat("LONG", 10_000))))
		if err != nil && !errors.Is(err, providers.ErrMalformed) {
			t.Errorf("got %v", err)
		}
		for _, got := range pushed.Reports {
			b.a.lookAtReport(gateway.Message{Reference: got.Reference}, got)
			if got.Fate != providers.Pending {
				t.Errorf("got fate %d", got.Fate)
			}
		}
	})
	t.Run("TellsTooMuch", func(t *testing.T) {
		said := strings.Join(append([]string{plainText, "4512340999"}, h.Secrets...), " ")
		pushed, err := r.Receive(pushOf(t, h.Word(said)))
		if err != nil {
			b.a.noLeak(err.Error(), append([]string{plainText, "4512340999"}, h.Secrets...)...)
		}
		for _, got := range pushed.Reports {
			b.a.noLeak(got.Code+"\n"+got.Detail, append([]string{"4512340999"}, h.Secrets...)...)
		}
	})
}

// garbagePush reads what nobody pushes.
func garbagePush(t *testing.T, h *Harness) {
	b, r, p := h.receiving(t)
	if b == nil {
		return
	}
	secrets := append([]string{plainText, "4512340999"}, h.Secrets...)
	said := strings.Join(secrets, " ")
	bodies := []string{
		"", " ", "{", "{}", "[]", "[[]]", "null", "true", `"x"`, "1e999", `{"a":`, `{"id":{}}`, `{"status":[]}`, `{"reports":{}}`, `{"reports":[1,null]}`,
		"a", "a=%zz", "&&==", "%", "status=", "=delivered", "<a><b>", "\x00\xff\xfe", "--x\r\n", said, "x=" + url.QueryEscape(said), `{"` + said + `":1}`,
		deep, strings.Repeat("a=b&", 20_000), `{"a":"` + strings.Repeat("x", providers.MaxPush-8) + `"}`,
	}
	const large = 10_000
	types := []string{"", "application/json", "application/x-www-form-urlencoded", "text/xml", "multipart/form-data", "application/json; charset=\"", "\x00"}
	for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodPut, ""} {
		for _, kind := range types {
			for i, body := range bodies {
				if len(body) > large && (method != http.MethodPost || kind == "text/xml") {
					continue // once or twice is enough of what takes long
				}
				push := providers.Push{Method: method, Header: http.Header{"Content-Type": {kind}}, Body: []byte(body)}
				if kind == "" {
					push.Header = nil
				}
				if i%2 == 0 {
					push.Query = url.Values{"q": {said}, "": {""}, "id": nil}
				}
				pushed, err := r.Receive(push)
				if err == nil {
					t.Errorf("%s of %s %.40q: got %+v", method, kind, body, pushed)
					continue
				}
				if !errors.Is(err, providers.ErrMalformed) && !errors.Is(err, providers.ErrForged) {
					t.Errorf("%s of %.40q: %v is neither ErrMalformed nor ErrForged", method, body, err)
				}
				if len(pushed.Reports)+len(pushed.Inbound) > 0 {
					t.Errorf("%s of %.40q: an error and %d reports", method, body, len(pushed.Reports))
				}
				if len(err.Error()) > 4*providers.MaxDetail {
					t.Errorf("an error of %d bytes", len(err.Error()))
				}
				b.a.noLeak(err.Error(), secrets...)
			}
		}
	}
	t.Run("CutOff", func(t *testing.T) { // every beginning of a genuine push: read or refused, and no panic
		for _, req := range h.examples(b, p) {
			for n := range len(req.Body) {
				push := pushOf(t, req)
				push.Body = req.Body[:n]
				if _, err := r.Receive(push); err != nil && !errors.Is(err, providers.ErrMalformed) && !errors.Is(err, providers.ErrForged) {
					t.Errorf("%d bytes of a push: %v", n, err)
				}
			}
		}
	})
}

// examples returns pushes of the gateway, of whatever it pushes.
func (h *Harness) examples(b *bench, p gateway.Pusher) []gateway.PushRequest {
	var out []gateway.PushRequest
	for _, m := range b.asked(1) {
		for _, f := range []providers.Fate{providers.Taken, providers.Delivered, providers.Undelivered} {
			out = append(out, told(p, m, gateway.Event{Fate: f})...)
		}
	}
	if in, ok := p.(gateway.InboundPusher); ok {
		out = append(out, in.PushInbound(exampleMO, webhook))
	}
	return out
}

// ack looks at the answer to a push.
func ack(t *testing.T, h *Harness) {
	b, r, p := h.receiving(t)
	if b == nil {
		return
	}
	if r.Ack() != r.Ack() || len(r.Ack()) > 256 { //nolint:staticcheck // the same on purpose
		t.Errorf("got %q, want a short answer that is always the same", r.Ack())
	}
	if !p.Acked(http.StatusOK, []byte(r.Ack())) {
		t.Errorf("the gateway does not take %q for an acknowledgement", r.Ack())
	}
}

// exampleMO is what a handset writes.
var exampleMO = gateway.MO{ID: "7000001", From: firstNumber, To: "2020", Text: "STOP é € \"now\" & 100 %", At: time.Unix(1_900_000_000, 0)}

// inboundPushed reads what the gateway pushes of a handset's message.
func inboundPushed(t *testing.T, h *Harness) {
	_, r, p := h.receiving(t)
	if r == nil {
		return
	}
	in, ok := p.(gateway.InboundPusher)
	if !ok {
		h.idle(t, "the gateway pushes no inbound messages")
		return
	}
	push := pushOf(t, in.PushInbound(exampleMO, webhook))
	first, err := r.Receive(push)
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Inbound) != 1 || len(first.Reports) != 0 {
		t.Fatalf("got %d messages and %d reports, want one message", len(first.Inbound), len(first.Reports))
	}
	got := first.Inbound[0]
	if got.From != exampleMO.From || got.Text != exampleMO.Text || got.ID == "" {
		t.Errorf("got %+v, want %+v", got, exampleMO)
	}
	if got.To != "" && got.To != exampleMO.To {
		t.Errorf("written to %q, want %q", got.To, exampleMO.To)
	}
	again, err := r.Receive(push)
	if err != nil || len(again.Inbound) != 1 || again.Inbound[0].ID != got.ID {
		t.Errorf("the same push again: got %+v, %v, want the ID %q", again, err, got.ID)
	}
	other := exampleMO
	other.ID, other.Text = "7000002", "another text"
	third, err := r.Receive(pushOf(t, in.PushInbound(other, webhook)))
	if err != nil || len(third.Inbound) != 1 || third.Inbound[0].ID == got.ID {
		t.Errorf("another message: got %+v, %v, want another ID than %q", third, err, got.ID)
	}
}
