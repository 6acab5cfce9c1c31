package mttm

import (
	"fmt"
	"strings"
	"testing"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

func testURL(t testing.TB, o URLOptions) *URL {
	t.Helper()
	o.Username, o.Password = "example-user", "example-password"
	u, err := NewURL(o)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// The table of the gateway's document, and what its source adds.
func TestURL_Send_Answers(t *testing.T) {
	const accepted = "accepted"
	tests := []struct {
		status           int
		body, want, says string
	}{
		{200, `Success "07033084-5cfb-4812-90a4-e4d24ffb6e3d"`, accepted, ""},
		{200, `Success "07033084-5cfb-4812-90a4-e4d24ffb6e3d"` + "\r\n", accepted, ""},
		{200, `Success "07033084-5cfb-4812-90a4-e4d24ffb6e3d`, accepted, ""},
		{200, `Success "[Failure instance: Traceback]"`, "unknown", "names no message ID"},
		{200, `Error "No route found"`, "unknown", "cannot be read"},
		{200, `{"data": "Success \"07033084\""}`, "unknown", "cannot be read"},
		{200, ``, "unknown", "cannot be read"},
		{400, `Error "Mandatory arguments not found, please refer to the HTTPAPI specifications."`, "rejected", "mandatory argument"},
		{400, `Error "Argument _ is unknown."`, "rejected", "argument _ is unknown"},
		{400, `Error "Argument [to] has an invalid value: [x]."`, "invalid", "argument to has an invalid value"},
		{400, `Error "Argument _ has an invalid value: _."`, "rejected", "argument _ has an invalid value"},
		{400, `Error "Mandatory argument _ is not found."`, "rejected", "mandatory argument"},
		{400, `Error "Value filter failed for user [example-user] (destination_address filter mismatch)."`, "invalid", "destination_address filter mismatch"},
		{400, `Error "Authorization failed for user [example-user] (Setting source address not authorized)."`, "config", "authorization failed"},
		{400, `Error "Argument [password] has an invalid value: [example-password]."`, "config", "argument password"},
		{403, `Error "Authentication failure for username:example-user"`, "config", "authentication failure"},
		{403, `Error "Authorization failed for username:example-user"`, "config", "authorization failed"},
		{403, `Error "Cannot charge submit_sm, check RouterPB log file for details"`, "config", "cannot charge submit_sm"},
		{403, `Error "User throughput exceeded"`, "throttled", "throughput exceeded"},
		{412, `Error "No route found"`, "rejected", "no route found"},
		{412, `Error "Failover route has no bound connectors, check configuration."`, "unavailable", "failover route"},
		{500, `Error "Cannot send submit_sm, check SMPPClientManagerPB log file for details"`, "unavailable", "cannot send submit_sm"},
		{500, `Error "Unknown error: example-password"`, "unknown", "unknown error"},
		{503, `Error "InterceptorPB not connected!"`, "unavailable", "interceptorpb not"},
		{404, `<h1>No Such Resource</h1>`, "config", "Not Found"},
		{405, ``, "config", "Method Not Allowed"},
		{502, `<html>`, "unknown", "Bad Gateway"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d/%s", tt.status, tt.body), func(t *testing.T) {
			for _, method := range []string{methodPost, methodGet} {
				url, requests := answering(t, tt.status, tt.body)
				results := testURL(t, URLOptions{BaseURL: url, Method: method}).Send(t.Context(), providers.Call{Text: "Hi", Segments: 1, Recipients: recipients("")})
				if len(results) != 1 || len(*requests) != 1 {
					t.Fatalf("%d results, %d requests", len(results), len(*requests))
				}
				r := results[0]
				got := accepted
				if r.Err != nil {
					got = providers.KindOf(r.Err).String()
					if strings.Contains(r.Err.Error(), "example-") || !strings.Contains(r.Detail, tt.says) || r.Code != fmt.Sprint(tt.status) {
						t.Errorf("got %v, code %q, detail %q", r.Err, r.Code, r.Detail)
					}
				}
				if got != tt.want || (r.ID == "07033084-5cfb-4812-90a4-e4d24ffb6e3d") != (got == accepted) {
					t.Errorf("%s: got %s %q, want %s", method, got, r.ID, tt.want)
				}
			}
		})
	}
}

func TestURL_Send_RefusesWithoutARequest(t *testing.T) {
	long := func(int) string { return "https://example.invalid/" + strings.Repeat("x", maxURLBytes) }
	tests := []struct {
		name string
		c    providers.Call
		want providers.Kind
	}{
		{"TwoRecipients", providers.Call{Text: "Hi", Recipients: recipients("", "")}, providers.Split},
		{"EmptyText", providers.Call{Recipients: recipients("")}, providers.Invalid},
		{"SixSegments", providers.Call{Text: strings.Repeat("x", 5*153+1), Recipients: recipients("")}, providers.Invalid},
		{"UserDataHeader", providers.Call{Binary: &sms.Binary{UDH: []byte{5, 0}, Payload: []byte{1}}, Recipients: recipients("")}, providers.Invalid},
		{"SenderOf21Bytes", providers.Call{From: "123456789012345678901", Text: "Hi", Recipients: recipients("")}, providers.Invalid},
		{"AddressTooLong", providers.Call{Text: "Hi", Recipients: recipients(""), ReportTo: long}, providers.Invalid},
	}
	url, requests := answering(t, 200, "")
	u := testURL(t, URLOptions{BaseURL: url, Method: methodGet})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			results := u.Send(t.Context(), tt.c)
			if len(results) != len(tt.c.Recipients) {
				t.Fatalf("got %d results", len(results))
			}
			for _, r := range results {
				if r.Err == nil || providers.KindOf(r.Err) != tt.want || r.Detail == "" {
					t.Errorf("got %v, want %v and a reason", r.Err, tt.want)
				}
			}
		})
	}
	if len(*requests) != 0 {
		t.Errorf("%d requests were made", len(*requests))
	}
}

