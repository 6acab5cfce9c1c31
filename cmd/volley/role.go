package main

import (
	"context"
	"errors"
	"net"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/internal/config"
)

// role runs a long-running role with its admin server until ctx ends. prepare is asked for each configuration that comes to
// be in effect, once its Redis is known to be fit for use.
func (a *app) role(ctx context.Context, cfg *config.Config, adminAddr string, prepare func(*config.Config, *redis.UniversalOptions) (work, error)) error {
	checked := func(cfg *config.Config) (work, error) {
		o, err := redisOptions(cfg.Redis.URL.Reveal())
		if err != nil {
			return nil, err
		}
		if err := checkRedis(ctx, o); err != nil {
			return nil, err
		}
		return prepare(cfg, o)
	}
	first, err := checked(cfg)
	if err != nil {
		return err
	}
	o, err := redisOptions(cfg.Redis.URL.Reveal())
	if err != nil {
		return err
	}
	adm, err := startAdmin(ctx, adminAddr, o, func() bool { return ctx.Err() == nil }, a.log)
	if err != nil {
		return err
	}
	defer adm.close()
	defer a.tellReady(ctx)()
	err = a.reloading(ctx, cfg, first, checked)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil // it was stopped while it started
	}
	return err
}

// serving is role for one that serves addr: the socket stays open while one configuration takes over from another. how tells
// people where addr is set. serve closes the listener that it is given.
func (a *app) serving(ctx context.Context, cfg *config.Config, addr, how, adminAddr string,
	serve func(context.Context, *config.Config, *redis.UniversalOptions, net.Listener) error,
) error {
	var shared *relay
	return a.role(ctx, cfg, adminAddr, func(cfg *config.Config, o *redis.UniversalOptions) (work, error) {
		if shared == nil {
			l, err := listen(ctx, addr, how)
			if err != nil {
				return nil, err
			}
			shared = newRelay(ctx, l)
		}
		return func(ctx context.Context) error { return serve(ctx, cfg, o, shared.part()) }, nil
	})
}

// relay is a listener whose connections go to one server after the other: each has a part of its own, and closing that
// closes no more. A connection that comes while one server takes over from another waits for whichever asks first.
type relay struct {
	net.Listener
	stopping <-chan struct{} // closed when the whole role is to end, its servers included
	conns    chan net.Conn
	ended    chan struct{} // closed once err is set
	err      error
}

// newRelay returns a relay of l, which it closes when ctx ends.
func newRelay(ctx context.Context, l net.Listener) *relay {
	r := &relay{Listener: l, stopping: ctx.Done(), conns: make(chan net.Conn), ended: make(chan struct{})}
	context.AfterFunc(ctx, func() { _ = l.Close() })
	go func() {
		defer close(r.ended)
		for {
			c, err := l.Accept()
			if err != nil {
				r.err = err
				return
			}
			select {
			case r.conns <- c:
			case <-ctx.Done():
				_ = c.Close()
			}
		}
	}()
	return r
}

// part returns a listener for one server.
func (r *relay) part() net.Listener { return &relayed{relay: r, closed: make(chan struct{})} }

type relayed struct {
	*relay
	once   sync.Once
	closed chan struct{}
}

func (p *relayed) Accept() (net.Conn, error) {
	select {
	case <-p.closed:
		return nil, net.ErrClosed
	default:
	}
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-p.ended:
	}
	select {
	case <-p.stopping: // no fault of the listener's: the server hears of it too, maybe a moment later, and closes p
		<-p.closed
		return nil, net.ErrClosed
	default:
		return nil, p.err
	}
}

func (p *relayed) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}
