package mgage_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/providers"
)

// answering returns the address of a server that gives one answer.
func answering(t testing.TB, status int, body string, header http.Header) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for k, v := range header {
			w.Header()[k] = v
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

const (
	first  = "12135550101"
	second = "12135550102"
)

// twoRecipients is the call of the tables below.
func twoRecipients() providers.Call {
	return providers.Call{
		From: "87767", Text: "Hello there", Segments: 1,
		Recipients: []providers.Recipient{{To: 12135550101}, {To: 12135550102}},
	}
}

// outcome writes results as "accepted 0, rejected 1".
func outcome(results []providers.Result) string {
	var out []string
	for _, r := range results {
		kind := "accepted"
		if r.Err != nil {
			kind = providers.KindOf(r.Err).String()
		}
		out = append(out, strings.TrimSpace(kind+" "+r.Code))
	}
	return strings.Join(out, ", ")
}

func TestClassify_CodeForTheWholeRequest(t *testing.T) {
	kinds := map[int]string{
		0: "accepted", 1: "rejected", 104: "rejected", 105: "rejected", 106: "rejected", 107: "invalid", 108: "invalid",
		109: "rejected", 111: "invalid", 112: "split", 113: "invalid", 114: "rejected", 201: "config",
		2: "unknown", 110: "unknown", 999: "unknown",
	}
	for code, kind := range kinds {
		want := fmt.Sprintf("%s %d, %s %d", kind, code, kind, code)
		for name, body := range map[string]string{
			"OneBlock":         fmt.Sprintf("<response><status>%d</status><message>said</message></response>", code),
			"RepeatedByNumber": fmt.Sprintf("<r><a><to>%s</to><status>%d</status></a><a><to>%s</to><status>%d</status></a></r>", second, code, first, code),
			"Repeated":         fmt.Sprintf(`[{"status":%d},{"status":"%d"}]`, code, code),
		} {
			t.Run(fmt.Sprintf("%d/%s", code, name), func(t *testing.T) {
				a := mustNew(t, options(answering(t, 200, body, nil)))
				if got := outcome(a.Send(t.Context(), twoRecipients())); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			})
		}
	}
}

func TestClassify_Blocks(t *testing.T) {
	block := func(number string, code int) string {
		return fmt.Sprintf("<recipient><number>%s</number><status>%d</status><message>said</message></recipient>", number, code)
	}
	tests := []struct {
		name   string
		status int
		body   string
		want   string
	}{
		{"BothAccepted", 200, block(first, 0) + block(second, 0), "accepted 0, accepted 0"},
		{"OrderSaysNothing", 200, block(second, 1) + block(first, 0), "accepted 0, rejected 1"},
		{"OneFailed", 200, block(first, 1) + block(second, 0), "rejected 1, accepted 0"},
		{"ARequestsCodeInOneBlockIsThatRecipients", 200, block(first, 105) + block(second, 0), "rejected 105, accepted 0"},
		{"NoBlockIsUnknown", 200, block(second, 0), "unknown 200, accepted 0"},
		{"OtherNumbersAreUnknown", 200, block("12135550199", 0), "unknown 200, unknown 200"},
		{"AnUnknownCodeIsUnknown", 200, block(first, 7) + block(second, 0), "unknown 7, accepted 0"},
		{"PlusAndZerosBeforeTheNumber", 200, block("+"+first, 0) + block("00"+second, 0), "accepted 0, accepted 0"},
		{"TheSameTwiceIsThatOnce", 200, block(first, 0) + block(first, 0) + block(second, 1), "accepted 0, rejected 1"},
		{"AContradictionIsUnknown", 200, block(first, 0) + block(first, 1) + block(second, 0), "unknown 200, accepted 0"},
		{"BlocksWithoutNumbersMustAgree", 200, `[{"status":0},{"status":1}]`, "unknown 200, unknown 200"},
		{"BlocksWithoutNumbersMustBeAsMany", 200, `[{"status":0},{"status":0},{"status":0}]`, "unknown 200, unknown 200"},
		{"AnswerCutShort", 200, block(first, 0) + "<recipient><number>" + second, "accepted 0, unknown 200"},
		{"CodesUnder400", 400, block(first, 111) + block(second, 111), "invalid 111, invalid 111"},
		{"CodeUnder404", 404, "112: Too many numbers in request", "split 112, split 112"},
		{"AcceptedUnder400ProvesNothing", 400, block(first, 0) + block(second, 1), "unknown 0, rejected 1"},
		{"CodesUnder500AreNotRead", 500, block(first, 1) + block(second, 1), "unknown 500, unknown 500"},
		{"CodesUnder401AreNotRead", 401, block(first, 0) + block(second, 0), "config 401, config 401"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := mustNew(t, options(answering(t, tt.status, tt.body, nil)))
			if got := outcome(a.Send(t.Context(), twoRecipients())); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestClassify_Status(t *testing.T) {
	tests := []struct {
		status int
		want   providers.Kind
	}{
		{301, providers.Config},
		{307, providers.Config},
		{400, providers.Rejected},
		{401, providers.Config},
		{403, providers.Config},
		{404, providers.Config},
		{405, providers.Config},
		{408, providers.Unavailable},
		{413, providers.Split},
		{414, providers.Split},
		{415, providers.Config},
		{429, providers.Throttled},
		{500, providers.Unknown},
		{502, providers.Unknown},
		{503, providers.Unavailable},
		{504, providers.Unknown},
		{599, providers.Unknown},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.status), func(t *testing.T) {
			header := http.Header{"Retry-After": {"5"}}
			a := mustNew(t, options(answering(t, tt.status, "<html><body>1 Sorry 108</body></html>", header)))
			for _, r := range a.Send(t.Context(), twoRecipients()) {
				if r.Err == nil || providers.KindOf(r.Err) != tt.want || r.Code != fmt.Sprint(tt.status) {
					t.Errorf("got %q and %v, want %v", r.Code, r.Err, tt.want)
				}
			}
		})
	}
}

func TestClassify_RetryAfterIsHonoured(t *testing.T) {
	for _, status := range []int{408, 429, 503} {
		a := mustNew(t, options(answering(t, status, "", http.Header{"Retry-After": {"5"}})))
		for _, r := range a.Send(t.Context(), twoRecipients()) {
			if e, ok := r.Err.(*providers.Error); !ok || e.RetryAfter != 5*time.Second { //nolint:errorlint // the very type is meant
				t.Errorf("%d: got %v", status, r.Err)
			}
		}
	}
}

func TestClassify_DetailHasTheGatewaysWords(t *testing.T) {
	body := "<r><to>" + first + "</to><status>105</status><message>Country code not valid, supplied: '" + second + "'</message></r>"
	a := mustNew(t, options(answering(t, 200, body, nil)))
	const want = "Country code not valid, supplied: '***102'"
	if got := a.Send(t.Context(), twoRecipients())[0].Detail; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestClassify_TheVendorsTexts: each code of the vendor's table with its own text, in every form that an answer may have. Some
// of the texts have numbers in them, and one a "<", which a server may leave as it is.
func TestClassify_TheVendorsTexts(t *testing.T) {
	b, err := os.ReadFile("testdata/status_codes.txt")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{
		"0": "accepted", "1": "rejected", "104": "rejected", "105": "rejected", "106": "rejected", "107": "invalid", "108": "invalid",
		"109": "rejected", "111": "invalid", "112": "split", "113": "invalid", "114": "rejected", "201": "config",
	}
	rows := strings.Split(strings.TrimSpace(string(b)), "\n")
	if len(rows) != len(kinds) {
		t.Fatalf("%d codes, want %d", len(rows), len(kinds))
	}
	for _, row := range rows {
		code, text, _ := strings.Cut(row, ": ")
		text = strings.TrimSuffix(strings.TrimPrefix(text, "“"), "”")
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("%s %s, accepted 0", kinds[code], code)
		whole := fmt.Sprintf("%s %s, %s %s", kinds[code], code, kinds[code], code)
		for name, tt := range map[string]struct{ body, want string }{
			"AsTheTableHasIt": {row, whole},
			"XML":             {"<response><status>" + code + "</status><message>" + html.EscapeString(text) + "</message></response>", whole},
			"XMLAsItIs":       {"<response><status>" + code + "</status><message>" + text + "</message></response>", whole},
			"JSON":            {`{"status":` + code + `,"message":` + string(quoted) + `}`, whole},
			"LineOfANumber":   {first + ": " + row + "\n" + second + ": 0: “Request accepted onto the platform.”", want},
			"XMLOfANumber": {
				"<r><a><number>" + first + "</number><status>" + code + "</status><message>" + text + "</message></a>" +
					"<a><number>" + second + "</number><status>0</status></a></r>", want,
			},
			"XMLOfANumberTextFirst": {
				"<r><a><message>" + text + "</message><number>" + first + "</number><status>" + code + "</status></a>" +
					"<a><number>" + second + "</number><status>0</status></a></r>", want,
			},
			"JSONOfANumber": {
				`[{"number":"` + first + `","status":` + code + `,"message":` + string(quoted) + `},{"number":"` + second + `","status":0}]`, want,
			},
		} {
			t.Run(code+"/"+name, func(t *testing.T) {
				a := mustNew(t, options(answering(t, 200, tt.body, nil)))
				if got := outcome(a.Send(t.Context(), twoRecipients())); got != tt.want {
					t.Errorf("got %s, want %s", got, tt.want)
				}
			})
		}
	}
}
