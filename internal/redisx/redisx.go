// Package redisx turns a Redis URL into a client's options, and checks that a server is fit to be a queue.
package redisx

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Parse reads redis:// and rediss:// (one server), redis-sentinel://host:port,host:port/0?master=NAME, and
// redis-cluster://host:port,host:port. Each takes user:password@; the last two take ?tls=true. Errors never hold the
// password.
func Parse(raw string) (*redis.UniversalOptions, error) {
	scheme, _, ok := strings.Cut(raw, "://")
	if !ok {
		return nil, errors.New("redis.url has no scheme: write redis://HOST:PORT/0, rediss://, redis-sentinel:// or redis-cluster://")
	}
	switch scheme {
	case "redis", "rediss":
		o, err := redis.ParseURL(raw)
		if err != nil {
			return nil, fmt.Errorf("redis.url can't be read: %w", unURL(err))
		}
		return &redis.UniversalOptions{
			Addrs: []string{o.Addr}, DB: o.DB, Username: o.Username, Password: o.Password, TLSConfig: o.TLSConfig,
			PoolSize: o.PoolSize, DialTimeout: o.DialTimeout, ReadTimeout: o.ReadTimeout, WriteTimeout: o.WriteTimeout,
		}, nil
	case "redis-sentinel", "redis-cluster":
		return parseMany(scheme, raw)
	}
	return nil, fmt.Errorf("redis.url has the unknown scheme %q: it is redis, rediss, redis-sentinel or redis-cluster", scheme)
}

func parseMany(scheme, raw string) (*redis.UniversalOptions, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("redis.url can't be read: %w", unURL(err))
	}
	q := u.Query()
	o := &redis.UniversalOptions{}
	for _, a := range strings.Split(u.Host, ",") {
		if a == "" {
			return nil, errors.New("redis.url names no host")
		}
		if _, _, err := net.SplitHostPort(a); err != nil {
			port := "6379"
			if scheme == "redis-sentinel" {
				port = "26379"
			}
			a = net.JoinHostPort(a, port)
		}
		o.Addrs = append(o.Addrs, a)
	}
	if u.User != nil {
		o.Username = u.User.Username()
		o.Password, _ = u.User.Password()
	}
	if q.Get("tls") == "true" {
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if scheme == "redis-cluster" {
		o.IsClusterMode = true
		return o, nil
	}
	if o.MasterName = q.Get("master"); o.MasterName == "" {
		return nil, errors.New("redis.url names no master: add ?master=NAME, the name that the sentinels watch")
	}
	if db := strings.Trim(u.Path, "/"); db != "" {
		if o.DB, err = strconv.Atoi(db); err != nil {
			return nil, fmt.Errorf("redis.url has the database %q: it is a number", db)
		}
	}
	return o, nil
}

// unURL drops the URL, which may hold a password, from an error of net/url.
func unURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// Errors of Check; compare with errors.Is.
var (
	ErrUnreachable = errors.New("Redis does not answer")
	ErrEvicting    = errors.New("Redis may throw queued messages away")
	ErrTooOld      = errors.New("Redis is too old")
)

// Check asks every master whether it can be a queue: it answers, it is 6.2 or newer, and it evicts nothing. A server
// that does not tell its version or policy passes.
func Check(ctx context.Context, rdb redis.UniversalClient) error {
	if c, ok := rdb.(*redis.ClusterClient); ok {
		return c.ForEachMaster(ctx, func(ctx context.Context, m *redis.Client) error { return check(ctx, m) })
	}
	return check(ctx, rdb)
}

func check(ctx context.Context, c redis.Cmdable) error {
	if err := c.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("%w: %w; is it running, and is redis.url right?", ErrUnreachable, err)
	}
	server, memory := info(ctx, c, "server"), info(ctx, c, "memory")
	if p := memory["maxmemory_policy"]; p != "" && p != "noeviction" {
		return fmt.Errorf("%w: its maxmemory-policy is %q; set it to noeviction (CONFIG SET maxmemory-policy noeviction, and in redis.conf)", ErrEvicting, p)
	}
	if v := server["redis_version"]; v != "" && older(v, 6, 2) {
		return fmt.Errorf("%w: it is %s; 6.2 is the oldest that will do", ErrTooOld, v)
	}
	return nil
}

func info(ctx context.Context, c redis.Cmdable, section string) map[string]string {
	out := map[string]string{}
	for _, line := range strings.Split(c.Info(ctx, section).Val(), "\r\n") {
		if k, v, ok := strings.Cut(line, ":"); ok {
			out[k] = v
		}
	}
	return out
}

func older(version string, major, minor int) bool {
	a, rest, _ := strings.Cut(version, ".")
	b, _, _ := strings.Cut(rest, ".")
	x, err1 := strconv.Atoi(a)
	y, err2 := strconv.Atoi(b)
	if err1 != nil || err2 != nil {
		return false
	}
	return x < major || x == major && y < minor
}
