package faults_test

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/internal/redistest"
)

// inMemory returns a folder that is not on a disk, where the system has one. While a disk is busy with fsync, Redis with
// appendfsync everysec answers before it has handed its log to the system, and a kill then loses what a test can't expect.
func inMemory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "volley-faults-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// steady fails when anything but success came of campaigns to gateways that did nothing wrong.
func (r *rig) steady(f found) {
	r.t.Helper()
	if f.Accepted != f.Total {
		r.t.Errorf("counts %+v", f.Counts)
	}
}

// TestRedisRestarts kills Redis in mid-campaign, while calls are on the wire, and starts it again from its log. Nothing is
// sent while it is away, what was on the wire is recorded once it is back, and nobody is left unknown.
func TestRedisRestarts(t *testing.T) {
	for _, fsync := range []string{"everysec", "always"} {
		t.Run(fsync, func(t *testing.T) {
			t.Parallel()
			server := redistest.New(t, "--dir", inMemory(t), "--appendonly", "yes", "--appendfsync", fsync)
			r := newRig(t, "redis://"+server.Addr+"/0")
			r.enqueue(plain, size.many)
			r.seat(server.Addr).live()
			r.seat(server.Addr).live()
			const lanes = 2 * 4
			for i := range size.rounds {
				r.sent(size.many / (size.rounds + 1) * (i + 1))
				server.Kill()
				before := r.judge.sum()
				time.Sleep(r.rng.between(300*time.Millisecond, time.Second))
				if n := r.judge.sum() - before; n > lanes*size.call {
					t.Errorf("%d were sent without Redis; %d calls may have been on their way", n, lanes)
				}
				server.Restart()
			}
			r.steady(r.books())
			r.stop()
			r.recorded()
		})
	}
}

// TestRedisConnectionsReset cuts all connections to Redis again and again. What comes of a commit that was cut off is
// asked again, and done once.
func TestRedisConnectionsReset(t *testing.T) {
	t.Parallel()
	addr := redistest.Start(t)
	r := newRig(t, "redis://"+addr+"/0")
	r.enqueue(plain, size.many)
	r.seat("").live()
	r.seat("").live()
	cut := 0
	r.until("the campaign, cut again and again", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if n, err := r.rdb.Do(ctx, "CLIENT", "KILL", "TYPE", "normal").Int(); err == nil {
			cut += n
		}
		time.Sleep(r.rng.between(20*time.Millisecond, 150*time.Millisecond))
		return r.judge.sum() == size.many
	})
	t.Logf("%d connections were cut", cut)
	r.steady(r.books())
	r.stop()
}

// TestRedisSlow lets Redis stand still for seconds, in mid-campaign.
func TestRedisSlow(t *testing.T) {
	t.Parallel()
	server := redistest.New(t)
	r := newRig(t, "redis://"+server.Addr+"/0")
	r.enqueue(plain, size.many)
	r.seat("").live()
	r.seat("").live()
	for i := range size.rounds {
		r.sent(size.many / (size.rounds + 1) * (i + 1))
		server.Freeze()
		time.Sleep(r.rng.between(2*time.Second, 4*time.Second))
		server.Thaw()
	}
	r.steady(r.books())
	r.stop()
}

// TestRedisFailsOver kills the master of a replica and three sentinels in mid-campaign. What Redis itself may lose in a
// failover is kept out of it: the replica has all that was answered.
func TestRedisFailsOver(t *testing.T) {
	t.Parallel()
	w := redistest.StartWatched(t)
	r := newRig(t, w.URL())
	r.enqueue(plain, size.many)
	r.seat("").live()
	r.seat("").live()
	r.sent(size.many / 3)
	caughtUp(t, w)
	w.Master.Kill()
	r.steady(r.books())
	r.stop()
}

// caughtUp stops all clients of the master, and returns when the replica has all that there is.
func caughtUp(t *testing.T, w *redistest.Watched) {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: w.Master.Addr})
	defer rdb.Close()
	if err := rdb.Do(t.Context(), "CLIENT", "PAUSE", 60_000, "WRITE").Err(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(size.within); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		info, err := rdb.Info(t.Context(), "replication").Result()
		if err != nil {
			t.Fatal(err)
		}
		own, replica := after(info, "master_repl_offset:"), after(info, "offset=")
		if own > 0 && own == replica {
			return
		}
	}
	t.Fatal("the replica never caught up")
}

// after is the number that stands after a name; -1 when there is none.
func after(text, name string) int {
	_, rest, _ := strings.Cut(text, name)
	end := strings.IndexFunc(rest, func(c rune) bool { return c < '0' || c > '9' })
	n, err := strconv.Atoi(rest[:max(0, end)])
	if err != nil {
		return -1
	}
	return n
}

// TestRedisClusterMovesSlots moves the slots of a job's ledger and of its account's queue from node to node in
// mid-campaign.
func TestRedisClusterMovesSlots(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t)
	r := newRig(t, c.URL())
	job := r.enqueue(plain, size.many)
	r.seat("").live()
	r.seat("").live()
	keys := []string{
		"volley:{" + job.id + "}:job", "asynq:{volley." + plain + "}:pending", "volley:{" + job.id + ".0}:n", "volley:{" + job.id + ".7}:n",
	}
	moved := 0
	for i := range size.rounds {
		r.sent(size.many / (size.rounds + 1) * (i + 1))
		for _, key := range keys {
			slot, err := r.rdb.ClusterKeySlot(t.Context(), key).Result()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Move(int(slot)); err != nil {
				t.Fatal(err)
			}
			moved++
		}
	}
	t.Logf("%d slots were moved", moved)
	r.steady(r.books())
	r.stop()
}
