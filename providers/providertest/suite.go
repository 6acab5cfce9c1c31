// Package providertest is the conformance suite that every adapter passes: one set of cases, run against the
// provider's simulated gateway (package gateway) over real HTTP on the loopback.
//
// An adapter's test is a Harness and one call:
//
//	func TestConformance(t *testing.T) { providertest.Run(t, providertest.Harness{...}) }
package providertest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

// Harness is what an adapter brings to the suite.
type Harness struct {
	// Dialect is the provider's simulated gateway.
	Dialect gateway.Dialect
	// New returns an adapter that knows the Dialect's account.
	New func(t testing.TB, baseURL string) providers.Adapter
	// Wrong returns an adapter whose credentials the gateway does not know.
	Wrong func(t testing.TB, baseURL string) providers.Adapter
	// Secrets must not be in any error or detail: the credentials of New's adapter, in every form they are sent in.
	Secrets []string
	// From is the sender ID of the calls; empty is "2020".
	From sms.SenderID

	// Rejected is an answer of the gateway that refuses a whole call for good.
	Rejected gateway.Reply
	// Throttled is the gateway's own way to say "too fast", where it is not HTTP 429.
	Throttled gateway.Reply

	// Word returns a push as the gateway makes it about some message, with a status word of the caller's choice, and nothing
	// else that says how it stands. For gateways that push reports.
	Word func(word string) gateway.PushRequest

	// None says why the adapter has nothing for a case, by the case's name. A case that lacks what it needs fails unless
	// its reason stands here; the reason is logged.
	None map[string]string

	// Cases is how many cases have something to look at. The suite fails when it is another number, so that none stops looking
	// without anybody noticing.
	Cases int

	known map[string]bool // the names of the cases
	mu    *sync.Mutex
	idly  map[string]bool // the cases that had nothing to look at
}

// guard bounds each Send, so that an adapter that hangs fails its case and not the test binary.
const guard = 30 * time.Second

// cases are the suite, by the fact each establishes.
var cases = []struct {
	name string
	run  func(*testing.T, *Harness)
}{
	{"Accepted", accepted},
	{"OneResultPerRecipient", oneResultPerRecipient},
	{"EmptyCallSendsNothing", emptyCall},
	{"PartlyRejected", partlyRejected},
	{"Rejected", rejected},
	{"BadCredentials", badCredentials},
	{"ThrottledGivesDelay", throttledGivesDelay},
	{"ThrottledInItsOwnWords", throttledInItsOwnWords},
	{"BusyUntilADate", busyUntilADate},
	{"RefusedConnectionIsNotSent", refusedConnection},
	{"FailedTLSIsNotSent", failedTLS},
	{"DroppedConnectionIsUnknownAndSentOnce", droppedConnection},
	{"DeadlineAfterWriteIsUnknown", deadlineAfterWrite},
	{"TrickledBodyEndsAtTheDeadline", trickledBody},
	{"CanceledContextSendsNothing", canceledContext},
	{"RedirectNotFollowed", redirectNotFollowed},
	{"ServerErrorIsUnknown", serverError},
	{"Garbage2xxIsUnknown", garbage},
	{"BodyCapped", bodyCapped},
	{"NoSecretInErrors", noSecretInErrors},
	{"TextArrivesIntact", textArrivesIntact},
	{"OwnTextsArriveIntact", ownTextsArriveIntact},
	{"MergedValuesArriveIntact", mergedValuesArriveIntact},
	{"BinaryArrivesOrIsInvalid", binaryArrivesOrIsInvalid},
	{"AtTheLimits", atTheLimits},
	{"Concurrent", concurrent},
	{"Check", check},

	{"LimitsAreSane", limitsAreSane},
	{"CallIsNotChanged", callIsNotChanged},
	{"ResultsKeepTheOrder", resultsKeepTheOrder},
	{"CallsAreNotMixedUp", callsAreNotMixedUp},
	{"OptionsNeverBreakACall", optionsNeverBreakACall},
	{"ReferencesAndSenders", referencesAndSenders},
	{"AnswersInPieces", answersInPieces},
	{"ZipBomb", zipBomb},
	{"OddAnswersAreUnknown", oddAnswers},
	{"HeaderBomb", headerBomb},
	{"SlowHeaderEndsAtTheDeadline", slowHeader},
	{"DeadlineInThePastSendsNothing", deadlineInThePast},
	{"OldTLSIsNotSent", oldTLS},
	{"IdleConnectionDies", idleConnectionDies},
	{"ConnectionsAreKept", connectionsAreKept},
	{"RetryAfterForms", retryAfterForms},
	{"EveryStatus", everyStatus},

	{"ReportsAreAskedFor", reportsAskedFor},
	{"ReportsAreRead", reportsAreRead},
	{"RepeatedPushIsTheSame", repeatedPush},
	{"ForgedPushIsRefused", forgedPush},
	{"UnknownWordIsPending", unknownWord},
	{"GarbagePushIsMalformed", garbagePush},
	{"AckIsTheGateways", ack},
	{"InboundPushed", inboundPushed},
	{"InboundPolled", inboundPolled},
	{"Poll", poll},
	{"CancelScheduled", cancelScheduled},
	{"AskingAGatewayInTrouble", askInTrouble},
}

