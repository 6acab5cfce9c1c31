package gateway_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

// pushed are the fields of a push, with its method, and its path as "url".
func pushed(t *testing.T, r gateway.PushRequest) url.Values {
	t.Helper()
	u, err := url.Parse(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	fields := u.Query()
	if r.Method == http.MethodPost {
		if fields, err = url.ParseQuery(string(r.Body)); err != nil || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
			t.Fatalf("%v, %v", err, r.Header)
		}
	}
	fields.Set("method", r.Method)
	fields.Set("url", u.Path)
	return fields
}

// tells are the pushes in short: "url status".
func tells(t *testing.T, d gateway.Pusher, m gateway.Message, e gateway.Event) string {
	t.Helper()
	var out []string
	for _, r := range d.Push(&m, e) {
		f := pushed(t, r)
		status := f.Get("message_status")
		if status == "" {
			status = "status=" + f.Get("status")
		}
		if r.Once != f.Has("batchId") {
			t.Errorf("Once is %v for %v", r.Once, f)
		}
		out = append(out, f.Get("url")+" "+status)
	}
	return strings.Join(out, ", ")
}

func TestMTTM_Pushes(t *testing.T) {
	const delivered, undelivered, taken = providers.Delivered, providers.Undelivered, providers.Taken
	message := func(to sms.MSISDN, c gateway.Callback) gateway.Message {
		return gateway.Message{To: to, ID: "a", Text: "Hi", Callback: &c, Fate: undelivered}
	}
	level := func(n int) gateway.Callback {
		return gateway.Callback{URL: "http://example.invalid/dlr", Method: "POST", Level: n}
	}
	batch := level(3)
	batch.Progress, batch.Errors = "http://example.invalid/ok", "http://example.invalid/no"
	// By their numbers, these end in the three ways.
	const notSent, notTaken, notDelivered = 4512340004, 4512340003, 4512340001
	tests := []struct {
		name string
		m    gateway.Message
		e    gateway.Event
		want string
	}{
		{"Delivered", message(notSent, level(3)), gateway.Event{Fate: delivered}, "/dlr ESME_ROK, /dlr DELIVRD"},
		{"DeliveredAtLevel1", message(notSent, level(1)), gateway.Event{Fate: delivered}, "/dlr ESME_ROK"},
		{"DeliveredAtLevel2", message(notSent, level(2)), gateway.Event{Fate: delivered}, "/dlr DELIVRD"},
		{"DeliveredInABatch", message(notSent, batch), gateway.Event{Fate: delivered}, "/ok status=1, /dlr ESME_ROK, /dlr DELIVRD"},
		{"NotSentInABatch", message(notSent, batch), gateway.Event{Fate: undelivered}, "/no status=0"},
		{"NotTaken", message(notTaken, level(3)), gateway.Event{Fate: undelivered}, "/dlr ESME_RINVDSTADR"},
		{"NotTakenInABatch", message(notTaken, batch), gateway.Event{Fate: undelivered}, "/ok status=1, /dlr ESME_RINVDSTADR"},
		{"NotDelivered", message(notDelivered, level(3)), gateway.Event{Fate: undelivered}, "/dlr ESME_ROK, /dlr UNDELIV"},
		{"UndeliveredAtLevel1", message(notDelivered, level(1)), gateway.Event{Fate: undelivered}, "/dlr ESME_RINVDSTADR"},
		{"UndeliveredAtLevel2", message(notTaken, level(2)), gateway.Event{Fate: undelivered}, "/dlr UNDELIV"},
		{"Transient", message(notDelivered, level(3)), gateway.Event{Fate: taken}, "/dlr ACCEPTD"},
		{"TransientOfWhatIsNotTaken", message(notTaken, level(3)), gateway.Event{Fate: taken}, ""},
		{"Forged", message(notSent, batch), gateway.Event{Fate: delivered, Forged: true}, "/dlA DELIVRD"},
		{"NobodyListens", gateway.Message{To: notSent}, gateway.Event{Fate: delivered}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, d := range []gateway.Pusher{gateway.MTTM{}, gateway.MTTMURL{}} {
				if got := tells(t, d, tt.m, tt.e); got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			}
		})
	}
	t.Run("ByGetInTheQuery", func(t *testing.T) {
		c := level(3)
		c.Method, c.URL = "GET", c.URL+"?x=1"
		f := pushed(t, gateway.MTTM{}.Push(&gateway.Message{To: notSent, ID: "a", Callback: &c}, gateway.Event{Fate: delivered})[1])
		for key, want := range map[string]string{"x": "1", "method": "GET", "id": "a", "level": "2", "message_status": "DELIVRD", "dlvrd": "001"} {
			if f.Get(key) != want {
				t.Errorf("%s: got %q, want %q", key, f.Get(key), want)
			}
		}
	})
	t.Run("OnlyTheOneAnswerIsAnAcknowledgement", func(t *testing.T) {
		for body, want := range map[string]bool{"ACK/Jasmin": true, "ACK/Jasmin\n": false, "": false, "ok": false} {
			if got := (gateway.MTTM{}).Acked(200, []byte(body)); got != want {
				t.Errorf("%q: got %v", body, got)
			}
		}
		if (gateway.MTTM{}).Acked(404, []byte("ACK/Jasmin")) {
			t.Error("a 404 is none")
		}
		if got := len(gateway.MTTM{}.Pauses()); got != 3 {
			t.Errorf("it tries %d times", got+1)
		}
	})
}
