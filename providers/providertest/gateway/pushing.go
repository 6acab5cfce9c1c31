package gateway

import (
	"bytes"
	"container/heap"
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/volleysms/volley/providers"
)

const (
	// pushTimeout bounds one push. GatewayAPI waits 15 s.
	pushTimeout = 15 * time.Second
	// pushAnswer is how much of the answer to a push is read, in bytes.
	pushAnswer = 4 << 10
)

// story is what is still to be pushed about one message: events, or the repetition of one request.
type story struct {
	due time.Time
	seq int64 // keeps what is due at the same time in order

	m      Message
	events []Event

	again   *PushRequest
	attempt int // of again; 0 is the first
}

// stories is a heap, the next due on top.
type stories []*story

func (s stories) Len() int { return len(s) }
func (s stories) Less(i, j int) bool {
	return s[i].due.Before(s[j].due) || s[i].due.Equal(s[j].due) && s[i].seq < s[j].seq
}
func (s stories) Swap(i, j int) { s[i], s[j] = s[j], s[i] }
func (s *stories) Push(x any)   { *s = append(*s, x.(*story)) }
func (s *stories) Pop() any {
	old := *s
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*s = old[:len(old)-1]
	return last
}

// pushing makes a Gateway's pushes.
type pushing struct {
	plan   ReportPlan
	pusher Pusher // nil when the Dialect is none
	client *http.Client
	// cancelled reports whether the message was taken back.
	cancelled func(id string) bool

	reports, acked, dropped, repeated, forged, believed atomic.Int64

	mu      sync.Mutex
	idle    sync.Cond
	queue   stories
	seq     int64
	open    int // stories in the queue or in hand
	started bool
	closed  bool

	wake chan struct{}
	work chan *story
	ctx  context.Context // ends with close; of no caller
	end  context.CancelFunc
	wg   sync.WaitGroup
}

func newPushing(plan ReportPlan, d Dialect, cancelled func(id string) bool) *pushing {
	if plan.Workers <= 0 {
		plan.Workers = defaultPushers
	}
	p := &pushing{
		plan: plan, cancelled: cancelled,
		client: &http.Client{
			Timeout:       pushTimeout,
			Transport:     &http.Transport{MaxIdleConnsPerHost: plan.Workers, MaxConnsPerHost: plan.Workers},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		wake: make(chan struct{}, 1), work: make(chan *story),
	}
	p.ctx, p.end = context.WithCancel(context.Background())
	p.idle.L = &p.mu
	p.pusher, _ = d.(Pusher)
	return p
}

// tell queues what the plan has for messages that were taken.
func (p *pushing) tell(taken []Message) {
	if p.pusher == nil {
		return
	}
	list := make([]*story, 0, len(taken))
	for i := range taken {
		m := taken[i]
		events := p.plan.events(m.To)
		if events == nil {
			continue
		}
		due := m.At
		if m.Due.After(due) {
			due = m.Due
		}
		list = append(list, &story{due: due.Add(p.plan.wait(m.To)), m: m, events: events})
	}
	p.add(list...)
}

// add queues stories, and starts the workers with the first.
func (p *pushing) add(list ...*story) {
	if len(list) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	if !p.started {
		p.started = true
		p.wg.Go(p.dispatch)
		for range p.plan.Workers {
			p.wg.Go(func() {
				for s := range p.work {
					p.run(s)
				}
			})
		}
	}
	for _, s := range list {
		p.seq++
		p.open++
		s.seq = p.seq
		heap.Push(&p.queue, s)
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// dispatch hands out stories when they are due.
func (p *pushing) dispatch() {
	defer close(p.work)
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		s, wait := p.next()
		if s != nil {
			select {
			case p.work <- s:
				continue
			case <-p.ctx.Done():
				return
			}
		}
		t.Reset(wait)
		select {
		case <-t.C:
		case <-p.wake:
		case <-p.ctx.Done():
			return
		}
	}
}

// next takes the next story, or says how long to wait for one.
func (p *pushing) next() (*story, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		return nil, time.Hour
	}
	if wait := time.Until(p.queue[0].due); wait > 0 {
		return nil, wait
	}
	return heap.Pop(&p.queue).(*story), 0
}

// run pushes one step of a story, and queues what comes after it.
func (p *pushing) run(s *story) {
	defer p.finish()
	if s.again != nil {
		if s.attempt == 0 {
			p.reports.Add(1)
		} else {
			p.repeated.Add(1)
		}
		p.attempt(*s.again, s.attempt)
		return
	}
	e := s.events[0]
	e.At, e.Webhook = time.Now(), p.plan.Webhook
	rest := s.events[1:]
	if p.cancelled(s.m.ID) {
		e, rest = Event{Fate: providers.Undelivered, Cancelled: true, At: e.At, Webhook: e.Webhook}, nil
	}
	for _, r := range p.pusher.Push(&s.m, e) {
		if e.Forged {
			p.forged.Add(1)
			if status, body, ok := p.post(r); ok && p.pusher.Acked(status, body) {
				p.believed.Add(1)
			}
			continue
		}
		p.reports.Add(1)
		p.attempt(r, 0)
	}
	if len(rest) > 0 {
		p.add(&story{due: s.due, m: s.m, events: rest})
	}
}

// attempt makes a request, and queues its repetition when it is not acknowledged.
func (p *pushing) attempt(r PushRequest, n int) {
	status, body, ok := p.post(r)
	pauses := p.pusher.Pauses()
	switch {
	case ok && (r.Once || p.pusher.Acked(status, body)):
		p.acked.Add(1)
	case r.Once || n >= len(pauses):
		p.dropped.Add(1)
	default:
		pause := pauses[n]
		if p.plan.Pause > 0 {
			pause = p.plan.Pause
		}
		p.add(&story{due: time.Now().Add(pause), again: &r, attempt: n + 1})
	}
}

// post makes a request once; ok is false when there was no answer.
func (p *pushing) post(r PushRequest) (status int, body []byte, ok bool) {
	req, err := http.NewRequestWithContext(p.ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return 0, nil, false
	}
	for k, v := range r.Header {
		req.Header[k] = v
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return 0, nil, false
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, pushAnswer))
	return resp.StatusCode, body, err == nil
}

func (p *pushing) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open--; p.open == 0 {
		p.idle.Broadcast()
	}
}

// wait waits until nothing is to be pushed any more.
func (p *pushing) wait(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.idle.Broadcast()
	})
	defer stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.open > 0 && !p.closed && ctx.Err() == nil {
		p.idle.Wait()
	}
	if p.open > 0 && !p.closed {
		return ctx.Err()
	}
	return nil
}

// close ends all pushes and waits for those under way.
func (p *pushing) close() {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.closed = true
	p.idle.Broadcast()
	p.mu.Unlock()
	p.end()
	p.wg.Wait()
	p.client.CloseIdleConnections()
}

func (p *pushing) stats() PushStats {
	return PushStats{
		Reports: p.reports.Load(), Acked: p.acked.Load(), Dropped: p.dropped.Load(), Repeated: p.repeated.Load(),
		Forged: p.forged.Load(), Believed: p.believed.Load(),
	}
}
