package redistest

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// MasterName is what the sentinels of a Watched call their master.
const MasterName = "main"

// Watched is a master with one replica and three sentinels that fail over when the master is gone for a second.
type Watched struct {
	Master, Replica *Server
	Sentinels       []*Server
}

// StartWatched starts a Watched, with args for master and replica, and returns when the replica follows and the
// sentinels know it and each other.
func StartWatched(t testing.TB, args ...string) *Watched {
	t.Helper()
	w := &Watched{Master: New(t, args...)}
	host, port, _ := net.SplitHostPort(w.Master.Addr)
	w.Replica = New(t, append([]string{"--replicaof", host + " " + port, "--repl-diskless-sync-delay", "0"}, args...)...)
	for range 3 {
		w.Sentinels = append(w.Sentinels, sentinel(t, host, port))
	}
	for _, s := range w.Sentinels {
		rdb := redis.NewSentinelClient(&redis.Options{Addr: s.Addr})
		until(t, "the sentinels to know each other and the replica", func(ctx context.Context) bool {
			others, err := rdb.Sentinels(ctx, MasterName).Result()
			if err != nil || len(others) != len(w.Sentinels)-1 {
				return false
			}
			replicas, err := rdb.Replicas(ctx, MasterName).Result()
			return err == nil && len(replicas) == 1 && replicas[0]["master-link-status"] == "ok"
		})
		_ = rdb.Close()
	}
	return w
}

// URL is the address of all of it in Volley's configuration.
func (w *Watched) URL() string {
	return "redis-sentinel://" + addrs(w.Sentinels) + "/0?master=" + MasterName
}

func sentinel(t testing.TB, host, port string) *Server {
	t.Helper()
	addr := freeAddr(t, 0)
	_, own, _ := net.SplitHostPort(addr)
	dir := t.TempDir()
	conf := filepath.Join(dir, "sentinel.conf") // a sentinel writes into its own configuration
	text := fmt.Sprintf("bind 127.0.0.1\nport %s\ndir %s\nsentinel monitor %s %s %s 2\nsentinel down-after-milliseconds %[3]s 1000\n"+
		"sentinel failover-timeout %[3]s 4000\n", own, dir, MasterName, host, port)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, Addr: addr, ready: "+monitor master", command: []string{lookup(t, "redis-server"), conf, "--sentinel"}}
	if said := s.launch(); said != "" {
		t.Fatalf("a sentinel did not start; it said:\n%s", said)
	}
	t.Cleanup(s.Kill)
	return s
}

// Cluster is a Redis Cluster of three masters.
type Cluster struct{ Nodes []*Server }

const (
	clusterNodes = 3
	clusterSlots = 16384
	// busRoom is how far a node's cluster port is above its own.
	busRoom = 10000
)

// StartCluster starts a Cluster, with args for each node, and returns when every node knows who has which slots.
func StartCluster(t testing.TB, args ...string) *Cluster {
	t.Helper()
	c := &Cluster{}
	for range clusterNodes {
		s := &Server{t: t, Addr: freeAddr(t, busRoom), ready: "Ready to accept connections"}
		_, port, _ := net.SplitHostPort(s.Addr)
		s.command = append([]string{
			lookup(t, "redis-server"), "--bind", "127.0.0.1", "--port", port, "--dir", t.TempDir(), "--save", "", "--appendonly", "no",
			"--logfile", "", "--cluster-enabled", "yes", "--cluster-node-timeout", "5000",
		}, args...)
		if said := s.launch(); said != "" {
			t.Fatalf("a node did not start; it said:\n%s", said)
		}
		t.Cleanup(s.Kill)
		c.Nodes = append(c.Nodes, s)
	}
	ctx := context.Background()
	for i, s := range c.Nodes {
		rdb := redis.NewClient(&redis.Options{Addr: s.Addr})
		if err := rdb.Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err(); err != nil {
			t.Fatal(err)
		}
		for _, other := range c.Nodes[:i] {
			host, port, _ := net.SplitHostPort(other.Addr)
			if err := rdb.ClusterMeet(ctx, host, port).Err(); err != nil {
				t.Fatal(err)
			}
		}
		from, to := i*clusterSlots/clusterNodes, (i+1)*clusterSlots/clusterNodes-1
		if err := rdb.ClusterAddSlotsRange(ctx, from, to).Err(); err != nil {
			t.Fatal(err)
		}
		_ = rdb.Close()
	}
	for _, s := range c.Nodes {
		rdb := redis.NewClient(&redis.Options{Addr: s.Addr})
		until(t, "the nodes to agree on the slots", func(ctx context.Context) bool {
			info, err := rdb.ClusterInfo(ctx).Result()
			slots, err2 := rdb.ClusterSlots(ctx).Result() //nolint:staticcheck // its successor is not in Redis 6.2
			return err == nil && err2 == nil && strings.Contains(info, "cluster_state:ok") && len(slots) == clusterNodes
		})
		_ = rdb.Close()
	}
	return c
}

