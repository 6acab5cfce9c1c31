package vitals

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/metric"
	"github.com/volleysms/volley/internal/redisx"
	"github.com/volleysms/volley/internal/task"
)

// metrics are labelled by accounts of the configuration, by priority and state of tasks, and by Redis' masters.
type metrics struct {
	tasks, oldest                             *prometheus.GaugeVec
	unknown, unknownJobs, unreported, unrJobs *prometheus.GaugeVec
	used, limit, headroom                     *prometheus.GaugeVec
	live, lag, told                           prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	vec := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return metric.Register(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels))
	}
	one := func(name, help string) prometheus.Gauge {
		return metric.Register(reg, prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help}))
	}
	return &metrics{
		tasks: vec("volley_queue_tasks",
			"Batches on a queue: pending for a worker, active with one, scheduled for their time, or in retry, sent back for later.", "account", "priority", "state"),
		oldest:      vec("volley_queue_oldest_seconds", "How long the pending batch has waited that has waited longest; 0 when none does.", "account", "priority"),
		unknown:     vec("volley_unknown_oldest_seconds", "Since when the recipient is unknown who is so for longest; 0 when nobody is.", "account"),
		unknownJobs: vec("volley_unknown_jobs", "Jobs in which somebody is unknown.", "account"),
		unreported: vec("volley_unreported_oldest_seconds",
			"Since when the recipient is accepted, and not reported about, who is so for longest within reports.give_up; 0 when nobody is.", "account"),
		unrJobs:  vec("volley_unreported_jobs", "Jobs in which somebody is accepted and not reported about, within reports.give_up.", "account"),
		used:     vec("volley_redis_memory_used_bytes", "What a Redis master uses.", "node"),
		limit:    vec("volley_redis_memory_limit_bytes", "A Redis master's maxmemory, or when it has none its machine's memory.", "node"),
		headroom: vec("volley_redis_memory_headroom_ratio", "The share of the limit that is free; new jobs are refused from 0.05 on.", "node"),
		live:     one("volley_jobs_live", "Jobs that have not completed, those that are scheduled included."),
		lag:      one("volley_vitals_lag_seconds", "How late the looks are from which the ages of the oldest unknown and unreported come."),
		told:     one("volley_vitals_timestamp_seconds", "When the metrics of the whole installation were set last, in seconds since 1970."),
	}
}

func (m *metrics) queue(account, priority string, d task.Depth, now time.Time) {
	for state, n := range map[string]int64{"pending": d.Pending, "active": d.Active, "scheduled": d.Scheduled, "retry": d.Retry} {
		m.tasks.WithLabelValues(account, priority, state).Set(float64(n))
	}
	m.oldest.WithLabelValues(account, priority).Set(age(now, d.Oldest))
}

func (m *metrics) wait(account string, w ledger.AccountWait, now time.Time) {
	m.unknown.WithLabelValues(account).Set(age(now, w.UnknownSince))
	m.unknownJobs.WithLabelValues(account).Set(float64(w.UnknownJobs))
	m.unreported.WithLabelValues(account).Set(age(now, w.UnreportedSince))
	m.unrJobs.WithLabelValues(account).Set(float64(w.UnreportedJobs))
}

func (m *metrics) memory(nodes []redisx.Memory) {
	for _, vec := range []*prometheus.GaugeVec{m.used, m.limit, m.headroom} {
		vec.Reset() // a master that is gone goes
	}
	for _, n := range nodes {
		m.used.WithLabelValues(n.Node).Set(float64(n.Used))
		if n.Limit > 0 {
			m.limit.WithLabelValues(n.Node).Set(float64(n.Limit))
			m.headroom.WithLabelValues(n.Node).Set(max(0, 1-float64(n.Used)/float64(n.Limit)))
		}
	}
}