func TestURL_Send_TheLongestTextFitsIntoAnAddress(t *testing.T) {
	url, requests := answering(t, 200, `Success "a"`)
	u := testURL(t, URLOptions{BaseURL: url, Method: methodGet})
	address := func(int) string { return "https://example.invalid/" + strings.Repeat("x", providers.MaxReportTo-24) }
	for _, text := range []string{strings.Repeat("Δ", 5*153), strings.Repeat("€", 5*76), strings.Repeat("ж", 5*67)} {
		if r := u.Send(t.Context(), providers.Call{Text: text, Recipients: recipients(""), ReportTo: address}); r[0].Err != nil {
			t.Error(r[0].Err)
		}
	}
	if len(*requests) != 3 {
		t.Errorf("%d requests were made", len(*requests))
	}
}

func TestNewURL_SaysWhatToChange(t *testing.T) {
	tests := []struct {
		name   string
		change func(*URLOptions)
		want   string // "" is fine
	}{
		{"NoScheme", func(o *URLOptions) { o.BaseURL = "sms.example.invalid" }, "not an http or https"},
		{"TheOperation", func(o *URLOptions) { o.BaseURL = "https://example.invalid/send" }, "leave that out"},
		{"NoPassword", func(o *URLOptions) { o.Password = "" }, "missing"},
		{"OtherMethod", func(o *URLOptions) { o.Method = "HEAD" }, "use post or get"},
		{"NegativeSegments", func(o *URLOptions) { o.MaxSegments = -1 }, "1 to 255"},
		{"TagWithABlank", func(o *URLOptions) { o.Tags = "a b" }, "tags may hold"},
		{"ColonInThePassword", func(o *URLOptions) { o.Password = "se:cret" }, ""},
		{"Nothing", func(*URLOptions) {}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := URLOptions{Username: "user", Password: "secret"}
			tt.change(&o)
			_, err := NewURL(o)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "cret") {
				t.Errorf("the password leaks: %v", err)
			}
		})
	}
}

// Whatever the URL API answers, an acceptance needs a well-formed identifier that is in the answer.
func FuzzQueued(f *testing.F) {
	f.Add(sample(f, "send_ok_plain.txt"))
	f.Add([]byte(`Success "a`))
	f.Add([]byte("success   \"a\nb\""))
	f.Add([]byte(`Error "No route found"`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := queued(body, 1)[0]
		if r.Err == nil && (!isID(r.ID) || !strings.Contains(string(body), `"`+r.ID)) {
			t.Errorf("accepted with ID %q", r.ID)
		}
		if r.Err != nil && providers.KindOf(r.Err) != providers.Unknown {
			t.Errorf("got %v", r.Err)
		}
	})
}
