package main

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// promised are the metrics in the table of docs/metrics.md: what stands before the meaning, by name.
func promised(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(volley_[a-z_]+)` \\| ([a-z]+) \\| (.*?) ?\\| ([a-z]+) \\| .+ \\|$").FindAllStringSubmatch(string(page), -1) {
		out[row[1]] = row[2] + " {" + strings.ReplaceAll(row[3], "`", "") + "} " + row[4]
	}
	return out
}

// recorder is a registry that knows what was registered, also of metrics without a value yet.
type recorder struct {
	*prometheus.Registry
	role string

	mu   sync.Mutex
	seen map[string]string
}

var described = regexp.MustCompile(`fqName: "([^"]*)".*variableLabels: \{([^}]*)\}`)

// Register implements prometheus.Registerer.
func (r *recorder) Register(c prometheus.Collector) error {
	if err := r.Registry.Register(c); err != nil {
		return err
	}
	kind := strings.TrimSuffix(strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", c), "*prometheus.")), "vec")
	descs := make(chan *prometheus.Desc, 1)
	c.Describe(descs)
	d := described.FindStringSubmatch((<-descs).String())
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen[d[1]] = kind + " {" + strings.ReplaceAll(d[2], ",", ", ") + "} " + r.role
	return nil
}

// TestMetrics_AreDocumented: the table in docs/metrics.md and what the roles register are the same.
func TestMetrics_AreDocumented(t *testing.T) {
	old := prometheus.DefaultRegisterer
	t.Cleanup(func() { prometheus.DefaultRegisterer = old })
	have := map[string]string{}
	c, _ := newReporting(t)
	file, err := os.ReadFile(c.file)
	if err != nil {
		t.Fatal(err)
	}
	for role, ready := range map[string]string{"worker": "worker is ready", "scheduler": "scheduler is ready", "callbacks": "callbacks are taken"} {
		r := &recorder{Registry: prometheus.NewRegistry(), role: role, seen: map[string]string{}}
		prometheus.DefaultRegisterer = r
		own := *c
		own.file = c.write("volley-"+role+".yaml", string(file)+"outcomes: {postgres: 'postgres://nobody@127.0.0.1:1/none'}\n")
		p := own.start(role)
		p.says(ready)
		p.stop()
		for name, what := range r.seen {
			if was, found := have[name]; found {
				what = was[:strings.LastIndex(was, " ")] + " all"
			}
			have[name] = what
		}
	}
	want := promised(t)
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if want[name] != have[name] {
			t.Errorf("%s is %s; docs/metrics.md says %q", name, have[name], want[name])
		}
	}
	for name := range want {
		if _, ok := have[name]; !ok {
			t.Errorf("%s is in docs/metrics.md, and no role registers it", name)
		}
	}
}
