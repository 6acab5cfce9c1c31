package ogangi

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// Poll asks getMessage about a message that sendSMS gave the ID of. The final words are those that Message.Fate takes for
// Delivered or Undelivered; after "sent" words the platform may never say more.
func (a *Adapter) Poll(ctx context.Context, id string) ([]providers.Report, error) {
	m, err := a.client.Message(ctx, id)
	if err != nil {
		return nil, err
	}
	if m.Status == "" {
		return nil, nil
	}
	to, _ := sms.ParseMSISDN(m.To) // zero where the platform names none
	return []providers.Report{{
		Fate: m.Fate(), To: to, ID: id, Code: word(m.Status),
		Detail: a.client.detail(m.Description, m.Text),
	}}, nil
}

const (
	// inboxPage is how many messages PollInbound asks for at a time, and inboxPages how often at most.
	inboxPage  = 100
	inboxPages = 50
	// overlap is how much before the asked time PollInbound reads: messages may be late, and clocks differ. Without a time
	// zone the platform's clock may differ by any.
	overlap        = 15 * time.Minute
	overlapAnyZone = 24 * time.Hour
)

// PollInbound reads getMOMessages from the newest message back to the first page that has none of after since, is empty or
// repeats, and at most 5,000 messages. Pages overlap when messages come in meanwhile; each is returned once. Messages of the 15 minutes before
// since may be among them, and of the day before it when Options name no Zone.
//
// A platform that begins with page 1 is asked for page 0 in vain; see Client.MOMessages.
func (a *Adapter) PollInbound(ctx context.Context, since time.Time) ([]providers.Inbound, error) {
	loc, since := time.UTC, since.Add(-overlapAnyZone)
	if a.opts.Zone != nil {
		loc, since = a.opts.Zone, since.Add(overlapAnyZone-overlap)
	}
	var found []providers.Inbound
	seen := map[string]bool{}
	done := func(err *providers.Error) ([]providers.Inbound, error) {
		slices.SortStableFunc(found, func(a, b providers.Inbound) int { return a.At.Compare(b.At) })
		return found, asError(err)
	}
	for page := range inboxPages {
		in, err := a.client.moMessages(ctx, page, inboxPage, Filter{Order: NewestFirst})
		if err != nil && (page > 0 || normal(err.Code) != callError) {
			return done(err)
		}
		fresh, old := 0, 0
		for _, m := range in.Messages {
			got, ok := m.Inbound(loc)
			if !got.At.IsZero() && got.At.Before(since) {
				old++
			}
			if seen[got.ID] {
				continue
			}
			seen[got.ID] = true
			fresh++
			if ok {
				found = append(found, got)
			}
		}
		n := len(in.Messages)
		switch {
		case n > 0 && old == n, n > 0 && len(seen) >= in.Records && in.Records > 0, page > 0 && fresh == 0:
			return done(nil)
		}
	}
	return done(&providers.Error{
		Kind: providers.Unavailable, Provider: provider,
		Detail: fmt.Sprintf("more than %d inbound messages wait: poll more often", inboxPage*inboxPages),
	})
}

// pushWindow is how long the same text of the same handset counts as a repetition: a push has neither an identifier nor a time.
const pushWindow = 10 * time.Minute

// Receive reads a pushed inbound message: a form with "mobile", the handset, and "mo", its text. It has no signature, no time
// and no identifier; the same form twice within 10 minutes by the clock has the same ID.
func (a *Adapter) Receive(p providers.Push) (providers.Pushed, error) {
	form, err := url.ParseQuery(string(p.Body))
	if err != nil {
		return providers.Pushed{}, fmt.Errorf("ogangi: %w: it is not a form", providers.ErrMalformed)
	}
	from, err := sms.ParseMSISDN(form.Get("mobile"))
	switch {
	case err != nil:
		return providers.Pushed{}, fmt.Errorf("ogangi: %w: mobile is not a number", providers.ErrMalformed)
	case form.Get("mo") == "":
		return providers.Pushed{}, fmt.Errorf("ogangi: %w: mo, the text, is missing", providers.ErrMalformed)
	}
	now := a.client.now()
	window := now.Truncate(pushWindow).UTC().Format(time.RFC3339)
	return providers.Pushed{Inbound: []providers.Inbound{{
		ID: hashID(form.Encode(), window), From: from, Text: strings.ToValidUTF8(form.Get("mo"), "\uFFFD"), At: now,
	}}}, nil
}

// Ack is empty: the platform looks at the status alone.
func (a *Adapter) Ack() string { return "" }
