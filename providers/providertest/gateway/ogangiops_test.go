package gateway_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

// ogangiFire is a signed fireMessage POST.
func ogangiFire(instance, body string) *http.Request {
	mac := hmac.New(sha256.New, []byte(gateway.OgangiPrivateKey))
	mac.Write([]byte(instance))
	r := httptest.NewRequest(http.MethodPost, "/rest/api/fireMessage/"+instance+"/"+gateway.OgangiPublicKey+"/"+hex.EncodeToString(mac.Sum(nil)), strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

const goodFire = `{"event":{"fld-val-list":{"sender_id_id":"2020","keyword_value":"JOIN","recipient_address":"13055550100"}}}`

func TestOgangi_PINsAreNewEachTimeAndAsLongAsAsked(t *testing.T) {
	g := gateway.New(gateway.Ogangi{Rootless: true}, gateway.Options{})
	pin := regexp.MustCompile(`^<input>sendSMSPinMobileNumberConfirm</input> <status>OK</status> .*<PinSMSConfirmation> <pin>(\d+)</pin>`)
	seen := map[string]bool{}
	for _, length := range []int{1, 4, 6, 6, 20} {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, ogangiRequest("tools/sendSMSPinMobileNumberConfirm", fmt.Sprintf("43/Movistar/2020/13055550100/SGk/%d", length)))
		m := pin.FindStringSubmatch(w.Body.String())
		if m == nil || len(m[1]) != length || seen[m[1]] {
			t.Fatalf("got %s", w.Body)
		}
		seen[m[1]] = true
		all := g.Messages()
		if got := all[len(all)-1].Text; got != "Hi "+m[1] {
			t.Errorf("the handset got %q", got)
		}
	}
}

func TestOgangi_RefusesOtherOperations(t *testing.T) {
	tests := map[string]*http.Request{
		"PINWrongSignature":     ogangiRequest("tools/sendSMSPinMobileNumberConfirm", "43/Movistar/2020/13055550100/SGk/6!"),
		"PINOtherCarrier":       ogangiRequest("tools/sendSMSPinMobileNumberConfirm", "43/movistar/2020/13055550100/SGk/6"),
		"PINNumberInBase64":     ogangiRequest("tools/sendSMSPinMobileNumberConfirm", "43/Movistar/2020/MTMwNTU1NTAxMDA/SGk/6"),
		"PINOfNoLength":         ogangiRequest("tools/sendSMSPinMobileNumberConfirm", "43/Movistar/2020/13055550100/SGk/0"),
		"PINTooLong":            ogangiRequest("tools/sendSMSPinMobileNumberConfirm", "43/Movistar/2020/13055550100/SGk/21"),
		"PINWithoutLength":      ogangiRequest("tools/sendSMSPinMobileNumberConfirm", "43/Movistar/2020/13055550100/SGk"),
		"PINBelowNoTools":       ogangiRequest("sendSMSPinMobileNumberConfirm", "43/Movistar/2020/13055550100/SGk/6"),
		"FireWrongSignature":    ogangiRequest("fireMessage", "43/13055550100/SGk!"),
		"FireBelowTools":        ogangiRequest("tools/fireMessage", "43/13055550100/SGk"),
		"FirePlainText":         ogangiRequest("fireMessage", "43/13055550100/Hi!there"),
		"FireNumberInBase64":    ogangiRequest("fireMessage", "43/MTMwNTU1NTAxMDA/SGk"),
		"FirePOSTOtherInstance": ogangiFire("44", goodFire),
		"FirePOSTNoJSON":        ogangiFire("43", "x"),
		"FirePOSTMoreThanJSON":  ogangiFire("43", goodFire+"{}"),
		"FirePOSTTrailingComma": ogangiFire("43", strings.Replace(goodFire, `"}`, `",}`, 1)),
		"FirePOSTMissingField":  ogangiFire("43", strings.Replace(goodFire, `"keyword_value":"JOIN",`, "", 1)),
		"FirePOSTOtherField":    ogangiFire("43", strings.Replace(goodFire, "keyword_value", "keyword", 1)),
		"FirePOSTPlus":          ogangiFire("43", strings.Replace(goodFire, "1305", "+1305", 1)),
		"FirePOSTCodeOfLetters": ogangiFire("43", strings.Replace(goodFire, "2020", "Acme", 1)),
		"GetMessageWrong":       ogangiRequest("tools/getMessage", "43/17!"),
		"GetMessageWithoutID":   ogangiRequest("tools/getMessage", "43"),
		"GetMOWrongSignature":   ogangiRequest("tools/getMOMessages", "43/0/10/order=asc!"),
		"GetMOKeywordNoRegexp":  ogangiRequest("tools/getMOMessages", "43/0/10/keyword=%28"),
		"GetMOOrderTwice":       ogangiRequest("tools/getMOMessages", "43/0/10/order=asc&order=desc"),
		"GetMOEmptyValue":       ogangiRequest("tools/getMOMessages", "43/0/10/from="),
		"GetMOOtherOrder":       ogangiRequest("tools/getMOMessages", "43/0/10/order=newest"),
		"GetMOEmptyPage":        ogangiRequest("tools/getMOMessages", "43/0/0/order=asc"),
	}
	put := ogangiFire("43", goodFire)
	put.Method = http.MethodPut
	tests["FirePUT"] = put
	form := ogangiFire("43", goodFire)
	form.Header.Set("Content-Type", "text/plain")
	tests["FirePOSTOtherType"] = form
	wrong := ogangiFire("43", goodFire)
	wrong.URL.Path = wrong.URL.Path[:len(wrong.URL.Path)-1] + "0x"
	tests["FirePOSTWrongSignature"] = wrong
	for name, r := range tests {
		t.Run(name, func(t *testing.T) {
			g, w := serve(t, gateway.Ogangi{}, r)
			if s := g.Stats(); s.Violations != 1 || s.Taken != 0 || strings.Contains(w.Body.String(), "<status>OK<") {
				t.Errorf("got %d %s, %+v", w.Code, w.Body, s)
			}
		})
	}
}

func TestOgangi_FiredMessagesAreAnswered(t *testing.T) {
	for name, r := range map[string]*http.Request{"GET": ogangiRequest("fireMessage", "43/13055550100/Sk9JTg"), "POST": ogangiFire("43", goodFire)} {
		t.Run(name, func(t *testing.T) {
			g, w := serve(t, gateway.Ogangi{}, r)
			if len(g.Violations()) > 0 || len(g.Messages()) != 1 || g.Messages()[0].Text != "You wrote: JOIN" || g.Messages()[0].To != 13055550100 {
				t.Errorf("got %s, %q, %+v", w.Body, g.Violations(), g.Messages())
			}
		})
	}
}

func TestOgangi_InboxByPagesAndFilters(t *testing.T) {
	g := gateway.New(gateway.Ogangi{FirstPage: 1}, gateway.Options{})
	at := time.Date(2030, 5, 17, 12, 0, 0, 0, time.UTC)
	for i := range 7 {
		g.Write(gateway.MO{From: sms.MSISDN(13055550100 + i%2), To: fmt.Sprint(2020 + i%3), Text: fmt.Sprint("text ", i), At: at.Add(time.Duration(i) * time.Hour)})
	}
	texts := regexp.MustCompile(`<text>text (\d)</text>`)
	for query, want := range map[string]string{
		"0/10/order=asc":                "ERROR",
		"1/10/order=asc":                "7: 0123456",
		"1/10/order=desc":               "7: 6543210",
		"1/3/order=desc":                "7: 654",
		"2/3/order=desc":                "7: 321",
		"3/3/order=desc":                "7: 0",
		"4/3/order=desc":                "7: ",
		"1/10/null":                     "7: 0123456",
		"1/10/from=13055550101":         "3: 135",
		"1/10/to=2020,2022":             "5: 02356",
		"1/10/from=13055550101&to=2020": "1: 3",
		"1/10/keyword=%5B12%5D%24":      "2: 12",
		"1/10/carrier=Claro":            "0: ",
		"1/10/carrier=Claro,Movistar":   "7: 0123456",
	} {
		t.Run(query, func(t *testing.T) {
			w := httptest.NewRecorder()
			g.ServeHTTP(w, ogangiRequest("tools/getMOMessages", "43/"+query))
			got := ""
			if _, after, ok := strings.Cut(w.Body.String(), "<records>"); ok {
				records, _, _ := strings.Cut(after, "<")
				got = records + ": "
			} else if strings.Contains(w.Body.String(), "<status>ERROR<") {
				got = "ERROR"
			}
			for _, m := range texts.FindAllStringSubmatch(w.Body.String(), -1) {
				got += m[1]
			}
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	if len(g.Violations()) > 0 {
		t.Errorf("violations %q", g.Violations())
	}
}

func TestOgangi_MessagesSettleByTheirNumber(t *testing.T) {
	plan := gateway.ReportPlan{On: true, Undelivered: 0.5}
	for name, tt := range map[string]struct {
		d    gateway.Ogangi
		plan gateway.ReportPlan
		want func(sms.MSISDN) string
	}{
		"NotWhenNothingIsDecided": {gateway.Ogangi{}, gateway.ReportPlan{}, func(sms.MSISDN) string { return "SENT_TO_CARRIER" }},
		"NotBeforeTheTime":        {gateway.Ogangi{Settle: time.Hour}, plan, func(sms.MSISDN) string { return "SENT_TO_CARRIER" }},
		"AtOnce": {gateway.Ogangi{}, plan, func(to sms.MSISDN) string {
			if plan.Fate(to) == providers.Delivered {
				return "DELIVERED_TO_DEVICE|DELIVRD|READ"
			}
			return "UNREACHABLE|EXPIRED|UNDELIVERED|REJECTD|BAD_ADDRESS"
		}},
		"NotBeforeItIsStored": {gateway.Ogangi{}, gateway.ReportPlan{On: true, Stored: time.Hour}, func(sms.MSISDN) string { return "" }},
	} {
		t.Run(name, func(t *testing.T) {
			g := gateway.New(tt.d, gateway.Options{Reports: tt.plan})
			for i := range 20 {
				to := sms.MSISDN(13055550100 + i)
				g.ServeHTTP(httptest.NewRecorder(), ogangiRequest("tools/sendSMS", "43/Movistar/2020/"+base64.RawURLEncoding.EncodeToString([]byte(to.String()))+"/SGk"))
				m := g.Messages()[i]
				w := httptest.NewRecorder()
				g.ServeHTTP(w, ogangiRequest("tools/getMessage", "43/"+m.ID))
				_, after, _ := strings.Cut(w.Body.String(), "<to>"+to.String()+"</to> <status>")
				got, _, _ := strings.Cut(after, "<")
				if want := tt.want(to); !strings.Contains("|"+want+"|", "|"+got+"|") {
					t.Errorf("%v: got %q, want one of %q", to, got, want)
				}
			}
		})
	}
}
