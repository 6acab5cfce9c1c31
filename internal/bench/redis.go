package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/internal/task"
)

// PrivateRedis starts a redis-server of the benchmark's own on a free loopback port, with AOF as an installation has it,
// and returns its URL. stop ends it and removes its files. It is an error when redis-server isn't installed.
func PrivateRedis(ctx context.Context) (url string, stop func(), err error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return "", nil, errors.New("redis-server is not installed: install it, or name a Redis with --redis URL")
	}
	dir, err := os.MkdirTemp("", "volley-bench-")
	if err != nil {
		return "", nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	addr := l.Addr().(*net.TCPAddr)
	if err := l.Close(); err != nil {
		return "", nil, err
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), program, "--bind", "127.0.0.1", "--port", strconv.Itoa(addr.Port), "--dir", dir, "--save", "",
		"--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction")
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		_ = os.RemoveAll(dir)
	}
	for range 200 {
		c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", addr.String())
		if err == nil {
			return "redis://" + addr.String() + "/0", stop, c.Close()
		}
		time.Sleep(25 * time.Millisecond)
	}
	stop()
	return "", nil, fmt.Errorf("redis-server did not answer on %s", addr)
}

// meter reads what a Redis spends on one job.
type meter struct {
	rdb     redis.UniversalClient
	account string
}

// bytes adds up what every key of the job and of its queue occupies. Unknown, as on an embedded Redis, is -1.
func (m *meter) bytes(ctx context.Context, job string) (int64, error) {
	var sum int64
	err := m.keys(ctx, m.patterns(job), func(c redis.Cmdable, keys []string) error {
		pipe := c.Pipeline()
		cmds := make([]*redis.IntCmd, len(keys))
		for i, k := range keys {
			cmds[i] = pipe.MemoryUsage(ctx, k, 0)
		}
		if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		for _, c := range cmds {
			sum += c.Val()
		}
		return nil
	})
	if err != nil && strings.Contains(err.Error(), "unknown") {
		return -1, nil
	}
	return sum, err
}

// forget removes what the benchmark left.
func (m *meter) forget(ctx context.Context, jobs ...string) error {
	pipe := m.rdb.Pipeline()
	pipe.HDel(ctx, "volley:accounts", m.account)
	pipe.HDel(ctx, "volley:shards", m.account)
	pipe.ZRem(ctx, "volley:shards:most", m.account)
	for _, p := range task.Priorities {
		pipe.SRem(ctx, "asynq:queues", task.Queue(m.account, p))
	}
	for _, job := range jobs {
		pipe.ZRem(ctx, "volley:jobs", job)
		pipe.ZRem(ctx, "volley:live", job)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return err
	}
	return m.keys(ctx, m.patterns(jobs...), func(c redis.Cmdable, keys []string) error {
		pipe := c.Pipeline()
		for _, k := range keys {
			pipe.Unlink(ctx, k)
		}
		_, err := pipe.Exec(ctx)
		return err
	})
}

func (m *meter) patterns(jobs ...string) []string {
	var p []string
	for _, prio := range task.Priorities {
		p = append(p, "asynq:{"+task.Queue(m.account, prio)+"}*")
	}
	for _, j := range jobs {
		p = append(p, "volley:{"+j+"*")
	}
	return p
}

func (m *meter) keys(ctx context.Context, patterns []string, each func(redis.Cmdable, []string) error) error {
	scan := func(ctx context.Context, c redis.Cmdable) error {
		for _, pattern := range patterns {
			var cursor uint64
			for {
				keys, next, err := c.Scan(ctx, cursor, pattern, 1000).Result()
				if err != nil {
					return err
				}
				if len(keys) > 0 {
					if err := each(c, keys); err != nil {
						return err
					}
				}
				if cursor = next; cursor == 0 {
					break
				}
			}
		}
		return nil
	}
	if c, ok := m.rdb.(*redis.ClusterClient); ok {
		return c.ForEachMaster(ctx, func(ctx context.Context, n *redis.Client) error { return scan(ctx, n) })
	}
	return scan(ctx, m.rdb)
}

// cpu is the CPU time in seconds that this process has used, and that Redis has: all masters of a cluster together.
func (m *meter) cpu(ctx context.Context) (own, server float64, err error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, 0, err
	}
	own = float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
	c, ok := m.rdb.(*redis.ClusterClient)
	if !ok {
		return own, used(m.rdb.Info(ctx, "cpu").Val()), nil
	}
	var mu sync.Mutex
	_ = c.ForEachMaster(ctx, func(ctx context.Context, n *redis.Client) error { // like the above: 0 of a server that does not tell
		s := used(n.Info(ctx, "cpu").Val())
		mu.Lock()
		defer mu.Unlock()
		server += s
		return nil
	})
	return own, server, nil
}

// used is the CPU time in seconds that a server tells of itself.
func used(info string) (seconds float64) {
	for _, line := range strings.Split(info, "\r\n") {
		k, v, _ := strings.Cut(line, ":")
		if k == "used_cpu_sys" || k == "used_cpu_user" {
			f, _ := strconv.ParseFloat(v, 64)
			seconds += f
		}
	}
	return seconds
}
