package worker

import "context"

// crew are the goroutines that write commits. They stay: a goroutine that is new has to grow its stack each time. It is safe for
// concurrent use.
type crew struct {
	ctx  context.Context // ends with the worker
	work chan *committer
}

func newCrew(ctx context.Context) crew { return crew{ctx, make(chan *committer)} }

// write has one of them call m.write, or another one when all are at work.
func (c crew) write(m *committer) {
	select {
	case c.work <- m:
	default:
		go c.serve(m)
	}
}

func (c crew) serve(m *committer) {
	for {
		m.write()
		select {
		case m = <-c.work:
		case <-c.ctx.Done():
			return
		}
	}
}
