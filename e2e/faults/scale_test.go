package faults_test

import (
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/volleysms/volley/e2e/world"
)

// seed decides everything that is chosen at random.
var seed = uint64(time.Now().UnixNano())

// size is the row of the table of scales that this run uses.
var size scale

// scale says how large the scenarios are.
type scale struct {
	// recipients of a campaign, of a batch and of a call.
	recipients, batch, call int
	// kills is how many workers are killed where everything happens at once.
	kills int
	// many is the size of a campaign that is there to last.
	many int
	// reported is the size of a campaign that is reported about.
	reported int
	// rows is the size of a campaign that urgent messages overtake, and urgent how many do.
	rows, urgent int
	// large is the size of a campaign that must take little memory.
	large int
	// schedules is how many schedules fire at the same time.
	schedules int
	// paced is for how long an account is at its limits.
	paced time.Duration
	// rounds is how often Redis is restarted, connections are reset, a slot is moved, and workers are replaced.
	rounds int
	// within is how long a scenario may take.
	within time.Duration
}

var scales = map[string]scale{
	"":     {recipients: 8_000, batch: 100, call: 50, kills: 5, many: 6_000, reported: 3_000, rows: 20_000, large: 5_000, urgent: 10, schedules: 5, paced: 4 * time.Second, rounds: 2, within: world.Patience},
	"full": {recipients: 200_000, batch: 1000, call: 250, kills: 20, many: 60_000, reported: 50_000, rows: 1_000_000, large: 1_000_000, urgent: 200, schedules: 50, paced: 25 * time.Second, rounds: 6, within: 25 * time.Minute},
}

func TestMain(m *testing.M) {
	if s := os.Getenv("VOLLEY_FAULT_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			fmt.Println("VOLLEY_FAULT_SEED is not a number")
			os.Exit(2)
		}
		seed = n
	}
	var known bool
	if size, known = scales[os.Getenv("VOLLEY_FAULTS")]; !known {
		fmt.Println("VOLLEY_FAULTS is full, or not set")
		os.Exit(2)
	}
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil { // scenarios wait more than they work
		panic(err)
	}
	fmt.Printf("VOLLEY_FAULT_SEED=%d\n", seed)
	world.Main(m)
}

// dice are numbers drawn for one test. They are safe for concurrent use.
type dice struct {
	mu  sync.Mutex
	rng *rand.Rand
}

// newDice returns those of a test: the same for the same seed, whatever other tests run.
func newDice(t *testing.T) *dice {
	h := fnv.New64a()
	_, _ = h.Write([]byte(t.Name()))
	return &dice{rng: rand.New(rand.NewPCG(seed, h.Sum64()))}
}

// below returns a number from 0 up to, and not with, n.
func (d *dice) below(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rng.IntN(n)
}

// between returns a time from a to b.
func (d *dice) between(a, b time.Duration) time.Duration {
	return a + time.Duration(d.below(int(b-a)+1))
}

// shuffle puts n things in another order.
func (d *dice) shuffle(n int, swap func(i, j int)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rng.Shuffle(n, swap)
}
