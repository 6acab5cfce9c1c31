package suppress

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/volleysms/volley/internal/redistest"
	"github.com/volleysms/volley/sms"
)

var at = time.Date(2030, 1, 31, 9, 30, 0, 0, time.UTC)

// onEach runs a test on the embedded Redis, a real one and a cluster.
func onEach(t *testing.T, test func(t *testing.T, rdb redis.UniversalClient)) {
	t.Helper()
	for name, start := range map[string]func(t *testing.T) redis.UniversalClient{
		"Miniredis": func(t *testing.T) redis.UniversalClient {
			return redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
		},
		"Redis": func(t *testing.T) redis.UniversalClient {
			return redis.NewClient(&redis.Options{Addr: redistest.Start(t)})
		},
		"Cluster": func(t *testing.T) redis.UniversalClient {
			var nodes []string
			for _, n := range redistest.StartCluster(t).Nodes {
				nodes = append(nodes, n.Addr)
			}
			return redis.NewClusterClient(&redis.ClusterOptions{Addrs: nodes})
		},
	} {
		t.Run(name, func(t *testing.T) {
			rdb := start(t)
			t.Cleanup(func() { rdb.Close() })
			test(t, rdb)
		})
	}
}

func numbers(from, n int) []sms.MSISDN {
	out := make([]sms.MSISDN, n)
	for i := range out {
		out[i] = sms.MSISDN(from + i*7919) //nolint:gosec // it is a number
	}
	return out
}

// follow brings a Follower up to date.
func follow(t *testing.T, f *Follower) {
	t.Helper()
	if err := f.look(t.Context(), f.turn.Load() == 0); err != nil {
		t.Fatal(err)
	}
}

func requireList(t *testing.T, f *Follower, account string, n sms.MSISDN, want string, on bool) {
	t.Helper()
	if got, has := f.Lookout(account).List(n); got != want || has != on {
		t.Errorf("%s asks for %d: got %q, %t, want %q, %t", account, n, got, has, want, on)
	}
}

