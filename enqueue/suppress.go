package enqueue

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/volleysms/volley/internal/suppress"
	"github.com/volleysms/volley/sms"
)

// MaxWhy is the length in bytes of the reason why a number is on a list of opt-outs.
const MaxWhy = 100

// Suppression is an entry on a list of opt-outs. Who is on one is sent nothing through the accounts that it is for: workers
// look before each call, also for jobs that were enqueued before.
type Suppression struct {
	// To is the MSISDN's digits.
	To string `json:"to"`
	// Account is whose list it is; empty is the list for all accounts.
	Account string `json:"account"`
	// At is when it was put there, by the second.
	At time.Time `json:"at"`
	// Source is who put it there: stop for a message from the handset, cli, import or api; empty is not known.
	Source string `json:"source"`
	// Reason is for people; may be empty.
	Reason string `json:"reason"`
}

// SuppressOptions say on which list numbers are put, and why.
type SuppressOptions struct {
	// Account is whose list it is; empty is the list for all accounts.
	Account string
	// Source is stop, cli, import or api; empty is api.
	Source string
	// Reason is for people, at most MaxWhy bytes; may be empty. About 250 different ones are kept.
	Reason string
	// At is when they opted out; the zero time is now.
	At time.Time
}

// Suppressed says what became of numbers that were put on a list, or taken off.
type Suppressed struct {
	// Changed were put on the list, or taken off; Unchanged were there before, or were not.
	Changed   int64 `json:"changed"`
	Unchanged int64 `json:"unchanged"`
	// Refused lists the first 100 of the refused numbers.
	Refused      []Refused `json:"refused"`
	RefusedCount int64     `json:"refused_count"`
}

// Suppress puts numbers, as people type them, on a list of opt-outs. Once it has returned without an error no further call is
// made to them: it waits until every worker knows, usually a quarter of a second, at most three seconds. Those that are on it
// keep their time and reason. The error is an *InvalidError, ErrUnreachable or what Redis said; the same call may be repeated.
func (c *Client) Suppress(ctx context.Context, o SuppressOptions, numbers ...string) (Suppressed, error) {
	return c.SuppressStream(ctx, o, each(numbers), nil)
}

// SuppressStream is Suppress with the numbers as a stream, in bounded memory. What was read before an error is on the list.
// refused, when not nil, is called with each number that is refused; Row counts from 1.
func (c *Client) SuppressStream(ctx context.Context, o SuppressOptions, numbers iter.Seq2[string, error], refused func(Refused)) (Suppressed, error) {
	if o.Source == "" {
		o.Source = "api"
	}
	if o.At.IsZero() {
		o.At = time.Now()
	}
	switch {
	case !slices.Contains([]string{"stop", "cli", "import", "api"}, o.Source):
		return Suppressed{}, invalid("source", "must be stop, cli, import or api")
	case len(o.Reason) > MaxWhy || !utf8.ValidString(o.Reason) || strings.ContainsFunc(o.Reason, func(r rune) bool { return r < ' ' }):
		return Suppressed{}, invalid("reason", "must be at most %d bytes of UTF-8 on one line", MaxWhy)
	}
	why := suppress.Why{Source: o.Source, Reason: o.Reason}
	done, err := c.changeList(ctx, o.Account, numbers, refused, func(some []sms.MSISDN) (int, error) {
		return c.lists().Add(ctx, o.Account, why, o.At, some...)
	})
	if err == nil {
		err = reached(ctx, c.lists().Await(ctx, c.ledger.Workers))
	}
	return done, err
}

// Unsuppress takes numbers off a list; account is as in SuppressOptions. Errors are as with Suppress.
func (c *Client) Unsuppress(ctx context.Context, account string, numbers ...string) (Suppressed, error) {
	return c.changeList(ctx, account, each(numbers), nil, func(some []sms.MSISDN) (int, error) {
		return c.lists().Remove(ctx, account, some...)
	})
}

// SuppressionsOf returns the entries of a number, that on the list for all accounts first.
func (c *Client) SuppressionsOf(ctx context.Context, to sms.MSISDN) ([]Suppression, error) {
	entries, err := c.lists().Of(ctx, to)
	out := make([]Suppression, len(entries))
	for i := range entries {
		out[i] = suppression(&entries[i])
	}
	return out, reached(ctx, err)
}

// Suppressions yields the entries of a list, in no order and in bounded memory; account is as in SuppressOptions.
func (c *Client) Suppressions(ctx context.Context, account string) iter.Seq2[Suppression, error] {
	return func(yield func(Suppression, error) bool) {
		for e, err := range c.lists().Entries(ctx, account) {
			if !yield(suppression(&e), reached(ctx, err)) {
				return
			}
		}
	}
}

// SuppressionCounts returns how many numbers are on each list, by account; the list for all accounts has the empty name.
// Lists without a number are left out.
func (c *Client) SuppressionCounts(ctx context.Context) (map[string]int64, error) {
	counts, err := c.lists().Counts(ctx)
	out := map[string]int64{}
	for _, n := range counts {
		out[n.List] = n.N
	}
	return out, reached(ctx, err)
}

func (c *Client) lists() *suppress.Lists { return suppress.New(c.rdb) }

func suppression(e *suppress.Entry) Suppression {
	return Suppression{To: e.To.String(), Account: e.List, At: e.At, Source: e.Source, Reason: e.Reason}
}

func each(numbers []string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, n := range numbers {
			if !yield(n, nil) {
				return
			}
		}
	}
}

// perChange is how many numbers of a list are changed at a time.
const perChange = 1 << 16

// changeList changes a list by numbers as they come.
func (c *Client) changeList(
	ctx context.Context, account string, numbers iter.Seq2[string, error], refused func(Refused), change func([]sms.MSISDN) (int, error),
) (Suppressed, error) {
	done := Suppressed{Refused: []Refused{}}
	if err := c.listOf(ctx, account); err != nil {
		return done, err
	}
	var some []sms.MSISDN
	flush := func() error {
		if len(some) == 0 {
			return nil
		}
		n, err := change(some)
		done.Changed += int64(n)
		if err == nil {
			done.Unchanged += int64(len(some) - n)
		}
		some = some[:0]
		return reached(ctx, err)
	}
	row := uint64(0)
	for text, err := range numbers {
		if err != nil {
			return done, errors.Join(err, flush())
		}
		row++
		n, err := sms.ParseMSISDN(text)
		if err != nil {
			r := Refused{To: clip(text, maxRefusedTo), Row: row, Reason: err.Error()}
			if len(done.Refused) < maxListed {
				done.Refused = append(done.Refused, r)
			}
			if done.RefusedCount++; refused != nil {
				refused(r)
			}
			continue
		}
		if some = append(some, n); len(some) == perChange {
			if err := flush(); err != nil {
				return done, err
			}
		}
	}
	return done, flush()
}

// listOf refuses the list of an account that there is not: what is on it would never count.
func (c *Client) listOf(ctx context.Context, account string) error {
	if account == "" {
		return nil
	}
	known := c.opts.Accounts
	if len(known) == 0 {
		announced, _, err := c.ledger.Announced(ctx)
		if err != nil {
			return reached(ctx, err)
		}
		known = keys(announced)
	}
	switch {
	case len(known) > 0 && !slices.Contains(known, account):
		slices.Sort(known)
		return invalid("account", "%q is no account; there are: %s", account, strings.Join(known, ", "))
	case len(account) > maxName || !utf8.ValidString(account) || strings.ContainsAny(account, "{}: \t\r\n"):
		return invalid("account", "is no name of an account")
	}
	return nil
}
