package schedule

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
)

// Errors of a Store, to be told apart with errors.Is.
var (
	// ErrNotFound: there is no such schedule.
	ErrNotFound = errors.New("no such schedule")
	// ErrExists: there is a schedule of that name.
	ErrExists = errors.New("there is a schedule of that name already")
	// ErrAsked: RunNow was asked for before, and nothing has been fired since.
	ErrAsked = errors.New("the schedule was asked to run before, and has not done so yet")
)

const (
	prefix = "volley:{schedules}:"
	// KeyDue has the names of all schedules by when they are to be looked at again, in milliseconds since 1970.
	KeyDue = prefix + "due"
)

func keyOf(name string) string     { return prefix + "s:" + name }
func historyOf(name string) string { return prefix + "h:" + name }

// never is the score of a schedule that is not to be looked at, in milliseconds since 1970.
const never = 1 << 52

//go:embed lua/swap.lua
var swapLua string

//go:embed lua/remove.lua
var removeLua string

var (
	swapScript   = redis.NewScript(swapLua)
	removeScript = redis.NewScript(removeLua)
)

// Store keeps schedules. It is safe for concurrent use and does not own its Redis client.
type Store struct {
	rdb redis.UniversalClient
	// Now is Redis' clock; tests set another before they use the Store.
	Now func(context.Context) (time.Time, error)
}

// NewStore returns the Store in rdb.
func NewStore(rdb redis.UniversalClient) *Store {
	return &Store{rdb, func(ctx context.Context) (time.Time, error) { return rdb.Time(ctx).Result() }}
}

// Entry is a schedule as it was read at Now.
type Entry struct {
	Def   Schedule
	State State
	Now   time.Time
	ver   string // empty when there is none
}

func (e *Entry) timing() (timing, error) { return e.Def.timing(time.Unix(e.State.Created, 0)) }

// Look finds out what is due of a schedule that is neither paused nor firing.
func (e *Entry) Look() (Verdict, error) {
	t, err := e.timing()
	if err != nil {
		return Verdict{}, err
	}
	return look(&e.Def, &t, &e.State, e.Now), nil
}

// Load reads a schedule; ErrNotFound when there is none.
func (s *Store) Load(ctx context.Context, name string) (Entry, error) {
	var e Entry
	if !nameOK(name) {
		return e, ErrNotFound
	}
	now, err := s.Now(ctx)
	if err != nil {
		return e, err
	}
	e.Now = now
	v, err := s.rdb.HMGet(ctx, keyOf(name), "def", "state", "ver").Result()
	if err != nil {
		return e, err
	}
	return e, e.parse(v)
}

func (e *Entry) parse(v []any) error {
	d, ok := v[0].(string)
	if !ok {
		return ErrNotFound
	}
	st, _ := v[1].(string)
	e.ver, _ = v[2].(string)
	if err := errors.Join(json.Unmarshal([]byte(d), &e.Def), json.Unmarshal([]byte(st), &e.State)); err != nil {
		return fmt.Errorf("schedule: a schedule can't be read: %w", err)
	}
	return nil
}

// Swap writes e, if nobody has changed it since it was read, and reports whether it did. withDef writes the definition
// too. again is when to look at it; zero is never.
func (s *Store) Swap(ctx context.Context, e *Entry, withDef bool, again time.Time, firings ...Firing) (bool, error) {
	var d []byte
	var err error
	if withDef {
		if d, err = json.Marshal(e.Def); err != nil {
			return false, fmt.Errorf("schedule: %w", err)
		}
	}
	st, err := json.Marshal(e.State)
	if err != nil {
		return false, fmt.Errorf("schedule: %w", err)
	}
	score := int64(never)
	if !again.IsZero() {
		score = again.UnixMilli()
	}
	name := e.Def.Name
	argv := []any{name, e.ver, d, st, score}
	for _, f := range firings {
		b, err := json.Marshal(f)
		if err != nil {
			return false, fmt.Errorf("schedule: %w", err)
		}
		argv = append(argv, b)
	}
	n, err := swapScript.Run(ctx, s.rdb, []string{keyOf(name), KeyDue, historyOf(name)}, argv...).Int()
	return n == 1, err
}

// maxRaces is how often a change is tried that others come before.
const maxRaces = 20

// change applies fn to a schedule until nobody else has changed it in between. fn says what is written: false leaves it.
func (s *Store) change(ctx context.Context, name string, fn func(*Entry) (bool, error)) error {
	for range maxRaces {
		e, err := s.Load(ctx, name)
		if err != nil {
			return err
		}
		write, err := fn(&e)
		if err != nil || !write {
			return err
		}
		// Looked at at once: whoever does finds out when the next time is.
		if ok, err := s.Swap(ctx, &e, true, e.Now); err != nil || ok {
			return err
		}
	}
	return fmt.Errorf("schedule: the schedule %s is changed by others all the time", name)
}

