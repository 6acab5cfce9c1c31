package ledger

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Shards is the number of hash slots a job's batches are spread over. It is part of the stored format.
const Shards = 16

// Errors of the ledger; compare with errors.Is.
var (
	// ErrNotFound: there is no such job, or it has been forgotten.
	ErrNotFound = errors.New("no such job")
	// ErrConflict: the same job was begun before with another content.
	ErrConflict = errors.New("the idempotency key was used before with another content")
	// ErrLost: the batch belongs to another worker now. What the caller knows must not be acted on.
	ErrLost = errors.New("the batch has another owner")
)

// Ledger reads and writes the record. It is safe for concurrent use and does not own its Redis client.
type Ledger struct{ rdb redis.UniversalClient }

// New returns a Ledger in rdb.
func New(rdb redis.UniversalClient) *Ledger { return &Ledger{rdb} }

const (
	keyJobs = "volley:jobs"
	keyLive = "volley:live"
	// keyWorkers counts the living workers; whether one lives is in a key of its own, which ends by itself.
	keyWorkers = "volley:workers"
)

func jobKey(job string) string          { return "volley:{" + job + "}:job" }
func doneKey(job string) string         { return "volley:{" + job + "}:done" }
func historyKey(job string) string      { return "volley:{" + job + "}:history" }
func keyKey(hash string) string         { return "volley:key:{" + hash + "}" }
func shardTag(job string, s int) string { return "volley:{" + job + "." + strconv.Itoa(s) + "}:" }
func countsKey(job string, s int) string {
	return shardTag(job, s) + "n"
}

// batchKeys are the keys of one batch.
type batchKeys struct{ batch, recipients, outcomes, side, counts, reports string }

func keysOf(job string, batch int) batchKeys {
	tag, b := shardTag(job, batch%Shards), strconv.Itoa(batch)
	return batchKeys{tag + "b" + b, tag + "r" + b, tag + "o" + b, tag + "x" + b, tag + "n", tag + "d" + b}
}

//go:embed lua/begin.lua
var beginLua string

//go:embed lua/put.lua
var putLua string

//go:embed lua/seal.lua
var sealLua string

//go:embed lua/open.lua
var openLua string

//go:embed lua/take.lua
var takeLua string

//go:embed lua/commit.lua
var commitLua string

//go:embed lua/finish.lua
var finishLua string

//go:embed lua/fed.lua
var fedLua string

//go:embed lua/beat.lua
var beatLua string

var (
	beatScript   = redis.NewScript(beatLua)
	beginScript  = redis.NewScript(beginLua)
	putScript    = redis.NewScript(putLua)
	sealScript   = redis.NewScript(sealLua)
	openScript   = redis.NewScript(openLua)
	takeScript   = redis.NewScript(takeLua)
	commitScript = redis.NewScript(commitLua)
	finishScript = redis.NewScript(finishLua)
	fedScript    = redis.NewScript(fedLua)
)

// Load makes the scripts known to Redis with which batches are sent, on all nodes. Where that was left out, or a node has been
// restarted since, the first calls of each cost another round trip, and when they are thousands at once that counts.
func (l *Ledger) Load(ctx context.Context) error {
	for _, s := range []*redis.Script{beginSendingScript, takeScript, commitScript, finishScript, fedScript, draftScript} {
		if err := s.Load(ctx, l.rdb).Err(); err != nil {
			return err
		}
	}
	return nil
}

// evalAll runs one script many times in one round trip, with what also adds to it. Scripts that the server does not know
// yet are loaded, and run again.
func (l *Ledger) evalAll(ctx context.Context, s *redis.Script, n int, args func(i int) (keys []string, argv []any), also func(redis.Pipeliner)) ([]*redis.Cmd, error) {
	cmds := make([]*redis.Cmd, n)
	todo := make([]int, n)
	for i := range todo {
		todo[i] = i
	}
	for try := 0; len(todo) > 0; try++ {
		pipe := l.rdb.Pipeline()
		if also != nil {
			also(pipe)
		}
		for _, i := range todo {
			keys, argv := args(i)
			cmds[i] = s.EvalSha(ctx, pipe, keys, argv...)
		}
		_, err := pipe.Exec(ctx)
		var again []int
		for _, i := range todo {
			if e := cmds[i].Err(); e != nil && redis.HasErrorPrefix(e, "NOSCRIPT") {
				again = append(again, i)
			}
		}
		if len(again) == 0 {
			// The error of a script that failed beside one that was run again is not in err.
			for i := 0; i < n && err == nil; i++ {
				err = cmds[i].Err()
			}
			return cmds, err
		}
		if try > 2 {
			return cmds, fmt.Errorf("the server forgets its scripts: %w", err)
		}
		if err := s.Load(ctx, l.rdb).Err(); err != nil {
			return cmds, err
		}
		todo = again
	}
	return cmds, nil
}

func parseInt(v any) int64 {
	s, _ := v.(string)
	n, _ := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	return n
}
