package plan

import (
	"math/bits"
	"slices"
	"sync"

	"github.com/volleysms/volley/sms"
)

// layers parts things so that no number occurs twice in a layer: what has a number for the first time is in the first
// layer, for the second time in the second, and so on. Order is kept. Where no number occurs twice, the one layer is all
// itself.
func layers[T any](all []T, to func(*T) sms.MSISDN) [][]T {
	if unique(all, to) {
		return [][]T{all}
	}
	var out [][]T
	seen := make(map[sms.MSISDN]int, len(all))
	for i := range all {
		n := to(&all[i])
		layer := seen[n]
		seen[n]++
		if layer == len(out) {
			out = append(out, nil)
		}
		out[layer] = append(out[layer], all[i])
	}
	return out
}

// tables are kept from one plan for the next.
var tables = sync.Pool{New: func() any { return new([]uint64) }}

// unique reports whether no number occurs twice. It is the usual case, so it has a hash table of its own that costs a few
// nanoseconds a number.
func unique[T any](all []T, to func(*T) sms.MSISDN) bool {
	// At most half full. A slot has the number's complement, which is never zero: an MSISDN has 15 digits at most.
	log := bits.Len(uint(2 * len(all)))
	table := tables.Get().(*[]uint64)
	defer tables.Put(table)
	*table = slices.Grow((*table)[:0], 1<<log)[:1<<log]
	slots := *table
	clear(slots)
	for i := range all {
		key := ^uint64(to(&all[i]))
		at := key * 0x9e3779b97f4a7c15 >> (64 - log)
		for slots[at] != 0 {
			if slots[at] == key {
				return false
			}
			at = (at + 1) % uint64(len(slots))
		}
		slots[at] = key
	}
	return true
}
