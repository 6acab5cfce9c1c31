package enqueue_test

import (
	"strings"
	"testing"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/sms"
)

func TestEnqueue_MissingValues(t *testing.T) {
	long := strings.Repeat("x", enqueue.MaxValue)
	many := strings.Repeat("{{a}}", sms.MaxTextBytes/enqueue.MaxValue+1)
	for name, c := range map[string]struct {
		text    string
		missing enqueue.Missing
		a, b    string
		reason  string // empty is not refused
	}{
		"RefusedUnlessTold":          {"{{a}} {{b}}", "", "x", "", `its field "b" is empty, and the text has no default for it`},
		"Refused":                    {"{{a}} {{b}}", enqueue.RefuseMissing, "", "y", `its field "a" is empty`},
		"WhiteSpaceIsNoValue":        {"{{a}} {{b}}", "", "x", " \t\n", `its field "b" is empty`},
		"DefaultsComeFirst":          {"{{a|x}} {{b}}", enqueue.RefuseMissing, "", "y", ""},
		"AnEmptyDefaultIsOne":        {"Hi {{a|}} {{b}}", enqueue.RefuseMissing, "", "y", ""},
		"EmptyMayStayEmpty":          {"Hi {{a}} {{b}}", enqueue.EmptyMissing, "", "", ""},
		"AllHaveDefaults":            {"{{a|x}} {{b|y}}", enqueue.DefaultMissing, "", "", ""},
		"WhatTheTextDoesNotAskFor":   {"Hi {{b}}", "", "", "y", ""},
		"ATextOfNothingIsRefused":    {"{{a}} {{b}}", enqueue.EmptyMissing, "", "", "its text is empty"},
		"AsIsOneOfEmptyDefaults":     {"{{a|}} {{b|}}", enqueue.DefaultMissing, "", "", "its text is empty"},
		"ButNotWhenThereIsAValue":    {"{{a|}} {{b|}}", "", "", "y", ""},
		"TooLongForEveryGateway":     {many + "{{b}}", "", long, "y", "its text has"},
		"ByItsDefaultToo":            {strings.Replace(many, "{{a}}", "{{a|"+long+"}}", 1) + "{{b}}", "", "", "y", "its text has"},
		"LongAndPossible":            {strings.Repeat("{{a}}", 20) + "{{b}}", "", long, "y", ""},
		"NULCanNotBeSent":            {"{{a}} {{b}}", "", "a\x00", "y", "its text has a NUL character"},
		"NULInWhatIsNotAskedForCan":  {"Hi {{b}}", "", "a\x00", "y", ""},
		"FieldsNamedInTheirOwnNames": {"{{ab}} {{a}} {{b}}", "", long, "y", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, enqueue.Options{})
			got, err := r.client.Enqueue(t.Context(), enqueue.Job{
				Via: "dk", From: "Acme", Text: c.text, Missing: c.missing, Fields: []string{"a", "b", "ab"},
				Recipients: []enqueue.Recipient{
					{To: "4500000001", Values: []string{c.a, c.b, "z"}},
					{To: "4500000002", Values: []string{"x", "y", "z"}},
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			if c.reason == "" {
				if got.Queued != 2 || got.RefusedCount != 0 {
					t.Errorf("got %+v, want both queued", got)
				}
				return
			}
			if got.Queued != 1 || len(got.Refused) != 1 || got.Refused[0].Row != 1 || !strings.Contains(got.Refused[0].Reason, c.reason) {
				t.Errorf("got %+v, want row 1 refused: %s", got, c.reason)
			}
		})
	}
}
