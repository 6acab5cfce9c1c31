package gatewayapi_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/gatewayapi"
)

// answering returns an adapter before a server that gives one answer.
func answering(t testing.TB, status int, body string, header http.Header) *gatewayapi.Adapter {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for k, v := range header {
			w.Header()[k] = v
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return mustNew(t, gatewayapi.Options{BaseURL: s.URL, Token: "example-token"})
}

// threeRecipients is the call of the tables below.
func threeRecipients() providers.Call {
	return providers.Call{
		From: "Acme", Text: "Hello there", Segments: 1, Reference: "j1.c0",
		Recipients: []providers.Recipient{{To: 4512340101}, {To: 4512340102}, {To: 4512340103}},
	}
}

// outcome writes results as "again 0x0215, rejected 0x0215", and one of them when all are alike.
func outcome(results []providers.Result) string {
	var out []string
	for _, r := range results {
		kind := "accepted"
		if r.Err != nil {
			kind = providers.KindOf(r.Err).String()
		}
		out = append(out, strings.TrimSpace(kind+" "+r.Code))
	}
	for _, o := range out {
		if o != out[0] {
			return strings.Join(out, ", ")
		}
	}
	return out[0]
}

func TestClassify(t *testing.T) {
	code := func(c string) string {
		return fmt.Sprintf(`{"code":%q,"incident_uuid":"d8127429-fa0c-4316-b1f2-e610c3958f43","message":"Said the gateway"}`, c)
	}
	about := func(c, message, variable string) string {
		return fmt.Sprintf(`{"code":%q,"incident_uuid":"x","message":%q,"variables":[%s]}`, c, message, variable)
	}
	tests := []struct {
		name   string
		status int
		body   string
		want   string
	}{
		{"OneID", 200, `{"ids":[421332671],"usage":{"countries":{"DK":3},"currency":"DKK","total_cost":0.45}}`, "accepted"},
		{"IDAsAString", 200, `{"ids":["421332671"]}`, "accepted"},
		{"A64BitID", 200, `{"ids":[18446744073709551615]}`, "accepted"},
		{"FieldsThatAreNew", 201, `{"ids":[1],"new":{"x":[1]}}`, "accepted"},
		{"NoIDs", 200, `{"ids":[]}`, "unknown 200"},
		{"TwoIDs", 200, `{"ids":[1,2]}`, "unknown 200"},
		{"NullID", 200, `{"ids":[null]}`, "unknown 200"},
		{"ObjectAsID", 200, `{"ids":[{"id":1}]}`, "unknown 200"},
		{"NotJSON", 200, `<html>`, "unknown 200"},
		{"Empty", 200, ``, "unknown 200"},

		{"User", 401, code("0x0210"), "config 0x0210"},
		{"Password", 401, code("0x0211"), "config 0x0211"},
		{"Address", 401, code("0x0212"), "config 0x0212"},
		{"Key", 401, code("0x0223"), "config 0x0223"},
		{"Signature", 401, code("0x0224"), "config 0x0224"},
		{"Token", 401, code("0x0229"), "config 0x0229"},
		{"Timestamp", 401, code("0x0225"), "unavailable 0x0225"},
		{"Nonce", 401, code("0x0226"), "unavailable 0x0226"},
		{"401WithoutACode", 401, "", "config 401"},

		{"AddressNotAllowed", 403, code("0x0213"), "config 0x0213"},
		{"SMSNotEnabled", 403, code("0x021D"), "config 0x021D"},
		{"AccountFrozen", 403, code("0x022a"), "config 0x022A"},
		{"NoCredit", 403, code("0x0216"), "config 0x0216"},
		{"403WithoutACode", 403, "<html>", "config 403"},
		{"403WithACodeOfNoTable", 403, code("0x0299"), "config 0x0299"},
		{"BlacklistedForNow", 403, about("0x0214", "MSISDN %1 is temporarily blacklisted", `"4512340102"`), "again 0x0214, rejected 0x0214, again 0x0214"},
		{"BlacklistedForNowWithAHash", 403, about("0x0214", "MSISDN %1 is temporarily blacklisted: %2", `"4512340103","d41d8cd98f00b204"`), "again 0x0214, again 0x0214, rejected 0x0214"},
		{"Blacklisted", 403, about("0x0215", "MSISDN %1 is blacklisted", `"4512340101"`), "rejected 0x0215, again 0x0215, again 0x0215"},
		{"BlacklistedAsANumber", 403, about("0x0215", "MSISDN %1 is blacklisted", `4512340101`), "rejected 0x0215, again 0x0215, again 0x0215"},
		{"BlacklistedWithAPlus", 403, about("0x0215", "MSISDN %1 is blacklisted", `"+4512340101"`), "rejected 0x0215, again 0x0215, again 0x0215"},
		{"BlacklistedButNotOneOfOurs", 403, about("0x0215", "MSISDN %1 is blacklisted", `"4512340199"`), "split 0x0215"},
		{"BlacklistedWithoutANumber", 403, code("0x0215"), "split 0x0215"},
		{"CountryNotAllowed", 403, code("0x0217"), "split 0x0217"},
		{"OperatorNotAllowed", 403, code("0x021F"), "split 0x021F"},
		{"OtherProduct19", 403, code("0x0219"), "rejected 0x0219"},
		{"OtherProduct1A", 403, code("0x021A"), "rejected 0x021A"},
		{"OtherProduct1B", 403, code("0x021B"), "rejected 0x021B"},
		{"OtherProduct1C", 403, code("0x021C"), "rejected 0x021C"},

		{"ARecipientTwice", 422, about("0x0310", "A message contains the same recipient more than once. MSISDNs %1 is duplicated", `"4512340101"`), "invalid 0x0310"},
		{"Class", 422, code("0x0218"), "rejected 0x0218"},
		{"Priority", 422, code("0x0311"), "rejected 0x0311"},
		{"ContentFilter", 422, code("0x0312"), "rejected 0x0312"},
		{"422AboutOneNumber", 422, about("0x0308", "Invalid MSISDN %1", `"4512340102"`), "again 0x0308, invalid 0x0308, again 0x0308"},
		{"422AboutANumberItDoesNotName", 422, about("0x0308", "MSISDN", ``), "split 0x0308"},
		{"422AboutTheText", 422, code("0x0309"), "invalid 0x0309"},
		{"422WithoutACode", 422, "", "invalid 422"},

		{"Unreadable20", 400, code("0x0220"), "invalid 0x0220"},
		{"Unreadable21", 400, code("0x0221"), "invalid 0x0221"},
		{"Unreadable22", 400, code("0x0222"), "invalid 0x0222"},
		{"400WithoutACode", 400, "", "invalid 400"},
		{"404", 404, "", "config 404"},
		{"405", 405, "", "config 405"},
		{"408", 408, "", "unavailable 408"},
		{"409", 409, "", "rejected 409"},
		{"413IsSplit", 413, "", "split 413"},
		{"415", 415, "", "config 415"},
		{"429", 429, "", "throttled 429"},
		{"301", 301, "", "config 301"},

		{"ClassNotConfigured", 500, code("0x021E"), "rejected 0x021E"},
		{"500", 500, code("0x0100"), "unknown 0x0100"},
		{"500WithoutACode", 500, "", "unknown 500"},
		{"500WithACodeOf401", 500, code("0x0229"), "unknown 0x0229"},
		{"500ShuttingDown", 500, code("0x0105"), "unavailable 0x0105"},
		{"500Resources", 500, code("0x0106"), "unavailable 0x0106"},
		{"500TryAgain", 500, code("0x0209"), "unavailable 0x0209"},
		{"500TryAgainButWithIDs", 500, `{"code":"0x0209","ids":[1]}`, "unknown 0x0209"},
		{"403WithIDs", 403, `{"code":"0x0216","ids":[1]}`, "unknown 0x0216"},
		{"400TryAgainIsThe400", 400, code("0x0209"), "invalid 0x0209"},
		{"502", 502, "", "unknown 502"},
		{"503", 503, "", "unavailable 503"},
		{"504", 504, "", "unknown 504"},
		{"599", 599, "", "unknown 599"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := answering(t, tt.status, tt.body, nil)
			if got := outcome(a.Send(t.Context(), threeRecipients())); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestClassify_TheIDIsEveryRecipients(t *testing.T) {
	for body, want := range map[string]string{
		`{"ids":[421332671]}`:            "421332671",
		`{"ids":["01JNN-x_1"]}`:          "01JNN-x_1",
		`{"ids":[18446744073709551615]}`: "18446744073709551615",
	} {
		for i, r := range answering(t, 200, body, nil).Send(t.Context(), threeRecipients()) {
			if r.ID != want || r.Err != nil {
				t.Errorf("%s, result %d: got %+v", body, i, r)
			}
		}
	}
}

func TestClassify_RetryAfter(t *testing.T) {
	for _, status := range []int{429, 503} {
		r := answering(t, status, "", http.Header{"Retry-After": {"5"}}).Send(t.Context(), threeRecipients())
		var e *providers.Error
		if !errors.As(r[0].Err, &e) || e.RetryAfter != 5*time.Second {
			t.Errorf("%d: got %v", status, r[0].Err)
		}
	}
}

func TestClassify_Detail(t *testing.T) {
	const uuid = "d8127429-fa0c-4316-b1f2-e610c3958f43"
	tests := []struct{ name, body, want string }{
		{"Incident", `{"code":"0x0229","incident_uuid":"` + uuid + `","message":"Invalid token"}`, "Invalid token; incident " + uuid},
		{"Variables", `{"message":"Unauthorized %2 address: %1","variables":["203.0.113.9","IP"]}`, "Unauthorized IP address: 203.0.113.9"},
		{"NumbersAreMasked", `{"message":"MSISDNs %1 is duplicated","variables":["4512340101"]}`, "MSISDNs ***101 is duplicated"},
		{"TheTextIsNotRepeated", `{"message":"Not allowed: %1","variables":["Hello there"]}`, "Not allowed: ***"},
		{"TheTokenIsNotRepeated", `{"message":"Token example-token is bad"}`, "Token *** is bad"},
		{"AnIncidentThatIsNone", `{"incident_uuid":"4512340101","message":"No"}`, "No"},
		{"APage", `<html>4512340101`, "Forbidden"},
		{"OtherTypes", `{"message":{"x":1},"variables":"y"}`, "Forbidden"},
		{"ALongText", `{"incident_uuid":"` + uuid + `","message":"` + strings.Repeat("é", 500) + `"}`, strings.Repeat("é", 76) + "; incident " + uuid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := answering(t, 403, tt.body, nil).Send(t.Context(), threeRecipients())[0].Detail
			if got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestAdapter_Check(t *testing.T) {
	tests := []struct {
		name    string
		status  int
		body    string
		balance string
		kind    providers.Kind // looked at when balance is empty
	}{
		{"Fraction", 200, `{"credit":1234.56,"currency":"DKK","id":1}`, "1234.56 DKK", 0},
		{"Integer", 200, `{"credit":12,"currency":"EUR","id":1}`, "12.00 EUR", 0},
		{"Negative", 200, `{"credit":-0.5,"currency":"EUR"}`, "-0.50 EUR", 0},
		{"NoCurrency", 200, `{"credit":0}`, "0.00", 0},
		{"OtherJSON", 200, `{"hello":1}`, "", providers.Unavailable},
		{"APage", 200, `<html>`, "", providers.Unavailable},
		{"WrongToken", 401, `{"code":"0x0229"}`, "", providers.Config},
		{"Forbidden", 403, ``, "", providers.Config},
		{"WrongAddress", 404, ``, "", providers.Config},
		{"Throttled", 429, ``, "", providers.Throttled},
		{"ServerError", 500, ``, "", providers.Unavailable},
		{"Busy", 503, ``, "", providers.Unavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			info, err := answering(t, tt.status, tt.body, nil).Check(t.Context())
			switch {
			case tt.balance != "" && (err != nil || !info.LoginProven || info.Balance != tt.balance):
				t.Errorf("got %+v, %v", info, err)
			case tt.balance == "" && (err == nil || providers.KindOf(err) != tt.kind || info.LoginProven):
				t.Errorf("got %+v, %v; want %v", info, err, tt.kind)
			}
		})
	}
}