// URL is the address of all of it in Volley's configuration.
func (c *Cluster) URL() string { return "redis-cluster://" + addrs(c.Nodes) }

// Move moves a slot with all that is in it to another node, as redis-cli --cluster reshard does, while the cluster is in use. It
// returns when all nodes agree on who has which slots.
func (c *Cluster) Move(slot int) error {
	ctx := context.Background()
	var clients []*redis.Client
	var ids []string
	for _, s := range c.Nodes {
		rdb := redis.NewClient(&redis.Options{Addr: s.Addr})
		defer rdb.Close()
		id, err := rdb.Do(ctx, "CLUSTER", "MYID").Text()
		if err != nil {
			return err
		}
		clients, ids = append(clients, rdb), append(ids, id)
	}
	from, err := owner(ctx, clients[0], ids, slot)
	if err != nil {
		return err
	}
	to := (from + 1) % len(clients)
	host, port, _ := net.SplitHostPort(c.Nodes[to].Addr)
	if err := clients[to].Do(ctx, "CLUSTER", "SETSLOT", slot, "IMPORTING", ids[from]).Err(); err != nil {
		return err
	}
	if err := clients[from].Do(ctx, "CLUSTER", "SETSLOT", slot, "MIGRATING", ids[to]).Err(); err != nil {
		return err
	}
	for {
		keys, err := clients[from].ClusterGetKeysInSlot(ctx, slot, 10).Result()
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			break
		}
		args := []any{"MIGRATE", host, port, "", 0, 5000, "KEYS"}
		for _, k := range keys {
			args = append(args, k)
		}
		if err := clients[from].Do(ctx, args...).Err(); err != nil {
			return err
		}
	}
	for i := range clients { // the new owner first, then the old one, then those who need not wait to hear of it
		i = (to - i + len(clients)) % len(clients)
		if err := clients[i].Do(ctx, "CLUSTER", "SETSLOT", slot, "NODE", ids[to]).Err(); err != nil {
			return err
		}
	}
	return agree(ctx, clients)
}

// agree waits until all nodes know the same of each other's slots and epochs. A slot that moves on before may be claimed in an
// epoch that somebody takes for an old one, and is then nobody's for good.
func agree(ctx context.Context, clients []*redis.Client) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		views := map[string]bool{}
		for _, rdb := range clients {
			text, err := rdb.ClusterNodes(ctx).Result()
			if err != nil {
				return err
			}
			views[view(text)] = true
		}
		if len(views) == 1 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the nodes never agree: %w", ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// view is what the answer to CLUSTER NODES says of the nodes' epochs and slots, whoever gives it.
func view(text string) string {
	const epoch, slots = 6, 8
	var lines []string
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) >= slots {
			lines = append(lines, fmt.Sprint(f[0], f[epoch], f[slots:]))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// owner returns the index of the node that has a slot.
func owner(ctx context.Context, rdb *redis.Client, ids []string, slot int) (int, error) {
	slots, err := rdb.ClusterSlots(ctx).Result() //nolint:staticcheck // its successor is not in Redis 6.2
	if err != nil {
		return 0, err
	}
	for _, s := range slots {
		for i, id := range ids {
			if slot >= s.Start && slot <= s.End && s.Nodes[0].ID == id {
				return i, nil
			}
		}
	}
	return 0, fmt.Errorf("nobody has slot %d", slot)
}

func addrs(servers []*Server) string {
	out := make([]string, len(servers))
	for i, s := range servers {
		out[i] = s.Addr
	}
	return strings.Join(out, ",")
}

// until waits for what the servers settle among themselves.
func until(t testing.TB, what string, done func(context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for !done(ctx) {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
