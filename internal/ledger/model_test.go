package ledger

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"
)

// TestLedger_Model lets workers take batches, commit, repeat themselves, die and come back from the dead in any order,
// and compares the ledger after every step with a model in memory.
func TestLedger_Model(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		job := 0
		rapid.Check(t, func(t *rapid.T) {
			job++
			m := newModel(t, New(rdb), rdb, fmt.Sprintf("job-%d", job))
			t.Repeat(map[string]func(*rapid.T){
				"":            m.check,
				"take":        m.take,
				"take over":   m.takeOver,
				"take again":  m.takeAgain,
				"commit":      m.commit,
				"repeat":      m.repeat,
				"lost commit": m.lostCommit,
				"lay down":    m.layDown,
				"fire":        m.fire,
				"jot":         m.jot,
				"lost fire":   m.lostFire,
				"control":     m.setControl,
				"finish":      m.finish,
				"flush":       m.flush,
			})
		})
	})
}

type model struct {
	l       *Ledger
	rdb     *redis.Client
	job     Job
	batches []*modelBatch
	control [Shards]Control
	done    map[int]bool
	ended   bool
	tokens  int
	holders []*holder
}

type modelBatch struct {
	outcomes []Outcome // those that were queued
	refused  int
	owner    *holder
	via      int
}

// holder is one stay of a batch with a worker.
type holder struct {
	held *Held
	seq  uint64
	last *Commit
	// granted is what last was answered.
	granted bool
	lost    bool // another took the batch over
	draft   *modelDraft
}

// modelDraft is a claim that was laid down.
type modelDraft struct {
	claim Changes
	// claimed are the batch's outcomes with it.
	claimed []Outcome
	fired   bool
	granted bool
	// jotted is the commit that was jotted down, and jot what it makes of the batch.
	jotted *Commit
	jot    []Outcome
}

func newModel(t *rapid.T, l *Ledger, rdb *redis.Client, id string) *model {
	// The last size has two batches in one shard.
	sizes := make([][2]int, rapid.SampledFrom([]int{1, 2, Shards + 1}).Draw(t, "batches"))
	for i := range sizes {
		sizes[i] = [2]int{rapid.IntRange(1, 4).Draw(t, "queued"), rapid.IntRange(0, 2).Draw(t, "refused")}
	}
	c := newContent(id, sizes...)
	m := &model{l: l, rdb: rdb, job: c.seal(t, l), done: map[int]bool{}}
	out := collect(t, l, m.job)
	for _, n := range sizes {
		m.batches = append(m.batches, &modelBatch{outcomes: out[:n[0]:n[0]], refused: n[1]})
		out = out[n[0]+n[1]:]
	}
	return m
}

// check compares everything that can be read with the model.
func (m *model) check(t *rapid.T) {
	got := collect(t, m.l, m.job)
	var want Counts
	for _, o := range got {
		want[o.State]++
	}
	counts, err := m.l.Counts(t.Context(), m.job.Spec.ID)
	if err != nil || counts != want || counts.Total() != m.job.Receipt.Total {
		t.Fatalf("counters %v, %v, outcomes %v", counts, err, want)
	}
	for i, b := range m.batches {
		if n := len(b.outcomes); len(got) < n+b.refused || !reflect.DeepEqual(got[:n], b.outcomes) {
			t.Fatalf("batch %d: got  %+v\nwant %+v", i, got, b.outcomes)
		}
		got = got[len(b.outcomes):]
		for _, o := range got[:b.refused] {
			if o.State != Rejected || o.Code != CodeRefused {
				t.Fatalf("batch %d: refused at the door, and now %+v", i, o)
			}
		}
		got = got[b.refused:]
	}
	if len(got) > 0 {
		t.Fatalf("outcomes of nobody: %+v", got)
	}
}

func (m *model) draw(t *rapid.T) (int, *modelBatch) {
	i := rapid.IntRange(0, len(m.batches)-1).Draw(t, "batch")
	return i, m.batches[i]
}

// pick draws one of the holders for which fits says so; the step is left out when there is none.
func (m *model) pick(t *rapid.T, fits func(*holder) bool) *holder {
	var some []*holder
	for _, h := range m.holders {
		if fits(h) {
			some = append(some, h)
		}
	}
	if len(some) == 0 {
		t.Skip("nobody")
	}
	return some[rapid.IntRange(0, len(some)-1).Draw(t, "holder")]
}

