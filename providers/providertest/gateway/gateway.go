package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/volleysms/volley/sms"
)

const (
	// keptMessages is how many messages a Gateway keeps unless Options say otherwise.
	keptMessages = 1_000_000
	// keptRequests bounds how many requests are kept whole, and how many violations in words.
	keptRequests = 1_000
	// maxBody is the longest request body read, in bytes.
	maxBody = 32 << 20
	// hugeBody is the size of the huge fault's answer, in bytes.
	hugeBody = 10 << 20
	// slowPause is the pause between two bytes of a slow answer.
	slowPause = 10 * time.Millisecond
)

// Options of a Gateway. The zero value is usable.
type Options struct {
	// Keep is how many of the messages taken are kept, the first ones; 0 is 1,000,000 and -1 keeps nothing and only
	// counts, for load. The first 1,000 requests and violations are kept with them.
	Keep int
	// Faults are the ways to misbehave from the start. Those named for another provider are left out.
	Faults []Fault
	// Seed decides which requests a Fault with a share hits.
	Seed uint64
	// OnTake, when set, is called with the messages each send took, before it is answered. It must not keep the slice,
	// and is called from many goroutines at a time.
	OnTake func([]Message)
	// Reports say what becomes of the messages, and how that is told.
	Reports ReportPlan
}

// Request is a request as it came.
type Request struct {
	Method string
	// URL is the request line's target: the path and the query.
	URL    string
	Host   string
	Header http.Header
	Body   []byte
	At     time.Time
}

// Stats counts what a Gateway has seen.
type Stats struct {
	// Requests are all requests, Sends those that asked for messages.
	Requests, Sends int64
	// Taken are the messages the gateway took, and Refused those it refused one by one.
	Taken, Refused int64
	// Violations are the requests that broke a rule.
	Violations int64
	// MaxInFlight is the largest number of requests there were at one time.
	MaxInFlight int64
}

// Gateway is a simulated gateway. It is an http.Handler, and with Start a server on its own. Safe for concurrent use.
type Gateway struct {
	dialect Dialect
	opts    Options
	faults  atomic.Pointer[[]Fault]
	script  atomic.Pointer[func(n int64) *Reply]

	requests, sends, taken, refused, violated atomic.Int64
	inFlight, maxInFlight                     atomic.Int64

	mu         sync.Mutex
	messages   []Message
	kept       []Request
	violations []string

	book    book
	pushing *pushing

	asks   sync.Pool
	bodies sync.Pool

	done   chan struct{}
	close  sync.Once
	url    string
	server *http.Server
}

// New returns a Gateway that speaks d. It is ready as a handler; Start makes it a server.
func New(d Dialect, o Options) *Gateway {
	if o.Keep == 0 {
		o.Keep = keptMessages
	}
	g := &Gateway{dialect: d, opts: o, done: make(chan struct{})}
	g.pushing = newPushing(o.Reports, d, g.isCancelled)
	g.asks.New = func() any { return &Ask{book: g} }
	g.bodies.New = func() any { return new(scratch) }
	g.SetFaults(o.Faults...)
	return g
}

// scratch holds the buffers of one request.
type scratch struct {
	body   bytes.Buffer
	answer []byte
}

// Start serves on addr, "host:port"; empty is a free port on the loopback. Call Close in the end.
func (g *Gateway) Start(addr string) error {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return err
	}
	g.url = "http://" + l.Addr().String()
	g.server = &http.Server{
		Handler:           g,
		ReadHeaderTimeout: 30 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	go func() { _ = g.server.Serve(l) }()
	return nil
}

// URL returns the server's address, such as "http://127.0.0.1:4711"; empty before Start.
func (g *Gateway) URL() string { return g.url }

// Dialect returns what New was given.
func (g *Gateway) Dialect() Dialect { return g.dialect }

// Close ends the server, every answer and every push under way. What was still to be pushed is not: wait for it by
// WaitPushed. Close may be called twice.
func (g *Gateway) Close() error {
	var err error
	g.close.Do(func() {
		close(g.done)
		if g.server != nil {
			err = g.server.Close()
		}
		g.pushing.close()
	})
	return err
}

// SetFaults replaces the faults. Those named for another provider are left out.
func (g *Gateway) SetFaults(faults ...Fault) {
	var mine []Fault
	for _, f := range faults {
		if f.Provider == "" || f.Provider == g.dialect.Provider() {
			mine = append(mine, f)
		}
	}
	g.faults.Store(&mine)
}

