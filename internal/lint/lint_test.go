package lint_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/lint"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// look lints recipients that were judged, and returns the report.
func look(t *testing.T, o lint.Options, list ...enqueue.Judged) *lint.Report {
	t.Helper()
	l, err := lint.New(o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		if list[i].Row == 0 {
			list[i].Row = uint64(i + 2)
		}
		if err := l.Add(&list[i]); err != nil {
			t.Fatal(err)
		}
	}
	r, err := l.Report()
	if err != nil {
		t.Fatal(err)
	}
	if suppressed := r.Suppressed; r.Rows != r.Refused+r.Duplicates+r.Send && (suppressed == nil || r.Rows != r.Refused+r.Duplicates+r.Send+*suppressed) {
		t.Errorf("the numbers don't add up: %+v", r)
	}
	return r
}

// good is a recipient who is sent to.
func good(to sms.MSISDN, account string, leg int, values ...string) enqueue.Judged {
	return enqueue.Judged{Recipient: enqueue.Recipient{To: to.String(), Values: values}, MSISDN: to, Account: account, Leg: leg}
}

// many are n recipients in Denmark.
func many(n int, values func(i int) []string) []enqueue.Judged {
	var out []enqueue.Judged
	for i := range n {
		out = append(out, good(4500000000+sms.MSISDN(i), "dk", 0, values(i)...))
	}
	return out
}

func none(int) []string { return nil }

