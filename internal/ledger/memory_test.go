package ledger

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/internal/redistest"
	"github.com/volleysms/volley/sms"
)

// TestMemory holds what a recipient of a full batch costs in Redis, in bytes, all keys of its job included.
func TestMemory(t *testing.T) {
	const recipients, perCall = 1000, 200
	tests := []struct {
		name             string
		id               func(i int) string
		queued, finished int64
	}{
		{"OneIDPerCall", func(i int) string { return testUUID(uint64(i / perCall)) }, 20, 48},
		{"AUUIDEach", func(i int) string { return testUUID(uint64(i)) }, 20, 80},
	}
	rdb := connect(t, redistest.Start(t))
	l := New(rdb)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			c := newContent(tt.name)
			var bb BatchBuilder
			for i := range recipients {
				bb.Add(Recipient{To: sms.MSISDN(1_000_000_000 + random.Uint64N(9_000_000_000)), Row: uint64(i + 1)})
			}
			c.add(0, &bb)
			job := c.seal(t, l)
			occupies(t, rdb, tt.name, "queued", recipients, tt.queued)

			h := take(t, l, tt.name, 0, "worker-1/1", "")
			var seq uint64
			for first := 0; first < recipients; first += perCall {
				var claim, record Commit
				claim.Via, record.Via = -1, -1
				for i := first; i < first+perCall; i++ {
					claim.Claims.Set(i, Queued, Record{State: Sending, Attempts: 1, At: 1_700_000_000_000})
					h.Records[i] = Record{
						State: Accepted, Attempts: 1, At: 1_700_000_000_500, ID: h.Side.ID(tt.id(i)), Note: h.Side.Note(Note{"0", "accepted"}),
					}
					record.Records.Set(i, Sending, h.Records[i])
				}
				record.SideAt, record.Side = h.Side.Take()
				for _, c := range []*Commit{&claim, &record} {
					seq++
					c.Seq = seq
					commit(t, l, h, c)
				}
			}
			commit(t, l, h, &Commit{Seq: seq + 1, Via: -1, Release: true, Compact: true, Outcomes: PackRecords(h.Records)})
			if _, err := l.Finish(t.Context(), tt.name, 0, time.UnixMilli(1_700_000_001_000)); err != nil {
				t.Fatal(err)
			}
			if n := agree(t, l, job); n[Accepted] != recipients {
				t.Fatalf("counts %v", n)
			}
			occupies(t, rdb, tt.name, "finished", recipients, tt.finished)
			trimmed(t, rdb, keysOf(tt.name, 0).side)
			trimmed(t, rdb, keysOf(tt.name, 0).outcomes)
		})
	}
}

// TestMemory_TheLastCommitWritesTextsWhole: those of a batch that is recorded at once, and those that others were there before.
func TestMemory_TheLastCommitWritesTextsWhole(t *testing.T) {
	rdb := connect(t, redistest.Start(t))
	l := New(rdb)
	for _, tt := range []struct {
		name   string
		before bool // another commit has written texts
	}{{"AtOnce", false}, {"AfterOthers", true}} {
		t.Run(tt.name, func(t *testing.T) {
			const recipients = 100
			job := newContent(tt.name, [2]int{recipients, 0}).seal(t, l)
			h := take(t, l, tt.name, 0, "worker-1/1", "")
			claim := &Commit{Seq: 1, Via: -1}
			claim.Claims.SetAll(0, recipients, Queued, Record{State: Sending, Attempts: 1})
			commit(t, l, h, claim)
			seq := uint64(1)
			record := func(first, end int, last bool) {
				seq++
				c := &Commit{Seq: seq, Via: -1, Release: last, Compact: last}
				for i := first; i < end; i++ {
					h.Records[i] = Record{State: Accepted, Attempts: 1, ID: h.Side.ID(testUUID(uint64(i)))}
					c.Records.Set(i, Sending, h.Records[i])
				}
				c.SideAt, c.Side = h.Side.Take()
				if last {
					c.Outcomes = PackRecords(h.Records)
				}
				commit(t, l, h, c)
			}
			first := 0
			if tt.before {
				first = recipients / 2
				record(0, first, false)
			}
			record(first, recipients, true)
			for i, o := range collect(t, l, job) {
				if want := testUUID(uint64(i)); o.State != Accepted || o.ID != want {
					t.Fatalf("recipient %d is %s with ID %q, want %q", i, o.State, o.ID, want)
				}
			}
			agree(t, l, job)
			trimmed(t, rdb, keysOf(tt.name, 0).side)
			trimmed(t, rdb, keysOf(tt.name, 0).outcomes)
		})
	}
}

// testUUID returns a canonical UUID that no gateway gave.
func testUUID(n uint64) string {
	u := uuid.UUID{6: 0x70, 8: 0x80}
	binary.BigEndian.PutUint64(u[8:], n)
	return u.String()
}

// occupies fails the test when the keys of a job take more than limit bytes a recipient.
func occupies(t *testing.T, rdb *redis.Client, job, when string, recipients, limit int64) {
	t.Helper()
	var sum int64
	for _, pattern := range []string{"volley:{" + job + "}:*", "volley:{" + job + ".*"} {
		for _, key := range keysLike(t, rdb, pattern) {
			n, err := rdb.MemoryUsage(t.Context(), key, 0).Result()
			if err != nil {
				t.Fatal(err)
			}
			sum += n
		}
	}
	t.Logf("%s: %.1f bytes a recipient", when, float64(sum)/float64(recipients))
	if sum == 0 || sum > limit*recipients {
		t.Errorf("%s: %d bytes for %d recipients, want at most %d each", when, sum, recipients, limit)
	}
}

// trimmed fails the test when a string occupies much more than it holds.
func trimmed(t *testing.T, rdb *redis.Client, key string) {
	t.Helper()
	size, err := rdb.StrLen(t.Context(), key).Result()
	if err != nil {
		t.Fatal(err)
	}
	if used := rdb.MemoryUsage(t.Context(), key).Val(); used > size*5/4+128 {
		t.Errorf("%d bytes of texts occupy %d", size, used)
	}
}