// Run runs every case against h's adapter.
func Run(t *testing.T, h Harness) {
	t.Helper()
	if h.Dialect == nil || h.New == nil || h.Wrong == nil || len(h.Secrets) == 0 {
		t.Fatal("a Harness needs Dialect, New, Wrong and Secrets")
	}
	if h.From == "" {
		h.From = "2020"
	}
	h.mu, h.idly, h.known = new(sync.Mutex), map[string]bool{}, map[string]bool{}
	for _, c := range cases {
		h.known[c.name] = true
	}
	ran := 0
	t.Cleanup(func() { // when the cases are over
		if got := len(cases) - len(h.idly); ran == len(cases) && got != h.Cases {
			t.Errorf("%d of %d cases have something to look at; Cases is %d", got, len(cases), h.Cases)
		}
	})
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ran++ // before it is parallel
			t.Parallel()
			c.run(t, &h)
		})
	}
	for name := range h.None {
		if !h.known[name] {
			t.Errorf("None names %q, which is no case", name)
		}
	}
}

// idle says why the running case has nothing to look at.
func (h *Harness) idle(t *testing.T, why string) {
	t.Helper()
	t.Logf("does not apply: %s", why)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, name := range strings.Split(t.Name(), "/") {
		if h.known[name] {
			h.idly[name] = true
		}
	}
}

// none says why the running case does not apply, as the harness has it; without a reason the test fails.
func (h *Harness) none(t *testing.T, needs string) {
	t.Helper()
	names := strings.Split(t.Name(), "/")
	for _, name := range names {
		if why := h.None[name]; why != "" {
			h.idle(t, why)
			return
		}
	}
	t.Fatalf("the Harness has no %s; give one, or a reason in None[%q]", needs, names[len(names)-1])
}

// bench is one gateway and one adapter before it.
type bench struct {
	*testing.T
	h *Harness
	g *gateway.Gateway
	a *watched
}

// start returns an adapter before a fresh gateway with faults, in the form of gateway.ParseFault.
func (h *Harness) start(t *testing.T, faults ...string) *bench {
	t.Helper()
	b := h.serve(t, faults...)
	b.a = h.watch(t, h.New(t, b.g.URL()))
	return b
}

// serve returns a fresh gateway.
func (h *Harness) serve(t *testing.T, faults ...string) *bench {
	t.Helper()
	var fs []gateway.Fault
	for _, s := range faults {
		f, err := gateway.ParseFault(s)
		if err != nil {
			t.Fatal(err)
		}
		fs = append(fs, f)
	}
	g := gateway.New(h.Dialect, gateway.Options{Faults: fs})
	if err := g.Start(""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return &bench{T: t, h: h, g: g}
}

// send makes one attempt, bounded by guard.
func (b *bench) send(c providers.Call) []providers.Result {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), guard)
	defer cancel()
	return b.a.Send(ctx, c)
}

// keptRules fails when the gateway saw a rule broken.
func (b *bench) keptRules() {
	b.Helper()
	for _, v := range b.g.Violations() {
		b.Errorf("the gateway's rules were broken: %s", v)
	}
}

