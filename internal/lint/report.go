package lint

import (
	"cmp"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/volleysms/volley/sms"
)

// Report says what a campaign will be. Its numbers add up: Rows are Refused, Duplicates, Suppressed and Send together.
type Report struct {
	// Rows are those that were read.
	Rows int64 `json:"rows"`
	// Refused can't be sent to, for the Reasons.
	Refused    int64    `json:"refused_count"`
	Reasons    []Reason `json:"refused"`
	Duplicates int64    `json:"duplicates"`
	// Suppressed have opted out; nil when that is not known. Then they are among Send.
	Suppressed *int64 `json:"suppressed"`
	// Send is how many messages there will be.
	Send      int64     `json:"send"`
	Countries []Country `json:"countries"`
	Lengths   []Length  `json:"lengths"`
	// Segments is how many all messages have together.
	Segments int64      `json:"segments"`
	Accounts []Spending `json:"accounts"`
	// Seconds is how long it takes at the accounts' limits; nil when one of them has none.
	Seconds *float64 `json:"seconds"`
	// Cost is what all of it costs, one for each currency. Where an account has no price there is none.
	Cost       []Money  `json:"cost"`
	Characters []Sign   `json:"characters"`
	Samples    []Sample `json:"samples"`
	// Warnings are sentences.
	Warnings []string `json:"warnings"`

	suppressed int64
}

// Reason is why recipients are refused.
type Reason struct {
	Reason string `json:"reason"`
	Count  int64  `json:"count"`
}

// Country is how many recipients a country has; the empty one is none.
type Country struct {
	Country    string `json:"country"`
	Recipients int64  `json:"recipients"`
}

// Length is how many messages travel in the same way.
type Length struct {
	Encoding string `json:"encoding"`
	// Segments are those of one message.
	Segments int   `json:"segments"`
	Messages int64 `json:"messages"`
}

// Spending is what an account has to do.
type Spending struct {
	Account    string `json:"account"`
	Recipients int64  `json:"recipients"`
	Calls      int64  `json:"calls"`
	Segments   int64  `json:"segments"`
	// Seconds is how long it takes at the account's limits, and LimitedBy which of them that is: "rate", "recipients" or
	// "segments". Without a limit they are nil and empty.
	Seconds   *float64 `json:"seconds"`
	LimitedBy string   `json:"limited_by,omitempty"`
	// Cost is nil when no price is configured.
	Cost *Money `json:"cost"`
}

// Sample is one message.
type Sample struct {
	// Why it was chosen: "first", "longest" or "ucs2".
	Why string `json:"why"`
	Row uint64 `json:"row"`
	// To is masked.
	To       string `json:"to"`
	Text     string `json:"text"`
	Encoding string `json:"encoding"`
	Segments int    `json:"segments"`
}

// spent is what an account has to do so far.
type spent struct {
	recipients, calls, segments, micros int64
}

// paceSlack is by how much moments are spaced wider than the limit says, so that lateness never makes a second too full.
const paceSlack = 1.035

// maxFirst is how many of the first messages are samples.
const maxFirst = 3

// sample keeps the message when it is one to be shown.
func (l *Linter) sample(text string, size sms.Size, to sms.MSISDN, row uint64) {
	one := func(why string) Sample {
		return Sample{why, row, to.Masked(), text, size.Encoding.String(), size.Segments}
	}
	first, longest, ucs2 := 0, -1, -1
	for i, s := range l.report.Samples {
		switch s.Why {
		case "first":
			first++
		case "longest":
			longest = i
		case "ucs2":
			ucs2 = i
		}
	}
	switch {
	case first < maxFirst:
		l.report.Samples = append(l.report.Samples, one("first"))
	case size.Encoding == sms.UCS2 && ucs2 < 0:
		l.report.Samples = append(l.report.Samples, one("ucs2"))
	case longest < 0:
		l.report.Samples = append(l.report.Samples, one("longest"))
	case utf8.RuneCountInString(text) > utf8.RuneCountInString(l.report.Samples[longest].Text):
		l.report.Samples[longest] = one("longest")
	}
}

// Report ends the campaign.
func (l *Linter) Report() (*Report, error) {
	for _, b := range l.batches {
		if err := l.flush(b); err != nil {
			return nil, err
		}
	}
	r := &l.report
	if l.o.Suppressed != nil {
		r.Suppressed = &r.suppressed
	}
	r.Reasons = []Reason{}
	for reason, n := range l.reasons {
		r.Reasons = append(r.Reasons, Reason{reason, n})
	}
	slices.SortFunc(r.Reasons, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reason, b.Reason))
	})
	r.Countries = []Country{}
	for country, n := range l.places {
		r.Countries = append(r.Countries, Country{country, n})
	}
	slices.SortFunc(r.Countries, func(a, b Country) int {
		return cmp.Or(cmp.Compare(b.Recipients, a.Recipients), cmp.Compare(a.Country, b.Country))
	})
	r.Lengths = []Length{}
	for k, n := range l.lengths {
		r.Lengths = append(r.Lengths, Length{k.encoding.String(), k.segments, n})
	}
	slices.SortFunc(r.Lengths, func(a, b Length) int {
		return cmp.Or(cmp.Compare(a.Encoding, b.Encoding), cmp.Compare(a.Segments, b.Segments))
	})
	if r.Samples == nil {
		r.Samples = []Sample{}
	}
	r.Characters = l.signs.list()
	l.spend()
	l.warn()
	return r, nil
}

// spend works out what the accounts need.
func (l *Linter) spend() {
	r := &l.report
	r.Accounts, r.Cost = []Spending{}, []Money{}
	totals := map[string]int64{}
	var longest float64
	bounded := true
	for name, s := range l.spent {
		a := l.o.Accounts[name]
		out := Spending{Account: name, Recipients: s.recipients, Calls: s.calls, Segments: s.segments}
		for _, limit := range []struct {
			by    string
			n     int64
			limit float64
		}{{"rate", s.calls, a.Calls}, {"recipients", s.recipients, a.Recipients}, {"segments", s.segments, a.Segments}} {
			if limit.limit <= 0 {
				continue
			}
			if took := float64(limit.n) / limit.limit * paceSlack; out.Seconds == nil || took > *out.Seconds {
				out.Seconds, out.LimitedBy = &took, limit.by
			}
		}
		if out.Seconds != nil {
			longest = max(longest, *out.Seconds)
		} else {
			bounded = false
		}
		if a.Price != nil {
			out.Cost = money(a.Price.Currency, s.micros)
			totals[a.Price.Currency] += s.micros
		}
		r.Accounts = append(r.Accounts, out)
	}
	slices.SortFunc(r.Accounts, func(a, b Spending) int { return cmp.Compare(a.Account, b.Account) })
	if bounded && len(r.Accounts) > 0 {
		r.Seconds = &longest
	}
	for currency, micros := range totals {
		r.Cost = append(r.Cost, *money(currency, micros))
	}
	slices.SortFunc(r.Cost, func(a, b Money) int { return cmp.Compare(a.Currency, b.Currency) })
}

func code(r rune) string { return fmt.Sprintf("%U", r) }
