package worker

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/metric"
	"github.com/volleysms/volley/internal/standing"
	"github.com/volleysms/volley/providers"
)

// metrics are what a worker counts. Accounts, kinds and states bound their labels.
type metrics struct {
	calls, recipients         *prometheus.CounterVec
	seconds, waited, late     *prometheus.HistogramVec
	inFlight, suspended, down *prometheus.GaugeVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	account := []string{"account"}
	histogram := func(name, help string, buckets []float64) *prometheus.HistogramVec {
		return metric.Register(reg, prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, account))
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return metric.Register(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, account))
	}
	return &metrics{
		calls: metric.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "volley_calls_total", Help: "Calls to gateways by the kind of what they brought; one that brought several kinds counts for each.",
		}, []string{"account", "kind"})),
		recipients: metric.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "volley_recipients_total", Help: "Recipients by the outcome that a worker recorded; queued was not sent, and is tried again.",
		}, []string{"account", "outcome"})),
		seconds: histogram("volley_call_seconds", "How long calls took.", prometheus.ExponentialBuckets(0.005, 2, 14)),
		waited: histogram("volley_limiter_wait_seconds", "How long calls waited for the account's limits; only of accounts that have some.",
			[]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}),
		late: histogram("volley_schedule_lateness_seconds", "How long after their time recipients were called for, who had to wait for it.",
			[]float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60, 300, 3600}),
		inFlight:  gauge("volley_calls_in_flight", "Calls of this process that are on the wire."),
		suspended: gauge("volley_account_suspended", "1 while the account is suspended: its gateway refuses it."),
		down:      gauge("volley_account_down", "1 while the account's breaker is open: its gateway does not answer."),
	}
}

// meter is what is counted of one account. Its metrics are looked up once, and are there before anything happened.
type meter struct {
	calls                     [accepted + 1]prometheus.Counter
	recipients                [ledger.NumStates]prometheus.Counter
	seconds, waited, late     prometheus.Observer
	inFlight, suspended, down prometheus.Gauge
}

func (m *metrics) of(account string) *meter {
	t := &meter{
		seconds: m.seconds.WithLabelValues(account), waited: m.waited.WithLabelValues(account), late: m.late.WithLabelValues(account),
		inFlight: m.inFlight.WithLabelValues(account), suspended: m.suspended.WithLabelValues(account), down: m.down.WithLabelValues(account),
	}
	for k := range t.calls {
		t.calls[k] = m.calls.WithLabelValues(account, kindName(providers.Kind(k)))
	}
	for s := range t.recipients {
		t.recipients[s] = m.recipients.WithLabelValues(account, ledger.State(s).String())
	}
	return t
}

func kindName(k providers.Kind) string {
	if k == accepted {
		return "accepted"
	}
	return k.String()
}

// took notes how long a call took, and that it is over.
func (m *meter) took(d time.Duration) {
	m.seconds.Observe(d.Seconds())
	m.inFlight.Dec()
}

// brought notes the kinds of a call's results, once each.
func (m *meter) brought(t *tally) {
	for k, res := range t.of {
		if res != nil {
			m.calls[k].Inc()
		}
	}
}

// recorded notes how many recipients got which outcome.
func (m *meter) recorded(c *ledger.Counts) {
	for s, n := range c {
		if n > 0 {
			m.recipients[s].Add(float64(n))
		}
	}
}

// stands notes how the account stands; nil is well.
func (m *meter) stands(t *standing.Trouble) {
	var suspended, out float64
	switch {
	case t == nil:
	case t.Why == standing.Suspended:
		suspended = 1
	default:
		out = 1
	}
	m.suspended.Set(suspended)
	m.down.Set(out)
}
