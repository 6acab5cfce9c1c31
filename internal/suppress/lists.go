package suppress

import (
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/sms"
)

// All is the name of the list that holds for all accounts. Every other list has an account's name.
const All = ""

const (
	keyPrefix = "volley:{suppress}:"
	keyMeta   = keyPrefix + "meta"
	keyWhy    = keyPrefix + "why"
	keyLog    = keyPrefix + "log"
	keySeen   = keyPrefix + "seen"

	fieldVersion = "version"
	fieldCount   = "n:"
)

func keyList(name string) string {
	if name == All {
		return keyPrefix + "list"
	}
	return keyPrefix + "list:" + name
}

const (
	buckets    = 1 << bucketBits
	bucketBits = 12
	// restBytes of an entry are what is left of the number, entryBytes are all of it.
	restBytes  = 5
	entryBytes = 10
	// loggedBytes is a number in the log.
	loggedBytes = 8
)

var (
	//go:embed lua/add.lua
	addLua string
	//go:embed lua/remove.lua
	removeLua string

	addScript    = redis.NewScript(addLua)
	removeScript = redis.NewScript(removeLua)
)

// Lists are the lists in rdb. They are safe for concurrent use.
type Lists struct{ rdb redis.UniversalClient }

// New returns the Lists in rdb.
func New(rdb redis.UniversalClient) *Lists { return &Lists{rdb} }

// Why says where an entry comes from.
type Why struct {
	// Source is who put it there: "stop" for a message from the handset, "cli", "import" or "api".
	Source string
	// Reason is for people; may be empty. Neither may have a tab in it. The first 254 different pairs are kept, and what
	// comes after them is kept without.
	Reason string
}

// Entry is a number on a list.
type Entry struct {
	To sms.MSISDN
	// List is All, or an account.
	List string
	// At is when it was put there, by the second.
	At time.Time
	Why
}

// Add puts numbers on a list, and returns how many were not there yet. Those that were keep their time and reason.
func (l *Lists) Add(ctx context.Context, list string, why Why, at time.Time, numbers ...sms.MSISDN) (added int, err error) {
	when := binary.BigEndian.AppendUint32(nil, uint32(max(0, at.Unix()))) //nolint:gosec // it lasts until 2106
	keys := []string{keyList(list), keyLog, keyMeta, keyWhy}
	for _, p := range pieces(numbers) {
		n, err := addScript.Run(ctx, l.rdb, keys, append([]any{list, when, why.Source + "\t" + why.Reason, p.logged}, p.argv...)...).Int()
		added += n
		if err != nil {
			return added, err
		}
	}
	return added, nil
}

// Remove takes numbers off a list, and returns how many were there.
func (l *Lists) Remove(ctx context.Context, list string, numbers ...sms.MSISDN) (removed int, err error) {
	keys := []string{keyList(list), keyLog, keyMeta}
	for _, p := range pieces(numbers) {
		n, err := removeScript.Run(ctx, l.rdb, keys, append([]any{list, p.logged}, p.argv...)...).Int()
		removed += n
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// perScript is about how many numbers one script changes: some milliseconds of Redis' time with lists of millions.
const perScript = 1000

// piece is what one script changes.
type piece struct {
	argv   []any // each bucket with its numbers
	logged []byte
}

// pieces sorts numbers by bucket, without repetitions.
func pieces(numbers []sms.MSISDN) []piece {
	numbers = slices.Clone(numbers)
	slices.SortFunc(numbers, func(a, b sms.MSISDN) int {
		if d := bucketOf(a) - bucketOf(b); d != 0 {
			return d
		}
		return int(a>>bucketBits) - int(b>>bucketBits) //nolint:gosec // 38 bits
	})
	numbers = slices.Compact(numbers)
	var out []piece
	for len(numbers) > 0 {
		var p piece
		for n := 0; len(numbers) > 0 && n < perScript; {
			b := bucketOf(numbers[0])
			var rests []byte
			for len(numbers) > 0 && bucketOf(numbers[0]) == b && len(rests) < perScript*restBytes {
				rests = append(rests, restOf(numbers[0])...)
				p.logged = binary.BigEndian.AppendUint64(p.logged, uint64(numbers[0]))
				numbers = numbers[1:]
				n++
			}
			p.argv = append(p.argv, b, rests)
		}
		out = append(out, p)
	}
	return out
}

func bucketOf(n sms.MSISDN) int { return int(n & (buckets - 1)) } //nolint:gosec // 12 bits

// restOf is what is left of a number beside its bucket.
func restOf(n sms.MSISDN) []byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n>>bucketBits))
	return b[8-restBytes:]
}

