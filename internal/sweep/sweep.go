// Package sweep puts batches back on the queue that nobody works on: what a dead worker held, and what asynq lost, gave up
// or was never told of. asynq alone takes one to two minutes for the first and never notices the others.
package sweep

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/redisx"
	"github.com/volleysms/volley/internal/task"
)

const (
	// Every is the pause between two sweeps.
	Every = 2 * time.Second
	// keyTurn has the one of all sweepers that sweeps. It keeps the turn while it lives, since what is wrong takes several
	// looks of one sweeper to tell.
	keyTurn = "volley:sweep"
	// turn is how long the turn is kept without a sweep.
	turn = 2*Every + Every/2
	// perJob bounds the batches that are looked at of one job, perSweep the jobs.
	perJob, perSweep = 256, 1000
	// young is how long a job may be without its first task: its producer is putting it there.
	young = 10 * time.Second
)

// Sweeper looks after the batches of all jobs. Any number may run; they take turns. Make one with New and Run it once.
type Sweeper struct {
	rdb    redis.UniversalClient
	ledger *ledger.Ledger
	queue  *asynq.Client
	tasks  *asynq.Inspector
	log    *zap.Logger
	id     string // whose turn it is

	// A batch is put back when two looks in a row found it forsaken: after a pause of Redis itself, heartbeats and
	// tasks that are only late would look lost to one alone. Jobs without suspects are not in it.
	suspects map[string]map[task.Ref]suspect
	// looks is how often jobs were looked at that are too large for one look.
	looks  map[string]int
	offset int
}

// suspect is what was wrong with a batch at the last looks, and at how many in a row.
type suspect struct {
	wrong string
	looks int
}

const (
	// certain is how many looks in a row it takes to put a batch back.
	certain = 2
	// unmoved is the same for a task that is a worker's, by a lease that a living one moves on every five seconds.
	unmoved = 5
	// patience is after how many further looks a batch that was put back is put back once more: whoever took it may have
	// died too.
	patience = 4
)

// New returns a Sweeper in rdb, which it does not own.
func New(rdb redis.UniversalClient, log *zap.Logger) *Sweeper {
	return &Sweeper{
		rdb: rdb, ledger: ledger.New(rdb), queue: asynq.NewClientFromRedisClient(rdb), tasks: asynq.NewInspectorFromRedisClient(rdb), log: log, id: rand.Text(),
		suspects: map[string]map[task.Ref]suspect{}, looks: map[string]int{},
	}
}

// Run sweeps until ctx ends.
func (s *Sweeper) Run(ctx context.Context) {
	t := time.NewTicker(Every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		mine, err := redisx.Turn(ctx, s.rdb, keyTurn, s.id, turn)
		if err == nil && mine {
			_, err = s.Sweep(ctx)
		}
		if err != nil && ctx.Err() == nil {
			s.log.Warn("the sweep could not be made; the next one is soon", zap.Error(err))
		}
	}
}

// Sweep looks at every unfinished job once, or at as many as one sweep may, and returns how many batches it put back.
func (s *Sweeper) Sweep(ctx context.Context) (put int, err error) {
	ids, err := s.ledger.Live(ctx)
	if err != nil {
		return 0, err
	}
	s.forget(ids)
	alive := map[string]bool{}
	for _, id := range s.choose(ids) {
		n, err := s.job(ctx, id, alive)
		if err != nil {
			return put, err
		}
		put += n
	}
	return put, nil
}

// forget drops what is known of jobs that are not unfinished any more.
func (s *Sweeper) forget(ids []string) {
	live := make(map[string]bool, len(ids))
	for _, id := range ids {
		live[id] = true
	}
	maps.DeleteFunc(s.suspects, func(id string, _ map[task.Ref]suspect) bool { return !live[id] })
	maps.DeleteFunc(s.looks, func(id string, _ int) bool { return !live[id] })
}

