package gateway_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

func mttmRequest(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.SetBasicAuth(gateway.MTTMUsername, gateway.MTTMPassword)
	return r
}

func TestMTTM_Takes(t *testing.T) {
	tests := []struct {
		name, op, body string
		want           []gateway.Message
	}{
		{"Text", "send", `{"to":"4512340101","from":"Acme","content":"Hi €"}`, []gateway.Message{{To: 4512340101, From: "Acme", Text: "Hi €"}}},
		{"NumberAsANumber", "send", `{"to":4512340101,"content":"Hi"}`, []gateway.Message{{To: 4512340101, Text: "Hi"}}},
		{"UCS2", "send", `{"to":"4512340101","coding":8,"hex_content":"d83edd23"}`, []gateway.Message{{To: 4512340101, Text: "🤣", Encoding: sms.UCS2}}},
		{"HexContentWithADash", "send", `{"to":"4512340101","coding":8,"hex-content":"0436"}`, []gateway.Message{{To: 4512340101, Text: "ж", Encoding: sms.UCS2}}},
		{"WhatGSM7LacksIsLost", "send", `{"to":"4512340101","content":"aжb"}`, []gateway.Message{{To: 4512340101, Text: "a?b"}}},
		{
			"TheSixthSegmentIsLost", "send", `{"to":"4512340101","content":"` + strings.Repeat("x", 5*153+1) + `"}`,
			[]gateway.Message{{To: 4512340101, Text: strings.Repeat("x", 5*153)}},
		},
		{"UCS2AsContentIsGarbage", "send", `{"to":"4512340101","coding":8,"content":"Hi"}`, []gateway.Message{{To: 4512340101, Text: "䡩", Encoding: sms.UCS2}}},
		{
			"Batch", "sendbatch", `{"globals":{"from":"Acme","content":"Hi"},"messages":[{"to":"4512340101"},{"to":"4512340102","content":"Ho","from":"Own"}]}`,
			[]gateway.Message{{To: 4512340101, From: "Acme", Text: "Hi"}, {To: 4512340102, From: "Own", Text: "Ho"}},
		},
		{
			"BatchWithAList", "sendbatch", `{"messages":[{"to":["4512340101",4512340102],"coding":8,"hex_content":"0436"}]}`,
			[]gateway.Message{{To: 4512340101, Text: "ж", Encoding: sms.UCS2}, {To: 4512340102, Text: "ж", Encoding: sms.UCS2}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g, w := serve(t, gateway.MTTM{}, mttmRequest("POST", "/secure/"+tt.op, tt.body))
			if w.Code != 200 || len(g.Violations()) > 0 {
				t.Fatalf("got %d %s, violations %q", w.Code, w.Body, g.Violations())
			}
			got := g.Messages()
			if len(got) != len(tt.want) {
				t.Fatalf("got %d messages, want %d", len(got), len(tt.want))
			}
			for i, m := range got {
				if want := tt.want[i]; m.To != want.To || m.From != want.From || m.Text != want.Text || m.Encoding != want.Encoding {
					t.Errorf("got %+v, want %+v", m, want)
				}
				if !strings.Contains(w.Body.String(), m.ID) || m.ID == "" {
					t.Errorf("the ID %q is not in %s", m.ID, w.Body)
				}
			}
		})
	}
}

func TestMTTM_AnswersAsTheRealOneOrAsItsDocument(t *testing.T) {
	const body = `{"to":"4512340101","content":"Hi"}`
	_, w := serve(t, gateway.MTTM{}, mttmRequest("POST", "/secure/send", body))
	if got := w.Body.String(); !strings.HasPrefix(got, `{"data": "Success \"`) || !strings.HasSuffix(got, `1"}`) {
		t.Errorf("got %s", got)
	}
	_, w = serve(t, gateway.MTTM{Documented: true}, mttmRequest("POST", "/secure/send", body))
	if got := w.Body.String(); !strings.Contains(got, `1\""}`) || !strings.HasSuffix(got, "V 1.0\n") {
		t.Errorf("got %s", got)
	}
}

