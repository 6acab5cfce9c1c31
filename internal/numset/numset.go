// Package numset is a compact set of numbers, made to find the duplicates among the MSISDNs of one job.
//
// MSISDNs cluster: one or a few country codes, many numbers below each. So numbers that share all but their low 16 bits
// form a group, kept as a sorted array of those 16 bits while it is small and as a bitmap of 8 KiB once it is dense. A
// number that is alone in its group is kept in the directory itself.
//
// A million random numbers of an eight-digit range take about 2.5 bytes each, a run of numbers without gaps an eighth
// of a byte, and numbers with nothing in common about 20 bytes.
package numset

import (
	"math/bits"
	"math/rand/v2"
	"slices"
)

const (
	// lowBits of a number stand in its group, the rest in the directory.
	lowBits = 16
	// wordBits is the size of a bitmap's words.
	wordBits = 16
	// bitmapWords is the length of a group that is a bitmap. No array of low bits is as long.
	bitmapWords = 1 << lowBits / wordBits
	// maxArray is the length at which an array becomes a bitmap: 4 bytes a number then, and less from there on.
	maxArray = bitmapWords / 2
)

// What a directory slot's ref says, beside the index of a group.
const (
	empty  uint32 = iota // nothing
	single               // key is the group's only number
	first                // first+i: the group is groups[i], and key any one of its numbers
)

// Set is a set of uint64. The zero value is an empty set. It is not safe for concurrent use.
type Set struct {
	dir    directory
	groups [][]uint16
	len    int

	// The group of the number added before, because the next one often belongs there too. lastRef is empty when that
	// number was alone.
	lastHigh uint64
	lastRef  uint32
}

// Len returns how many different numbers have been added.
func (s *Set) Len() int { return s.len }

// Add puts n into the set. It returns false when n was there already.
func (s *Set) Add(n uint64) bool {
	high := n >> lowBits
	ref := s.lastRef
	if ref == empty || high != s.lastHigh {
		var added bool
		if ref, added = s.place(n); ref == single {
			return added
		}
		s.lastHigh, s.lastRef = high, ref
	}
	g := &s.groups[ref-first]
	if !insert(g, uint16(n)) {
		return false
	}
	s.len++
	return true
}

// place finds or makes n's group and returns its ref. When that is single, n is alone in it and has been dealt with, and
// added is Add's answer.
func (s *Set) place(n uint64) (ref uint32, added bool) {
	s.dir.reserve()
	i := s.dir.slot(n >> lowBits)
	switch s.dir.refs[i] {
	case empty:
		s.dir.keys[i], s.dir.refs[i] = n, single
		s.dir.used++
		s.len++
		return single, true
	case single:
		if s.dir.keys[i] == n {
			return single, false
		}
		s.groups = append(s.groups, []uint16{uint16(s.dir.keys[i])})
		s.dir.refs[i] = first + uint32(len(s.groups)-1)
	}
	return s.dir.refs[i], false
}

// insert puts low into the group. It returns false when low was there already.
func insert(group *[]uint16, low uint16) bool {
	g := *group
	if len(g) == bitmapWords {
		word, bit := &g[low/wordBits], uint16(1)<<(low%wordBits)
		was := *word
		*word |= bit
		return was&bit == 0
	}
	i := len(g)
	if low <= g[i-1] {
		var found bool
		if i, found = slices.BinarySearch(g, low); found {
			return false
		}
	}
	if len(g) == maxArray {
		*group = bitmap(g)
		return insert(group, low)
	}
	if len(g) == cap(g) {
		// A quarter at a time, or what the allocator gives anyway: append's doubling would leave half the room unused.
		g = append([]uint16(nil), make([]uint16, len(g)+len(g)/4+1)...)[:len(g)]
		copy(g, *group)
	}
	g = g[:len(g)+1]
	copy(g[i+1:], g[i:])
	g[i] = low
	*group = g
	return true
}

// bitmap returns the array's numbers as a bitmap.
func bitmap(array []uint16) []uint16 {
	b := make([]uint16, bitmapWords)
	for _, low := range array {
		b[low/wordBits] |= 1 << (low % wordBits)
	}
	return b
}

// directory is a hash table with open addressing, from a group's high bits to a ref. It is at most four fifths full.
type directory struct {
	seed uint64
	keys []uint64
	refs []uint32
	used int
}

// slot returns where the group with the high bits is, or the empty slot where it belongs. The directory has an empty
// slot.
func (d *directory) slot(high uint64) int {
	// Seeded, so that nobody can choose numbers that collide.
	h := (high ^ d.seed) * 0x9e3779b97f4a7c15
	h = (h ^ h>>32) * 0xd6e8feb86659fd93
	at, _ := bits.Mul64(h^h>>32, uint64(len(d.keys)))
	for i := int(at); ; i++ {
		if i == len(d.keys) {
			i = 0
		}
		if d.refs[i] == empty || d.keys[i]>>lowBits == high {
			return i
		}
	}
}

// reserve makes room for one more group.
func (d *directory) reserve() {
	if (d.used+1)*5 <= len(d.keys)*4 {
		return
	}
	old := *d
	if d.seed == 0 {
		d.seed = rand.Uint64()
	}
	size := len(old.keys) + len(old.keys)*3/10 + 16
	d.keys, d.refs = make([]uint64, size), make([]uint32, size)
	for i, ref := range old.refs {
		if ref != empty {
			j := d.slot(old.keys[i] >> lowBits)
			d.keys[j], d.refs[j] = old.keys[i], ref
		}
	}
}
