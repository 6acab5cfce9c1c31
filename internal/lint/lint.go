// Package lint works out what a campaign will be before it is one: how its texts travel, in how many calls, for how long, and
// what they cost. It looks at each recipient once, and holds one batch for each part of the route.
package lint

import (
	"slices"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/countries"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/plan"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// Account is what an account allows and costs.
type Account struct {
	// Limits are those of one call.
	Limits providers.Limits
	// Calls, Recipients and Segments are for a second; 0 is no limit.
	Calls, Recipients, Segments float64
	// Price is nil when it is not known.
	Price *Price
}

// Options are what a campaign is sent with.
type Options struct {
	// Text is the template, From the sender ID, and Fields the names of the recipients' values.
	Text   string
	From   sms.SenderID
	Fields []string
	// Accounts are those of the route by their names.
	Accounts map[string]Account
	// Suppressed says, at the same index, who has opted out of what an account sends; nil when that is not known.
	Suppressed func(account string, to []sms.MSISDN) ([]bool, error)
}

// maxReasons bounds the reasons that are told apart.
const maxReasons = 100

// Linter looks at one recipient after the other. It is not safe for concurrent use.
type Linter struct {
	o       Options
	tmpl    *sms.Template
	order   []int // the position among Fields of each of the template's
	report  Report
	reasons map[string]int64
	places  map[string]int64
	lengths map[length]int64
	signs   signs
	batches []*batch
	spent   map[string]*spent
	text    []byte
}

// length is how a message travels.
type length struct {
	encoding sms.Encoding
	segments int
}

// batch gathers recipients of one part of the route.
type batch struct {
	leg     int
	account string
	items   []plan.Item
	rows    []uint64
}

// New returns a Linter. The error is about the text.
func New(o Options) (*Linter, error) {
	t, err := sms.ParseTemplate(o.Text)
	if err != nil {
		return nil, err
	}
	l := &Linter{
		o: o, tmpl: t, reasons: map[string]int64{}, places: map[string]int64{}, lengths: map[length]int64{}, spent: map[string]*spent{},
		signs: newSigns(o.Text),
	}
	for _, f := range t.Fields() {
		i := slices.Index(o.Fields, f)
		if i < 0 {
			return nil, sms.InvalidError("the text asks for the field " + f + ", which the recipients have not")
		}
		l.order = append(l.order, i)
	}
	return l, nil
}

// Add takes the next recipient, which may be written over afterwards. The error is one of Options.Suppressed.
func (l *Linter) Add(j *enqueue.Judged) error {
	l.report.Rows++
	switch {
	case j.Duplicate:
		l.report.Duplicates++
		return nil
	case j.Reason != "":
		l.refuse(j.Reason, 1)
		return nil
	}
	b := l.batch(j.Leg, j.Account)
	it := plan.Item{Index: len(b.items), To: j.MSISDN}
	if len(l.order) > 0 {
		it.Values = make([]string, len(l.order))
		for i, k := range l.order {
			it.Values[i] = j.Values[k]
		}
	}
	b.items, b.rows = append(b.items, it), append(b.rows, j.Row)
	if len(b.items) >= ledger.BatchSize(l.report.Rows) { // as many are planned together by a worker
		return l.flush(b)
	}
	return nil
}

func (l *Linter) refuse(reason string, n int64) {
	if _, ok := l.reasons[reason]; !ok && len(l.reasons) >= maxReasons {
		reason = "other reasons"
	}
	l.reasons[reason] += n
	l.report.Refused += n
}

func (l *Linter) batch(leg int, account string) *batch {
	for _, b := range l.batches {
		if b.leg == leg {
			return b
		}
	}
	b := &batch{leg: leg, account: account}
	l.batches = append(l.batches, b)
	return b
}

// flush measures and plans what has gathered.
func (l *Linter) flush(b *batch) error {
	if err := l.leaveOut(b); err != nil {
		return err
	}
	account := l.o.Accounts[b.account]
	calls, refused := plan.Plan(plan.Input{From: l.o.From, Template: l.tmpl, Items: b.items}, account.Limits)
	s := l.spent[b.account]
	if s == nil {
		s = &spent{}
		l.spent[b.account] = s
	}
	s.calls += int64(len(calls))
	never := make([]bool, len(b.items))
	for _, r := range refused {
		never[r.Index] = true
		l.refuse(b.account+": "+r.Reason, 1)
	}
	for i := range b.items {
		if !never[i] {
			l.measure(s, account.Price, &b.items[i], b.rows[i])
		}
	}
	b.items, b.rows = b.items[:0], b.rows[:0]
	return nil
}

// leaveOut takes out of a batch who has opted out.
func (l *Linter) leaveOut(b *batch) error {
	if l.o.Suppressed == nil || len(b.items) == 0 {
		return nil
	}
	to := make([]sms.MSISDN, len(b.items))
	for i := range b.items {
		to[i] = b.items[i].To
	}
	out, err := l.o.Suppressed(b.account, to)
	if err != nil {
		return err
	}
	kept := 0
	for i := range b.items {
		if out[i] {
			l.report.suppressed++
			continue
		}
		b.items[kept], b.rows[kept] = b.items[i], b.rows[i]
		b.items[kept].Index = kept
		kept++
	}
	b.items, b.rows = b.items[:kept], b.rows[:kept]
	return nil
}

// measure counts one message.
func (l *Linter) measure(s *spent, price *Price, it *plan.Item, row uint64) {
	l.text = l.tmpl.Render(l.text[:0], it.Values)
	text := string(l.text)
	size := sms.Measure(text)
	l.lengths[length{size.Encoding, size.Segments}]++
	l.places[countries.Of(it.To)]++
	l.report.Send++
	l.report.Segments += int64(size.Segments)
	s.recipients++
	s.segments += int64(size.Segments)
	if price != nil {
		s.micros += int64(size.Segments) * price.of(it.To)
	}
	if size.Encoding == sms.UCS2 {
		l.signs.look(text, size.Segments)
	}
	l.signs.garbled(text, row)
	l.sample(text, size, it.To, row)
}