func TestMTTM_Refuses(t *testing.T) {
	tests := []struct {
		name, op, body string
		status         int
		want           string // in the answer
	}{
		{"NotJSON", "send", `{"to"`, 412, "Cannot parse JSON data"},
		{"MoreThanJSON", "send", `{"to":"4512340101","content":"Hi"}x`, 412, "Cannot parse JSON data"},
		{"NotUTF8", "send", "{\"to\":\"4512340101\",\"content\":\"\xff\"}", 412, "Cannot parse JSON data"},
		{"UnknownKey", "send", `{"to":"4512340101","content":"Hi","text":"Hi"}`, 400, "Argument [text] is unknown"},
		{"NoNumber", "send", `{"content":"Hi"}`, 400, "Mandatory argument [to]"},
		{"BadNumber", "send", `{"to":"x","content":"Hi"}`, 400, "Argument [to] has an invalid value"},
		{"NoContent", "send", `{"to":"4512340101"}`, 400, "hex-content"},
		{"BothContents", "send", `{"to":"4512340101","content":"Hi","hex_content":"00"}`, 400, "hex-content"},
		{"BadCoding", "send", `{"to":"4512340101","content":"Hi","coding":12}`, 400, "Argument [coding]"},
		{"BadHex", "send", `{"to":"4512340101","coding":8,"hex_content":"0"}`, 400, "Argument [hex-content]"},
		{"EmptyContentIsAnsweredWithSuccess", "send", `{"to":"4512340101","content":""}`, 200, "Success"},
		{"LongSenderIsAnsweredWithSuccess", "send", `{"to":"4512340101","from":"123456789012345678901","content":"Hi"}`, 200, "Success"},
		{"LongNumberIsAnsweredWithSuccess", "send", `{"to":"451234010145123401014","content":"Hi"}`, 200, "Success"},
		{"AListOfNumbersIsAnsweredWithSuccess", "send", `{"to":["4512340101","4512340102"],"content":"Hi"}`, 200, "Success"},
		{"EmptyBatch", "sendbatch", `{"messages":[]}`, 200, `"messageCount": 0`},
		{"UnknownKeyOfABatch", "sendbatch", `{"texts":[],"messages":[{"to":"4512340101","content":"Hi"}]}`, 500, "500 Internal Server Error"},
		{"BadNumberInABatchIsQueued", "sendbatch", `{"messages":[{"to":"x","content":"Hi"}]}`, 200, `"messageCount": 1`},
		{"ANumberTwiceInABatch", "sendbatch", `{"globals":{"content":"Hi"},"messages":[{"to":"4512340101"},{"to":"4512340101"}]}`, 200, "batchId"},
		{"OtherLevel", "send", `{"to":"4512340101","content":"Hi","dlr-level":4}`, 400, "Argument [dlr-level]"},
		{"OtherDLR", "send", `{"to":"4512340101","content":"Hi","dlr":true}`, 412, "Cannot parse JSON data"},
		{"OtherMethod", "send", `{"to":"4512340101","content":"Hi","dlr-method":"PUT"}`, 400, "Argument [dlr-method]"},
		{"NoAddress", "send", `{"to":"4512340101","content":"Hi","dlr-url":"example.invalid"}`, 400, "Argument [dlr-url]"},
		{"PriorityOfFour", "send", `{"to":"4512340101","content":"Hi","priority":4}`, 400, "Argument [priority]"},
		{"ValidityInWords", "send", `{"to":"4512340101","content":"Hi","validity-period":"1h"}`, 400, "Argument [validity-period]"},
		{"ShortDeliveryTime", "send", `{"to":"4512340101","content":"Hi","sdt":"260102120000"}`, 400, "Argument [sdt]"},
		{"TagWithABlank", "send", `{"to":"4512340101","content":"Hi","tags":"a b"}`, 400, "Argument [tags]"},
		{"WrongWishOfABatchIsQueued", "sendbatch", `{"globals":{"content":"Hi","priority":4},"messages":[{"to":"4512340101"}]}`, 200, "batchId"},
		{"PastDate", "sendbatch", `{"batch_config":{"schedule_at":"2019-12-31 23:59:00"},"messages":[{"to":"4512340101","content":"Hi"}]}`, 412, "Cannot schedule batch in past date"},
		{"OtherDate", "sendbatch", `{"batch_config":{"schedule_at":"tomorrow"},"messages":[{"to":"4512340101","content":"Hi"}]}`, 412, "Cannot parse scheduled_at value"},
		{"ADateThatIsANumber", "sendbatch", `{"batch_config":{"schedule_at":60},"messages":[{"to":"4512340101","content":"Hi"}]}`, 500, "500"},
		{"UnknownKeyOfTheConfig", "sendbatch", `{"batch_config":{"callback":"x"},"messages":[{"to":"4512340101","content":"Hi"}]}`, 500, "500"},
		{"BothContentsInABatch", "sendbatch", `{"globals":{"content":"Hi"},"messages":[{"to":"4512340101","hex_content":"00"}]}`, 200, "batchId"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g, w := serve(t, gateway.MTTM{}, mttmRequest("POST", "/secure/"+tt.op, tt.body))
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) || g.Stats().Violations != 1 || g.Stats().Taken != 0 {
				t.Errorf("got %d %s, %+v; want %d %s", w.Code, w.Body, g.Stats(), tt.status, tt.want)
			}
		})
	}
	t.Run("ABatchOf1001", func(t *testing.T) {
		var b strings.Builder
		for i := range 1001 {
			fmt.Fprintf(&b, `,{"to":"%d"}`, 4512340000+i)
		}
		_, w := serve(t, gateway.MTTM{}, mttmRequest("POST", "/secure/sendbatch", `{"globals":{"content":"Hi"},"messages":[`+b.String()[1:]+`]}`))
		if w.Code != 413 {
			t.Errorf("got %d", w.Code)
		}
	})
}

