package ogangi

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParseAnswer(t *testing.T) {
	sent := Message{
		ID: "-8174720676710228700", Carrier: "Movistar", From: "19995550123", To: "13055550100", Text: "Hi",
		Status: "SENT_TO_CARRIER", Description: "Sent to Carrier", Encoding: "UTF-8",
		Date: time.Date(2013, 9, 17, 10, 13, 59, 176e6, time.FixedZone("", -4*3600-1800)), Timezone: "America/Caracas", ClientID: "abc",
	}
	delivered := sent
	delivered.Status, delivered.Description = "DELIVERED_TO_DEVICE", "Delivered to device"
	delivered.Type, delivered.BlastID = "SMS", "7"
	inbound := InboundMessage{
		From: "13055550100", To: "19995550123", Text: "Test", Keyword: "^EXAMPLE.*", Carrier: "Movistar", Encoding: "UTF-8",
		SendDate: "2014-10-13 10:30:51.922",
	}
	completed := answer{status: "OK", description: "Completed"}
	withMessage := answer{status: "OK", description: "Completed", messages: []Message{sent}}
	tests := []struct {
		name string
		body string
		want answer
		err  error
	}{
		{"WithAResponseAroundIt", string(sample(t, "sendmt_ok.xml")), completed, nil},
		{"WithoutAResponseAroundIt", string(sample(t, "sendmt_ok_rootless.xml")), completed, nil},
		{"AMessage", string(sample(t, "sendsms_ok.xml")), withMessage, nil},
		{"ListClosedByAnOpeningTag", string(sample(t, "sendsms_badly_closed.xml")), withMessage, nil},
		{"ListOfInboundMessagesClosedByAnOpeningTag", string(sample(t, "mo_badly_closed.xml")), answer{status: "OK", description: "Completed", records: 17, inbound: []InboundMessage{inbound}}, nil},
		{"PIN", string(sample(t, "pin.xml")), answer{status: "OK", description: "Completed", pin: "846547"}, nil},
		{"PINWithAResponseAroundIt", "<response>" + string(sample(t, "pin.xml")) + "</response>", answer{status: "OK", description: "Completed", pin: "846547"}, nil},
		{"FireMessageByGETNamesAnotherMethod", string(sample(t, "fire_get.xml")), completed, nil},
		{
			"FireMessageByPOST", string(sample(t, "fire_post.xml")),
			answer{status: "OK", description: "Completed", fired: Fired{InstanceID: "43", From: "1200000001", Text: "Test qa API fireMessage."}},
			nil,
		},
		{"OneMessageWithoutAList", string(sample(t, "getmessage.xml")), answer{status: "OK", description: "Completed", messages: []Message{delivered}}, nil},
		{
			"AMessageOfAnotherType", "<status>OK</status><result><message><type>PUSH</type><subject>News</subject><appName>Shop</appName>" +
				"<platform>ANDROID</platform></message></result>",
			answer{status: "OK", messages: []Message{{Type: "PUSH", Subject: "News", AppName: "Shop", Platform: "ANDROID"}}},
			nil,
		},
		{
			"TwoInboundMessages", "<status>OK</status><result><MOMessageList><records>2</records><MessageList><MOMessage><text>a</text></MOMessage>" +
				"<MOMessage><text>b</text></MOMessage></MessageList></MOMessageList></result>",
			answer{status: "OK", records: 2, inbound: []InboundMessage{{Text: "a"}, {Text: "b"}}},
			nil,
		},
		{
			"InboundMessagesClosedByOpeningTags", "<status>OK</status><result><MOMessageList><MessageList><MOMessage><text>a</text><MOMessage>" +
				"<MOMessage><text>b</text><MOMessage><MessageList></result>",
			answer{status: "OK", inbound: []InboundMessage{{Text: "a"}, {Text: "b"}}},
			nil,
		},
		{"NegativeRecords", "<status>OK</status><result><MOMessageList><records>-1</records></MOMessageList></result>", answer{status: "OK"}, nil},
		{"PINElsewhereIsNone", "<status>OK</status><pin>1234</pin><result><pin>1234</pin></result>", answer{status: "OK"}, nil},
		{"BadSignature", string(sample(t, "bad_signature.xml")), answer{status: "BAD_SIGNATURE", description: "Invalid signature, access denied"}, nil},
		{"Declaration", `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + string(sample(t, "sendmt_ok.xml")), completed, nil},
		{"ByteOrderMark", "\xef\xbb\xbf" + string(sample(t, "sendmt_ok.xml")), completed, nil},
		{
			"DeclaredLatin1", "<?xml version='1.0' encoding='ISO-8859-1'?><response><status>OK</status><description>Env\xedo</description></response>",
			answer{status: "OK", description: "Envío"},
			nil,
		},
		{"UndeclaredLatin1", "<status>OK</status><description>Env\xedo</description>", answer{status: "OK", description: "Envío"}, nil},
		{
			"ControlCharacterInAnEchoedText", "<status>OK</status><result><messages><message><text>a\x0cb</text><status>SENT</status></message></messages></result>",
			answer{status: "OK", messages: []Message{{Text: "a b", Status: "SENT"}}},
			nil,
		},
		{
			"UnescapedAmpersandInAnEchoedText", "<status>OK</status><result><messages><message><text>a & b</text><status>SENT</status></message></messages></result>",
			answer{status: "OK", messages: []Message{{Text: "a & b", Status: "SENT"}}},
			nil,
		},
		{"StatusInsideTheResultIsNotTheCalls", "<response><result><status>OK</status></result></response>", answer{}, nil},
		{"StatusInsideAnotherRootIsNotTheCalls", "<html><status>OK</status></html>", answer{}, nil},
		{
			"MessageStatusIsNotTheCalls", "<result><messages><message><status>SENT</status></message></messages></result>",
			answer{messages: []Message{{Status: "SENT"}}},
			nil,
		},
		{"MessageOutsideTheListIsNone", "<status>OK</status><message><status>SENT</status></message>", answer{status: "OK"}, nil},
		{"FirstStatusCounts", "<status>OK</status><status>ERROR</status>", answer{status: "OK"}, nil},
		{
			"TwoMessages", "<status>OK</status><result><messages><message><id>a</id></message><message><id>b</id></message></messages></result>",
			answer{status: "OK", messages: []Message{{ID: "a"}, {ID: "b"}}},
			nil,
		},
		{"EmptyMessage", "<status>OK</status><result><messages><message/></messages></result>", answer{status: "OK", messages: []Message{{}}}, nil},
		{"Empty", " \n", answer{}, errEmpty},
		{"NotXML", "OK", answer{}, errNotXML},
		{"EndsInsideATag", "<response><status>OK</stat", answer{status: ""}, errNotXML},
		{"EndsEarly", "<response><status>OK</status><description>Comp", answer{status: "OK"}, errEndsEarly},
		{"TooDeep", strings.Repeat("<a>", 100), answer{}, errTooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseAnswer([]byte(tt.body))
			if !errors.Is(err, tt.err) {
				t.Errorf("got error %v, want %v", err, tt.err)
			}
			if !same(got, tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// same compares answers, and their times as instants.
func same(a, b answer) bool {
	if len(a.messages) != len(b.messages) {
		return false
	}
	a.messages, b.messages = slices.Clone(a.messages), slices.Clone(b.messages)
	for i := range a.messages {
		if !a.messages[i].Date.Equal(b.messages[i].Date) {
			return false
		}
		a.messages[i].Date, b.messages[i].Date = time.Time{}, time.Time{}
	}
	return reflect.DeepEqual(a, b)
}

// Nothing that a gateway answers may stop the adapter, be taken for an acceptance by accident, or be kept without bound.
func FuzzParseAnswer(f *testing.F) {
	names, err := filepath.Glob("testdata/*.xml")
	if err != nil || len(names) == 0 {
		f.Fatal("no samples", err)
	}
	for _, name := range names {
		f.Add(sample(f, filepath.Base(name)))
	}
	f.Add([]byte("<status>OK</status><result><messages><message><id>1<message><messages></result>"))
	f.Fuzz(func(t *testing.T, body []byte) {
		a, _ := parseAnswer(body)
		if n := len(a.messages) + len(a.inbound); n > maxMessages+1 || a.records < 0 {
			t.Errorf("%d messages, %d records", n, a.records)
		}
		if a.pin != "" && !strings.Contains(string(readable(body)), "PinSMSConfirmation") {
			t.Error("a PIN out of nowhere")
		}
		for _, m := range a.inbound {
			if in, ok := m.Inbound(time.UTC); ok && (!in.From.Valid() || in.ID == "") {
				t.Errorf("got %+v", in)
			}
		}
		if a.status != "" && !strings.Contains(string(readable(body)), "status") {
			t.Errorf("status %q out of nowhere", a.status)
		}
	})
}

func BenchmarkParseAnswer(b *testing.B) {
	for _, name := range []string{"sendmt_ok.xml", "sendsms_ok.xml"} {
		b.Run(name, func(b *testing.B) {
			body := sample(b, name)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := parseAnswer(body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
