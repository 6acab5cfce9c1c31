package main

import (
	"context"
	"os"
	"os/signal"
	"reflect"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/config"
	"github.com/volleysms/volley/internal/metric"
)

const (
	// lookAgain is how often a role looks whether its configuration has changed: the file, and those that have its secrets.
	lookAgain = 2 * time.Second
	// settle is how long a shift that replaces another one is given to fail before the other is told to finish.
	settle = time.Second
)

// work is what a role does with one configuration: it goes on until ctx ends, and then finishes what it has begun.
type work func(ctx context.Context) error

// preparer makes work of a configuration, or says what is wrong with it.
type preparer func(*config.Config) (work, error)

// reloading runs a role until ctx ends, and runs it anew when its configuration has changed or SIGHUP asks for it: the new
// one takes over while the old one finishes, as two processes do in a rolling restart. A configuration that can't be read,
// or that prepare refuses, changes nothing. first is the work that cfg, the configuration that is in effect, makes.
func (a *app) reloading(ctx context.Context, cfg *config.Config, first work, prepare preparer) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	look := time.NewTicker(lookAgain)
	defer look.Stop()

	r := &reloader{app: a, prepare: prepare, cfg: cfg, reloads: reloadMetrics(), ended: make(chan *shift)}
	r.begin(ctx, first)
	for {
		select {
		case s := <-r.ended:
			if last, err := r.end(s); last {
				return err
			}
		case <-r.settled:
			r.before.stop()
			r.settled, r.before = nil, nil
		case <-hup:
			r.reload(ctx, true)
		case <-look.C:
			r.reload(ctx, false)
		}
	}
}

// shift is one stay of a role with one configuration.
type shift struct {
	stop context.CancelFunc
	err  error // once it has ended
}

// reloader runs the shifts of a role. It belongs to one goroutine.
type reloader struct {
	app     *app
	prepare preparer
	reloads *prometheus.CounterVec
	ended   chan *shift
	running int

	cfg     *config.Config
	current *shift
	before  *shift           // the one that current replaces, until settled
	settled <-chan time.Time // nil when nothing is being replaced
	refused string           // what the last configuration was refused for, so that it is told once
}

func (r *reloader) begin(ctx context.Context, w work) {
	ctx, cancel := context.WithCancel(ctx)
	s := &shift{stop: cancel}
	if r.before != nil {
		r.before.stop()
	}
	if r.before = r.current; r.before != nil {
		r.settled = time.After(settle)
	}
	r.current = s
	r.running++
	go func() {
		s.err = w(ctx)
		cancel()
		r.ended <- s
	}()
}

// end notes that a shift has ended. last is true when the role has ended with it.
func (r *reloader) end(s *shift) (last bool, err error) {
	r.running--
	switch {
	case s == r.current && r.before != nil && s.err != nil:
		r.app.log.Error("the new configuration does not work, and the old one stays", zap.Error(s.err))
		r.reloads.WithLabelValues("refused").Inc()
		// r.cfg stays, so that the same configuration is not tried again and again.
		r.current, r.before, r.settled = r.before, nil, nil
		return false, nil
	case s == r.before:
		r.before, r.settled = nil, nil
	}
	if s != r.current {
		if s.err != nil {
			r.app.log.Error("what ran with the old configuration did not end in good order", zap.Error(s.err))
		} else {
			r.app.log.Info("what ran with the old configuration has finished")
		}
		return false, nil
	}
	if r.before != nil {
		r.before.stop()
	}
	for r.running > 0 { // those that are still finishing
		<-r.ended
		r.running--
	}
	return true, s.err
}

// reload reads the configuration again. asked says that somebody wants to hear what comes of it.
func (r *reloader) reload(ctx context.Context, asked bool) {
	if ctx.Err() != nil {
		return
	}
	log := r.app.log.With(zap.String("config", r.app.configFile))
	cfg, err := config.Load(r.app.configFile)
	if err == nil && reflect.DeepEqual(cfg, r.cfg) {
		if asked || r.refused != "" {
			log.Info("the configuration is as it was")
		}
		r.refused = ""
		return
	}
	var w work
	if err == nil {
		w, err = r.prepare(cfg)
	}
	if err != nil {
		if asked || err.Error() != r.refused {
			log.Error("the configuration is refused, and the old one stays", zap.Error(err))
			r.reloads.WithLabelValues("refused").Inc()
		}
		r.refused = err.Error()
		return
	}
	for _, key := range fixed(r.cfg, cfg) {
		log.Warn("this takes effect only when the role is started again", zap.String("key", key))
	}
	r.cfg, r.refused = cfg, ""
	r.begin(ctx, w)
	r.reloads.WithLabelValues("taken").Inc()
	log.Info("the configuration has changed, and is in effect")
}

// fixed are the changed keys of what belongs to the process: its addresses, and its way to a collector, stay as long as it does.
func fixed(before, after *config.Config) []string {
	var keys []string
	if before.Admin.Listen != after.Admin.Listen {
		keys = append(keys, "admin.listen")
	}
	if before.Callbacks.Listen != after.Callbacks.Listen {
		keys = append(keys, "callbacks.listen")
	}
	if before.UI.Listen != after.UI.Listen {
		keys = append(keys, "ui.listen")
	}
	if before.Tracing != after.Tracing {
		keys = append(keys, "tracing.otlp")
	}
	return keys
}

func reloadMetrics() *prometheus.CounterVec {
	v := metric.Register(prometheus.DefaultRegisterer, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "volley_config_reloads_total", Help: "Changed configurations, by what became of them: taken, refused.",
	}, []string{"result"}))
	for _, result := range []string{"taken", "refused"} {
		v.WithLabelValues(result)
	}
	return v
}