func TestMTTM_WrongCredentialsLookDifferentPerOperation(t *testing.T) {
	tests := []struct {
		name, method, path string
		change             func(*http.Request)
		status             int
		want               string
	}{
		{"Send", "POST", "/secure/send", func(r *http.Request) { r.SetBasicAuth("x", "y") }, 403, "Authentication failure"},
		{"SendBatch", "POST", "/secure/sendbatch", func(r *http.Request) { r.SetBasicAuth("x", "y") }, 412, "Authentication failed"},
		{"Balance", "GET", "/secure/balance", func(r *http.Request) { r.SetBasicAuth("x", "y") }, 403, "Authentication failure"},
		{"None", "POST", "/secure/send", func(r *http.Request) { r.Header.Del("Authorization") }, 401, "Authentication required"},
		{"Malformed", "POST", "/secure/send", func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, 401, "Invalid token"},
		{"LongPassword", "POST", "/secure/send", func(r *http.Request) { r.SetBasicAuth("x", strings.Repeat("y", 17)) }, 400, "Argument [password]"},
		{"ColonInThePassword", "POST", "/secure/send", func(r *http.Request) { r.SetBasicAuth("x", "y:z") }, 500, "500"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := mttmRequest(tt.method, tt.path, `{"to":"4512340101","content":"Hi"}`)
			tt.change(r)
			g, w := serve(t, gateway.MTTM{}, r)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) || g.Stats().Violations != 1 {
				t.Errorf("got %d %s, want %d %s", w.Code, w.Body, tt.status, tt.want)
			}
		})
	}
}

func TestMTTM_OtherOperations(t *testing.T) {
	_, w := serve(t, gateway.MTTM{Credit: "12.5"}, mttmRequest("GET", "/secure/balance", ""))
	if want := `{"data": {"balance": 12.5, "sms_count": "ND"}}`; w.Body.String() != want {
		t.Errorf("got %s, want %s", w.Body, want)
	}
	_, w = serve(t, gateway.MTTM{}, httptest.NewRequest("GET", "/ping", nil))
	if want := `{"data": "Jasmin/PONG"}`; w.Body.String() != want {
		t.Errorf("got %s, want %s", w.Body, want)
	}
	for name, r := range map[string]*http.Request{
		"OtherPath":       mttmRequest("POST", "/send", "{}"),
		"GET":             mttmRequest("GET", "/secure/send", ""),
		"NoContentLength": func() *http.Request { r := mttmRequest("POST", "/secure/send", "{}"); r.ContentLength = -1; return r }(),
		"AcceptWithNoJSON": func() *http.Request {
			r := mttmRequest("POST", "/secure/send", "{}")
			r.Header.Set("Accept", "text/xml")
			return r
		}(),
	} {
		if g, w := serve(t, gateway.MTTM{}, r); w.Code < 400 || g.Stats().Violations != 1 {
			t.Errorf("%s: got %d", name, w.Code)
		}
	}
}

