package report

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/volleysms/volley/internal/metric"
)

// metrics are what appliers count. The accounts are those that this installation has signed for.
type metrics struct {
	results *prometheus.CounterVec
	backlog prometheus.Gauge
	parked  prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	return &metrics{
		results: metric.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "volley_reports_total",
			Help: "Reports by account, by what they say (kind), and by what became of them (result).",
		}, []string{"account", "kind", "result"})),
		backlog: metric.Register(reg, prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "volley_reports_backlog", Help: "Records of reports that wait to be applied.",
		})),
		parked: metric.Register(reg, prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "volley_reports_parked", Help: "Reports that wait for the outcome of their recipient.",
		})),
	}
}

// count counts a report by its kind, which is empty when it can't be read.
func (m *metrics) count(account, kind, result string) {
	m.results.WithLabelValues(account, kind, result).Inc()
}