func numberOf(bucket int, rest []byte) sms.MSISDN {
	return sms.MSISDN(uint64At(rest)<<bucketBits | uint64(bucket)) //nolint:gosec // it is not negative
}

func uint64At(rest []byte) uint64 {
	return uint64(rest[0])<<32 | uint64(binary.BigEndian.Uint32(rest[1:restBytes]))
}

// Of returns the entries of a number, that on the list for all first.
func (l *Lists) Of(ctx context.Context, n sms.MSISDN) ([]Entry, error) {
	counts, err := l.Counts(ctx)
	if err != nil || len(counts) == 0 {
		return nil, err
	}
	whys, err := l.whys(ctx)
	if err != nil {
		return nil, err
	}
	b, rest := bucketOf(n), string(restOf(n))
	var out []Entry
	for _, c := range counts {
		packed, err := l.rdb.HGet(ctx, keyList(c.List), strconv.Itoa(b)).Result()
		if errors.Is(err, redis.Nil) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for ; len(packed) >= entryBytes; packed = packed[entryBytes:] {
			if packed[:restBytes] == rest {
				out = append(out, entryOf(c.List, b, []byte(packed), whys))
				break
			}
		}
	}
	return out, nil
}

// Count is how many numbers a list has.
type Count struct {
	List string
	N    int64
}

// Counts returns the lists that have any number, that for all first.
func (l *Lists) Counts(ctx context.Context) ([]Count, error) {
	meta, err := l.rdb.HGetAll(ctx, keyMeta).Result()
	if err != nil {
		return nil, err
	}
	var out []Count
	for field, v := range meta {
		name, ok := strings.CutPrefix(field, fieldCount)
		if n, err := strconv.ParseInt(v, 10, 64); ok && err == nil {
			out = append(out, Count{name, n})
		}
	}
	slices.SortFunc(out, func(a, b Count) int { return strings.Compare(a.List, b.List) })
	return out, nil
}

func (l *Lists) whys(ctx context.Context) ([]Why, error) {
	packed, err := l.rdb.HGetAll(ctx, keyWhy).Result()
	if err != nil {
		return nil, err
	}
	out := make([]Why, 256)
	for text, id := range packed {
		n, err := strconv.ParseUint(id, 10, 8)
		if err != nil {
			return nil, fmt.Errorf("suppress: %s can't be read: %w", keyWhy, err)
		}
		out[n].Source, out[n].Reason, _ = strings.Cut(text, "\t")
	}
	return out, nil
}

func entryOf(list string, bucket int, packed []byte, whys []Why) Entry {
	at := binary.BigEndian.Uint32(packed[restBytes:])
	return Entry{numberOf(bucket, packed), list, time.Unix(int64(at), 0).UTC(), whys[packed[entryBytes-1]]}
}

// perScan is about how many buckets are read at a time.
const perScan = 64

// Entries yields a list in no order. A number that is added or removed meanwhile may be in it or not; every other one is
// there once. Memory is bounded.
func (l *Lists) Entries(ctx context.Context, list string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		whys, err := l.whys(ctx)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		var seen [buckets]bool
		err = l.scan(ctx, list, func(bucket int, packed []byte) bool {
			if seen[bucket] {
				return true
			}
			seen[bucket] = true
			for ; len(packed) >= entryBytes; packed = packed[entryBytes:] {
				if !yield(entryOf(list, bucket, packed, whys), nil) {
					return false
				}
			}
			return true
		})
		if err != nil {
			yield(Entry{}, err)
		}
	}
}

// scan calls each with a list's buckets, maybe more than once, until it returns false.
func (l *Lists) scan(ctx context.Context, list string, each func(bucket int, packed []byte) bool) error {
	for cursor := uint64(0); ; {
		fields, next, err := l.rdb.HScan(ctx, keyList(list), cursor, "", perScan).Result()
		if err != nil {
			return err
		}
		for i := 0; i+1 < len(fields); i += 2 {
			bucket, err := strconv.ParseUint(fields[i], 10, bucketBits)
			if err != nil || len(fields[i+1])%entryBytes != 0 {
				return fmt.Errorf("suppress: %s has a bucket %q that can't be read", keyList(list), fields[i])
			}
			if !each(int(bucket), []byte(fields[i+1])) {
				return nil
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}