func (m *model) owns(h *holder) bool { return m.batches[h.held.Batch].owner == h }

func (m *model) token() string {
	m.tokens++
	return fmt.Sprintf("worker-%d/%d", m.tokens%3, m.tokens)
}

// take takes a batch that may have an owner; a wrong guess at a dead one does not help.
func (m *model) take(t *rapid.T) {
	i, b := m.draw(t)
	token, dead := m.token(), rapid.SampledFrom([]string{"", "worker-9/1"}).Draw(t, "dead")
	held, err := m.l.Take(t.Context(), m.job.Spec.ID, i, token, dead)
	if b.owner != nil {
		if !errors.Is(err, ErrLost) || held.Token != b.owner.held.Token {
			t.Fatalf("got owner %q, %v, want %q and ErrLost", held.Token, err, b.owner.held.Token)
		}
		return
	}
	if err != nil {
		t.Fatalf("Take: %v", err)
	}
	m.taken(t, b, &held)
}

func (m *model) takeOver(t *rapid.T) {
	h := m.pick(t, m.owns)
	held, err := m.l.Take(t.Context(), m.job.Spec.ID, h.held.Batch, m.token(), h.held.Token)
	if err != nil {
		t.Fatalf("Take: %v", err)
	}
	h.lost = true
	b := m.batches[h.held.Batch]
	if d := h.draft; d != nil && d.fired {
		b.outcomes = d.claimed
		if d.jotted != nil {
			b.outcomes = d.jot
		}
	}
	m.taken(t, b, &held)
}

// takeAgain is a Take whose answer was lost, or that the network delivers late.
func (m *model) takeAgain(t *rapid.T) {
	h := m.pick(t, m.owns)
	held, err := m.l.Take(t.Context(), m.job.Spec.ID, h.held.Batch, h.held.Token, "")
	if err != nil {
		t.Fatalf("Take: %v", err)
	}
	m.compare(t, m.batches[h.held.Batch], &held)
}

func (m *model) taken(t *rapid.T, b *modelBatch, held *Held) {
	m.compare(t, b, held)
	b.owner = &holder{held: held}
	m.holders = append(m.holders, b.owner)
}

func (m *model) compare(t *rapid.T, b *modelBatch, held *Held) {
	if held.Control != m.control[held.Batch%Shards] || held.Via != b.via || len(held.Records) != len(b.outcomes) {
		t.Fatalf("got %+v of %+v", held, b)
	}
	for i, o := range b.outcomes {
		rec := held.Records[i]
		if held.Recipients[i].To.String() != o.To || rec.State != o.State || int(rec.Attempts) != o.Attempts {
			t.Fatalf("position %d: got %+v and %+v, want %+v", i, held.Recipients[i], rec, o)
		}
	}
}

// draft makes a commit, and the outcomes of the batch that it leads to, without and with its claims.
func (m *model) draft(t *rapid.T, h *holder) (c *Commit, without, with []Outcome) {
	b := m.batches[h.held.Batch]
	c = &Commit{Seq: h.seq + 1, Via: rapid.IntRange(-1, 1).Draw(t, "via")}
	without = append([]Outcome(nil), b.outcomes...)
	if d := h.draft; d != nil {
		c.Drafted = true
		if d.granted {
			c.Records.Precede(&d.claim)
			without = append([]Outcome(nil), d.claimed...)
		}
	}
	set := func(ch *Changes, out []Outcome, i int, to State) {
		rec := Record{
			State: to, Attempts: rapid.Uint8().Draw(t, "attempts"), Account: uint8(rapid.IntRange(0, 1).Draw(t, "account")),
			At: rapid.Int64Range(1, 1<<48-1).Draw(t, "at"),
		}
		note, id := anyNote().Draw(t, "note"), anyID().Draw(t, "id")
		rec.Note, rec.ID = h.held.Side.Note(note), h.held.Side.ID(id)
		ch.Set(i, out[i].State, rec)
		out[i] = m.outcome(out[i], rec, note, id)
	}
	position := rapid.IntRange(0, len(b.outcomes)-1)
	state := rapid.Map(rapid.IntRange(0, NumStates-1), func(n int) State { return State(n) })
	for range rapid.IntRange(0, 3).Draw(t, "records") {
		set(&c.Records, without, position.Draw(t, "position"), state.Draw(t, "state"))
	}
	with = append([]Outcome(nil), without...)
	if c.Release = rapid.IntRange(0, 4).Draw(t, "release") == 0; !c.Release {
		for range rapid.IntRange(0, 3).Draw(t, "claims") {
			set(&c.Claims, with, position.Draw(t, "position"), Sending)
		}
	}
	c.Compact = rapid.Bool().Draw(t, "compact")
	c.SideAt, c.Side = h.held.Side.Take()
	return c, without, with
}