func TestReport_Recipients(t *testing.T) {
	list := []enqueue.Judged{
		good(4500000001, "dk", 0), good(4500000002, "dk", 0), good(12125550100, "us", 1), good(881200000001, "dk", 0),
		{Reason: "has letters"},
		{Reason: "empty"},
		{Reason: "has letters"},
		{Duplicate: true},
	}
	o := lint.Options{Text: "Hi", Accounts: map[string]lint.Account{"dk": {Limits: providers.Limits{Recipients: 10}}, "us": {Limits: providers.Limits{Recipients: 1}}}}
	r := look(t, o, list...)
	if r.Rows != 8 || r.Refused != 3 || r.Duplicates != 1 || r.Send != 4 || r.Suppressed != nil {
		t.Errorf("got %+v", r)
	}
	if want := []lint.Reason{{Reason: "has letters", Count: 2}, {Reason: "empty", Count: 1}}; !reflect.DeepEqual(r.Reasons, want) {
		t.Errorf("got %+v", r.Reasons)
	}
	if want := []lint.Country{{Country: "DK", Recipients: 2}, {Country: "", Recipients: 1}, {Country: "US", Recipients: 1}}; !reflect.DeepEqual(r.Countries, want) {
		t.Errorf("got %+v", r.Countries)
	}
	t.Run("who has opted out is not sent to, and costs nothing", func(t *testing.T) {
		o.Suppressed = func(account string, to []sms.MSISDN) ([]bool, error) {
			out := make([]bool, len(to))
			for i := range to {
				out[i] = account == "dk" && to[i] == 4500000001
			}
			return out, nil
		}
		r := look(t, o, list...)
		if r.Suppressed == nil || *r.Suppressed != 1 || r.Send != 3 || r.Segments != 3 {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("that it can't be known is an error", func(t *testing.T) {
		broken := errors.New("gone")
		o.Suppressed = func(string, []sms.MSISDN) ([]bool, error) { return nil, broken }
		l, err := lint.New(o)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Add(&list[0]); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Report(); !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("reasons without end are one at last", func(t *testing.T) {
		var list []enqueue.Judged
		for i := range 250 {
			list = append(list, enqueue.Judged{Reason: fmt.Sprint("reason ", i)})
		}
		if r := look(t, o, list...); len(r.Reasons) != 101 || r.Reasons[0].Count != 150 {
			t.Errorf("%d reasons, the first %+v", len(r.Reasons), r.Reasons[0])
		}
	})
}

func TestReport_CallsTimeAndCost(t *testing.T) {
	price := &lint.Price{Currency: "EUR", Segment: 10_000, Prefixes: map[string]int64{"45": 31_250, "450000001": 1_000_000}}
	tests := []struct {
		name    string
		account lint.Account
		text    string
		n       int
		want    lint.Spending
	}{
		{
			"one text to many",
			lint.Account{Limits: providers.Limits{Recipients: 100}, Calls: 10},
			"Hi", 2500,
			lint.Spending{Calls: 25, Segments: 2500, Seconds: seconds(2.5 * 1.035), LimitedBy: "rate"}, // batches of 1,000, 1,000 and 500
		},
		{
			"small batches and large ones",
			lint.Account{Limits: providers.Limits{Recipients: 300}},
			"Hi", 9000,
			lint.Spending{Calls: 4*4 + 14 + 4, Segments: 9000}, // four batches of 1,000, one of 4,000, and one of 1,000
		},
		{
			"the narrowest limit",
			lint.Account{Limits: providers.Limits{Recipients: 1}, Calls: 100, Recipients: 50, Segments: 10},
			strings.Repeat("x", 161), 20,
			lint.Spending{Calls: 20, Segments: 40, Seconds: seconds(4 * 1.035), LimitedBy: "segments"},
		},
		{"no limit", lint.Account{Limits: providers.Limits{Recipients: 1}}, "Hi", 3, lint.Spending{Calls: 3, Segments: 3}},
		{
			"a price, and others for some",
			lint.Account{Limits: providers.Limits{Recipients: 1}, Price: price},
			"Hi", 12,
			lint.Spending{Calls: 12, Segments: 12, Cost: &lint.Money{Currency: "EUR", Amount: "2.3125"}}, // ten, and two at 1.00
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := look(t, lint.Options{Text: tt.text, Accounts: map[string]lint.Account{"dk": tt.account}}, many(tt.n, none)...)
			tt.want.Account, tt.want.Recipients = "dk", int64(tt.n)
			// As JSON, where what money is reckoned in does not show.
			got, _ := json.Marshal(r.Accounts)
			want, _ := json.Marshal([]lint.Spending{tt.want})
			if string(got) != string(want) {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if (r.Seconds == nil) != (tt.want.Seconds == nil) {
				t.Errorf("in all %v", r.Seconds)
			}
		})
	}
	t.Run("fields that differ take a call each where a call has one text", func(t *testing.T) {
		o := lint.Options{Text: "Hi {{name}}", Fields: []string{"x", "name"}, Accounts: map[string]lint.Account{"dk": {Limits: providers.Limits{Recipients: 100}}}}
		r := look(t, o, many(10, func(i int) []string { return []string{"unused", fmt.Sprint("n", i%5)} })...)
		if r.Accounts[0].Calls != 5 {
			t.Errorf("got %+v", r.Accounts)
		}
	})
	t.Run("what an account does not take is refused", func(t *testing.T) {
		o := lint.Options{Text: "{{x}}", Fields: []string{"x"}, Accounts: map[string]lint.Account{"dk": {Limits: providers.Limits{Recipients: 1, Segments: 1}}}}
		r := look(t, o, many(2, func(i int) []string { return []string{strings.Repeat("x", 100*(i+1))} })...)
		if r.Refused != 1 || r.Send != 1 || r.Reasons[0].Reason != "dk: message needs 2 segments; the gateway takes at most 1" {
			t.Errorf("got %+v", r)
		}
	})
}

func seconds(s float64) *float64 { return &s }

func TestReport_Characters(t *testing.T) {
	o := lint.Options{Text: "Hi {{name}}, " + strings.Repeat("x", 90), Fields: []string{"name"}, Accounts: map[string]lint.Account{"dk": {Limits: providers.Limits{Recipients: 1}}}}
	names := []string{"Ann", "O’Neill", "O’Hara", "Čapek", "O’Čapek", "O’Hara 😀"}
	r := look(t, o, many(len(names), func(i int) []string { return names[i : i+1] })...)
	apostrophe := "'"
	want := []lint.Sign{
		{Character: "’", Code: "U+2019", Substitute: &apostrophe, Messages: 4, Alone: 2, ExtraSegments: 2},
		{Character: "Č", Code: "U+010C", Messages: 2, Alone: 1, ExtraSegments: 1},
	}
	if !reflect.DeepEqual(r.Characters, want) {
		t.Errorf("got %+v", r.Characters)
	}
	if want := []lint.Length{{Encoding: "gsm7", Segments: 1, Messages: 1}, {Encoding: "ucs2", Segments: 2, Messages: 5}}; !reflect.DeepEqual(r.Lengths, want) {
		t.Errorf("got %+v", r.Lengths)
	}
	if want := []string{
		"’ (U+2019) alone makes UCS-2 of 2 messages, which costs 2 segments more; --substitute writes ' for it",
		"Č (U+010C) alone makes UCS-2 of 1 message, which costs 1 segment more; there is no safe substitute for it",
		"--substitute would save 2 of 11 segments",
	}; !reflect.DeepEqual(r.Warnings, want) {
		t.Errorf("got %q", r.Warnings)
	}
	t.Run("in the text itself, and unseen", func(t *testing.T) {
		o := o
		o.Text = "Hi\u00a0{{name}}, " + strings.Repeat("x", 90)
		r := look(t, o, many(3, func(int) []string { return []string{"Ann"} })...)
		if want := "U+00A0, which stands in the text itself, alone makes UCS-2 of 3 messages, which costs 3 segments more; --substitute writes a space for it"; len(r.Warnings) != 2 || r.Warnings[0] != want {
			t.Errorf("got %q", r.Warnings)
		}
	})
	t.Run("a language of another alphabet is no reason to warn", func(t *testing.T) {
		r := look(t, o, many(3, func(int) []string { return []string{"Привет"} })...)
		if len(r.Warnings) != 0 || len(r.Characters) != 0 {
			t.Errorf("got %q and %+v", r.Warnings, r.Characters)
		}
	})
	t.Run("a file that was read in another encoding", func(t *testing.T) {
		r := look(t, o, many(3, func(i int) []string { return []string{[]string{"Ann", "JÃ¸rgen", "Oâ€™Neill"}[i]} })...)
		if last := r.Warnings[len(r.Warnings)-1]; !strings.HasPrefix(last, "2 messages with Ã or â in odd places, first in row 3: ") {
			t.Errorf("got %q", r.Warnings)
		}
	})
}

func TestReport_Samples(t *testing.T) {
	o := lint.Options{Text: "{{x}}", Fields: []string{"x"}, Accounts: map[string]lint.Account{"dk": {Limits: providers.Limits{Recipients: 1}}}}
	texts := []string{"a", "b", "c", "dd", "éé", "жж", "жжж", strings.Repeat("y", 200), "z"}
	r := look(t, o, many(len(texts), func(i int) []string { return texts[i : i+1] })...)
	var got []string
	for _, s := range r.Samples {
		got = append(got, fmt.Sprintf("%s %d %s %.3s %s %d", s.Why, s.Row, s.To, s.Text, s.Encoding, s.Segments))
	}
	want := []string{
		"first 2 ***000 a gsm7 1", "first 3 ***001 b gsm7 1", "first 4 ***002 c gsm7 1", "longest 9 ***007 yyy gsm7 2", "ucs2 7 ***005 жж ucs2 1",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestNew_AFieldThatIsNotThere(t *testing.T) {
	if _, err := lint.New(lint.Options{Text: "{{x}}"}); err == nil {
		t.Error("no error")
	}
}
