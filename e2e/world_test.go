package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/volleysms/volley/e2e/world"
	"github.com/volleysms/volley/internal/redistest"
	"github.com/volleysms/volley/providers/providertest/gateway"
)

func TestMain(m *testing.M) { world.Main(m) }

// four is a Redis, the four simulated gateways with an account at each, and an operator with a configuration of them.
type four struct {
	*world.Operator
	redis string
	// gateways by their provider, which is the account's name too.
	gateways map[string]*gateway.Gateway
}

// newFour starts it. Faults are in the form of volley simulate --fault.
func newFour(t *testing.T, faults ...string) *four {
	t.Helper()
	w := &four{redis: redistest.Start(t), gateways: map[string]*gateway.Gateway{}}
	o := gateway.Options{Faults: parse(t, faults)}
	for _, d := range []gateway.Dialect{gateway.GatewayAPI{}, gateway.MGage{}, gateway.MTTM{}, gateway.Ogangi{}} {
		g := gateway.New(d, o)
		if err := g.Start(""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = g.Close() })
		w.gateways[d.Provider()] = g
	}
	w.Operator = world.New(t, w.yaml())
	return w
}

// faults replaces those of all gateways.
func (w *four) faults(faults ...string) {
	w.T.Helper()
	for _, g := range w.gateways {
		g.SetFaults(parse(w.T, faults)...)
	}
}

func parse(t testing.TB, faults []string) (out []gateway.Fault) {
	t.Helper()
	for _, f := range faults {
		parsed, err := gateway.ParseFault(f)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, parsed)
	}
	return out
}

// yaml is the configuration.
func (w *four) yaml() string {
	var b strings.Builder
	fmt.Fprintf(&b, "redis:\n  url: redis://%s/0\naccounts:\n", w.redis)
	for _, name := range slices.Sorted(maps.Keys(w.gateways)) {
		g := w.gateways[name]
		fmt.Fprintf(&b, "  %s:\n    base_url: %s\n", name, g.URL())
		for k, v := range g.Dialect().Account() {
			fmt.Fprintf(&b, "    %s: %q\n", k, v)
		}
	}
	b.WriteString("retry: {initial: 100ms, max: 1s}\n")
	return b.String()
}

// taken is how often a gateway took each number.
func (w *four) taken(provider string) map[string]int {
	n := map[string]int{}
	for _, m := range w.gateways[provider].Messages() {
		n[m.To.String()]++
	}
	return n
}

// discreet fails the test when a log has a credential, one of the words, or a line that is not JSON.
func (w *four) discreet(log string, words ...string) {
	w.T.Helper()
	for _, g := range w.gateways {
		for k, v := range g.Dialect().Account() {
			switch k {
			case "password", "token", "private_key", "public_key", "username":
				words = append(words, v)
			}
		}
	}
	for line := range strings.Lines(log) {
		if !json.Valid([]byte(line)) {
			w.T.Errorf("a line is not JSON: %s", line)
		}
		for _, word := range words {
			if strings.Contains(line, word) {
				w.T.Errorf("the log has %q: %s", word, line)
			}
		}
	}
}

// answers reports whether an HTTP server answers there, whatever it says.
func answers(addr string) bool {
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Get("http://" + addr + "/")
	if err == nil {
		_ = resp.Body.Close()
	}
	return err == nil
}

// open reports whether somebody listens there.
func open(addr string) bool {
	c, err := net.Dial("tcp", addr)
	if err == nil {
		_ = c.Close()
	}
	return err == nil
}