// sawSends fails when the gateway has not seen n requests to send in all, or has seen others.
func (b *bench) sawSends(n int64) {
	b.Helper()
	if s := b.g.Stats(); s.Sends != n || s.Requests != n {
		b.Errorf("the gateway saw %d requests, %d of them sends; want %d", s.Requests, s.Sends, n)
	}
}

// watched is an adapter of whose every answer the suite looks at what must always hold.
type watched struct {
	t       testing.TB
	h       *Harness
	adapter providers.Adapter
	mu      sync.Mutex
	leaks   map[string]bool
}

func (h *Harness) watch(t testing.TB, a providers.Adapter) *watched {
	return &watched{t: t, h: h, adapter: a, leaks: map[string]bool{}}
}

// Send sends c and looks at the results.
func (w *watched) Send(ctx context.Context, c providers.Call) []providers.Result {
	w.t.Helper()
	results := w.adapter.Send(ctx, c)
	if len(results) != len(c.Recipients) {
		w.t.Fatalf("got %d results for %d recipients", len(results), len(c.Recipients))
	}
	for i, r := range results {
		w.look(c, i, r)
	}
	return results
}

func (w *watched) look(c providers.Call, i int, r providers.Result) {
	w.t.Helper()
	shown := r.Code + "\n" + r.Detail
	if len(r.Detail) > providers.MaxDetail {
		w.t.Errorf("result %d: Detail of %d bytes", i, len(r.Detail))
	}
	if r.Err != nil {
		var e *providers.Error
		if !errors.As(r.Err, &e) {
			w.t.Errorf("result %d: %T is no *providers.Error", i, r.Err)
			return
		}
		if e.Provider != w.h.Dialect.Provider() {
			w.t.Errorf("result %d: Provider is %q", i, e.Provider)
		}
		if len(e.Detail) > providers.MaxDetail {
			w.t.Errorf("result %d: Error.Detail of %d bytes", i, len(e.Detail))
		}
		shown += "\n" + fmt.Sprintf("%v\n%+v\n%v", r.Err, r.Err, e.Err)
	}
	w.noLeak(shown, append([]string{c.Text, c.Recipients[i].Text, c.Recipients[i].To.String(), c.Recipients[0].To.String()}, w.h.Secrets...)...)
}

// noLeak fails, once for each, when shown holds one of secrets. A long secret is looked for by its beginning.
func (w *watched) noLeak(shown string, secrets ...string) {
	w.t.Helper()
	const enough = 16
	for _, s := range secrets {
		if len(s) < 4 || !strings.Contains(shown, s[:min(len(s), enough)]) {
			continue
		}
		w.mu.Lock()
		if !w.leaks[s] {
			w.leaks[s] = true
			w.t.Errorf("%q leaks in %q", s[:min(len(s), enough)], shown)
		}
		w.mu.Unlock()
	}
}

// allOf fails when the kind of any result is not one of kinds.
func allOf(t testing.TB, results []providers.Result, kinds ...providers.Kind) {
	t.Helper()
	for i, r := range results {
		if r.Err == nil {
			t.Fatalf("result %d: accepted; want %v", i, kinds)
		}
		if got := providers.KindOf(r.Err); !oneOf(got, kinds...) {
			t.Fatalf("result %d: got %v (%v), want %v", i, got, r.Err, kinds)
		}
	}
}

func oneOf(k providers.Kind, kinds ...providers.Kind) bool {
	for _, want := range kinds {
		if k == want {
			return true
		}
	}
	return false
}

// allAccepted fails when any result is not.
func allAccepted(t testing.TB, results []providers.Result) {
	t.Helper()
	for i, r := range results {
		if r.Err != nil {
			t.Fatalf("result %d: %v", i, r.Err)
		}
	}
}

// retryAfter returns the wait that r's error asks for.
func retryAfter(r providers.Result) time.Duration {
	var e *providers.Error
	if !errors.As(r.Err, &e) {
		return 0
	}
	return e.RetryAfter
}

// empty reports whether a harness left r out.
func empty(r gateway.Reply) bool { return r.Status == 0 && len(r.Body) == 0 }