func TestLists(t *testing.T) {
	onEach(t, func(t *testing.T, rdb redis.UniversalClient) {
		ctx, l := t.Context(), New(rdb)
		add := func(list string, want int, why Why, n ...sms.MSISDN) {
			t.Helper()
			if got, err := l.Add(ctx, list, why, at, n...); err != nil || got != want {
				t.Fatalf("added %d, %v, want %d", got, err, want)
			}
		}
		if counts, err := l.Counts(ctx); err != nil || len(counts) != 0 {
			t.Fatalf("in the beginning: %v, %v", counts, err)
		}
		f := Follow(rdb, "")
		follow(t, f)
		if !f.Fresh() || !f.Lookout("dk").Empty() {
			t.Error("in the beginning: not fresh, or not empty")
		}
		stop := Why{"stop", "STOP"}
		all := numbers(4500000000, 3000)
		add(All, 3000, Why{"import", "old list"}, all...)
		add(All, 1, stop, 4599999999, 4599999999, all[7])
		add("dk", 2, stop, 4588888888, 4599999999)
		turn := f.Turn()
		follow(t, f)
		if f.Turn() == turn {
			t.Error("the turn is the same after a change")
		}
		for _, n := range all {
			requireList(t, f, "moon", n, All, true)
			requireList(t, f, "moon", n+1, "", false)
		}
		requireList(t, f, "dk", 4588888888, "dk", true)
		requireList(t, f, "moon", 4588888888, "", false)
		requireList(t, f, "dk", 4599999999, All, true)

		want := []Entry{{4599999999, All, at, stop}, {4599999999, "dk", at, stop}}
		if got, err := l.Of(ctx, 4599999999); err != nil || !slices.Equal(got, want) {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
		if got, err := l.Of(ctx, all[7]); err != nil || len(got) != 1 || got[0].Why != (Why{"import", "old list"}) {
			t.Errorf("put there twice: got %v, %v, want the first reason", got, err)
		}
		if got, err := l.Of(ctx, 4577777777); err != nil || len(got) != 0 {
			t.Errorf("not there: got %v, %v", got, err)
		}
		counts, err := l.Counts(ctx)
		if err != nil || !slices.Equal(counts, []Count{{All, 3001}, {"dk", 2}}) {
			t.Errorf("got %v, %v", counts, err)
		}
		var listed []sms.MSISDN
		for e, err := range l.Entries(ctx, All) {
			if err != nil {
				t.Fatal(err)
			}
			listed = append(listed, e.To)
		}
		slices.Sort(listed)
		if want := append(slices.Clone(all), 4599999999); !slices.Equal(listed, want) {
			t.Errorf("%d are listed, want the %d that were added", len(listed), len(want))
		}

		if n, err := l.Remove(ctx, All, append(slices.Clone(all[:2000]), 4577777777)...); err != nil || n != 2000 {
			t.Errorf("removed %d, %v, want 2000", n, err)
		}
		if n, err := l.Remove(ctx, "dk", 4588888888, 4599999999); err != nil || n != 2 {
			t.Errorf("removed %d, %v, want 2", n, err)
		}
		follow(t, f)
		requireList(t, f, "dk", 4588888888, "", false)
		requireList(t, f, "dk", all[1999], "", false)
		requireList(t, f, "dk", all[2000], All, true)
		if counts, err := l.Counts(ctx); err != nil || !slices.Equal(counts, []Count{{All, 1001}}) {
			t.Errorf("got %v, %v", counts, err)
		}

		// A copy that is too far behind reads everything.
		for i := range 600 {
			add("moon", 1, stop, sms.MSISDN(4600000000+i)) //nolint:gosec // it is a number
		}
		follow(t, f)
		requireList(t, f, "moon", 4600000000, "moon", true)
		requireList(t, f, "moon", 4600000599, "moon", true)
		requireList(t, f, "moon", all[2000], All, true)
		// So does one whose lists were emptied.
		if err := rdb.Del(ctx, keyMeta, keyLog, keyWhy, keyList(All), keyList("moon")).Err(); err != nil {
			t.Fatal(err)
		}
		follow(t, f)
		requireList(t, f, "moon", 4600000000, "", false)
	})
}

// A Follower that reads everything while much changes ends with what is there.
func TestFollower_ChangesWhileItReads(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: redistest.Start(t)})
	defer rdb.Close()
	ctx, l := t.Context(), New(rdb)
	all := numbers(4500000000, 20_000)
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; i < len(all); i += 500 {
			if _, err := l.Add(ctx, All, Why{}, at, all[i:i+500]...); err != nil {
				t.Error(err)
			}
			if _, err := l.Remove(ctx, All, all[i:i+100]...); err != nil {
				t.Error(err)
			}
		}
	})
	run, stop := context.WithCancel(ctx)
	followers := make([]*Follower, 3)
	for i := range followers {
		followers[i] = Follow(rdb, "")
		wg.Go(func() { followers[i].Run(run, func(error) {}) })
	}
	version := uint64(2 * len(all) / 500)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if v, err := followers[0].lists.version(ctx); err == nil && v == version {
			break
		}
	}
	stop()
	wg.Wait()
	for i, f := range followers {
		follow(t, f)
		for k, n := range all {
			if _, on := f.Lookout("dk").List(n); on != (k%500 >= 100) {
				t.Fatalf("follower %d has number %d: %t", i, k, on)
			}
		}
	}
}