// Add adds a schedule, the first tick of which is the next from now on. ErrExists when there is one of that name; an
// *InvalidError, or several joined, when it is not acceptable.
func (s *Store) Add(ctx context.Context, sc Schedule) (Info, error) {
	if err := sc.Validate(); err != nil {
		return Info{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Info{}, fmt.Errorf("schedule: %w", err)
	}
	now, err := s.Now(ctx)
	if err != nil {
		return Info{}, err
	}
	e := Entry{Def: sc.filled(), Now: now}
	e.State = State{ID: id.String(), Created: now.Unix(), Cursor: now.Unix()}
	ok, err := s.Swap(ctx, &e, true, now)
	if err != nil {
		return Info{}, err
	}
	in, err := s.Get(ctx, sc.Name)
	if err == nil && !ok && in.ID != e.State.ID {
		return Info{}, ErrExists
	}
	return in, err
}

// replace gives a schedule another definition. Ticks that are due by the old one are not fired by the new one.
func (s *Store) replace(ctx context.Context, sc Schedule) error {
	if err := sc.Validate(); err != nil {
		return err
	}
	return s.change(ctx, sc.Name, func(e *Entry) (bool, error) {
		old := e.Def
		e.Def = sc.filled()
		if retimed(&old, &e.Def) {
			e.State.Cursor = max(e.State.Cursor, e.Now.Unix())
			if p := e.State.Pending; p != nil && p.Now == "" && p.Frozen == nil {
				e.State.Pending = nil
			}
		}
		return true, nil
	})
}

// retimed reports whether two definitions are due at different times.
func retimed(a, b *Schedule) bool {
	return a.Cron != b.Cron || a.Every != b.Every || a.Zone != b.Zone || !a.Start.Equal(b.Start) || !a.End.Equal(b.End)
}

// Pause lets no tick of a schedule begin until Resume; one that is being fired already goes out. Pausing a paused
// schedule gives it the new note.
func (s *Store) Pause(ctx context.Context, name, note string) error {
	if len(note) > MaxNote || !utf8.ValidString(note) {
		return &InvalidError{"note", fmt.Sprintf("is not UTF-8 of at most %d bytes", MaxNote)}
	}
	return s.change(ctx, name, func(e *Entry) (bool, error) {
		at := e.Now.Unix()
		if e.State.Paused != nil {
			if at = e.State.Paused.At; e.State.Paused.Note == note {
				return false, nil
			}
		}
		e.State.Paused = &paused{At: at, Note: note}
		if p := e.State.Pending; p != nil && p.Now == "" && p.Frozen == nil {
			e.State.Pending = nil // Resume goes on after it
		}
		return true, nil
	})
}

// Resume lets a paused schedule go on with the next tick. Those of the meantime are not caught up with.
func (s *Store) Resume(ctx context.Context, name string) error {
	return s.change(ctx, name, func(e *Entry) (bool, error) {
		if e.State.Paused == nil {
			return false, nil
		}
		e.State.Paused = nil
		e.State.Cursor = max(e.State.Cursor, e.Now.Unix())
		return true, nil
	})
}

// Forgo lets a schedule go on with its next tick from now on: those before, one that is being fired included, are not fired.
// It is for a Redis that was restored from a backup, since when they may have been fired. No scheduler may run.
func (s *Store) Forgo(ctx context.Context, name string) error {
	return s.change(ctx, name, func(e *Entry) (bool, error) {
		e.State.Pending = nil
		e.State.Cursor = max(e.State.Cursor, e.Now.Unix())
		return true, nil
	})
}

// RunNow asks for the schedule to be fired once, now, whatever the time and whether it is paused or not. A scheduler does
// so; the request is returned, by which Asked finds what became of it. ErrAsked when an earlier request is still open.
func (s *Store) RunNow(ctx context.Context, name string) (request string, err error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("schedule: %w", err)
	}
	request = id.String()
	return request, s.change(ctx, name, func(e *Entry) (bool, error) {
		switch e.State.Now {
		case request: // the answer to an earlier round was lost
			return false, nil
		case "":
			e.State.Now = request
			return true, nil
		}
		return false, ErrAsked
	})
}

// Remove removes a schedule and what is known of its ticks. Its jobs stay.
func (s *Store) Remove(ctx context.Context, name string) error {
	for range maxRaces {
		e, err := s.Load(ctx, name)
		if err != nil {
			return err
		}
		n, err := removeScript.Run(ctx, s.rdb, []string{keyOf(name), KeyDue, historyOf(name)}, name, e.ver).Int()
		if err != nil || n == 1 {
			return err
		}
	}
	return fmt.Errorf("schedule: the schedule %s is changed by others all the time", name)
}

// names are those of all schedules, in their order.
func (s *Store) names(ctx context.Context) ([]string, error) {
	names, err := s.rdb.ZRange(ctx, KeyDue, 0, -1).Result()
	slices.Sort(names)
	return names, err
}
