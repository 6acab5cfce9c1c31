package ledger

import (
	"slices"

	"github.com/volleysms/volley/sms"
)

// reporting is one batch while reports are applied to it.
type reporting struct {
	of       *BatchReports
	accounts []string
	numbers  []sms.MSISDN // nil unless some report needs them
	records  []Record
	side     *SideView // nil unless some report needs it
	stored   []byte
	reports  *reported
	delta    Changes
	changed  bool
}

func (b *reporting) load(recipients []byte, v []any) (err error) {
	n := 0
	if numbers, _ := needs(b.of.Reports); numbers {
		if b.numbers, err = DecodeNumbers(recipients); err != nil {
			return err
		}
		n = len(b.numbers)
	} else if n, err = batchLen(recipients); err != nil {
		return err
	}
	o, _ := v[0].(string)
	d, _ := v[1].(string)
	if b.records, err = ReadRecords([]byte(o), n); err != nil {
		return err
	}
	b.stored = []byte(d)
	if b.reports, err = readReported(b.stored, n); err != nil {
		return err
	}
	if len(v) > 2 {
		x, _ := v[2].(string)
		b.side, err = ReadSide([]byte(x))
	}
	return err
}

// accountsNeeded is how many accounts the job has at least, by its outcomes.
func (b *reporting) accountsNeeded() (n int) {
	for i := range b.records {
		n = max(n, int(b.records[i].Account)+1)
	}
	return n
}

func (b *reporting) run() {
	for i := range b.of.Reports {
		b.of.Verdicts[i] = b.judge(&b.of.Reports[i])
	}
}

// judge applies one report.
func (b *reporting) judge(r *Report) Verdict {
	i := b.position(r)
	if i < 0 || i >= len(b.records) {
		return Nobody
	}
	rec := b.records[i]
	switch since := b.reports.sinceOf(i); {
	case since == 0:
	case r.Round >= since:
	case r.Round >= 0:
		return Stale
	case !rec.State.Open() && b.otherID(rec, r):
		return Stale
	}
	if rec.State.Open() {
		return Early
	}
	if int(rec.Account) >= len(b.accounts) || b.accounts[rec.Account] != r.Account {
		return Stale
	}
	is := b.reports.over(i, rec).State
	if 0 < r.Attempt && r.Attempt < int(rec.Attempts) {
		// Of a call before the last only that it was delivered counts, and then it does whatever came of the last.
		switch {
		case r.State != Delivered:
			return Stale
		case is == Undelivered:
			b.write(i, rec, is, r.State, r)
			return Applied
		}
	}
	says := r.State
	switch {
	case says == Queued, says == Unknown && rec.State == Unknown, says == Accepted && is == Unknown && rec.State == Accepted:
		says = is // words alone
	}
	switch {
	case !mayChange(is, says), is == says && !b.newer(i, r):
		return Known
	case is != says && (says == Accepted || says == Unknown) && !b.newer(i, r):
		b.delta.count(is, says, 1)
		b.reports.records[i].State, b.changed = says, true // with the words that came later than these
		return Applied
	}
	b.write(i, rec, is, says, r)
	return Applied
}

// mayChange reports whether a report may change who is in a state.
func mayChange(is, says State) bool {
	switch is {
	case Accepted, Unknown:
		return true
	case Failed, Rejected:
		return says == Delivered
	}
	return false
}

// newer reports whether r is later than what was reported about i before.
func (b *reporting) newer(i int, r *Report) bool {
	was := b.reports.records[i]
	if was.State == Queued || was.At != r.At {
		return was.At < r.At
	}
	note := b.reports.texts.Note(was.Note)
	return note.Code < r.Note.Code || note.Code == r.Note.Code && note.Detail < r.Note.Detail
}

// write makes says of who is in a state, with what r has beside that.
func (b *reporting) write(i int, rec Record, is, says State, r *Report) {
	to := Record{State: says, At: r.At, Note: b.reports.note(r.Note), ID: b.reports.records[i].ID}
	if rec.ID == 0 && to.ID == 0 {
		to.ID = b.reports.id(r.ID)
	}
	b.delta.count(is, says, 1)
	b.reports.records[i] = to
	b.changed = true
}

// position returns the position of the recipient that r is about, negative when there is none.
func (b *reporting) position(r *Report) int {
	switch {
	case r.Position >= 0:
		return r.Position
	case r.To != 0:
		return slices.Index(b.numbers, r.To)
	case r.ID == "":
		return -1
	}
	found := -1
	for i, rec := range b.records {
		if b.side.ID(rec.ID) != r.ID {
			continue
		}
		if found >= 0 {
			return -1 // a call's identifier, and no word of whom in it is meant
		}
		found = i
	}
	return found
}

// otherID reports whether both the record and the report have an identifier, and they differ.
func (b *reporting) otherID(rec Record, r *Report) bool {
	if b.side == nil || r.ID == "" {
		return false
	}
	id := b.side.ID(rec.ID)
	return id != "" && id != r.ID
}
