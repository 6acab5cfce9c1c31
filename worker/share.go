package worker

import (
	"context"
	"sync"

	"github.com/volleysms/volley/internal/ledger"
)

// perJob is how many batches of one job are worked on at a time: enough that the lanes never wait for the queue, and no
// more, so that jobs share an account from the start and not after all that is in hand of the first.
func (a *account) perJob(job *jobInfo) int {
	return a.inHand(max(ledger.SmallBatch, int(job.queued)/max(1, job.batches)))
}

// inHand is perJob of a job whose batches have so many recipients.
func (a *account) inHand(size int) int {
	calls := (size + a.limits.Recipients - 1) / a.limits.Recipients
	return min(max(2, (3*a.lanes+calls-1)/calls+1), 64)
}

// tasks is how many tasks of a priority are in hand at a time: room for the batches of several jobs, and for as many jobs
// of one recipient as there are lanes.
func (a *account) tasks() int { return max(3*a.inHand(ledger.SmallBatch), min(max(8, a.lanes), 64)) }

// shares counts the batches in hand of each job. The zero value has none. It is safe for concurrent use.
type shares struct {
	mu    sync.Mutex
	jobs  map[string]*share
	total int // in hand or waiting, of all jobs
}

type share struct {
	inHand, waiting int
	changed         chan struct{}
}

// enter waits until fewer than limit batches of the job are in hand, and counts one more; false when ctx ended first.
func (s *shares) enter(ctx context.Context, job string, limit int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.jobs == nil {
		s.jobs = map[string]*share{}
	}
	j := s.jobs[job]
	if j == nil {
		j = &share{changed: make(chan struct{}, 1)}
		s.jobs[job] = j
	}
	s.total++
	for j.inHand >= limit {
		j.waiting++
		s.mu.Unlock()
		select {
		case <-j.changed:
		case <-ctx.Done():
		}
		s.mu.Lock()
		j.waiting--
		if ctx.Err() != nil {
			s.total--
			s.tidy(job, j)
			return false
		}
	}
	j.inHand++
	if j.inHand < limit && j.waiting > 0 {
		j.wake() // there is room for another one as well
	}
	return true
}

// wake lets one that waits look again.
func (j *share) wake() {
	select {
	case j.changed <- struct{}{}:
	default:
	}
}

// leave counts a batch off.
func (s *shares) leave(job string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.jobs[job]
	j.inHand--
	s.total--
	j.wake()
	s.tidy(job, j)
}

// spare reports whether no batch of the job waits for another to leave, and no more than most of all jobs are in hand, so that
// those which are on the queue find room.
func (s *shares) spare(job string, most int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.jobs[job]
	return j != nil && j.waiting == 0 && s.total <= most
}

func (s *shares) tidy(job string, j *share) {
	if j.inHand == 0 && j.waiting == 0 {
		delete(s.jobs, job)
	}
}

// window is how many batches of a job are on the queue and in hand at a time, over all workers: as many as keep them busy, so
// that jobs that come later get their turns soon. Where batches go through the queue one by one, more are ready there.
func (w *Worker) window(a *account, job *jobInfo) int {
	if w.opts.Window > 0 {
		return w.opts.Window
	}
	n := a.perJob(job)
	if len(job.spec.Legs) > 1 {
		n += (n + 1) / 2
	}
	return n * int(w.peers.Load())
}