func TestFollower_IsNotBelievedWithoutRedis(t *testing.T) {
	mr := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: mr.Addr(), MaxRetries: -1})
	defer rdb.Close()
	f := Follow(rdb, "")
	if f.Fresh() {
		t.Error("fresh before anything was read")
	}
	follow(t, f)
	if !f.Fresh() {
		t.Error("not fresh after it was read")
	}
	mr.SetError("LOADING")
	f.began = f.began.Add(-Believed)
	if err := f.look(t.Context(), false); err == nil || f.Fresh() {
		t.Errorf("got %v, fresh %t, long after it was read", err, f.Fresh())
	}
	mr.SetError("")
	follow(t, f)
	if !f.Fresh() {
		t.Error("not fresh after Redis is back")
	}
}

func TestWhy_ManyReasonsAreKeptWithoutTheLast(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	defer rdb.Close()
	l := New(rdb)
	for i := range 260 {
		if _, err := l.Add(t.Context(), All, Why{"api", fmt.Sprint("reason ", i)}, at, sms.MSISDN(4500000000+i)); err != nil { //nolint:gosec // it is a number
			t.Fatal(err)
		}
	}
	for i, want := range map[int]Why{0: {"api", "reason 0"}, 253: {"api", "reason 253"}, 254: {}, 259: {}} {
		got, err := l.Of(t.Context(), sms.MSISDN(4500000000+i)) //nolint:gosec // it is a number
		if err != nil || len(got) != 1 || got[0].Why != want {
			t.Errorf("entry %d: got %v, %v, want %v", i, got, err, want)
		}
	}
}

// The lists and their copy are what a map would be, for numbers of all lengths that like to share buckets.
func TestLists_AreAMap(t *testing.T) {
	mr := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: mr.Addr()})
	defer rdb.Close()
	number := rapid.Custom(func(t *rapid.T) sms.MSISDN {
		n := sms.MSISDN(rapid.SampledFrom([]int{1_000_000, 4500000000, 999_999_999_990_000, 0x0101010101000, 0x0101010201000}).Draw(t, "base")) //nolint:gosec // it is a number
		return n + sms.MSISDN(rapid.SampledFrom([]int{0, 1, 4096, 8192, 4096 * 256, 4096 * 257, 4097}).Draw(t, "more"))                         //nolint:gosec // it is a number
	})
	rapid.Check(t, func(t *rapid.T) {
		mr.FlushAll()
		ctx, l, f := context.Background(), New(rdb), Follow(rdb, "")
		want := map[string]map[sms.MSISDN]bool{"": {}, "dk": {}}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			list := rapid.SampledFrom([]string{"", "dk"}).Draw(t, "list")
			some := rapid.SliceOfN(number, 1, 6).Draw(t, "numbers")
			changed := map[sms.MSISDN]bool{}
			add := rapid.Bool().Draw(t, "add")
			for _, n := range some {
				if want[list][n] != add {
					changed[n] = true
				}
				if want[list][n] = true; !add {
					delete(want[list], n)
				}
			}
			do := func() (int, error) { return l.Add(ctx, list, Why{}, at, some...) }
			if !add {
				do = func() (int, error) { return l.Remove(ctx, list, some...) }
			}
			if n, err := do(); err != nil || n != len(changed) {
				t.Fatalf("%d changed, %v, want %d", n, err, len(changed))
			}
			if rapid.Bool().Draw(t, "follow") {
				if err := f.look(ctx, f.turn.Load() == 0); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := f.look(ctx, f.turn.Load() == 0); err != nil {
			t.Fatal(err)
		}
		for list, numbers := range want {
			got := map[sms.MSISDN]bool{}
			for e, err := range l.Entries(ctx, list) {
				if err != nil || got[e.To] {
					t.Fatalf("%v twice, or %v", e, err)
				}
				got[e.To] = true
			}
			s := (*f.sets.Load())[list]
			for n := range numbers {
				if !got[n] || !s.has(n) {
					t.Fatalf("%d is not on the list %q or in its copy", n, list)
				}
			}
			if len(got) != len(numbers) || s != nil && s.n.Load() != int64(len(numbers)) {
				t.Fatalf("%d on the list %q, want %d; or its copy has another number", len(got), list, len(numbers))
			}
		}
	})
}
