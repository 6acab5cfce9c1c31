package gatewayapi_test

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/gatewayapi"
	"github.com/volleysms/volley/providers/providertest/gateway"
)

func day(month time.Month, n int) time.Time { return time.Date(2026, month, n, 0, 0, 0, 0, time.UTC) }

func TestAdapter_GoldenRequestsAboutCosts(t *testing.T) {
	for name, do := range map[string]func(t *testing.T, a *gatewayapi.Adapter) error{
		"prices": func(t *testing.T, a *gatewayapi.Adapter) error { _, err := a.Prices(t.Context()); return err },
		"usage": func(t *testing.T, a *gatewayapi.Adapter) error {
			_, err := a.UsageByLabel(t.Context(), day(time.March, 1), day(time.March, 31), "")
			return err
		},
		"usage-label": func(t *testing.T, a *gatewayapi.Adapter) error {
			_, err := a.UsageByLabel(t.Context(), day(time.March, 1), day(time.March, 1), `Spring "2030"`)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, gateway.GatewayAPI{}, "rest-"+name, func(t *testing.T, baseURL string) {
				if err := do(t, mustNew(t, gatewayapi.Options{BaseURL: baseURL, Token: gateway.GatewayAPIToken})); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestAdapter_Prices_Sample(t *testing.T) {
	got, err := answering(t, 200, sample(t, "prices.json"), nil).Prices(t.Context())
	want := []gatewayapi.Price{
		{Class: "premium", Country: "AD", Name: "Andorra", Prefix: "376", DKK: "0.33000", EUR: "0.04430"},
		{Class: "premium", Country: "AE", Name: "United Arab Emirates", Prefix: "971", DKK: "0.19000", EUR: "0.02600"},
		{Class: "standard", Country: "AD", Name: "Andorra", Prefix: "376", DKK: "0.31000", EUR: "0.04160"},
		{Class: "standard", Country: "AE", Name: "United Arab Emirates", Prefix: "971", DKK: "0.16000", EUR: "0.02100"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
}

// TestAdapter_Prices_AreAskedForWithoutTheToken: anybody may have them.
func TestAdapter_Prices_AreAskedForWithoutTheToken(t *testing.T) {
	var header http.Header
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		_, _ = w.Write([]byte("{}"))
	}))
	defer s.Close()
	if list, err := mustNew(t, gatewayapi.Options{BaseURL: s.URL, Token: "example-token"}).Prices(t.Context()); err != nil || len(list) > 0 {
		t.Errorf("got %+v, %v", list, err)
	}
	if got := header.Get("Authorization"); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestAdapter_UsageByLabel_Sample(t *testing.T) {
	got, err := answering(t, 200, sample(t, "usage.json"), nil).UsageByLabel(t.Context(), day(time.March, 1), day(time.March, 31), "")
	want := []gatewayapi.Usage{
		{Country: "DK", Class: "standard", Messages: "29", Cost: "3.48", Currency: "DKK"},
		{Label: "Spring", Country: "IT", Class: "premium", Messages: "6", Cost: "1.5", Currency: "DKK"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
}

func TestAdapter_UsageByLabel_TellsWhatWasSent(t *testing.T) {
	g := start(t, gateway.GatewayAPI{}, gateway.ReportPlan{})
	a := mustNew(t, gatewayapi.Options{BaseURL: g.URL(), Token: gateway.GatewayAPIToken})
	for _, label := range []string{"", "Spring", "Spring"} {
		c := threeRecipients()
		c.Options.Label = label
		if got := outcome(a.Send(t.Context(), c)); got != "accepted" {
			t.Fatal(got)
		}
	}
	today := time.Now().UTC()
	for label, want := range map[string][]string{"": {"/3", "Spring/6"}, "Spring": {"Spring/6"}, "Autumn": nil} {
		list, err := a.UsageByLabel(t.Context(), today.AddDate(0, 0, -1), today.AddDate(0, 0, 1), label)
		var got []string
		for _, u := range list {
			got = append(got, u.Label+"/"+u.Messages)
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %q, %v, want %q", label, got, err, want)
		}
	}
	if list, err := a.UsageByLabel(t.Context(), today.AddDate(0, 0, -9), today.AddDate(0, 0, -8), ""); err != nil || len(list) > 0 {
		t.Errorf("days on which nothing was sent: %+v, %v", list, err)
	}
}

func TestAdapter_Costs_Answers(t *testing.T) {
	tests := []struct {
		status int
		body   string
		kind   providers.Kind
	}{
		{200, `<html>`, providers.Unavailable},
		{200, `null`, providers.Unavailable},
		{200, ``, providers.Unavailable},
		{401, `{"code":"0x0229"}`, providers.Config},
		{403, `{"code":"0x0213"}`, providers.Config},
		{404, ``, providers.Config},
		{429, ``, providers.Throttled},
		{500, ``, providers.Unavailable},
		{503, ``, providers.Unavailable},
	}
	for _, tt := range tests {
		t.Run(strconv.Itoa(tt.status)+tt.body, func(t *testing.T) {
			a := answering(t, tt.status, tt.body, nil)
			prices, err := a.Prices(t.Context())
			if prices != nil || err == nil || providers.KindOf(err) != tt.kind {
				t.Errorf("prices: got %+v, %v, want %v", prices, err, tt.kind)
			}
			usage, err := a.UsageByLabel(t.Context(), day(time.March, 1), day(time.March, 1), "")
			if usage != nil || err == nil || providers.KindOf(err) != tt.kind {
				t.Errorf("usage: got %+v, %v, want %v", usage, err, tt.kind)
			}
		})
	}
	t.Run("DaysInTheWrongOrder", func(t *testing.T) {
		if _, err := answering(t, 200, "[]", nil).UsageByLabel(t.Context(), day(time.March, 2), day(time.March, 1), ""); err == nil || providers.KindOf(err) != providers.Invalid {
			t.Errorf("got %v", err)
		}
	})
}
