package faults_test

import (
	"bufio"
	"context"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// proxy stands between one worker and Redis, and reads what passes.
type proxy struct {
	addr, target string
	scripts      map[string]string

	mu   sync.Mutex
	life *life
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	p := &proxy{addr: l.Addr().String(), target: target, scripts: scripts(t), life: newLife("", 0)}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	return p
}

// begin gives what is connected from now on to a life.
func (p *proxy) begin(l *life) {
	p.mu.Lock()
	p.life = l
	p.mu.Unlock()
}

func (p *proxy) serve(c net.Conn) {
	defer c.Close()
	p.mu.Lock()
	l := p.life
	p.mu.Unlock()
	s, err := new(net.Dialer).DialContext(context.Background(), "tcp", p.target)
	if err != nil {
		return
	}
	defer s.Close()
	asked := make(chan *command, 1<<16)
	go func() {
		defer close(asked)
		p.up(c, s, l, asked)
	}()
	down(c, s, l, asked)
}

// up passes on what the worker asks for, until either side is gone.
func (p *proxy) up(c, s net.Conn, l *life, asked chan<- *command) {
	r := bufio.NewReader(c)
	var b []byte
	for {
		args, err := readCommand(r)
		if err != nil {
			return
		}
		cmd := newCommand(args, p.scripts)
		if !l.asks(cmd) {
			return
		}
		asked <- cmd
		if cmd.refused != "" {
			continue
		}
		b = appendCommand(b[:0], cmd.args)
		if _, err := s.Write(b); err != nil {
			_ = c.Close()
			return
		}
	}
}

// down passes answers on. What was asked for is waited for even when nobody is there to be told.
func down(c, s net.Conn, l *life, asked <-chan *command) {
	r := bufio.NewReader(s)
	var b []byte
	for cmd := range asked {
		var err error
		if cmd.refused != "" {
			b = append(b[:0], "-"+cmd.refused+"\r\n"...)
		} else if b, err = readReply(r, b[:0]); err != nil {
			return
		}
		if l.answers(cmd, b) {
			_, _ = c.Write(b)
		}
		if strings.EqualFold(cmd.args[0], "subscribe") {
			_, _ = r.WriteTo(c) // what comes now was not asked for
			return
		}
	}
}

// life is one run of a worker, from its start to its end, as the proxy and the gateways see it.
type life struct {
	// at is where it ends, when it comes there for the nth time; empty for a life that is not cut short.
	at  point
	nth int
	// kill ends the worker, and returns when it is dead.
	kill func()
	// refuse, when set, may give an error that a command is answered with in place of Redis.
	refuse func(*command) string
	// skew is added to every time of day that the worker sends to Redis.
	skew time.Duration

	mu       sync.Mutex
	over     bool
	claimed  map[string]int // recipients on the wire by batch
	waiting  map[string]int // what commits claim that have no answer yet
	drafted  map[string]int // recipients of drafts by batch
	fired    map[string]int // those of them on the wire
	seen     map[string]bool
	begun    bool
	passed   map[point]int
	atKill   int // recipients of the calls that the gateways had at the end
	inFlight map[*request]bool
}

func newLife(at point, nth int) *life {
	return &life{
		at: at, nth: nth, claimed: map[string]int{}, waiting: map[string]int{}, seen: map[string]bool{},
		drafted: map[string]int{}, fired: map[string]int{},
		passed: map[point]int{}, inFlight: map[*request]bool{},
	}
}

// comes notes that the worker is at a point, and ends its life when that is where it ends. It reports whether it lives.
func (l *life) comes(at point) bool {
	l.mu.Lock()
	if at != "" {
		l.passed[at]++
	}
	if !l.over && at != "" && at == l.at && l.passed[at] == l.nth {
		l.mu.Unlock()
		l.end()
		return false
	}
	defer l.mu.Unlock()
	return !l.over
}

// end kills the worker: nothing that it asks for passes any more, nor any answer.
func (l *life) end() {
	l.mu.Lock()
	if l.over {
		l.mu.Unlock()
		return
	}
	l.over = true
	for r := range l.inFlight {
		l.atKill += len(r.numbers)
	}
	l.mu.Unlock()
	l.kill()
}

func (l *life) ended() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over
}

func (l *life) asks(c *command) bool {
	if !l.comes(c.before()) {
		return false
	}
	if l.refuse != nil {
		c.refused = l.refuse(c)
	}
	if l.skew != 0 {
		c.shift(l.skew)
	}
	if c.script == "draft" {
		l.mu.Lock()
		l.drafted[c.keys[0]], _ = strconv.Atoi(c.argv[2])
		l.mu.Unlock()
	}
	if c.script == "commit" && c.refused == "" {
		_, claims := c.change()
		l.mu.Lock()
		l.waiting[c.once()] = claims
		l.begun = l.begun || claims > 0
		l.mu.Unlock()
	}
	return true
}

func (l *life) answers(c *command, reply []byte) bool {
	switch {
	case c.refused != "":
	case c.script == "commit":
		l.book(c, reply)
	case c.script == "fire" && fired(reply):
		l.fires(c.keys[0], true)
	case c.script == "jot" && reply[0] == ':':
		l.fires(c.keys[0], false)
	}
	return l.comes(c.after(reply))
}

// book counts what a commit did. One that is sent again, because its answer was lost, is done once.
func (l *life) book(c *command, reply []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	batch := c.keys[0]
	records, claims := c.change()
	once := c.once()
	if reply[0] != '-' {
		delete(l.waiting, once)
	}
	if l.seen[once] || lost(reply) {
		return
	}
	l.seen[once] = true
	if c.ends() {
		delete(l.fired, batch) // it records what came of them as well
	}
	// What a dead worker had on the wire was not this one's.
	l.claimed[batch] = max(0, l.claimed[batch]+records)
	if granted(reply) {
		l.claimed[batch] += claims
	}
}

// fires counts the recipients of a draft as on the wire, or not any more.
func (l *life) fires(batch string, on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun = true
	delete(l.fired, batch)
	if on {
		l.fired[batch] = l.drafted[batch]
	}
}

// once tells a commit from all others; one that is sent again is the same.
func (c *command) once() string { return c.keys[0] + " " + c.argv[0] + " " + c.argv[1] }

// onWire is how many recipients the worker had claimed, and not recorded, at its end; or may have, where Redis died too.
func (l *life) onWire() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, k := range l.claimed {
		n += k
	}
	for _, k := range l.waiting {
		n += k
	}
	for _, k := range l.fired {
		n += k
	}
	return n
}

// shift adds skew to every argument of a script that is a time of day in seconds.
func (c *command) shift(skew time.Duration) {
	now := time.Now().Unix()
	for i, a := range c.args {
		if len(a) != 10 {
			continue
		}
		if n, err := strconv.ParseInt(a, 10, 64); err == nil && n > now-86400 && n < now+86400 {
			c.args[i] = strconv.FormatInt(n+int64(skew/time.Second), 10)
		}
	}
}
