package worker

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/volleysms/volley/internal/standing"
	"github.com/volleysms/volley/providers"
)

// The metrics of all workers of the process, in the default registry. Accounts and kinds bound their labels.
var (
	callsTotal = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "volley_calls_total", Help: "Calls to gateways by the kind of what they brought; one that brought several kinds counts for each.",
	}, []string{"account", "kind"})
	recipientsTotal = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "volley_recipients_total", Help: "Recipients of calls by the kind of the answer.",
	}, []string{"account", "kind"})
	callSeconds = promauto.NewHistogramVec(prometheus.HistogramOpts{
		Name: "volley_call_seconds", Help: "How long calls took.", Buckets: prometheus.ExponentialBuckets(0.005, 2, 14),
	}, []string{"account"})
	suppressedTotal = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "volley_suppressed_total", Help: "Recipients who were not sent to, since they had opted out.",
	}, []string{"account"})
	scheduleLateness = promauto.NewHistogramVec(prometheus.HistogramOpts{
		Name: "volley_schedule_lateness_seconds", Help: "How long after their time recipients were called for, who had to wait for it.",
		Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60, 300, 3600},
	}, []string{"account"})
	suspended = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Name: "volley_account_suspended", Help: "1 while the gateway refuses the account.",
	}, []string{"account"})
	down = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Name: "volley_account_down", Help: "1 while the gateway does not answer.",
	}, []string{"account"})
)

func kindName(k providers.Kind) string {
	if k == accepted {
		return "accepted"
	}
	return k.String()
}

// count notes what a call brought.
func (a *account) count(t *tally, results []providers.Result) {
	var n [accepted + 1]int
	for i := range results {
		n[t.kind(&results[i])]++
	}
	for k, c := range n {
		if c > 0 {
			name := kindName(providers.Kind(k))
			callsTotal.WithLabelValues(a.name, name).Inc()
			recipientsTotal.WithLabelValues(a.name, name).Add(float64(c))
		}
	}
}

// took notes how long a call took.
func (a *account) took(d time.Duration) { callSeconds.WithLabelValues(a.name).Observe(d.Seconds()) }

// metric notes how the account stands.
func (a *account) metric(t *standing.Trouble) {
	var s, d float64
	switch {
	case t == nil:
	case t.Why == standing.Suspended:
		s = 1
	default:
		d = 1
	}
	if t != nil {
		a.troubled.Store(true)
	}
	suspended.WithLabelValues(a.name).Set(s)
	down.WithLabelValues(a.name).Set(d)
}
