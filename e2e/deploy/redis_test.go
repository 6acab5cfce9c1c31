package deploy

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Each file starts a real server, which then says what the file is about.
func TestRedisConf(t *testing.T) {
	conf := filepath.Join(root, "deploy/redis")
	for _, c := range []struct {
		name, file string
		asks       []string
		says       string
	}{
		{"Policy", "redis.conf", []string{"config", "get", "maxmemory-policy"}, "noeviction"},
		{"AOF", "redis.conf", []string{"config", "get", "appendonly"}, "yes"},
		{"Fsync", "redis.conf", []string{"config", "get", "appendfsync"}, "everysec"},
		{"Snapshots", "redis.conf", []string{"config", "get", "save"}, "save"},
		{"Cluster", "cluster.conf", []string{"info", "cluster"}, "cluster_enabled:1"},
		{"ClusterPolicy", "cluster.conf", []string{"config", "get", "maxmemory-policy"}, "noeviction"},
		{"Sentinel", "sentinel.conf", []string{"sentinel", "master", "volley"}, "quorum"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, file := range []string{"redis.conf", c.file} { // cluster.conf includes redis.conf, and sentinels write into their own
				text, err := os.ReadFile(filepath.Join(conf, file))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, file), text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			host := loopback(t)
			args, port := []string{c.file, "--bind", host}, "6379"
			if c.file == "sentinel.conf" {
				args, port = append(args, "--sentinel"), "26379"
			}
			start(t, dir, nil, "redis-server", args...)
			var out []byte
			until(t, c.file+" to start", func() bool {
				var err error
				out, err = exec.CommandContext(t.Context(), "redis-cli", append([]string{"-h", host, "-p", port}, c.asks...)...).CombinedOutput()
				return err == nil && !bytes.Contains(out, []byte("refused"))
			})
			if !strings.Contains(string(out), c.says) {
				t.Errorf("%s: %s says %q, want %q", c.file, strings.Join(c.asks, " "), out, c.says)
			}
		})
	}
}

// kustomize reads nothing outside a component's folder, so that it has a copy.
func TestRedisConf_OfKubernetesIsTheSame(t *testing.T) {
	a, err := os.ReadFile(filepath.Join(root, "deploy/redis/redis.conf"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(root, "deploy/kubernetes/components/redis/redis.conf"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Error("deploy/kubernetes/components/redis/redis.conf differs from deploy/redis/redis.conf: copy it there")
	}
}
