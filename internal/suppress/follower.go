package suppress

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/sms"
)

const (
	// lookEvery is how often it is asked for changes.
	lookEvery = 250 * time.Millisecond
	// lookTimeout bounds a look, and loadTimeout one at everything.
	lookTimeout = 2 * time.Second
	loadTimeout = time.Minute
	// Believed is how long what was read is believed.
	Believed = 3 * time.Second
	// perLook is how many changes are asked for at a time.
	perLook = 64
)

// Follower is a copy of all lists that is never long behind them. Make one with Follow. Run is for one goroutine, everything
// else is safe for concurrent use.
type Follower struct {
	lists *Lists
	name  string // by which it tells what it has read; empty tells nobody
	told  uint64 // the version that it told last; 0 is none
	sets  atomic.Pointer[map[string]*set]
	// version is that of the lists, as far as they have been read, and turn how often the copy has changed.
	version uint64
	turn    atomic.Uint64
	began   time.Time
	read    atomic.Int64 // when it was read last, in nanoseconds since began; 0 is never
}

// Follow returns a Follower of the lists in rdb, which knows nothing before Run. It tells Await what it has read, under a name
// that nobody else has; an empty one tells nobody.
func Follow(rdb redis.UniversalClient, name string) *Follower {
	f := &Follower{lists: New(rdb), name: name, began: time.Now().Add(-time.Nanosecond)}
	f.sets.Store(&map[string]*set{})
	return f
}

// Run keeps the copy up to date until ctx ends. tell is called when the lists can't be read, with the reason, and with nil
// when they can be read, for the first time or again.
func (f *Follower) Run(ctx context.Context, tell func(error)) {
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	known, failed := false, false
	for first := true; ; first = false {
		err := f.look(ctx, !known)
		if ctx.Err() != nil {
			return
		}
		if first || failed != (err != nil) {
			tell(err)
		}
		known, failed = known || err == nil, err != nil
		if err == nil && f.name != "" && f.told != f.version && f.lists.saw(ctx, f.name, f.version) == nil {
			f.told = f.version
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

// Fresh reports whether the copy was up to date not longer ago than Believed.
func (f *Follower) Fresh() bool {
	read := f.read.Load()
	return read > 0 && int64(time.Since(f.began))-read < int64(Believed)
}

// Turn is another number after each change of the copy. What was looked up at a turn holds as long as it is the same.
func (f *Follower) Turn() uint64 { return f.turn.Load() }

// Lookout says who may not be sent to through an account.
type Lookout struct {
	account  string
	all, own *set
}

// Lookout returns what holds for an account. It sees later changes of lists that have numbers already.
func (f *Follower) Lookout(account string) Lookout {
	sets := *f.sets.Load()
	return Lookout{account, sets[All], sets[account]}
}

// Empty reports whether nobody is on a list.
func (o Lookout) Empty() bool { return o.all == nil && o.own == nil }

// List returns the list that a number is on: All before the account's own.
func (o Lookout) List(n sms.MSISDN) (list string, on bool) {
	switch {
	case o.all != nil && o.all.has(n):
		return All, true
	case o.own != nil && o.own.has(n):
		return o.account, true
	}
	return "", false
}

var errGap = errors.New("changes are missing")

// look reads what has changed, or everything.
func (f *Follower) look(ctx context.Context, all bool) error {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	if !all {
		err := f.follow(ctx)
		if !errors.Is(err, errGap) {
			return err
		}
	}
	if err := f.load(ctx); err != nil {
		return err
	}
	// What changed while it was read may be in it or not, and is done once more.
	return f.follow(ctx)
}

// load reads everything.
func (f *Follower) load(ctx context.Context) error {
	version, err := f.lists.version(ctx)
	if err != nil {
		return err
	}
	counts, err := f.lists.Counts(ctx)
	if err != nil {
		return err
	}
	sets := map[string]*set{}
	for _, c := range counts {
		s := &set{}
		if err := f.lists.scan(ctx, c.List, func(bucket int, entries []byte) bool {
			s.store(bucket, entries)
			return true
		}); err != nil {
			return err
		}
		sets[c.List] = s
	}
	f.version = version
	f.sets.Store(&sets)
	f.turn.Add(1)
	return nil
}

// follow does what was done to the lists since the copy's version; errGap when that can't be known.
func (f *Follower) follow(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	for {
		asked := time.Since(f.began)
		version, err := f.lists.version(ctx)
		if err != nil {
			return err
		}
		if version < f.version {
			return errGap // the lists were emptied, or are older ones
		}
		if version == f.version {
			f.read.Store(int64(asked))
			return nil
		}
		changes, err := f.lists.rdb.XRangeN(ctx, keyLog, fmt.Sprintf("(%d", f.version), "+", perLook).Result()
		if err != nil {
			return err
		}
		if len(changes) == 0 {
			return errGap
		}
		for _, c := range changes {
			if err := f.apply(c); err != nil {
				return err
			}
		}
		f.turn.Add(1)
	}
}

// apply does one change.
func (f *Follower) apply(c redis.XMessage) error {
	number, _, _ := strings.Cut(c.ID, "-")
	version, err := strconv.ParseUint(number, 10, 64)
	if err != nil || version != f.version+1 {
		return errGap
	}
	list, _ := c.Values["l"].(string)
	logged, add := c.Values["+"].(string)
	if !add {
		logged, _ = c.Values["-"].(string)
	}
	s := (*f.sets.Load())[list]
	if s == nil {
		s = &set{}
		sets := maps.Clone(*f.sets.Load())
		sets[list] = s
		defer f.sets.Store(&sets)
	}
	var some []sms.MSISDN // of one bucket
	for ; len(logged) >= loggedBytes; logged = logged[loggedBytes:] {
		n := sms.MSISDN(binary.BigEndian.Uint64([]byte(logged[:loggedBytes])))
		if len(some) > 0 && bucketOf(some[0]) != bucketOf(n) {
			s.change(add, some)
			some = some[:0]
		}
		some = append(some, n)
	}
	if len(some) > 0 {
		s.change(add, some)
	}
	f.version = version
	return nil
}