func (m *model) commit(t *rapid.T) {
	h := m.pick(t, m.owns)
	b, ctl := m.batches[h.held.Batch], m.control[h.held.Batch%Shards]
	var c *Commit
	var without, with []Outcome
	if d := h.draft; d != nil && d.jotted != nil {
		c, without, with = d.jotted, d.jot, d.jot
	} else {
		c, without, with = m.draft(t, h)
	}
	granted, word, err := m.l.Commit(t.Context(), h.held, c)
	if err != nil {
		t.Fatalf("Commit: %v", err)
	}
	if want := ctl == Run && !c.Claims.Empty(); granted != want || word != ctl {
		t.Fatalf("got granted %v and %q, want %v and %q", granted, word, want, ctl)
	}
	b.outcomes = without
	if granted {
		b.outcomes = with
	}
	if c.Via >= 0 {
		b.via = c.Via
	}
	if c.Release {
		b.owner = nil
	}
	h.seq, h.last, h.granted, h.draft = c.Seq, c, granted, nil
}

// layDown drafts the claim of a batch of which everybody is queued.
func (m *model) layDown(t *rapid.T) {
	queued := func(o Outcome) bool { return o.State == Queued }
	h := m.pick(t, func(h *holder) bool {
		return m.owns(h) && h.draft == nil && !slices.ContainsFunc(m.batches[h.held.Batch].outcomes, func(o Outcome) bool { return !queued(o) })
	})
	d := &modelDraft{claimed: slices.Clone(m.batches[h.held.Batch].outcomes)}
	rec := Record{State: Sending, Attempts: 1, At: rapid.Int64Range(1, 1<<48-1).Draw(t, "at")}
	d.claim.SetAll(0, len(d.claimed), Queued, rec)
	for i := range d.claimed {
		d.claimed[i] = m.outcome(d.claimed[i], rec, Note{}, "")
	}
	if err := m.l.Draft(t.Context(), h.held, &d.claim); err != nil {
		t.Fatalf("Draft: %v", err)
	}
	h.draft = d
}

// outcome is what a record makes of a recipient.
func (m *model) outcome(o Outcome, rec Record, note Note, id string) Outcome {
	o.State, o.Attempts, o.Account, o.At = rec.State, int(rec.Attempts), m.job.Spec.Accounts[rec.Account], rec.At
	o.Code, o.Detail, o.ID = note.Code, note.Detail, id
	return o
}

// fire claims what was laid down, also again, because the answer was lost.
func (m *model) fire(t *rapid.T) {
	h := m.pick(t, func(h *holder) bool { return m.owns(h) && h.draft != nil && h.draft.jotted == nil })
	granted, word, err := m.l.Fire(t.Context(), h.held)
	ctl := m.control[h.held.Batch%Shards]
	if err != nil || granted != (ctl == Run) || word != ctl {
		t.Fatalf("got granted %v, %q, %v, want %q", granted, word, err, ctl)
	}
	h.draft.fired, h.draft.granted = true, granted
}