// The document's own requests, which stand in it without some braces and quotes.
func TestMTTM_TakesWhatItsDocumentShows(t *testing.T) {
	for name, want := range map[string][]gateway.Message{
		"send_text":          {{To: 31612345678, From: "A Friend", Text: "Hello"}},
		"send_binary":        {{To: 31612345677, From: "A Friend", Text: "🤣"}},
		"sendbatch_one_text": {{To: 31612345677, Text: "The same message to all three"}, {To: 31612345678, Text: "The same message to all three"}, {To: 31612345679, Text: "The same message to all three"}},
		"sendbatch_many_texts": {
			{To: 31612345677, From: "Sender1", Text: "Message 1 goes to 3 numbers"},
			{To: 31612345678, From: "Sender1", Text: "Message 1 goes to 3 numbers"},
			{To: 31612345679, From: "Sender1", Text: "Message 1 goes to 3 numbers"},
			{To: 31622222222, From: "Sender2", Text: "Message 2 goes to 3 numbers"},
			{To: 31622222223, From: "Sender2", Text: "Message 2 goes to 3 numbers"},
			{To: 31622222224, From: "Sender2", Text: "Message 2 goes to 3 numbers"},
			{To: 31622222225, From: "Sender3", Text: "Message 3 goes to 1 number"},
		},
		"sendbatch_globals": {
			{To: 31622222222, From: "Sender1", Text: "Message 1 goes to 3 numbers"},
			{To: 3162222223, From: "Sender1", Text: "Message 1 goes to 3 numbers"},
			{To: 3162222224, From: "Sender1", Text: "Message 1 goes to 3 numbers"},
			{To: 31612345677, From: "Sender2", Text: "Message 2 goes to 3 numbers"},
			{To: 31612345678, From: "Sender2", Text: "Message 2 goes to 3 numbers"},
			{To: 3163333333, From: "Sender2", Text: "Message 3 goes to 1 number"},
		},
		"sendbatch_callbacks": {{To: 3162222222, From: "sender", Text: "🤣"}},
		"sendbatch_wait":      {{To: 3162222222, Text: "A Day Passed"}},
	} {
		t.Run(name, func(t *testing.T) {
			op, _, _ := strings.Cut(name, "_")
			g, w := serve(t, gateway.MTTM{}, mttmRequest("POST", "/secure/"+op, mttmSample(t, name)))
			if w.Code != 200 || len(g.Violations()) > 0 {
				t.Fatalf("got %d %s, violations %q", w.Code, w.Body, g.Violations())
			}
			got := g.Messages()
			if len(got) != len(want) {
				t.Fatalf("got %d messages, want %d", len(got), len(want))
			}
			for i, m := range got {
				if m.To != want[i].To || m.From != want[i].From || m.Text != want[i].Text {
					t.Errorf("got %+v, want %+v", m, want[i])
				}
				switch c := m.Callback; {
				case name == "sendbatch_globals" && (c == nil || *c != gateway.Callback{URL: "http://DLR.server/url", Method: "POST", Level: 3}):
					t.Errorf("got %+v", c)
				case name == "sendbatch_callbacks" && (c == nil || *c != gateway.Callback{Progress: "http://callback.url:80/successful_batch", Errors: "http://callback.url:80/errored_batch"}):
					t.Errorf("got %+v", c)
				}
			}
		})
	}
	t.Run("binary without a coding is octets in the default alphabet", func(t *testing.T) {
		if g, w := serve(t, gateway.MTTM{}, mttmRequest("POST", "/secure/sendbatch", mttmSample(t, "sendbatch_binary"))); w.Code != 200 || len(g.Messages()) != 3 {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	})
	t.Run("a date of 2019 has passed", func(t *testing.T) {
		if g, w := serve(t, gateway.MTTM{}, mttmRequest("POST", "/secure/sendbatch", mttmSample(t, "sendbatch_date"))); w.Code != 412 || len(g.Messages()) != 0 {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	})
}

func mttmSample(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "mttm", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestMTTM_RecordsWhatIsAsked(t *testing.T) {
	g, w := serve(t, gateway.MTTM{}, mttmRequest("POST", "/secure/send", `{"to":"4512340101","content":"Hi","dlr-url":"https://example.invalid/a","dlr_level":3,`+
		`"dlr-method":"get","priority":3,"validity_period":60,"sdt":"260102120000000+","tags":"a,b"}`))
	if w.Code != 200 {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	m := g.Messages()[0]
	if want := (gateway.Callback{URL: "https://example.invalid/a", Method: "GET", Level: 3}); *m.Callback != want {
		t.Errorf("got %+v, want %+v", *m.Callback, want)
	}
	for key, want := range map[string]string{"dlr-level": "3", "priority": "3", "validity-period": "60", "sdt": "260102120000000+", "tags": "a,b"} {
		if m.Asked[key] != want {
			t.Errorf("%s: got %q, want %q", key, m.Asked[key], want)
		}
	}
	g, _ = serve(t, gateway.MTTM{}, mttmRequest("POST", "/secure/send", `{"to":"4512340101","content":"Hi","dlr-url":"https://example.invalid/a"}`))
	if got := g.Messages()[0].Callback; got.Level != 1 || got.Method != "POST" {
		t.Errorf("without a level and a method: got %+v", got)
	}
}

func TestMTTM_Schedules(t *testing.T) {
	ahead := time.Now().In(time.FixedZone("", 3600)).Add(time.Hour).Truncate(time.Second)
	for at, want := range map[string]string{
		"3600s": `"scheduled": "3600s"`, ahead.Format(time.DateTime): `"scheduled": "3`, "0s": `"scheduled": "0s"`,
	} {
		d := gateway.MTTM{Zone: ahead.Location()}
		g, w := serve(t, d, mttmRequest("POST", "/secure/sendbatch", `{"batch_config":{"schedule_at":"`+at+`"},"messages":[{"to":"4512340101","content":"Hi"}]}`))
		if w.Code != 200 || !strings.Contains(w.Body.String(), want) {
			t.Fatalf("%s: got %d %s", at, w.Code, w.Body)
		}
		m := g.Messages()[0]
		if m.Asked["schedule_at"] != at || at != "0s" && m.Due.Sub(ahead).Abs() > time.Minute {
			t.Errorf("%s: due at %v, asked %v", at, m.Due, m.Asked)
		}
	}
}

func TestMTTM_ReadsTheCarriersDeliveryTime(t *testing.T) {
	for sdt, want := range map[string]time.Time{
		"300102120000000+": time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC),
		"300102120000004+": time.Date(2030, 1, 2, 11, 0, 0, 0, time.UTC),
		"300102120000038-": time.Date(2030, 1, 2, 21, 30, 0, 0, time.UTC),
		"000000010000000R": time.Now().Add(time.Hour),
	} {
		g, w := serve(t, gateway.MTTM{}, mttmRequest("POST", "/secure/send", `{"to":"4512340101","content":"Hi","sdt":"`+sdt+`"}`))
		if w.Code != 200 || g.Messages()[0].Due.Sub(want).Abs() > time.Minute {
			t.Errorf("%s: got %d, %v", sdt, w.Code, g.Messages())
		}
	}
}

func TestMTTM_Rate(t *testing.T) {
	for query, want := range map[string]string{
		"to=4512340101":                                                    `200 {"data": {"unit_rate": 0.05, "submit_sm_count": 1}}`,
		"to=4512340101&content=Hi&from=Acme":                               `200 {"data": {"unit_rate": 0.05, "submit_sm_count": 1}}`,
		"to=4512340101&coding=8&hex-content=0436":                          `200 {"data": {"unit_rate": 0.05, "submit_sm_count": 1}}`,
		"to=4512340101&coding=8&hex_content=" + strings.Repeat("0436", 71): `200 {"data": {"unit_rate": 0.05, "submit_sm_count": 2}}`,
		"content=Hi":              `400 {"message": "Error \"Mandatory argument [to] is not found."}`,
		"to=4512340101&cost=free": `400 {"message": "Error \"Argument [cost] is unknown."}`,
	} {
		g, w := serve(t, gateway.MTTM{Price: "0.05"}, mttmRequest("GET", "/secure/rate?"+query, ""))
		if got := fmt.Sprintf("%d %s", w.Code, w.Body); got != want || g.Stats().Taken != 0 || g.Stats().Sends != 0 {
			t.Errorf("%s: got %s, want %s; %+v", query, got, want, g.Stats())
		}
	}
}

func TestMTTM_RefusesNumbersInItsOwnManner(t *testing.T) {
	refusing := func(op, body string) (*gateway.Gateway, *httptest.ResponseRecorder) {
		g := gateway.New(gateway.MTTM{}, gateway.Options{Faults: []gateway.Fault{{Kind: gateway.Refuse, Suffix: "101"}}})
		w := httptest.NewRecorder()
		g.ServeHTTP(w, mttmRequest("POST", "/secure/"+op, body))
		return g, w
	}
	g, w := refusing("send", `{"to":"4512340101","content":"Hi"}`)
	if w.Code != 412 || w.Body.String() != `{"message": "Error \"No route found"}` || g.Stats().Refused != 1 {
		t.Errorf("got %d %s, %+v", w.Code, w.Body, g.Stats())
	}
	g, w = refusing("sendbatch", `{"globals":{"content":"Hi"},"messages":[{"to":"4512340101"},{"to":"4512340102"}]}`)
	if s := g.Stats(); w.Code != 200 || !strings.Contains(w.Body.String(), `"messageCount": 2`) || s.Refused != 1 || s.Taken != 1 {
		t.Errorf("got %d %s, %+v", w.Code, w.Body, s)
	}
}
