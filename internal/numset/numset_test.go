package numset_test

import (
	"math/rand/v2"
	"runtime"
	"testing"

	"pgregory.net/rapid"

	"github.com/volleysms/volley/internal/numset"
)

func TestSet_Add(t *testing.T) {
	const group = 1 << 16
	tests := map[string][]uint64{
		"nothing":                           nil,
		"zero is a number like any other":   {0, 0},
		"the largest number":                {1<<64 - 1, 1<<64 - 1},
		"alone in its group":                {4520000001, 4520000001, 4520000001},
		"same low bits, different groups":   {7, group + 7, 2*group + 7, 7, group + 7},
		"same high bits":                    {5 * group, 5*group + 1, 5 * group, 5*group + 1},
		"back and forth between two groups": {1, group + 1, 2, group + 2, 1, group + 1, 2, group + 2},
		"downwards":                         {9, 8, 7, 6, 5, 5, 6, 7, 8, 9},
		"group of one after a dense group":  {1, 2, 3, group, group, 3, group},
	}
	for name, numbers := range tests {
		t.Run(name, func(t *testing.T) { compare(t, numbers) })
	}

	t.Run("a whole group, through its change into a bitmap", func(t *testing.T) {
		var numbers []uint64
		for i := range uint64(group) {
			numbers = append(numbers, 3*group+i*40503%group)
		}
		compare(t, append(numbers, numbers...))
	})
	t.Run("an array is full but the number is known", func(t *testing.T) {
		var numbers []uint64
		for i := range uint64(2048) {
			numbers = append(numbers, 2*i)
		}
		compare(t, append(numbers, 0, 2046, 4094, 4095, 4095, 1))
	})
}

func TestSet_Property(t *testing.T) {
	// A number is a base and a little more, so that lone numbers, arrays and bitmaps all occur.
	rapid.Check(t, func(t *rapid.T) {
		bases := rapid.SliceOfN(rapid.Uint64(), 1, 20).Draw(t, "bases")
		spread := rapid.SampledFrom([]uint64{1, 10, 4000, 1 << 16, 1 << 20, 1 << 40}).Draw(t, "spread")
		count := rapid.SampledFrom([]int{10, 500, 5000}).Draw(t, "count")
		seed := rapid.Uint64().Draw(t, "seed")
		r := rand.New(rand.NewPCG(seed, 0))
		numbers := make([]uint64, count)
		for i := range numbers {
			numbers[i] = bases[r.IntN(len(bases))] + r.Uint64N(spread)
		}
		compare(t, numbers)
	})
}

// failer is a *testing.T or a *rapid.T.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// compare adds the numbers to a Set and to a map, and wants the same answers.
func compare(t failer, numbers []uint64) {
	t.Helper()
	var s numset.Set
	seen := make(map[uint64]bool)
	for i, n := range numbers {
		if got, want := s.Add(n), !seen[n]; got != want {
			t.Fatalf("Add(%d), the %dth: got %v, want %v", n, i, got, want)
		}
		seen[n] = true
		if got, want := s.Len(), len(seen); got != want {
			t.Fatalf("Len after %d: got %d, want %d", i+1, got, want)
		}
	}
}

// million returns a million numbers of each kind that a job may hold.
var million = []struct {
	name    string
	maxByte float64 // bytes a number, at most; 0 is left to the benchmark
	next    func(r *rand.Rand, i int) uint64
}{
	{"sequential", 0.5, func(_ *rand.Rand, i int) uint64 { return 4520000000 + uint64(i) }},
	{"random_in_8_digits", 4, func(r *rand.Rand, _ int) uint64 { return 4500000000 + r.Uint64N(100_000_000) }},
	{"random_in_7_digits", 0, func(r *rand.Rand, _ int) uint64 { return 3540000000 + r.Uint64N(10_000_000) }},
	{"random_in_10_digits", 0, func(r *rand.Rand, _ int) uint64 { return 10000000000 + r.Uint64N(10_000_000_000) }},
	{"three_countries", 0, func(r *rand.Rand, _ int) uint64 {
		return []uint64{45, 46, 47}[r.IntN(3)]*100_000_000 + r.Uint64N(100_000_000)
	}},
	{"pairs", 0, func(r *rand.Rand, i int) uint64 { return uint64(i/2)*12_345_678 + uint64(i%2) }},
	{"nothing_in_common", 21, func(r *rand.Rand, _ int) uint64 { return r.Uint64N(1_000_000_000_000_000) }},
}

func TestSet_Memory(t *testing.T) {
	for _, kind := range million {
		if kind.maxByte == 0 {
			continue
		}
		t.Run(kind.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			s, bytes := measure(func(s *numset.Set) {
				for i := range 1_000_000 {
					s.Add(kind.next(r, i))
				}
			})
			if got := bytes / float64(s.Len()); got > kind.maxByte {
				t.Errorf("got %.2f bytes a number, want at most %.1f", got, kind.maxByte)
			}
		})
	}
}

func BenchmarkSet_Add(b *testing.B) {
	for _, kind := range million {
		b.Run(kind.name, func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			numbers := make([]uint64, 1_000_000)
			for i := range numbers {
				numbers[i] = kind.next(r, i)
			}
			s, bytes := measure(func(s *numset.Set) {
				for _, n := range numbers {
					s.Add(n)
				}
			})
			perNumber := bytes / float64(s.Len())
			b.ResetTimer()
			s = new(numset.Set)
			for i := range b.N {
				if i%len(numbers) == 0 {
					s = new(numset.Set)
				}
				s.Add(numbers[i%len(numbers)])
			}
			b.ReportMetric(perNumber, "B/number")
		})
	}
}

// measure returns the filled set and the bytes of heap that it holds.
func measure(fill func(*numset.Set)) (*numset.Set, float64) {
	s := new(numset.Set)
	before := heap()
	fill(s)
	after := heap()
	runtime.KeepAlive(s)
	return s, float64(after) - float64(before)
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
