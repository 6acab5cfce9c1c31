package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/redis/go-redis/v9"
)

// maxLabelled is how many jobs are listed by their label, the newest. Of a label that has more, all jobs are looked through.
const maxLabelled = 1000

func labelKey(label string) string {
	sum := sha256.Sum256([]byte(label))
	return "volley:label:{" + hex.EncodeToString(sum[:16]) + "}"
}

// list puts a job on the list of its label, in a pipeline.
func (s *Spec) list(ctx context.Context, pipe redis.Pipeliner) {
	if s.Label == "" {
		return
	}
	key := labelKey(s.Label)
	pipe.ZAdd(ctx, key, redis.Z{Score: float64(s.Created), Member: s.ID})
	pipe.ZRemRangeByRank(ctx, key, 0, -maxLabelled-1)
}

// Labelled returns the IDs of the jobs with a label, the newest first.
func (l *Ledger) Labelled(ctx context.Context, label string) ([]string, error) {
	ids, err := l.rdb.ZRevRange(ctx, labelKey(label), 0, -1).Result()
	if err != nil || len(ids) < maxLabelled {
		return ids, err
	}
	all, err := l.Recent(ctx, 0)
	if err != nil {
		return nil, err
	}
	var out []string
	for some := range slices.Chunk(all, jobsPerSearch) {
		jobs, err := l.Jobs(ctx, some)
		if err != nil {
			return nil, err
		}
		for _, id := range some {
			if j, there := jobs[id]; there && j.Spec.Label == label {
				out = append(out, id)
			}
		}
	}
	return out, nil
}