// choose returns the jobs that this sweep looks at: those that have suspects, and as many of the others, in turn, as there is
// room for.
func (s *Sweeper) choose(ids []string) []string {
	if len(ids) <= perSweep {
		return ids
	}
	out := slices.Collect(maps.Keys(s.suspects))
	for range ids {
		if len(out) >= perSweep {
			break
		}
		s.offset %= len(ids)
		if id := ids[s.offset]; s.suspects[id] == nil {
			out = append(out, id)
		}
		s.offset++
	}
	return out
}

// job looks at one job, and notes its forsaken batches.
func (s *Sweeper) job(ctx context.Context, id string, alive map[string]bool) (put int, err error) {
	j, err := s.ledger.Job(ctx, id)
	if err != nil {
		return 0, ignoreGone(err)
	}
	if !j.Completed.IsZero() && j.Done >= j.Batches {
		return 0, s.ledger.Unlist(ctx, id)
	}
	found, err := s.look(ctx, &j, alive, s.part)
	if err != nil {
		return 0, err
	}
	before := s.suspects[id]
	delete(s.suspects, id)
	now := map[task.Ref]suspect{}
	for _, f := range found {
		looks := 1
		if was := before[f.ref]; was.wrong == f.wrong {
			looks += was.looks
		}
		now[f.ref] = suspect{f.wrong, looks}
		s.suspects[id] = now
		needed := certain
		if f.unheld {
			needed = unmoved
		}
		if looks < needed {
			continue
		}
		if err := s.putBack(ctx, &j, f, (looks-needed)/patience); err != nil {
			return put, err
		}
		put++
	}
	return put, nil
}

// Forsaken returns what is wrong with a job's batches that nobody works on or will work on, a sentence each. What one look
// alone finds may only be late.
func (s *Sweeper) Forsaken(ctx context.Context, id string) ([]string, error) {
	j, err := s.ledger.Job(ctx, id)
	if err != nil {
		return nil, ignoreGone(err)
	}
	whole := func(_ string, batches []int) []int { return batches }
	found, err := s.look(ctx, &j, map[string]bool{}, whole)
	var out []string
	for _, f := range found {
		switch {
		case f.unheld: // a worker is about to take it, or has just given it up, unless it died
		case f.beside:
			out = append(out, fmt.Sprintf("batch %d is held by a worker that is gone: %s", f.ref.Batch, f.wrong))
		default:
			out = append(out, fmt.Sprintf("batch %d: %s", f.ref.Batch, f.wrong))
		}
	}
	return out, err
}

// forsaken is a batch that nobody works on.
type forsaken struct {
	ref   task.Ref
	queue string
	wrong string
	// beside is true when a task for it is there that a dead worker was given.
	beside bool
	// unheld is true when that worker never became the batch's owner, or had given it up.
	unheld bool
}

// part returns those of a job's unfinished batches that are looked at this time. Each part is looked at as often as it takes
// to be certain, and then the next one.
func (s *Sweeper) part(id string, batches []int) []int {
	if len(batches) <= perJob {
		return batches
	}
	k := s.looks[id] / (unmoved + 1) % ((len(batches) + perJob - 1) / perJob)
	s.looks[id]++
	return batches[k*perJob : min((k+1)*perJob, len(batches))]
}

