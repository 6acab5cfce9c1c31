package enqueue_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/sms"
)

func TestEnqueue_InvalidJobWritesNothing(t *testing.T) {
	named := enqueue.Options{Accounts: []string{"dk"}, Routes: map[string][]string{"default": {"dk"}}, MaxRecipients: 3, BatchSize: 1}
	tests := map[string]struct {
		change        func(*enqueue.Job)
		field, reason string
	}{
		"TextEmpty":      {func(j *enqueue.Job) { j.Text = "" }, "text", "text is empty"},
		"TextOnlySpaces": {func(j *enqueue.Job) { j.Text = " \t\n" }, "text", "text is empty"},
		"TextNotUTF8":    {func(j *enqueue.Job) { j.Text = "\xff" }, "text", "UTF-8"},
		"TextTooLong":    {func(j *enqueue.Job) { j.Text = strings.Repeat("x", sms.MaxTextBytes+1) }, "text", "at most"},
		"TextAndBinary":  {func(j *enqueue.Job) { j.Binary = &sms.Binary{Payload: []byte{1}} }, "text", "leave one out"},
		"BinaryEmpty":    {func(j *enqueue.Job) { j.Text, j.Binary = "", &sms.Binary{} }, "text", "binary message is empty"},

		"FieldUnclosed":         {func(j *enqueue.Job) { j.Text = "Hi {{name" }, "text", "{{ at character 4 is not closed with }}"},
		"FieldNotGiven":         {func(j *enqueue.Job) { j.Text = "Hi {{city}}" }, "text", `asks for the field "city"; the recipients have name`},
		"FieldNestedInADefault": {func(j *enqueue.Job) { j.Text = "Hi {{name|{{x}}}}" }, "text", "default of the field at character 4 has a field in it"},
		"FieldWithTwoDefaults":  {func(j *enqueue.Job) { j.Text = "{{name|a}}{{name|b}}" }, "text", "field at character 11 has another default"},
		"FieldDefaultTooLong": {
			func(j *enqueue.Job) { j.Text = "{{name|" + strings.Repeat("x", enqueue.MaxValue+1) + "}}" }, "text", "more than 1000 bytes",
		},
		"MissingUnknown": {func(j *enqueue.Job) { j.Missing = "maybe" }, "missing", "must be refuse, empty or default"},
		"MissingWithoutADefault": {
			func(j *enqueue.Job) { j.Missing = enqueue.DefaultMissing }, "text", `has no default for the field "name": write {{name|something}}`,
		},
		"FieldsNone":      {func(j *enqueue.Job) { j.Fields = nil }, "text", `asks for the field "name"; the recipients have no fields`},
		"FieldNamedTwice": {func(j *enqueue.Job) { j.Fields = []string{"name", "x", "name"} }, "fields", `"name" is named twice`},
		"FieldsTooMany":   {func(j *enqueue.Job) { j.Fields = fields(enqueue.MaxFields + 1) }, "fields", "33 fields are more than 32"},
		"FieldNameTooLong": {
			func(j *enqueue.Job) { j.Fields = []string{"name", strings.Repeat("x", enqueue.MaxValue+1)} }, "fields", "field 2 is not UTF-8 of at most 1000 bytes",
		},
		"FieldsTooManyForBinary": {func(j *enqueue.Job) {
			j.Text, j.Binary, j.Fields = "", &sms.Binary{Payload: []byte{1}}, fields(enqueue.MaxFields+1)
		}, "fields", "33 fields are more than 32"},

		"ViaEmpty":         {func(j *enqueue.Job) { j.Via = "" }, "via", "must name an account or a route"},
		"ViaUnknown":       {func(j *enqueue.Job) { j.Via = "sun" }, "via", `"sun" is no account and no route; there are: default, dk`},
		"SenderTooLong":    {func(j *enqueue.Job) { j.From = "Acme Shoes Ltd" }, "from", "14 characters"},
		"SenderCharacters": {func(j *enqueue.Job) { j.From = "Acmé" }, "from", `'é'`},
		"KeyTooLong":       {func(j *enqueue.Job) { j.Key = strings.Repeat("k", enqueue.MaxKey+1) }, "key", "256 bytes"},
		"KeyNotUTF8":       {func(j *enqueue.Job) { j.Key = "\xff" }, "key", "UTF-8"},
		"LabelTooLong":     {func(j *enqueue.Job) { j.Label = strings.Repeat("l", enqueue.MaxLabel+1) }, "label", "64 bytes"},

		"DelayNegative": {func(j *enqueue.Job) { j.Delay = -1 }, "delay", "must not be negative"},
		"DelayTooLong":  {func(j *enqueue.Job) { j.Delay = enqueue.MaxAhead + 1 }, "delay", "more than two years"},
		"DelayAndAt":    {func(j *enqueue.Job) { j.At, j.Delay = time.Now().Add(time.Hour), 1 }, "delay", "can't be given together with a time"},
		"AtPast":        {func(j *enqueue.Job) { j.At = time.Now().Add(-time.Minute) }, "at", "has passed"},
		"AtPastWithKey": {func(j *enqueue.Job) { j.At, j.Key = time.Now().Add(-time.Minute), "k" }, "at", "has passed"},
		"AtTooFar":      {func(j *enqueue.Job) { j.At = time.Now().Add(enqueue.MaxAhead + time.Hour) }, "at", "more than two years ahead"},

		"RecipientsNone":        {func(j *enqueue.Job) { j.Recipients = nil }, "recipients", "there are none"},
		"RecipientsNoneWithKey": {func(j *enqueue.Job) { j.Recipients, j.Key = nil, "k" }, "recipients", "there are none"},
		"RecipientsTooMany":     {func(j *enqueue.Job) { j.Text, j.Fields, j.Recipients = "Hi", nil, numbered(4) }, "recipients", "are more than 3"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, named)
			j := enqueue.Job{
				Via: "dk", From: "Acme", Text: "Hi {{name}}", Fields: []string{"name"},
				Recipients: []enqueue.Recipient{{To: "4500000001", Values: []string{"Ada"}}},
			}
			if _, err := r.client.Enqueue(t.Context(), j); err != nil {
				t.Fatalf("the job without the change: %v", err)
			}
			before := r.mr.Dump()
			tt.change(&j)
			_, err := r.client.Enqueue(t.Context(), j)
			requireInvalid(t, err, tt.field, tt.reason)
			if after := r.mr.Dump(); after != before {
				t.Errorf("Redis had\n%s\nand now has\n%s", before, after)
			}
		})
	}
}