// jot writes down in short what came of a call that was fired, also again.
func (m *model) jot(t *rapid.T) {
	h := m.pick(t, func(h *holder) bool { return m.owns(h) && h.draft != nil && h.draft.granted })
	d := h.draft
	if d.jotted == nil {
		c := &Commit{Seq: h.seq + 1, Via: -1, Drafted: true, Release: rapid.Bool().Draw(t, "release")}
		d.jot = slices.Clone(d.claimed)
		to := rapid.SampledFrom([]State{Accepted, Delivered, Rejected, Unknown}).Draw(t, "state")
		rec := Record{Attempts: 1}
		note := anyNote().Draw(t, "note")
		for i := range d.jot {
			id := anyID().Draw(t, "id")
			if rec.State = to; i > 0 && rapid.Bool().Draw(t, "not called for") {
				rec.State = Queued
			}
			rec.At = rapid.Int64Range(1, 1<<48-1).Draw(t, "at")
			rec.Note, rec.ID = h.held.Side.Note(note), h.held.Side.ID(id)
			c.Records.Set(i, Sending, rec)
			d.jot[i] = m.outcome(d.jot[i], rec, note, id)
		}
		c.Records.Precede(&d.claim)
		c.SideAt, c.Side = h.held.Side.Take()
		if d.jotted = c; !c.Jottable() {
			t.Fatalf("%+v cannot be jotted down", c)
		}
	}
	if err := m.l.Jot(t.Context(), h.held, d.jotted); err != nil {
		t.Fatalf("Jot: %v", err)
	}
}

// lostFire is of one who lost the batch and does not know it.
func (m *model) lostFire(t *rapid.T) {
	h := m.pick(t, func(h *holder) bool { return h.lost && h.draft != nil })
	if granted, _, err := m.l.Fire(t.Context(), h.held); granted || !errors.Is(err, ErrLost) {
		t.Fatalf("got granted %v, %v, want ErrLost", granted, err)
	}
	if h.draft.jotted == nil {
		return
	}
	if err := m.l.Jot(t.Context(), h.held, h.draft.jotted); err != nil {
		t.Fatalf("Jot: %v", err)
	}
}

// repeat sends a holder's last commit again, however late.
func (m *model) repeat(t *rapid.T) {
	h := m.pick(t, func(h *holder) bool { return h.last != nil })
	b := m.batches[h.held.Batch]
	granted, word, err := m.l.Commit(t.Context(), h.held, h.last)
	if m.owns(h) || !h.lost && b.owner == nil {
		if err != nil || granted != h.granted || word != m.control[h.held.Batch%Shards] {
			t.Fatalf("got granted %v, %q, %v; the first answer was %v", granted, word, err, h.granted)
		}
		return
	}
	if granted || !errors.Is(err, ErrLost) {
		t.Fatalf("got granted %v, %v, want ErrLost", granted, err)
	}
}

// lostCommit is a commit of one who lost the batch and does not know it.
func (m *model) lostCommit(t *rapid.T) {
	h := m.pick(t, func(h *holder) bool { return h.lost })
	c, _, _ := m.draft(t, h)
	if granted, _, err := m.l.Commit(t.Context(), h.held, c); granted || !errors.Is(err, ErrLost) {
		t.Fatalf("got granted %v, %v, want ErrLost", granted, err)
	}
}

// setControl writes the control word of one shard, as pausing and cancelling do shard by shard.
func (m *model) setControl(t *rapid.T) {
	i, _ := m.draw(t)
	word := rapid.SampledFrom([]Control{Run, Run, Paused, Withdrawn}).Draw(t, "word")
	key := countsKey(m.job.Spec.ID, i%Shards)
	err := m.rdb.HSet(t.Context(), key, "ctl", string(word)).Err()
	if word == Run {
		err = m.rdb.HDel(t.Context(), key, "ctl").Err()
	}
	if err != nil {
		t.Fatal(err)
	}
	m.control[i%Shards] = word
}

func (m *model) finish(t *rapid.T) {
	i, _ := m.draw(t)
	p, err := m.l.Finish(t.Context(), m.job.Spec.ID, i, time.UnixMilli(1))
	if err != nil {
		t.Fatalf("Finish: %v", err)
	}
	m.done[i] = true
	want := Progress{Done: len(m.done), Batches: len(m.batches), Ended: len(m.done) == len(m.batches) && !m.ended}
	if p != want {
		t.Fatalf("got %+v, want %+v", p, want)
	}
	m.ended = m.ended || p.Ended
}

func (m *model) flush(t *rapid.T) {
	if err := m.rdb.ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
}
