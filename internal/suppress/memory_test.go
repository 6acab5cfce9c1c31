package suppress

import (
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/internal/redistest"
	"github.com/volleysms/volley/sms"
)

// random returns different numbers of a country, in no order.
func random(n int) []sms.MSISDN {
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // it is to be the same each time
	out := make([]sms.MSISDN, n)
	for i := range out {
		out[i] = sms.MSISDN(4500000000 + r.IntN(100_000_000)) //nolint:gosec // it is a number
	}
	return out
}

// An entry takes about ten bytes in Redis, and five in a worker.
func TestLists_AreSmall(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: redistest.Start(t)})
	defer rdb.Close()
	l := New(rdb)
	n, err := l.Add(t.Context(), All, Why{"import", "old list"}, at, random(200_000)...)
	if err != nil {
		t.Fatal(err)
	}
	used := rdb.MemoryUsage(t.Context(), keyList(All), 0).Val()
	perEntry := float64(used) / float64(n)
	logged := rdb.MemoryUsage(t.Context(), keyLog, 0).Val()
	f := Follow(rdb, "")
	before := heap()
	follow(t, f)
	perCopy := float64(heap()-before) / float64(n)
	t.Logf("%d numbers: %.1f bytes each in Redis, the log %d KB, %.1f bytes each in the copy", n, perEntry, logged>>10, perCopy)
	if perEntry > 14 || logged > 4<<20 || perCopy > 9 {
		t.Errorf("%.1f bytes each in Redis, want at most 14; %d of the log, want at most 4 MB; %.1f each in the copy, want at most 9", perEntry, logged, perCopy)
	}
	runtime.KeepAlive(f)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // it is not that much
}

func BenchmarkLists(b *testing.B) {
	rdb := redis.NewClient(&redis.Options{Addr: redistest.Start(b)})
	defer rdb.Close()
	l, all := New(rdb), random(1_000_000)
	b.Run("add_a_million", func(b *testing.B) {
		for b.Loop() {
			rdb.FlushAll(b.Context())
			for i := 0; i < len(all); i += 1 << 16 {
				if _, err := l.Add(b.Context(), All, Why{}, at, all[i:min(len(all), i+1<<16)]...); err != nil {
					b.Fatal(err)
				}
			}
		}
		used := rdb.MemoryUsage(b.Context(), keyList(All), 0).Val()
		n, _ := rdb.HGet(b.Context(), keyMeta, fieldCount).Int64()
		b.ReportMetric(float64(used)/float64(n), "B/entry")
	})
	f := Follow(rdb, "")
	b.Run("read_a_million", func(b *testing.B) {
		for b.Loop() {
			if err := f.load(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("add_one_of_a_million", func(b *testing.B) {
		for b.Loop() {
			if _, err := l.Remove(b.Context(), All, all[0]); err != nil {
				b.Fatal(err)
			}
			if _, err := l.Add(b.Context(), All, Why{}, at, all[0]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("look_up", func(b *testing.B) {
		o := f.Lookout("dk")
		for i := 0; b.Loop(); i++ {
			if _, on := o.List(all[i%len(all)] + sms.MSISDN(i&1)); on && i&1 == 2 {
				b.Fatal("it is on it")
			}
		}
	})
}
