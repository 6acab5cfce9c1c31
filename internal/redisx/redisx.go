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
		if _, err := parseURL(raw); err != nil {
			return nil, err
		}
		o, err := redis.ParseURL(raw)
		if err != nil {
			return nil, errUnreadable
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
	u, err := parseURL(raw)
	if err != nil {
		return nil, err
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
			a = net.JoinHostPort(strings.Trim(a, "[]"), port)
		}
		o.Addrs = append(o.Addrs, a)
	}
	if u.User != nil {
		o.Username = u.User.Username()
		o.Password, _ = u.User.Password()
	}
	switch q.Get("tls") {
	case "true":
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	case "", "false":
	default:
		return nil, errors.New("redis.url has another tls than true or false")
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
			return nil, errors.New("redis.url has a database that is not a number: write /0 behind the hosts")
		}
	}
	return o, nil
}

// errUnreadable stands for every reason of net/url and go-redis: they quote what they can't read, and when a password
// isn't encoded that is a part of it.
var errUnreadable = errors.New("redis.url can't be read: it is like redis://USER:PASSWORD@HOST:PORT/0, where / @ ? # % : in the password are written as %2F %40 %3F %23 %25 %3A")

// parseURL parses raw. When a password isn't encoded, the @ behind it may stand in the path, the query or the fragment,
// and the password's start where the host should be.
func parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.User == nil && strings.Contains(raw, "@") {
		return nil, errUnreadable
	}
	return u, nil
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
