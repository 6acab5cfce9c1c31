package faults_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

// gateways are one provider's simulated gateway in each of the ways that it may do; what they take is one record.
type gateways struct {
	dialect gateway.Dialect
	judge   *judge
	// latency is how long a call takes, at the least and at the most.
	latency [2]time.Duration
	// wrong is in how many of a hundred calls something goes wrong.
	wrong int

	byWay map[*way]*gateway.Gateway

	mu       sync.Mutex
	arrivals []arrival
}

// arrival is when a call came, and how many recipients it had.
type arrival struct {
	at         time.Time
	recipients int
}

// arrived are the calls that came so far, in their order.
func (g *gateways) arrived() []arrival {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.arrivals)
}

func newGateways(t *testing.T, d gateway.Dialect, j *judge) *gateways {
	t.Helper()
	g := &gateways{dialect: d, judge: j, byWay: map[*way]*gateway.Gateway{}}
	for _, w := range append([]*way{&well}, ways...) {
		o := gateway.Options{Keep: -1, OnTake: j.took}
		if w.fault != "" {
			f, err := gateway.ParseFault(w.fault)
			if err != nil {
				t.Fatal(err)
			}
			o.Faults = []gateway.Fault{f}
		}
		one := gateway.New(d, o)
		t.Cleanup(func() { _ = one.Close() })
		g.byWay[w] = one
	}
	return g
}

// request is a call that a worker makes.
type request struct{ numbers []sms.MSISDN }

// read finds out whom a request is for, and whether it asks for anything to be sent. Other operations may need the gateway's
// memory, which a request has only once it is there.
func (q *request) read(d gateway.Dialect, r *http.Request, body []byte) (sends bool) {
	defer func() {
		if recover() != nil {
			sends = false
		}
	}()
	var ask gateway.Ask
	d.Read(r, body, &ask)
	for i := range ask.Messages {
		q.numbers = append(q.numbers, ask.Messages[i].To)
	}
	return ask.Send
}

// front is where one worker finds a gateway, so that its calls can be told from those of others.
type front struct {
	url string
	all *gateways
	rng *dice

	mu   sync.Mutex
	life *life
}

func newFront(t *testing.T, g *gateways, rng *dice) *front {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &front{url: "http://" + l.Addr().String(), all: g, rng: rng, life: newLife("", 0)}
	s := &http.Server{Handler: f, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return f
}

func (f *front) begin(l *life) {
	f.mu.Lock()
	f.life = l
	f.mu.Unlock()
}

// ServeHTTP takes a call on behalf of the gateway. Its worker may die before the gateway has taken the call, and after.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	l := f.life
	f.mu.Unlock()
	came := time.Now()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	req := &request{}
	sends := req.read(f.all.dialect, r, body)
	how := &well
	if sends && f.rng.below(100) < f.all.wrong {
		how = ways[f.rng.below(len(ways))]
	}
	l.carries(req, true)
	defer l.carries(req, false)
	if sends {
		f.all.mu.Lock()
		f.all.arrivals = append(f.all.arrivals, arrival{came, len(req.numbers)})
		f.all.mu.Unlock()
		l.comes(beforeTaken)
		if d := f.all.latency; d[1] > 0 {
			time.Sleep(f.rng.between(d[0], d[1]))
		}
	}
	f.all.judge.called(req.numbers, how)

	// The gateway takes what has arrived, whether or not its sender lives.
	r = r.WithContext(context.WithoutCancel(r.Context()))
	r.Body = io.NopCloser(bytes.NewReader(body))
	if how != &well || !sends {
		f.all.byWay[how].ServeHTTP(w, r)
		return
	}
	answer := httptest.NewRecorder()
	f.all.byWay[how].ServeHTTP(answer, r)
	if !l.comes(afterTaken) {
		panic(http.ErrAbortHandler)
	}
	for k, v := range answer.Header() {
		w.Header()[k] = v
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// carries notes that a request is with a gateway, and that it is no more.
func (l *life) carries(r *request, is bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if is {
		l.inFlight[r] = true
	} else {
		delete(l.inFlight, r)
	}
}
