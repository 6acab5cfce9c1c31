package suppress

import (
	"slices"
	"sort"
	"sync/atomic"

	"github.com/volleysms/volley/sms"
)

// set is the numbers of one list, 5 bytes each in 4,096 sorted runs. One goroutine changes it while any number of others
// look numbers up. The zero value is empty.
type set struct {
	runs [buckets]atomic.Pointer[[]byte]
	n    atomic.Int64
}

// has reports whether a number is in the set.
func (s *set) has(n sms.MSISDN) bool {
	run := s.runs[bucketOf(n)].Load()
	if run == nil {
		return false
	}
	_, found := search(*run, uint64(n>>bucketBits))
	return found
}

// search returns where a rest is in a run, or belongs.
func search(run []byte, rest uint64) (at int, found bool) {
	return sort.Find(len(run)/restBytes, func(i int) int {
		switch have := uint64At(run[i*restBytes:]); {
		case rest < have:
			return -1
		case rest > have:
			return 1
		}
		return 0
	})
}

// store makes the numbers of a bucket those of the entries.
func (s *set) store(bucket int, entries []byte) {
	rests := make([]uint64, 0, len(entries)/entryBytes)
	for ; len(entries) >= entryBytes; entries = entries[entryBytes:] {
		rests = append(rests, uint64At(entries))
	}
	slices.Sort(rests)
	run := make([]byte, 0, len(rests)*restBytes)
	for _, r := range rests {
		run = append(run, restOf(sms.MSISDN(r<<bucketBits))...)
	}
	s.put(bucket, run)
}

// put replaces a run.
func (s *set) put(bucket int, run []byte) {
	before := 0
	if have := s.runs[bucket].Swap(&run); have != nil {
		before = len(*have)
	}
	s.n.Add(int64((len(run) - before) / restBytes))
}

// change adds numbers of one bucket to the set, or takes them out.
func (s *set) change(add bool, numbers []sms.MSISDN) {
	bucket := bucketOf(numbers[0])
	var run []byte
	if have := s.runs[bucket].Load(); have != nil {
		run = slices.Clone(*have)
	}
	for _, n := range numbers {
		at, found := search(run, uint64(n>>bucketBits))
		at *= restBytes
		switch {
		case add && !found:
			run = slices.Insert(run, at, restOf(n)...)
		case !add && found:
			run = slices.Delete(run, at, at+restBytes)
		}
	}
	s.put(bucket, slices.Clip(run))
}
