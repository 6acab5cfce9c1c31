package scheduler

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/hook"
	"github.com/volleysms/volley/internal/schedule"
)

// exampleSecret is the specification's own.
const exampleSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func TestCheckSecret(t *testing.T) {
	if err := CheckSecret(exampleSecret); err != nil {
		t.Error(err)
	}
	for _, wrong := range []string{"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_###"} {
		if err := CheckSecret(wrong); err == nil || wrong != "" && wrong != "whsec_" && strings.Contains(err.Error(), wrong) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// asks asks a server whose answer handle writes.
func asks(t *testing.T, e schedule.Endpoint, private []netip.Prefix, handle http.HandlerFunc) ([]enqueue.Recipient, error) {
	t.Helper()
	srv := httptest.NewTLSServer(handle)
	defer srv.Close()
	a := newEndpoint(map[string]string{"calendar": exampleSecret}, private)
	a.maxBody = 1000
	trust := srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	a.tls.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: trust, MinVersion: tls.VersionTLS12}
	if e.URL == "" {
		e.URL = srv.URL + "/due?token=hidden"
	}
	tick := time.Date(2030, 1, 1, 9, 0, 0, 0, time.UTC)
	rows, err := a.ask(t.Context(), e, question{Schedule: "reminder", ID: "id", Tick: tick, Zone: "UTC", Fields: []string{"name", "at"}})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
	}()
	var out []enqueue.Recipient
	for r, err := range rows.Recipients {
		if err != nil {
			return out, err
		}
		out = append(out, r)
	}
	return out, nil
}

func TestEndpoint_Request(t *testing.T) {
	_, err := asks(t, schedule.Endpoint{Secret: "calendar"}, loopback, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var got struct {
			Type string
			Data struct {
				Schedule, Zone string
				ID             string `json:"schedule_id"`
				Tick           time.Time
				Fields         []string
			}
		}
		if err := json.Unmarshal(body, &got); err != nil || got.Type != "recipients.due" || got.Data.Schedule != "reminder" || got.Data.ID != "id" ||
			got.Data.Tick.Hour() != 9 || len(got.Data.Fields) != 2 {
			t.Errorf("asked %s", body)
		}
		var at int64
		if _, err := fmt.Sscan(r.Header.Get("Webhook-Timestamp"), &at); err != nil {
			t.Error(err)
		}
		key, err := secretKey(exampleSecret)
		want := hook.Sign(key, "id.1893488400", time.Unix(at, 0), body)
		if err != nil || r.Method != http.MethodPost || r.Header.Get("Webhook-Id") != "id.1893488400" || r.Header.Get("Webhook-Signature") != want {
			t.Errorf("%s, signed %v", r.Method, r.Header)
		}
		_, _ = w.Write([]byte("[]"))
	})
	if err != nil {
		t.Error(err)
	}
}

func TestEndpoint_Answers(t *testing.T) {
	ann := enqueue.Recipient{To: "4500000001", Ref: "17", Values: []string{"Ann", "9:30"}}
	bob := enqueue.Recipient{To: "4500000002", Values: []string{"Bob", ""}}
	for name, c := range map[string]struct {
		body string
		want []enqueue.Recipient
		err  string
	}{
		"a list":                     {`[{"to":"4500000001","ref":"17","values":{"at":"9:30","name":"Ann"}},{"to":"4500000002","values":{"name":"Bob"}}]`, []enqueue.Recipient{ann, bob}, ""},
		"an object a line":           {`{"to":4500000001,"ref":17,"values":{"at":"9:30","name":"Ann"}}` + "\n" + `{"to":"4500000002","values":{"name":"Bob","x":1}}` + "\n", []enqueue.Recipient{ann, bob}, ""},
		"nobody":                     {" []\n", nil, ""},
		"keys that are not known":    {`[{"to":"4500000002","values":{"name":"Bob"},"more":{}}]`, []enqueue.Recipient{bob}, ""},
		"empty":                      {"", nil, "empty"},
		"not JSON":                   {"<html>", nil, "not a JSON list"},
		"a list that breaks off":     {`[{"to":"4500000002","values":{"name":"Bob"}},`, []enqueue.Recipient{bob}, "after 1 recipients"},
		"a line that breaks off":     {`{"to":"4500000002","values":{"name":"Bob"}}` + "\n{", []enqueue.Recipient{bob}, "after 1 recipients"},
		"something behind the list":  {`[] {}`, nil, "behind the list"},
		"a number that is an object": {`[{"to":{}}]`, nil, "it is no text"},
		"too long":                   {`["` + strings.Repeat("x", 2000) + `"]`, nil, "too long"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := asks(t, schedule.Endpoint{}, loopback, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(c.body)) })
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v, want %q", err, c.err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestEndpoint_Refuses(t *testing.T) {
	reached := false
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reached = true
		_, _ = w.Write([]byte("[]"))
	}))
	defer plain.Close()
	ok := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("[]")) }
	for name, c := range map[string]struct {
		e       schedule.Endpoint
		private []netip.Prefix
		handle  http.HandlerFunc
		err     string
	}{
		"a private address":         {schedule.Endpoint{}, nil, ok, "private"},
		"http to a private address": {schedule.Endpoint{URL: plain.URL}, nil, ok, "private"},
		"a redirect": {schedule.Endpoint{}, loopback, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, plain.URL, http.StatusTemporaryRedirect)
		}, "not followed"},
		"an error": {schedule.Endpoint{}, loopback, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, "502"},
		"a secret that is not there": {
			schedule.Endpoint{Secret: "other"}, loopback, ok, "no secret called other",
		},
		"an answer without an end": {schedule.Endpoint{}, loopback, func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = conn.Write([]byte("HTTP/1.0 200 OK\r\n\r\n[]"))
			conn.Close()
		}, "whole"},
		"silence": {schedule.Endpoint{Timeout: schedule.Duration(50 * time.Millisecond)}, loopback, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		}, "no answer in time"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := asks(t, c.e, c.private, c.handle)
			if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "hidden") {
				t.Errorf("got %v, want %q", err, c.err)
			}
		})
	}
	if reached {
		t.Error("it went where it must not")
	}
	if _, err := asks(t, schedule.Endpoint{URL: plain.URL}, loopback, ok); err != nil || !reached {
		t.Errorf("http to an allowed address: %v", err)
	}
}

func FuzzAnswered(f *testing.F) {
	f.Add([]byte(`[{"to":"4500000001","ref":"17","values":{"name":"Ann"}}]`))
	f.Add([]byte("{\"to\":4500000001}\n{\"to\":null}"))
	f.Add([]byte(`[1,[],{}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		n := 0
		for r, err := range answered(&capped{r: bytes.NewReader(body), left: 1 << 16}, []string{"name"}) {
			if err != nil {
				if errors.Is(err, errStopped) {
					t.Error("stopped by nobody")
				}
				return
			}
			if n++; len(r.Values) > 1 {
				t.Errorf("%d values of one field", len(r.Values))
			}
		}
	})
}
