package gatewayapi_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/gatewayapi"
	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

func TestAdapter_Poll_Sample(t *testing.T) {
	got, err := answering(t, 200, sample(t, "shown.json"), nil).Poll(t.Context(), "1")
	at := time.Unix(1498040129, 0).UTC()
	want := []providers.Report{
		{Fate: providers.Delivered, To: 1514654321, ID: "1", Reference: "1234", Code: "DELIVERED", At: at},
		{Fate: providers.Undelivered, To: 4512345678, ID: "1", Reference: "1234", Code: "0x1093", Detail: "REJECTED: Invalid recipient number", At: at},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
}

func TestAdapter_Poll(t *testing.T) {
	tests := []struct {
		name   string
		id     string
		status int
		body   string
		want   int // reports
		kind   providers.Kind
		failed bool
	}{
		{"NotStoredYet", "1", 404, `{"message":"Not found"}`, 0, 0, false},
		{"NothingKnownYet", "1", 200, `[{"id":1,"recipients":[{"msisdn":4512345678}]}]`, 0, 0, false},
		{"NoObject", "1", 200, `[]`, 0, 0, false},
		{"TheIDAsAString", "1", 200, `[{"id":"1","recipients":[{"msisdn":"4512345678","dsnstatus":"ENROUTE"}]}]`, 1, 0, false},
		{"AnotherMessage", "1", 200, `[{"id":2,"recipients":[{"msisdn":4512345678,"dsnstatus":"DELIVERED"}]}]`, 0, 0, false},
		{"NoID", "1", 200, `[{"recipients":[{"msisdn":4512345678,"dsnstatus":"DELIVERED"}]}]`, 1, 0, false},
		{"NotJSON", "1", 200, `<html>`, 0, providers.Unavailable, true},
		{"Null", "1", 200, `null`, 0, providers.Unavailable, true},
		{"Object", "1", 200, `{}`, 0, providers.Unavailable, true},
		{"WrongToken", "1", 401, `{"code":"0x0229"}`, 0, providers.Config, true},
		{"Throttled", "1", 429, ``, 0, providers.Throttled, true},
		{"ServerError", "1", 500, ``, 0, providers.Unavailable, true},
		{"OddID", "../me", 200, `[]`, 0, providers.Invalid, true},
		{"NoIDGiven", "", 200, `[]`, 0, providers.Invalid, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := answering(t, tt.status, tt.body, nil).Poll(t.Context(), tt.id)
			if len(got) != tt.want || (err != nil) != tt.failed || tt.failed && providers.KindOf(err) != tt.kind {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestAdapter_Cancel(t *testing.T) {
	tests := []struct {
		name   string
		status int
		want   bool
		kind   providers.Kind
		failed bool
	}{
		{"Cancelled", 204, true, 0, false},
		{"TooLate", 410, false, 0, false},
		{"NotThere", 404, false, 0, false},
		{"WrongToken", 401, false, providers.Config, true},
		{"Throttled", 429, false, providers.Throttled, true},
		{"ServerErrorMayHaveCancelled", 500, false, providers.Unknown, true},
		{"Busy", 503, false, providers.Unavailable, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := answering(t, tt.status, "", nil).Cancel(t.Context(), "1")
			if got != tt.want || (err != nil) != tt.failed || tt.failed && providers.KindOf(err) != tt.kind {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
	t.Run("OddID", func(t *testing.T) {
		if _, err := answering(t, 204, "", nil).Cancel(t.Context(), "1/../2"); err == nil || providers.KindOf(err) != providers.Invalid {
			t.Errorf("got %v", err)
		}
	})
}

func TestAdapter_ScheduleAndCancelThere(t *testing.T) {
	g := start(t, gateway.GatewayAPI{}, gateway.ReportPlan{On: true})
	a := mustNew(t, gatewayapi.Options{BaseURL: g.URL(), Token: gateway.GatewayAPIToken})
	c := threeRecipients()
	c.Options.At = time.Now().Add(time.Hour)
	id := a.Send(t.Context(), c)[0].ID

	states := func() string {
		reports, err := a.Poll(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, r := range reports {
			out = append(out, r.Code)
		}
		return strings.Join(out, " ")
	}
	if got := states(); got != "SCHEDULED SCHEDULED SCHEDULED" {
		t.Errorf("before: %s", got)
	}
	for i, want := range []bool{true, false} {
		if done, err := a.Cancel(t.Context(), id); err != nil || done != want {
			t.Errorf("cancel %d: %v, %v", i+1, done, err)
		}
	}
	if got := states(); got != "DELETED DELETED DELETED" {
		t.Errorf("after: %s", got)
	}
	if done, err := a.Cancel(t.Context(), "1"); err != nil || done {
		t.Errorf("a message that is not there: %v, %v", done, err)
	}
}

func TestAdapter_Poll_TellsWhatTheGatewayDecided(t *testing.T) {
	g := start(t, gateway.GatewayAPI{}, gateway.ReportPlan{On: true, Undelivered: 0.3, Silent: 1})
	a := mustNew(t, gatewayapi.Options{BaseURL: g.URL(), Token: gateway.GatewayAPIToken})
	c := threeRecipients()
	c.Recipients = nil
	for i := range 500 {
		c.Recipients = append(c.Recipients, providers.Recipient{To: sms.MSISDN(4512340000 + i)})
	}
	reports, err := a.Poll(t.Context(), a.Send(t.Context(), c)[0].ID)
	if err != nil || len(reports) != len(c.Recipients) {
		t.Fatalf("got %d reports, %v", len(reports), err)
	}
	fates := g.Fates()
	for _, r := range reports {
		if r.Fate != fates[r.To] || r.Reference != c.Reference {
			t.Errorf("%s: got %v, want %v", r.To.Masked(), r.Fate, fates[r.To])
		}
	}
}

func TestAdapter_Poll_NotStoredYetIsNoReport(t *testing.T) {
	g := start(t, gateway.GatewayAPI{}, gateway.ReportPlan{On: true, Stored: time.Hour})
	a := mustNew(t, gatewayapi.Options{BaseURL: g.URL(), Token: gateway.GatewayAPIToken})
	if reports, err := a.Poll(t.Context(), a.Send(t.Context(), threeRecipients())[0].ID); reports != nil || err != nil {
		t.Errorf("got %+v, %v", reports, err)
	}
}

func TestAdapter_PollInbound_Sample(t *testing.T) {
	got, err := answering(t, 200, sample(t, "inbox.json"), nil).PollInbound(t.Context(), time.Unix(1554400000, 0))
	want := []providers.Inbound{
		{ID: "2398517", From: 4512345678, To: "451204", Text: "test", At: time.Unix(1554465205, 0).UTC()},
		{ID: "2398518", From: 4512345678, To: "451204", Text: "test2", At: time.Unix(1554465459, 0).UTC()},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestAdapter_PollInbound_ReadsAllPagesInOrder(t *testing.T) {
	const n = 450
	g := start(t, gateway.GatewayAPI{}, gateway.ReportPlan{})
	now := time.Now().Truncate(time.Second)
	for i := range n {
		g.Write(gateway.MO{From: 4512340101, To: "451204", Text: strconv.Itoa(i), At: now.Add(time.Duration(-n+i) * time.Second)})
	}
	g.Write(gateway.MO{From: 4512340101, To: "451204", Text: "old", At: now.AddDate(0, 0, -7)})
	a := mustNew(t, gatewayapi.Options{BaseURL: g.URL(), Token: gateway.GatewayAPIToken})
	got, err := a.PollInbound(t.Context(), now.Add(-n*time.Second))
	if err != nil || len(got) != n || g.Stats().Requests != 3 {
		t.Fatalf("got %d messages in %d requests, %v", len(got), g.Stats().Requests, err)
	}
	for i, m := range got {
		if m.Text != strconv.Itoa(i) || m.ID == "" {
			t.Fatalf("message %d is %+v", i, m)
		}
	}
	if v := g.Violations(); len(v) > 0 {
		t.Error(v)
	}
}

func TestAdapter_PollInbound_AnErrorComesWithWhatWasRead(t *testing.T) {
	requests := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if requests++; requests > 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte(`{"pages":3,"messages":[{"mosms_id":1,"msisdn":4512340101,"receiver":1204,"message":"Hi","senttime":1554465205}]}`))
	}))
	defer s.Close()
	got, err := mustNew(t, gatewayapi.Options{BaseURL: s.URL, Token: "example-token"}).PollInbound(t.Context(), time.Now())
	var e *providers.Error
	if len(got) != 1 || !errors.As(err, &e) || e.Kind != providers.Unavailable || requests != 2 {
		t.Errorf("got %+v, %v after %d requests", got, err, requests)
	}
}

func TestAdapter_PollInbound_Answers(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		want   int
		failed bool
	}{
		{"Empty", 200, `{"messages":[],"pages":0}`, 0, false},
		{"EmptyThatClaimsPages", 200, `{"messages":[],"pages":1000000}`, 0, false},
		{"NoPages", 200, `{"messages":[{"mosms_id":1,"msisdn":4512340101,"receiver":1204,"message":"Hi"}]}`, 1, false},
		{"OfNobody", 200, `{"messages":[{"mosms_id":1,"msisdn":"anonymous","receiver":1204,"message":"Hi"}],"pages":1}`, 0, false},
		{"NoText", 200, `{"messages":[{"mosms_id":1,"msisdn":4512340101,"receiver":1204,"message":null}],"pages":1}`, 0, false},
		{"OtherJSON", 200, `{"hello":1}`, 0, true},
		{"Page", 200, `<html>`, 0, true},
		{"WrongToken", 401, ``, 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := answering(t, tt.status, tt.body, nil).PollInbound(t.Context(), time.Now())
			if len(got) != tt.want || (err != nil) != tt.failed {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}
