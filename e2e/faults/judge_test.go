package faults_test

import (
	"sync"

	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

// judge knows what the gateways took, and what else they did with each number.
type judge struct {
	mu    sync.Mutex
	taken map[sms.MSISDN]int
	total int
	// calls are those that were answered, or cut, per number, by the way it was done.
	calls map[sms.MSISDN]map[*way]int
	ways  map[string]int
}

func newJudge() *judge {
	return &judge{taken: map[sms.MSISDN]int{}, calls: map[sms.MSISDN]map[*way]int{}, ways: map[string]int{}}
}

// took is told by the gateways.
func (j *judge) took(messages []gateway.Message) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range messages {
		j.taken[messages[i].To]++
	}
	j.total += len(messages)
}

// called is told of each call by the front.
func (j *judge) called(numbers []sms.MSISDN, w *way) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ways[w.fault]++
	if w == &well {
		return
	}
	for _, n := range numbers {
		if j.calls[n] == nil {
			j.calls[n] = map[*way]int{}
		}
		j.calls[n][w]++
	}
}

// has reports whether a message to a number was taken.
func (j *judge) has(n sms.MSISDN) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.taken[n] > 0
}

// sum is how many messages were taken.
func (j *judge) sum() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.total
}

// way is how a gateway does with a call.
type way struct {
	// fault is in the form of volley simulate --fault, empty for none.
	fault string
	// leaves says what a call leaves its recipients in, by the fact sheets.
	leaves leaves
}

// leaves is what is known after a call.
type leaves int

const (
	accepted  leaves = iota // taken, and said so
	ambiguous               // perhaps taken
	untaken                 // provably not taken
	refuses                 // some are refused for good, the others taken
)

var well = way{}

// ways are all that the simulated gateway knows but two: a gateway that takes a call and answers 503 or 429 lies, and
// what it was sent is sent again.
var ways = []*way{
	{"cut-before", ambiguous},
	{"cut-after", ambiguous},
	{"500", ambiguous},
	{"500-after", ambiguous},
	{"garbage", ambiguous},
	{"huge", ambiguous},
	{"slow:5ms", ambiguous}, // byte by byte, it takes longer than a call may
	{"429:1s", untaken},
	{"503", untaken},
	{"redirect", untaken},
	{"auth", untaken},
	{"refuse:7", refuses},
}
