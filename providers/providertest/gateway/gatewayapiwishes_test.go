package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/volleysms/volley/providers/providertest/gateway"
)

func TestGatewayAPI_Wishes(t *testing.T) {
	const message = `{"message":"Hi","recipients":[{"msisdn":4512340101}]`
	for fields, status := range map[string]int{
		`"class":"premium","priority":"URGENT"`:      200,
		`"class":"secret","priority":"VERY_URGENT"`:  200,
		`"priority":"BULK"`:                          200,
		`"destaddr":"DISPLAY"`:                       200,
		`"validity_period":60`:                       200,
		`"label":"Example Inc."`:                     200,
		`"sendtime":4081309200`:                      200,
		`"max_parts":3`:                              200,
		`"callback_url":"https://sms.example.com/r"`: 200,
		`"extra_details":"recipients_usage"`:         200,
		`"class":"charge"`:                           422,
		`"class":"PREMIUM"`:                          422,
		`"priority":"urgent"`:                        422,
		`"priority":"URGENT"`:                        422,
		`"class":"standard","priority":"URGENT"`:     422,
		`"destaddr":"FLASH"`:                         422,
		`"validity_period":59`:                       422,
		`"validity_period":1.5`:                      422,
		`"validity_period":"60"`:                     400,
		`"label":""`:                                 422,
		`"sendtime":4081309200000`:                   422,
		`"max_parts":0`:                              422,
		`"callback_url":"sms.example.com"`:           422,
		`"extra_details":"all"`:                      422,
	} {
		t.Run(fields, func(t *testing.T) {
			g, w := serve(t, gateway.GatewayAPI{}, gatewayAPIRequest(message+","+fields+"}"))
			if w.Code != status || (len(g.Violations()) > 0) != (status != 200) {
				t.Errorf("got %d %s, %q; want %d", w.Code, w.Body, g.Violations(), status)
			}
		})
	}
}

func TestGatewayAPI_Asks(t *testing.T) {
	g := gateway.New(gateway.GatewayAPI{}, gateway.Options{})
	g.Write(gateway.MO{From: 4512340101, To: "451204", Text: "Hi"})
	for target, status := range map[string]int{
		"GET /rest/me":         200,
		"GET /rest/mtsms/1":    404,
		"DELETE /rest/mtsms/1": 404,
		"GET /rest/mtsms":      404,
		"GET /rest/mtsms/x":    404,
		"PUT /rest/mtsms/1":    404,

		"GET /rest/mosms?from=2019-01-01&to=2099-01-01":              200,
		"GET /rest/mosms?from=2019-01-01":                            400,
		"GET /rest/mosms?from=2019-01-02&to=2019-01-01":              400,
		"GET /rest/mosms?from=a&to=b":                                400,
		"GET /rest/mosms?from=2019-01-01&to=2099-01-01&per_page=201": 400,
	} {
		t.Run(target, func(t *testing.T) {
			method, path, _ := strings.Cut(target, " ")
			r := httptest.NewRequest(method, path, nil)
			r.Header.Set("Authorization", "Token "+gateway.GatewayAPIToken)
			w := httptest.NewRecorder()
			g.ServeHTTP(w, r)
			if w.Code != status {
				t.Errorf("got %d %s, want %d", w.Code, w.Body, status)
			}
		})
	}
	if got := g.Stats().Sends; got != 0 {
		t.Errorf("%d of these are sends", got)
	}
	r := httptest.NewRequest(http.MethodGet, "/rest/mosms?from=2019-01-01&to=2099-01-01", nil)
	w := httptest.NewRecorder()
	if g.ServeHTTP(w, r); w.Code != http.StatusUnauthorized {
		t.Errorf("without a token: got %d", w.Code)
	}
}