// look finds the forsaken among those of a job's unfinished batches that part chooses.
func (s *Sweeper) look(ctx context.Context, j *ledger.Job, alive map[string]bool, part func(string, []int) []int) ([]forsaken, error) {
	if j.Sealed == "" || j.Control == ledger.Paused || j.Batches == 0 {
		return nil, nil
	}
	id := j.Spec.ID
	if j.Fed == 0 {
		if time.Since(time.UnixMilli(j.Spec.Created)) < young {
			return nil, nil
		}
		j.Fed = 1 // its first batch is to be on the queue, now or at its time
	}
	batches, err := s.ledger.Unfinished(ctx, *j, j.Batches)
	if err != nil || len(batches) == 0 {
		return nil, err
	}
	batches = part(id, batches)
	holders, err := s.ledger.Holders(ctx, id, batches)
	if err != nil {
		return nil, err
	}
	refs, queues := make([]task.Ref, len(batches)), make([]string, len(batches))
	for i, b := range batches {
		refs[i] = task.Ref{Job: id, Batch: b}
		queues[i] = task.QueueFor(&j.Spec, j.Spec.Account(holders[i].Via), b)
	}
	states, err := task.States(ctx, s.rdb, queues, refs)
	if err != nil {
		return nil, err
	}
	unreadable, err := s.unreadable(ctx, queues, refs, states, holders)
	if err != nil {
		return nil, err
	}
	var out []forsaken
	for i, ref := range refs {
		f := forsaken{ref: ref, queue: queues[i]}
		owner, state := holders[i].Owner, states[i]
		switch {
		case owner != "":
			f.beside = true
			if f.wrong, err = s.dead(ctx, owner, alive); err != nil {
				return nil, err
			}
		case state.Word == "":
			f.wrong = lost
		case state.GivenUp():
			f.wrong = givenUp
		case unreadable[ref]:
			f.wrong = foreign
		case state.Active():
			f.beside, f.unheld = true, true
			f.wrong = "lease-" + strconv.FormatInt(state.Lease, 10)
		}
		if f.wrong != "" {
			out = append(out, f)
		}
	}
	return out, nil
}

// What is wrong with a batch that nobody has. A dead owner is told by its token instead, and a task whose worker died
// before it owned the batch by its lease.
const (
	lost    = "it had no task"
	givenUp = "asynq had given its task up"
	foreign = "no worker could read its task"
)

// unreadable finds the batches whose tasks were sent back by a worker that could not read them.
func (s *Sweeper) unreadable(ctx context.Context, queues []string, refs []task.Ref, states []task.State, holders []ledger.Holder) (map[task.Ref]bool, error) {
	var on []string
	var waiting []task.Ref
	for i, state := range states {
		if holders[i].Owner == "" && state.Waits() {
			on, waiting = append(on, queues[i]), append(waiting, refs[i])
		}
	}
	if len(waiting) == 0 {
		return nil, nil
	}
	readable, err := task.Readable(ctx, s.rdb, on, waiting)
	if err != nil {
		return nil, err
	}
	out := map[task.Ref]bool{}
	for i, ref := range waiting {
		out[ref] = !readable[i]
	}
	return out, nil
}

// dead returns the owner's token when its worker is gone, and "" when it lives.
func (s *Sweeper) dead(ctx context.Context, owner string, alive map[string]bool) (string, error) {
	lives, known := alive[owner]
	if !known {
		var err error
		if lives, err = s.ledger.Alive(ctx, owner); err != nil {
			return "", err
		}
		alive[owner] = lives
	}
	if lives {
		return "", nil
	}
	return owner, nil
}

// putBack puts a batch on the queue, for the nth time after the first.
func (s *Sweeper) putBack(ctx context.Context, j *ledger.Job, f forsaken, nth int) error {
	s.log.Warn("a batch that nobody worked on goes back on the queue", zap.String("job", f.ref.Job), zap.Int("batch", f.ref.Batch),
		zap.String("queue", f.queue), zap.String("reason", f.wrong))
	if f.beside {
		// The dead owner's task is still active for asynq, and so is that of a worker that died before it had taken over.
		mark := f.wrong
		if nth > 0 {
			mark += "~" + strconv.Itoa(nth)
		}
		return task.PutBeside(ctx, s.queue, f.queue, f.ref, mark)
	}
	if f.wrong == givenUp || f.wrong == foreign {
		if err := task.Drop(s.tasks, f.queue, f.ref); err != nil {
			return err
		}
	}
	var at time.Time
	if due := time.UnixMilli(j.Spec.At); j.Spec.At > 0 && time.Until(due) > 0 {
		at = due
	}
	return task.PutAhead(ctx, s.queue, f.queue, f.ref, at)
}

// ignoreGone passes over a job that was removed between two looks, or that is for a newer program.
func ignoreGone(err error) error {
	if errors.Is(err, ledger.ErrNotFound) || errors.Is(err, ledger.ErrNewer) {
		return nil
	}
	return err
}