// Script lets fn answer sends in place of the Dialect, which still reads and checks them. It is called with the send's
// number; nil lets the send go its usual way. What fn answers takes no message. A nil fn ends it.
func (g *Gateway) Script(fn func(n int64) *Reply) {
	if fn == nil {
		g.script.Store(nil)
		return
	}
	g.script.Store(&fn)
}

// Stats returns the counts so far.
func (g *Gateway) Stats() Stats {
	return Stats{
		Requests: g.requests.Load(), Sends: g.sends.Load(), Taken: g.taken.Load(), Refused: g.refused.Load(),
		Violations: g.violated.Load(), MaxInFlight: g.maxInFlight.Load(),
	}
}

// Messages returns the messages taken, in the order they were taken in, as far as they are kept.
func (g *Gateway) Messages() []Message {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]Message(nil), g.messages...)
}

// Requests returns the first requests.
func (g *Gateway) Requests() []Request {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]Request(nil), g.kept...)
}

// Violations returns how the first requests that broke a rule did so.
func (g *Gateway) Violations() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.violations...)
}

// TakenTwice returns the numbers taken more than once, with how often, as far as messages are kept.
func (g *Gateway) TakenTwice() map[sms.MSISDN]int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := make(map[sms.MSISDN]int, len(g.messages))
	for i := range g.messages {
		n[g.messages[i].To]++
	}
	for to, times := range n {
		if times < 2 {
			delete(n, to)
		}
	}
	return n
}

// ServeHTTP takes one request.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.requests.Add(1)
	now := g.inFlight.Add(1)
	defer g.inFlight.Add(-1)
	for m := g.maxInFlight.Load(); now > m && !g.maxInFlight.CompareAndSwap(m, now); m = g.maxInFlight.Load() {
	}

	s := g.bodies.Get().(*scratch)
	defer g.bodies.Put(s)
	s.body.Reset()
	if _, err := s.body.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		var long *http.MaxBytesError
		if errors.As(err, &long) {
			g.violation("body of more than " + strconv.Itoa(maxBody) + " bytes")
			write(w, Reply{Status: http.StatusRequestEntityTooLarge})
		}
		return
	}

	ask := g.asks.Get().(*Ask)
	defer func() { ask.reset(); g.asks.Put(ask) }()
	ask.Record = g.opts.Keep > 0 || g.opts.OnTake != nil || g.opts.Reports.On
	g.dialect.Read(r, s.body.Bytes(), ask)
	if ask.Send {
		ask.N = g.sends.Add(1)
	}
	if g.opts.Keep > 0 {
		g.keepRequest(r, s.body.Bytes())
	}
	g.answer(w, r, ask, s)
}

func (g *Gateway) answer(w http.ResponseWriter, r *http.Request, ask *Ask, s *scratch) {
	if ask.violation != "" {
		g.violation(ask.violation)
	}
	if script := g.script.Load(); script != nil && ask.Send {
		if reply := (*script)(ask.N); reply != nil {
			write(w, *reply)
			return
		}
	}
	if ask.violation != "" {
		write(w, *ask.reply)
		return
	}

	end, latency := g.plan(ask)
	reply := Reply{}
	switch {
	case end != nil && !end.takes():
	case ask.Send:
		reply = g.dialect.Answer(ask, s.answer[:0])
		s.answer = reply.Body
		g.take(ask)
	case ask.reply != nil:
		reply = *ask.reply
	}
	if latency > 0 && !g.pause(r, latency) {
		panic(http.ErrAbortHandler)
	}
	if end != nil {
		g.misbehave(w, r, *end, reply)
		return
	}
	write(w, reply)
}

// plan marks the messages to be refused, and returns the fault that decides the answer, if any, and how late it comes.
func (g *Gateway) plan(ask *Ask) (end *Fault, latency time.Duration) {
	faults := *g.faults.Load()
	for i := range faults {
		f := &faults[i]
		if !f.hits(ask.N, g.opts.Seed) {
			continue
		}
		switch f.Kind {
		case Latency:
			latency += f.Delay
		case Refuse:
			for j := range ask.Messages {
				if f.refuses(ask.Messages[j].To) {
					ask.Messages[j].Refused = true
				}
			}
		default:
			if end == nil {
				end = f
			}
		}
	}
	return end, latency
}

