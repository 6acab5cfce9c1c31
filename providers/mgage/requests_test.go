package mgage_test

import (
	"strings"
	"testing"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/mgage"
	"github.com/volleysms/volley/providers/providertest"
	"github.com/volleysms/volley/sms"
)

func TestRequests(t *testing.T) {
	call := func(text string, segments int, e sms.Encoding) providers.Call {
		return providers.Call{
			From: "87767", Text: text, Segments: segments, Encoding: e,
			Recipients: []providers.Recipient{{To: 12135550101}, {To: 12135550102}},
		}
	}
	for name, c := range map[string]providers.Call{
		"gateway":      call("Your code is 1234 – é", 1, sms.UCS2),
		"gateway-long": call(strings.Repeat("Long text. ", 15), 2, sms.GSM7),
	} {
		t.Run(name, func(t *testing.T) {
			g, a := mustStart(t)
			for _, r := range a.Send(t.Context(), c) {
				if r.Err != nil {
					t.Error(r.Err)
				}
			}
			providertest.Golden(t, "testdata/requests/"+name+".txt", g.Requests()[0])
		})
	}
	t.Run("check", func(t *testing.T) {
		g, a := mustStart(t)
		if info, err := a.Check(t.Context()); err != nil || !info.LoginProven {
			t.Errorf("got %+v, %v", info, err)
		}
		providertest.Golden(t, "testdata/requests/check.txt", g.Requests()[0])
	})
}

func TestClassify_Code1AsConfigured(t *testing.T) {
	const both = "<r><a><to>" + first + "</to><status>1</status></a><a><to>" + second + "</to><status>0</status></a></r>"
	for retry, want := range map[bool]string{false: "rejected 1, accepted 0", true: "unavailable 1, accepted 0"} {
		o := options(answering(t, 200, both, nil))
		o.RetryCode1 = retry
		if got := outcome(mustNew(t, o).Send(t.Context(), twoRecipients())); got != want {
			t.Errorf("retry %v: got %s, want %s", retry, got, want)
		}
	}
}

func TestNew_UnknownRegion(t *testing.T) {
	o := options("")
	o.Region = "eu"
	if _, err := mgage.New(o); err == nil || !strings.Contains(err.Error(), "region must be us or uk") {
		t.Errorf("got %v", err)
	}
}
