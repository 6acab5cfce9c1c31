package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

// Timeouts of the admin server: it answers small questions to callers nearby.
const (
	adminTimeout  = 10 * time.Second
	readyTimeout  = 2 * time.Second
	adminShutdown = 2 * time.Second
)

// admin serves /healthz, /readyz and /metrics of a role.
type admin struct {
	server *http.Server
	rdb    redis.UniversalClient
	log    *zap.Logger
	addr   string
}

// startAdmin serves on addr, "host:port". running reports whether the role does its work; a role that is not ready says
// so by 503. An empty addr serves nothing, and the returned nil may be closed.
func startAdmin(ctx context.Context, addr string, r *redis.UniversalOptions, running func() bool, log *zap.Logger) (*admin, error) {
	if addr == "" {
		return nil, nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("the admin address %s can't be used: %w; choose another by --admin or admin.listen", addr, reason(err))
	}
	own := *r
	own.PoolSize, own.ContextTimeoutEnabled = 2, true
	a := &admin{rdb: redis.NewUniversalClient(&own), log: log, addr: l.Addr().String()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "alive") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { a.ready(w, r, running) })
	mux.Handle("GET /metrics", promhttp.Handler())
	a.server = &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: adminTimeout, ReadTimeout: adminTimeout, WriteTimeout: adminTimeout, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10,
		ErrorLog:       zap.NewStdLog(log.Named("admin")),
	}
	go func() {
		if err := a.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the admin server ended", zap.Error(err))
		}
	}()
	log.Info("admin server is ready", zap.String("address", a.addr))
	return a, nil
}

func (a *admin) ready(w http.ResponseWriter, r *http.Request, running func() bool) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	switch err := a.rdb.Ping(ctx).Err(); {
	case !running():
		say(w, http.StatusServiceUnavailable, "stopping")
	case err != nil:
		a.log.Warn("not ready: Redis does not answer", zap.Error(err))
		say(w, http.StatusServiceUnavailable, "Redis does not answer")
	default:
		say(w, http.StatusOK, "ready")
	}
}

func (a *admin) close() {
	if a == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), adminShutdown)
	defer cancel()
	if err := errors.Join(a.server.Shutdown(ctx), a.rdb.Close()); err != nil {
		a.log.Warn("the admin server did not end in good order", zap.Error(err))
	}
}

func say(w http.ResponseWriter, status int, word string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintln(w, word)
}

// reason is the innermost part of a network error, without the address.
func reason(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}
