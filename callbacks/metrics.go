package callbacks

import (
	"iter"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/metric"
)

// What became of a push: the values of the label result.
const (
	taken       = "taken"
	noPath      = "path"        // no such path or method
	noAccount   = "account"     // no account of that name, or its gateway pushes nothing
	noToken     = "token"       // the address was not made here, or with a key that is not valid any more
	forged      = "forged"      // the gateway's signature is missing or wrong
	malformed   = "malformed"   // it can't be read
	oversized   = "oversized"   // the body is larger than providers.MaxPush
	unread      = "unread"      // the body did not come in whole
	unproven    = "unproven"    // reports at the address for inbound messages, or these at that of a report, that nothing proves
	busy        = "busy"        // too many at a time
	unavailable = "unavailable" // Redis does not take it
)

// quietFor is how long nothing more is logged of the same kind.
const quietFor = time.Minute

// metrics counts pushes. Labels are names of accounts of the configuration, or none, and the results above: nobody
// outside can add to them.
type metrics struct {
	pushes *prometheus.CounterVec
	log    *zap.Logger

	mu    sync.Mutex
	quiet map[[2]string]*kind
}

type kind struct {
	said time.Time
	n    int
}

// newMetrics has what became of pushes to each of the accounts there at 0, so that a first push is an increase.
func newMetrics(reg prometheus.Registerer, accounts iter.Seq[string], log *zap.Logger) *metrics {
	m := &metrics{log: log, quiet: map[[2]string]*kind{}, pushes: metric.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "volley_callbacks_pushes_total",
		Help: "Requests to the callbacks role by account and by what became of them; all but taken changed nothing.",
	}, []string{"account", "result"}))}
	for account := range accounts {
		for _, result := range []string{taken, noToken, forged, malformed, oversized, unread, unproven, busy, unavailable} {
			m.pushes.WithLabelValues(account, result)
		}
	}
	for _, result := range []string{noPath, noAccount} {
		m.pushes.WithLabelValues("", result)
	}
	return m
}

// turned counts a push that is turned away. Of a flood of them a line a minute is logged.
func (m *metrics) turned(account, result string, err error) {
	m.pushes.WithLabelValues(account, result).Inc()
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.quiet[[2]string{account, result}]
	if k == nil {
		k = &kind{}
		m.quiet[[2]string{account, result}] = k
	}
	k.n++
	if now := time.Now(); now.Sub(k.said) >= quietFor {
		m.log.Warn("pushes are turned away", zap.String("account", account), zap.String("reason", result), zap.Int("pushes", k.n), zap.Error(err))
		k.said, k.n = now, 0
	}
}
