// Package ui is the dashboard: pages about jobs, accounts and schedules, rendered here, that need no script in the browser.
package ui

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/pulse"
	"github.com/volleysms/volley/internal/signin"
	"github.com/volleysms/volley/internal/standing"
	"github.com/volleysms/volley/internal/trail"
)

// Options of a Server. Client is required.
type Options struct {
	// Client reads and steers jobs. Whoever made it closes it.
	Client *enqueue.Client
	// Accounts are those of the configuration, in its order.
	Accounts []Account
	// SignIn says who may do what.
	SignIn signin.Options
	// Version is shown at the foot of each page; may be empty.
	Version string
	// Logger gets every action, and what goes wrong; nil is silent.
	Logger *zap.Logger
}

// Account is an account as the configuration has it.
type Account struct {
	Name, Provider, Host string
	// Concurrency is how many calls may be in flight in one worker process.
	Concurrency int
	// Limits are the account's, in words, by what they limit; those that it does not have are left out.
	Limits []Limit
}

// Limit is how much of something an account may do in a second.
type Limit struct {
	What      string
	PerSecond float64
}

// Server is the dashboard. Make one with New, and Run it once.
type Server struct {
	o      Options
	log    *zap.Logger
	rdb    redis.UniversalClient
	client *enqueue.Client
	ledger *ledger.Ledger
	book   *standing.Book
	pulse  *pulse.Book
	plans  *enqueue.Schedules
	trail  *trail.Trail
	door   *signin.Door
	watch  *watch
	held   held
	whys   reasons
	handle http.Handler
}

// New returns a Server on rdb, which it does not own.
func New(rdb redis.UniversalClient, o Options) (*Server, error) {
	if o.Client == nil {
		return nil, errors.New("ui: there is no Client")
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	o.SignIn.Logger = o.Logger
	door, err := signin.New(rdb, o.SignIn)
	if err != nil {
		return nil, err
	}
	s := &Server{
		o: o, log: o.Logger, rdb: rdb, client: o.Client, ledger: ledger.New(rdb), book: standing.New(rdb), pulse: pulse.New(rdb), plans: o.Client.Schedules(),
		trail: trail.New(rdb, o.Logger.Named("trail")), door: door, watch: newWatch(o.Client),
	}
	s.handle = s.routes()
	return s, nil
}

// Open reports whether nobody has to sign in, so that the dashboard must be reached from this machine only.
func (s *Server) Open() bool { return s.door.Open() }

// ServeHTTP answers a browser.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handle.ServeHTTP(w, r) }

// The server's bounds. An export and a live page take as long as they take; each of their writes has writeTimeout.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	drainTimeout  = 10 * time.Second
	maxHeader     = 32 << 10
	maxForm       = 64 << 10
)

// Run serves on l until ctx ends, and closes it. It refuses to serve others than this machine when nobody has to sign in.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	if a, ok := l.Addr().(*net.TCPAddr); s.Open() && (!ok || !a.IP.IsLoopback()) {
		return errors.Join(fmt.Errorf("ui: nobody has to sign in, and %s can be reached from other machines; configure a sign-in (ui.passwords, ui.oidc or ui.proxy), or listen on 127.0.0.1", l.Addr()), l.Close())
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go s.watch.run(ctx)
	srv := &http.Server{
		Handler: s, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader, ErrorLog: zap.NewStdLog(zap.NewNop()),
		// Live pages end with the server.
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	s.log.Info("the dashboard is ready", zap.String("address", "http://"+l.Addr().String()), zap.Bool("sign_in", !s.Open()))
	select {
	case err := <-served:
		if ctx.Err() == nil { // else whoever ended ctx has closed l as well
			return fmt.Errorf("ui: the server ended: %w", err)
		}
	case <-ctx.Done():
	}
	drain, stop := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer stop()
	if err := srv.Shutdown(drain); err != nil {
		return errors.Join(err, srv.Close())
	}
	return nil
}
