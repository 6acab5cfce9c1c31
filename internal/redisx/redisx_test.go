package redisx_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"reflect"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/internal/redistest"
	"github.com/volleysms/volley/internal/redisx"
)

func TestParse(t *testing.T) {
	// seen is what the table looks at.
	type seen struct {
		addrs            string
		db               int
		user, pass       string
		tls, cluster     bool
		serverName, name string
	}
	tests := []struct {
		url  string
		want seen
	}{
		{"redis://127.0.0.1:6379/0", seen{addrs: "127.0.0.1:6379"}},
		{"redis://redis.example", seen{addrs: "redis.example:6379"}},
		{"redis://redis.example:7000/3", seen{addrs: "redis.example:7000", db: 3}},
		{"redis://:secret@redis.example", seen{addrs: "redis.example:6379", pass: "secret"}},
		{"redis://me:se%2Fcr%40et@redis.example/1", seen{addrs: "redis.example:6379", db: 1, user: "me", pass: "se/cr@et"}},
		{"redis://[::1]:6380", seen{addrs: "[::1]:6380"}},
		{"redis://[::1]", seen{addrs: "[::1]:6379"}},
		{"rediss://redis.example:6380/2", seen{addrs: "redis.example:6380", db: 2, tls: true, serverName: "redis.example"}},
		{"redis-sentinel://a:1,b:2/4?master=main", seen{addrs: "a:1 b:2", db: 4, name: "main"}},
		{"redis-sentinel://a,b?master=main", seen{addrs: "a:26379 b:26379", name: "main"}},
		{"redis-sentinel://me:secret@a/?master=main&tls=true", seen{addrs: "a:26379", user: "me", pass: "secret", tls: true, name: "main"}},
		{"redis-cluster://a:1,b,c:3", seen{addrs: "a:1 b:6379 c:3", cluster: true}},
		{"redis-cluster://one", seen{addrs: "one:6379", cluster: true}},
		{"redis-cluster://[::1]", seen{addrs: "[::1]:6379", cluster: true}},
		{"redis-cluster://me:secret@a:1?tls=true", seen{addrs: "a:1", user: "me", pass: "secret", tls: true, cluster: true}},
		{"redis-cluster://a:1?tls=false", seen{addrs: "a:1", cluster: true}},
	}
	for _, tt := range tests {
		t.Run(tt.url, func(t *testing.T) {
			o, err := redisx.Parse(tt.url)
			if err != nil {
				t.Fatal(err)
			}
			got := seen{
				addrs: strings.Join(o.Addrs, " "), db: o.DB, user: o.Username, pass: o.Password, tls: o.TLSConfig != nil,
				cluster: o.IsClusterMode, name: o.MasterName,
			}
			if o.TLSConfig != nil {
				got.serverName = o.TLSConfig.ServerName
				if o.TLSConfig.MinVersion < tls.VersionTLS12 || o.TLSConfig.InsecureSkipVerify {
					t.Errorf("the TLS settings are weak: %+v", o.TLSConfig)
				}
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

// TestParse_Refuses writes a password of hunter22 and xyzzy77 in each of the ways that go wrong.
func TestParse_Refuses(t *testing.T) {
	tests := []struct{ name, url, says string }{
		{"NoScheme", "user:hunter22@redis.example:6379", "no scheme"},
		{"Empty", "", "no scheme"},
		{"AnotherScheme", "http://user:hunter22@redis.example", "unknown scheme"},
		{"SlashInThePassword", "redis://user:hunter22/xyzzy77@redis.example:6379", "can't be read"},
		{"SlashBehindDigits", "redis://user:12/xyzzy77@redis.example:6379", "can't be read"},
		{"HashInThePassword", "redis://user:12#xyzzy77@redis.example:6379", "can't be read"},
		{"QuestionMarkInThePassword", "redis://user:12?xyzzy77@redis.example:6379", "can't be read"},
		{"PercentInThePassword", "redis://user:hunter22%zz@redis.example:6379", "can't be read"},
		{"SpaceInThePassword", "redis://user:hunter22 xyzzy77@redis.example:6379", "can't be read"},
		{"AtAndSlashInThePassword", "redis://user:hunter22@a/xyzzy77@redis.example", "can't be read"},
		{"NoNumberAsPort", "redis://user:hunter22@redis.example:port", "can't be read"},
		{"NoNumberAsDatabase", "redis://user:hunter22@redis.example/first", "can't be read"},
		{"TwoDatabases", "redis://user:hunter22@redis.example/1/2", "can't be read"},
		{"UnknownOption", "redis://user:hunter22@redis.example?xyzzy77=1", "can't be read"},
		{"SentinelSlashInThePassword", "redis-sentinel://user:hunter22/xyzzy77@a,b?master=main", "can't be read"},
		{"SentinelAtAndSlashInThePassword", "redis-sentinel://user:hunter22@a/xyzzy77@b?master=main", "database"},
		{"SentinelWithoutMaster", "redis-sentinel://user:hunter22@a", "?master=NAME"},
		{"SentinelNoNumberAsDatabase", "redis-sentinel://user:hunter22@a/first?master=main", "database"},
		{"SentinelWithoutHost", "redis-sentinel://user:hunter22@?master=main", "no host"},
		{"ClusterWithoutHost", "redis-cluster://", "no host"},
		{"ClusterCommaTooMany", "redis-cluster://user:hunter22@a,,b", "no host"},
		{"ClusterSlashInThePassword", "redis-cluster://user:12/xyzzy77@a,b", "can't be read"},
		{"ClusterOtherTLS", "redis-cluster://user:hunter22@a?tls=yes", "tls"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, err := redisx.Parse(tt.url)
			if err == nil {
				t.Fatalf("no error, but %v", o.Addrs)
			}
			if !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %q, want it to say %q", err, tt.says)
			}
			for e := err; e != nil; e = errors.Unwrap(e) {
				for _, s := range []string{"hunter22", "xyzzy77"} {
					if strings.Contains(e.Error(), s) {
						t.Errorf("the error holds a part of the password: %v", e)
					}
				}
			}
		})
	}
}

func open(t *testing.T, url string) redis.UniversalClient {
	t.Helper()
	o, err := redisx.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	o.MaxRetries = -1
	rdb := redis.NewUniversalClient(o)
	t.Cleanup(func() { rdb.Close() })
	return rdb
}

func TestCheck(t *testing.T) {
	closed, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	tests := []struct {
		name string
		addr func(t *testing.T) string
		want error
		says string
	}{
		{"AFineServer", func(t *testing.T) string { return redistest.Start(t) }, nil, ""},
		{"AFineServerWithABound", func(t *testing.T) string { return redistest.Start(t, "--maxmemory", "100mb") }, nil, ""},
		{"TheEmbeddedOne", func(t *testing.T) string { return miniredis.RunT(t).Addr() }, nil, ""},
		{"AnEvictingServer", func(t *testing.T) string { return redistest.Start(t, "--maxmemory-policy", "allkeys-lru") }, redisx.ErrEvicting, `"allkeys-lru"`},
		{"AServerThatEvictsWhatExpires", func(t *testing.T) string { return redistest.Start(t, "--maxmemory-policy", "volatile-ttl") }, redisx.ErrEvicting, "noeviction"},
		{"NoServer", func(*testing.T) string { return closed.Addr().String() }, redisx.ErrUnreachable, "is it running"},
		{"AnotherPassword", func(t *testing.T) string { return redistest.Start(t, "--requirepass", "other") }, redisx.ErrUnreachable, "WRONGPASS"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			password := ""
			if errors.Is(tt.want, redisx.ErrUnreachable) {
				password = ":hunter22@"
			}
			err := redisx.Check(context.Background(), open(t, "redis://"+password+tt.addr(t)))
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if err != nil && (!strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "hunter22")) {
				t.Errorf("got %q, want it to say %q", err, tt.says)
			}
		})
	}
}

// TestCheck_Version asks servers that say of themselves how old they are.
func TestCheck_Version(t *testing.T) {
	for version, want := range map[string]error{
		"6.2.0": nil, "6.2": nil, "7.0.15": nil, "8.0.0": nil, "10.1.0": nil, "": nil, "unstable": nil,
		"6.0.16": redisx.ErrTooOld, "5.0.14": redisx.ErrTooOld, "3.2.100": redisx.ErrTooOld,
	} {
		t.Run("Version"+version, func(t *testing.T) {
			rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
			defer rdb.Close()
			rdb.AddHook(says{"server": "# Server\r\nredis_version:" + version + "\r\n"})
			if err := redisx.Check(t.Context(), rdb); !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
		})
	}
}

// TestCheck_Cluster asks each master of a cluster of one.
func TestCheck_Cluster(t *testing.T) {
	for name, want := range map[string]error{"noeviction": nil, "allkeys-lru": redisx.ErrEvicting} {
		t.Run(name, func(t *testing.T) {
			addr := redistest.Start(t, "--cluster-enabled", "yes", "--maxmemory-policy", name)
			node := open(t, "redis://"+addr)
			if err := node.ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
				t.Fatal(err)
			}
			if err := redisx.Check(t.Context(), open(t, "redis-cluster://"+addr)); !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
		})
	}
}

// says answers INFO for the sections it has.
type says map[string]string

func (s says) DialHook(next redis.DialHook) redis.DialHook { return next }

func (s says) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (s says) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		args := cmd.Args()
		c, ok := cmd.(*redis.StringCmd)
		if !ok || len(args) != 2 || args[0] != "info" || s[args[1].(string)] == "" {
			return next(ctx, cmd)
		}
		c.SetVal(s[args[1].(string)])
		return nil
	}
}
