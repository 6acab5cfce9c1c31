package mgage_test

import (
	"strings"
	"testing"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/mgage"
	"github.com/volleysms/volley/providers/providertest"
	"github.com/volleysms/volley/providers/providertest/gateway"
)

var joinClub = mgage.MO{Originator: 12135550101, Destination: "US-87767", Message: "JOIN club é"}

func TestWebMO_Request(t *testing.T) {
	g, a := mustStart(t)
	if _, err := a.WebMO(t.Context(), joinClub); err != nil {
		t.Fatal(err)
	}
	if v := g.Violations(); len(v) > 0 {
		t.Errorf("the gateway's rules were broken: %q", v)
	}
	providertest.Golden(t, "testdata/requests/externalMO.txt", g.Requests()[0])
	if m := g.Messages(); len(m) != 1 || m[0].To != 12135550101 || m[0].Text != "You wrote: JOIN club é" {
		t.Errorf("got %+v", m)
	}
	t.Run("AnotherProgram", func(t *testing.T) {
		mo := joinClub
		mo.ProgramID = "7 8"
		_, _ = a.WebMO(t.Context(), mo)
		if u := g.Requests()[1].URL; !strings.Contains(u, "?campid=7%208&") {
			t.Errorf("got %s", u)
		}
	})
}

func TestWebMO_RefusesWithoutARequest(t *testing.T) {
	g, a := mustStart(t)
	for name, change := range map[string]func(*mgage.MO){
		"NoOriginator":      func(m *mgage.MO) { m.Originator = 0 },
		"ShortOriginator":   func(m *mgage.MO) { m.Originator = 2020 },
		"NoDestination":     func(m *mgage.MO) { m.Destination = " " },
		"NoMessage":         func(m *mgage.MO) { m.Message = "" },
		"TooLongForAnURL":   func(m *mgage.MO) { m.Message = strings.Repeat("é", 2000) },
		"LongDestination":   func(m *mgage.MO) { m.Destination = strings.Repeat("1", 7000) },
		"ProgramOfNoLength": func(m *mgage.MO) { m.ProgramID = strings.Repeat("1", 7000) },
	} {
		t.Run(name, func(t *testing.T) {
			mo := joinClub
			change(&mo)
			if _, err := a.WebMO(t.Context(), mo); err == nil || providers.KindOf(err) != providers.Invalid {
				t.Errorf("got %v, want invalid", err)
			}
		})
	}
	if n := g.Stats().Requests; n != 0 {
		t.Errorf("%d requests were made", n)
	}
}

// It may cause an SMS, so it is requested once, whatever becomes of it.
func TestWebMO_IsNotRepeated(t *testing.T) {
	for fault, want := range map[string]providers.Kind{
		"cut-before": providers.Unknown, "cut-after": providers.Unknown, "garbage": providers.Unknown, "huge": providers.Unknown,
		"500": providers.Unknown, "503": providers.Unavailable, "429:3s": providers.Throttled, "auth": providers.Config,
		"redirect": providers.Config, "400": providers.Rejected,
	} {
		t.Run(fault, func(t *testing.T) {
			f, err := gateway.ParseFault(fault)
			if err != nil {
				t.Fatal(err)
			}
			g, a := mustStart(t)
			g.SetFaults(f)
			_, err = a.WebMO(t.Context(), joinClub)
			if err == nil || providers.KindOf(err) != want {
				t.Fatalf("got %v, want %v", err, want)
			}
			if maybe := strings.Contains(err.Error(), "may have taken"); maybe != (want == providers.Unknown) {
				t.Errorf("got %v", err)
			}
			if n := g.Stats().Requests; n != 1 {
				t.Errorf("%d requests were made", n)
			}
			for _, secret := range []string{gateway.MGageUsername, gateway.MGagePassword, "12135550101", "JOIN"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%q is in %v", secret, err)
				}
			}
		})
	}
}

func TestWebMO_Answers(t *testing.T) {
	tests := []struct {
		name         string
		status       int
		body         string
		code, detail string
		kind         providers.Kind // looked at when failed
		failed       bool
	}{
		{"Code0", 200, "<response><status>0</status><message>Request accepted</message></response>", "0", "Request accepted", 0, false},
		{"Nothing", 200, "", "", "", 0, false},
		{"NoContent", 204, "", "", "", 0, false},
		{"Words", 200, "MO from 12135550101 saying JOIN club é received", "", "MO from ***101 saying *** received", 0, false},
		{"JSONWithoutACode", 200, `{"ok":true}`, "", `{"ok":true}`, 0, false},
		{"Code108", 200, "108: Message must not be empty.", "108", "Message must not be empty.", providers.Invalid, true},
		{"Code1", 200, "<r><status>1</status></r>", "1", "", providers.Rejected, true},
		{"CodeOfNoTable", 200, "<r><status>77</status></r>", "77", "", providers.Unknown, true},
		{"CodesThatDiffer", 200, `[{"status":0},{"status":1}]`, "200", "", providers.Unknown, true},
		{"Code108Under400", 400, "108: Message must not be empty.", "108", "", providers.Invalid, true},
		{"Code0Under400", 400, "<r><status>0</status></r>", "0", "", providers.Unknown, true},
		{"AnHTMLPage", 200, "<!doctype html><p>Welcome", "200", "", providers.Unknown, true},
		{"NotFound", 404, "", "404", "", providers.Config, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := mustNew(t, options(answering(t, tt.status, tt.body, nil))).WebMO(t.Context(), joinClub)
			if (err != nil) != tt.failed || err != nil && providers.KindOf(err) != tt.kind {
				t.Fatalf("got %+v, %v", got, err)
			}
			if err == nil && (got.Code != tt.code || got.Detail != tt.detail) {
				t.Errorf("got %+v", got)
			}
			if err != nil && !strings.Contains(err.Error(), ": "+tt.code) {
				t.Errorf("got %v without the code %s", err, tt.code)
			}
		})
	}
}