func TestEnqueue_NoRecipientsIsErrNoRecipientsToo(t *testing.T) {
	r := newRig(t, enqueue.Options{})
	if _, err := r.client.Enqueue(t.Context(), job("")); !errors.Is(err, enqueue.ErrNoRecipients) {
		t.Errorf("got error %v, want ErrNoRecipients", err)
	}
}

func TestEnqueue_TellsEverythingThatIsWrong(t *testing.T) {
	r := newRig(t, enqueue.Options{})
	_, err := r.client.Enqueue(t.Context(), enqueue.Job{From: "Acmé", Delay: -1})
	for _, field := range []string{"via: ", "from: ", "text: ", "delay: "} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("got error %v, want %q in it", err, field)
		}
	}
}

func TestEnqueue_Via(t *testing.T) {
	announce := func(t *testing.T, r *rig) {
		t.Helper()
		if err := r.ledger.Announce(t.Context(), map[string]string{"dk": "gatewayapi", "moon": "mttm"}, map[string][]enqueue.Branch{"all": {{Use: []string{"moon", "dk"}}}}); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("AnnouncedRouteGoesToItsFirstAccount", func(t *testing.T) {
		r := newRig(t, enqueue.Options{})
		announce(t, r)
		j := job("", to("4500000001")...)
		j.Via = "all"
		if _, err := r.client.Enqueue(t.Context(), j); err != nil {
			t.Fatal(err)
		}
		if got := len(r.tasks(t, "moon")); got != 1 {
			t.Errorf("got %d tasks for moon, want 1", got)
		}
	})
	t.Run("NamedRouteGoesToItsFirstAccount", func(t *testing.T) {
		r := newRig(t, enqueue.Options{Routes: map[string][]string{"all": {"moon", "dk"}}})
		j := job("", to("4500000001")...)
		j.Via = "all"
		if _, err := r.client.Enqueue(t.Context(), j); err != nil {
			t.Fatal(err)
		}
		if got := len(r.tasks(t, "moon")); got != 1 {
			t.Errorf("got %d tasks for moon, want 1", got)
		}
	})
	t.Run("UnknownToTheAnnouncedIsInvalid", func(t *testing.T) {
		r := newRig(t, enqueue.Options{})
		announce(t, r)
		before := r.mr.Dump()
		j := job("", to("4500000001")...)
		j.Via = "sun"
		_, err := r.client.Enqueue(t.Context(), j)
		requireInvalid(t, err, "via", `"sun" is no account and no route; there are: all, dk, moon`)
		if after := r.mr.Dump(); after != before {
			t.Errorf("Redis had\n%s\nand now has\n%s", before, after)
		}
	})
	t.Run("BeforeAnythingIsAnnouncedANameIsTaken", func(t *testing.T) {
		r := newRig(t, enqueue.Options{})
		if _, err := r.client.Enqueue(t.Context(), job("", to("4500000001")...)); err != nil {
			t.Error(err)
		}
	})
	for name, via := range map[string]string{"Braces": "{dk}", "Spaces": "d k", "TooLong": strings.Repeat("d", 129), "NotUTF8": "\xff"} {
		t.Run("BeforeAnythingIsAnnouncedNoNameIsInvalid/"+name, func(t *testing.T) {
			r := newRig(t, enqueue.Options{})
			j := job("", to("4500000001")...)
			j.Via = via
			_, err := r.client.Enqueue(t.Context(), j)
			requireInvalid(t, err, "via", "is no name")
			r.requireNoKeys(t)
		})
	}
}

func TestNew_OptionsOutOfBounds(t *testing.T) {
	for name, o := range map[string]enqueue.Options{
		"KeyTTL":        {KeyTTL: time.Second},
		"BatchSize":     {BatchSize: 4001},
		"MaxRecipients": {MaxRecipients: -1},
		"Routes":        {Routes: map[string][]string{"empty": nil}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := enqueue.Open("redis://127.0.0.1:1/0", o); err == nil {
				t.Errorf("Open(%+v) gave no error", o)
			}
		})
	}
}

func requireInvalid(t *testing.T, err error, field, reason string) {
	t.Helper()
	var invalid *enqueue.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("got error %v, want an *InvalidError", err)
	}
	if invalid.Field != field || !strings.Contains(invalid.Reason, reason) {
		t.Errorf("got field %q, reason %q; want %q, %q", invalid.Field, invalid.Reason, field, reason)
	}
}

func fields(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprint("f", i)
	}
	out[0] = "name"
	return out
}
