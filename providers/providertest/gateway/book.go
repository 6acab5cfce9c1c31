package gateway

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// book is what a Gateway remembers beside the messages themselves. The Gateway's lock guards it.
type book struct {
	byID    map[string][]int // indexes of messages; those below indexed are in it
	indexed int
	// cancelled are the IDs taken back.
	cancelled map[string]bool
	inbox     []MO
	written   int // of MOs so far
}

// lookup returns the indexes of the messages with an ID. The lock is held.
func (g *Gateway) lookup(id string) []int {
	b := &g.book
	if b.byID == nil {
		b.byID = map[string][]int{}
	}
	for ; b.indexed < len(g.messages); b.indexed++ {
		if own := g.messages[b.indexed].ID; own != "" {
			b.byID[own] = append(b.byID[own], b.indexed)
		}
	}
	return b.byID[id]
}

func (g *Gateway) find(id string) []Message {
	g.mu.Lock()
	defer g.mu.Unlock()
	stored := time.Now().Add(-g.opts.Reports.Stored)
	var out []Message
	for _, i := range g.lookup(id) {
		if !g.messages[i].At.After(stored) {
			out = append(out, g.messages[i])
		}
	}
	return out
}

func (g *Gateway) cancel(id string) (known, done bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	for _, i := range g.lookup(id) {
		known = true
		if m := &g.messages[i]; m.Due.After(now) && !m.Cancelled {
			m.Cancelled, done = true, true
			if m.Fate != providers.Pending {
				m.Fate = providers.Undelivered
			}
		}
	}
	if done {
		if g.book.cancelled == nil {
			g.book.cancelled = map[string]bool{}
		}
		g.book.cancelled[id] = true
	}
	return known, done
}

func (g *Gateway) isCancelled(id string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.book.cancelled[id]
}

func (g *Gateway) inbox() []MO {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.book.inbox)
}

// Write lets a handset write to the gateway: the message is there for those who fetch, and is pushed to
// Options.Reports.Webhook where the gateway pushes such. An empty ID and a zero time are filled in.
func (g *Gateway) Write(mo MO) {
	g.mu.Lock()
	g.book.written++
	if mo.ID == "" {
		mo.ID = strconv.Itoa(7_000_000 + g.book.written)
	}
	if mo.At.IsZero() {
		mo.At = time.Now()
	}
	g.book.inbox = append(g.book.inbox, mo)
	g.mu.Unlock()
	p, pushes := g.dialect.(InboundPusher)
	if to := g.opts.Reports.Webhook; pushes && to != "" && g.pushing.pusher != nil {
		r := p.PushInbound(mo, to)
		g.pushing.add(&story{due: time.Now(), again: &r})
	}
}

// Fates returns what was decided about each number that a message was taken for, as far as messages are kept. It has
// nothing when Options.Reports are off.
func (g *Gateway) Fates() map[sms.MSISDN]providers.Fate {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := map[sms.MSISDN]providers.Fate{}
	for i := range g.messages {
		if f := g.messages[i].Fate; f != providers.Pending {
			out[g.messages[i].To] = f
		}
	}
	return out
}

// Pushed returns the counts of pushes so far.
func (g *Gateway) Pushed() PushStats { return g.pushing.stats() }

// WaitPushed waits until everything that is to be pushed about the messages taken so far has been, with all repetitions;
// or until ctx or the Gateway ends. The error is ctx's.
func (g *Gateway) WaitPushed(ctx context.Context) error { return g.pushing.wait(ctx) }