// misbehave answers as f wants; usual is what would have been answered.
func (g *Gateway) misbehave(w http.ResponseWriter, r *http.Request, f Fault, usual Reply) {
	switch f.Kind {
	case Status:
		reply := Reply{Status: f.Status, Body: []byte("simulated " + strconv.Itoa(f.Status) + "\n")}
		if f.Delay > 0 {
			reply.Header = http.Header{"Retry-After": {strconv.Itoa(int(f.Delay / time.Second))}}
		}
		write(w, reply)
	case Auth:
		write(w, g.dialect.Denied())
	case Redirect:
		write(w, Reply{Status: http.StatusTemporaryRedirect, Header: http.Header{"Location": {r.URL.RequestURI()}}})
	case Garbage:
		write(w, Reply{Type: "text/html", Body: []byte("<!doctype html><title>Welcome</title><p>It works")})
	case Huge:
		write(w, Reply{Body: bytes.Repeat([]byte("all work and no play "), hugeBody/21+1)})
	case Slow:
		g.trickle(w, r, f, usual)
	default: // CutBefore, CutAfter
		panic(http.ErrAbortHandler)
	}
}

// trickle writes reply one byte at a time.
func (g *Gateway) trickle(w http.ResponseWriter, r *http.Request, f Fault, reply Reply) {
	pause := f.Delay
	if pause == 0 {
		pause = slowPause
	}
	body := reply.Body
	reply.Body = nil
	head(w, reply, len(body))
	flush := http.NewResponseController(w)
	for i := range body {
		if _, err := w.Write(body[i : i+1]); err != nil || flush.Flush() != nil || !g.pause(r, pause) {
			panic(http.ErrAbortHandler)
		}
	}
}

// pause waits, and returns false when the client left or the gateway was closed before the time was over.
func (g *Gateway) pause(r *http.Request, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	case <-g.done:
		return false
	}
}

func (g *Gateway) take(ask *Ask) {
	now := time.Now()
	taken := 0
	for i := range ask.Messages {
		m := &ask.Messages[i]
		m.Send, m.At = ask.N, now
		if !m.Refused {
			taken++
		}
	}
	g.taken.Add(int64(taken))
	g.refused.Add(int64(len(ask.Messages) - taken))
	if taken == 0 || !ask.Record {
		return
	}
	if taken < len(ask.Messages) {
		kept := ask.Messages[:0]
		for _, m := range ask.Messages {
			if !m.Refused {
				kept = append(kept, m)
			}
		}
		ask.Messages = kept
	}
	if g.opts.Reports.On {
		for i := range ask.Messages {
			ask.Messages[i].Fate = g.opts.Reports.Fate(ask.Messages[i].To)
		}
	}
	if room := g.opts.Keep; room > 0 {
		g.mu.Lock()
		g.messages = append(g.messages, ask.Messages[:min(taken, max(0, room-len(g.messages)))]...)
		g.mu.Unlock()
	}
	if g.opts.OnTake != nil {
		g.opts.OnTake(ask.Messages)
	}
	if g.opts.Reports.On {
		g.pushing.tell(ask.Messages)
	}
}

func (g *Gateway) violation(why string) {
	g.violated.Add(1)
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.violations) < keptRequests {
		g.violations = append(g.violations, why)
	}
}

func (g *Gateway) keepRequest(r *http.Request, body []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.kept) < keptRequests {
		g.kept = append(g.kept, Request{
			Method: r.Method, URL: r.URL.RequestURI(), Host: r.Host, Header: r.Header.Clone(),
			Body: bytes.Clone(body), At: time.Now(),
		})
	}
}

// head writes status and header of reply, whose body will be n bytes.
func head(w http.ResponseWriter, reply Reply, n int) {
	h := w.Header()
	for k, v := range reply.Header {
		h[k] = v
	}
	if reply.Type == "" {
		reply.Type = "text/plain; charset=utf-8"
	}
	h.Set("Content-Type", reply.Type)
	h.Set("Content-Length", strconv.Itoa(n))
	if reply.Status == 0 {
		reply.Status = http.StatusOK
	}
	w.WriteHeader(reply.Status)
}

func write(w http.ResponseWriter, reply Reply) {
	head(w, reply, len(reply.Body))
	_, _ = w.Write(reply.Body)
}
