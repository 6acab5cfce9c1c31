package ledger

import (
	"context"
	"iter"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/sms"
)

// Found is a recipient of a job.
type Found struct {
	Job *Job
	// Batch is where the recipient is, and Position where in it; it is negative for one that was refused.
	Batch, Position int
	Outcome         Outcome
}

const (
	jobsPerSearch    = 256
	batchesPerSearch = 64
	// searchedHead is how much of a batch has the numbers of 1,000 recipients, whatever they are: 8 bytes each at most.
	searchedHead = batchHeader + 64 + 8*1000
)

// Find yields who has a number in the jobs that are there, the newest job first, those that are still being written last. Of
// the recipients that were refused those count whose number could be read. It stops at the first error. Memory is bounded.
func (l *Ledger) Find(ctx context.Context, to sms.MSISDN) iter.Seq2[Found, error] {
	return func(yield func(Found, error) bool) {
		s := &search{l: l, to: to, yield: yield}
		for _, list := range []string{keyJobs, keyLive} {
			s.unsealed = list == keyLive
			if !s.list(ctx, list) {
				return
			}
		}
	}
}

// search is a Find on its way. Its methods report whether it goes on.
type search struct {
	l        *Ledger
	to       sms.MSISDN
	yield    func(Found, error) bool
	unsealed bool
	batches  []searched
}

// searched is a batch that is to be looked through.
type searched struct {
	job   *Job
	batch int
}

func (s *search) list(ctx context.Context, key string) bool {
	var last []string
	for from := int64(0); ; {
		ids, err := s.l.rdb.ZRevRange(ctx, key, from, from+jobsPerSearch-1).Result()
		if err != nil {
			return s.yield(Found{}, err) && false
		}
		// Jobs that came in meanwhile move the others back, so that some come again.
		from += int64(len(ids))
		fresh := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(last, id) })
		last = ids
		if !s.jobs(ctx, fresh) {
			return false
		}
		if len(ids) < jobsPerSearch {
			return s.flush(ctx)
		}
	}
}

func (s *search) jobs(ctx context.Context, ids []string) bool {
	if len(ids) == 0 {
		return true
	}
	jobs, err := s.l.Jobs(ctx, ids)
	if err != nil {
		return s.yield(Found{}, err) && false
	}
	for _, id := range ids {
		j, there := jobs[id]
		if !there || s.unsealed != (j.Sealed == "") {
			continue
		}
		n := j.Batches
		if s.unsealed {
			if n, err = s.l.written(ctx, id); err != nil {
				return s.yield(Found{}, err) && false
			}
		}
		for b := range n {
			if s.batches = append(s.batches, searched{&j, b}); len(s.batches) == batchesPerSearch && !s.flush(ctx) {
				return false
			}
		}
	}
	return true
}

// flush looks through the batches that have gathered.
func (s *search) flush(ctx context.Context) bool {
	if len(s.batches) == 0 {
		return true
	}
	pipe := s.l.rdb.Pipeline()
	cmds := make([]*redis.StringCmd, len(s.batches))
	for i, b := range s.batches {
		cmds[i] = pipe.GetRange(ctx, keysOf(b.job.Spec.ID, b.batch).recipients, 0, searchedHead-1)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return s.yield(Found{}, err) && false
	}
	for i, b := range s.batches {
		if head := cmds[i].Val(); mayHave([]byte(head), s.to) && !s.look(ctx, b) {
			return false
		}
	}
	s.batches = s.batches[:0]
	return true
}

// mayHave reports whether a number may be in a batch, by the beginning of it.
func mayHave(head []byte, to sms.MSISDN) bool {
	if len(head) == 0 {
		return false
	}
	d, _, err := openBatch(head)
	if err != nil || d.count() > 0 {
		return true // some were refused: they stand at the end
	}
	numbers, err := DecodeNumbers(head)
	return err != nil || slices.Contains(numbers, to)
}

// look reads a batch whole.
func (s *search) look(ctx context.Context, b searched) bool {
	views, err := s.l.read(ctx, b.job.Spec.ID, b.batch, b.batch+1)
	if err != nil {
		return s.yield(Found{}, err) && false
	}
	v := &views[0]
	i, n := 0, len(v.batch.Recipients)
	return v.yield(&b.job.Spec, func(o Outcome, _ error) bool {
		f := Found{Job: b.job, Batch: b.batch, Position: i, Outcome: o}
		is := i < n && v.batch.Recipients[i].To == s.to || i >= n && isNumber(o.To, s.to)
		if i >= n {
			f.Position = -1
		}
		i++
		return !is || s.yield(f, nil)
	})
}

// isNumber reports whether what a producer wrote is a number.
func isNumber(wrote string, to sms.MSISDN) bool {
	n, err := sms.ParseMSISDN(wrote)
	return err == nil && n == to
}
