package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/volleysms/volley/providers/providertest/gateway"
)

const mgageMO = "campid=108140&destination=US-87767&originator=12135550101&message=JOIN%20club"

func mgageMORequest(query string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/api/externalMO?"+query, nil)
	r.SetBasicAuth(gateway.MGageUsername, gateway.MGagePassword)
	return r
}

func TestMGage_TakesAVirtualMO(t *testing.T) {
	g, w := serve(t, gateway.MGage{}, mgageMORequest(mgageMO))
	if w.Code != 200 || g.Stats().Violations != 0 || len(g.Messages()) != 1 {
		t.Fatalf("got %d %s, %+v", w.Code, w.Body, g.Stats())
	}
	if m := g.Messages()[0]; m.To != 12135550101 || m.From != "US-87767" || m.Text != "You wrote: JOIN club" {
		t.Errorf("got %+v", m)
	}
}

func TestMGage_RefusesAVirtualMO(t *testing.T) {
	for name, change := range map[string][2]string{
		"OtherProgram":     {"108140", "1"},
		"NoDestination":    {"US-87767", ""},
		"DestinationWords": {"US-87767", "Acme"},
		"OriginatorPlus":   {"12135550101", "%2B12135550101"},
		"NoMessage":        {"JOIN%20club", ""},
		"BlankAsPlus":      {"%20", "+"},
		"UnknownParameter": {"campid", "x=1&campid"},
		"AParameterTwice":  {"campid", "message=x&campid"},
		"AParameterOfSend": {"campid", "message_type=sms&campid"},
	} {
		t.Run(name, func(t *testing.T) {
			g, w := serve(t, gateway.MGage{}, mgageMORequest(strings.Replace(mgageMO, change[0], change[1], 1)))
			if s := g.Stats(); s.Violations != 1 || s.Taken != 0 || s.Sends != 1 {
				t.Errorf("got %d %s, %+v", w.Code, w.Body, s)
			}
		})
	}
	t.Run("NoLogin", func(t *testing.T) {
		r := mgageMORequest(mgageMO)
		r.Header.Del("Authorization")
		if g, w := serve(t, gateway.MGage{}, r); w.Code != 401 || g.Stats().Taken != 0 {
			t.Errorf("got %d, %+v", w.Code, g.Stats())
		}
	})
}
