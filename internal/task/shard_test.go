package task

import (
	"slices"
	"testing"

	"github.com/volleysms/volley/internal/ledger"
)

func TestSlotOf(t *testing.T) {
	// The example of the Redis Cluster specification, and what CLUSTER KEYSLOT answers.
	for key, want := range map[string]int{"123456789": 0x31C3, "foo": 12182, "volley.dk": 7374} {
		if got := slotOf(key); got != want%slots {
			t.Errorf("%s: %d, want %d", key, got, want)
		}
	}
}

// However many shards there are, each third of a cluster of three nodes has its share of them.
func TestQueues_LieApart(t *testing.T) {
	for _, account := range []string{"dk", "acoustic", "a"} {
		for n := 1; n <= MaxShards; n++ {
			names := Queues(account, 0, n)
			if len(names) != n || names[0] != Queue(account, 0) {
				t.Fatalf("%d shards: %q", n, names)
			}
			if more := Queues(account, 0, n+1); !slices.Equal(more[:n], names) {
				t.Fatalf("one more shard than %d gives others their names", n)
			}
			var at []int
			for _, name := range names {
				at = append(at, slotOf(name))
			}
			slices.Sort(at)
			for i := range at {
				gap := (at[(i+1)%n] - at[i] + slots) % slots
				// A further shard halves a gap: none is more than twice the even share, but for what names allow.
				if n > 1 && gap > 2*slots/n+slots/32 {
					t.Fatalf("%s, %d shards: nothing in %d of %d slots", account, n, gap, slots)
				}
			}
		}
	}
}

func TestQueueFor(t *testing.T) {
	spec := &ledger.Spec{ID: "0197c1b2-7a4e-7000-8000-000000000000", Priority: -1, Shards: map[string]int{"dk": 4}}
	names, seen := Queues("dk", -1, 4), map[string]int{}
	for b := range 400 {
		q := QueueFor(spec, "dk", b)
		if !slices.Contains(names, q) {
			t.Fatalf("batch %d is on %q", b, q)
		}
		seen[q]++
	}
	for q, n := range seen {
		if n != 100 {
			t.Errorf("%s has %d of 400 batches", q, n)
		}
	}
	if q := QueueFor(spec, "other", 7); q != Queue("other", -1) {
		t.Errorf("an account without shards: %q", q)
	}
}
