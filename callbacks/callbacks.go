package callbacks

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/inbound"
	"github.com/volleysms/volley/internal/report"
	"github.com/volleysms/volley/providers"
)

// Options of a Server. Accounts and Secret are required.
type Options struct {
	// Accounts are the adapters whose gateways push, by the account's name.
	Accounts map[string]providers.Receiver
	// PublicURL is where gateways reach the server; it only matters for Signer.
	PublicURL string
	// Secret and PreviousSecret sign the addresses; the second may be empty.
	Secret, PreviousSecret string
	// Words say which messages from handsets are opt-outs, by the account's name; others have none.
	Words map[string]inbound.Words
	// GiveUp is how long a report is kept whose recipient has no outcome yet; 0 is 72 h.
	GiveUp time.Duration
	// MaxPushes is how many pushes are read and written at a time; 0 is 256. More are told to come again.
	MaxPushes int
	// Metrics is where counters are registered; nil is nowhere.
	Metrics prometheus.Registerer
	// Spans is where spans are made of reports about jobs that carry a sampled trace; nil makes none.
	Spans trace.TracerProvider
	// Logger gets a line a minute at most for each kind of push that is turned away; nil is silent.
	Logger *zap.Logger
}

// Server takes what gateways push. Make one with New, and Run it once.
type Server struct {
	opts    Options
	log     *zap.Logger
	signer  *report.Signer
	reports *report.Log
	applier *report.Applier
	inbound *inbound.Stream
	m       *metrics
	slots   chan struct{}
}

// New returns a Server on rdb, which it does not own.
func New(rdb redis.UniversalClient, o Options) (*Server, error) {
	if o.Secret == "" {
		return nil, errors.New("callbacks: there is no secret to sign addresses with")
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	if o.MaxPushes == 0 {
		o.MaxPushes = 256
	}
	if o.MaxPushes < 0 {
		return nil, fmt.Errorf("callbacks: MaxPushes is %d; it is at least 1", o.MaxPushes)
	}
	return &Server{
		opts: o, log: o.Logger, signer: report.NewSigner(o.PublicURL, o.Secret, o.PreviousSecret),
		reports: report.NewLog(rdb), inbound: inbound.NewStream(rdb).Heed(o.Words),
		applier: report.NewApplier(rdb, report.Options{GiveUp: o.GiveUp, Logger: o.Logger.Named("reports"), Metrics: o.Metrics, Spans: o.Spans}),
		m:       newMetrics(o.Metrics, maps.Keys(o.Accounts), o.Logger), slots: make(chan struct{}, o.MaxPushes),
	}, nil
}

// The server's bounds. A gateway waits 5 s at least for its answer; who sends slower than this is none.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 90 * time.Second
	drainTimeout  = 20 * time.Second
	maxHeader     = 32 << 10
	maxConns      = 4096
)

// Run serves on l, and applies reports, until ctx ends; then it answers what has begun, finishes the reports that it has
// taken, and returns nil. It closes l.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler: s, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader, ErrorLog: zap.NewStdLog(zap.NewNop()),
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(limit(l, maxConns)) }()
	applying, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var applier sync.WaitGroup
	applier.Go(func() { s.applier.Run(applying) })
	s.log.Info("callbacks are taken", zap.String("address", l.Addr().String()))
	var err error
	select {
	case <-ctx.Done():
	case err = <-served:
		if ctx.Err() != nil {
			err = nil // whoever ended ctx has closed l as well
		} else {
			err = fmt.Errorf("callbacks: the server ended: %w", err)
		}
	}
	s.log.Info("callbacks stop: what has begun is answered")
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if e := srv.Shutdown(drain); e != nil {
		err = errors.Join(err, e, srv.Close())
	}
	stop()
	applier.Wait()
	return err
}
