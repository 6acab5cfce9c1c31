package providertest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/providertest/gateway"
)

// deep is JSON that nests deeper than any answer.
var deep = strings.Repeat("[", 100_000)

// noSecretInErrors lets the gateway tell everything it was told, in every form and under every status. The suite looks
// at every error of every case for leaks; here it has the most to find.
func noSecretInErrors(t *testing.T, h *Harness) {
	for _, status := range []int{200, 302, 400, 401, 403, 404, 412, 413, 422, 429, 500, 502, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			b := h.start(t)
			c := h.call(b.a.adapter.Limits(), 2)
			said := strings.Join(append([]string{c.Text, c.Recipients[0].To.String(), c.Recipients[len(c.Recipients)-1].To.String()}, h.Secrets...), " ")
			for _, form := range []string{
				"RAW",
				`{"message":JSON,"description":JSON,"title":JSON,"error":JSON,"code":JSON,"variables":[JSON],"incident_uuid":JSON}`,
				`{"message":"about %1","variables":[JSON]}`,
				`{"data":JSON}`,
				`{"ids":[JSON]}`,
				`{"recipients":[{"number":JSON,"status":JSON,"statusText":JSON,"id":JSON}]}`,
				"<response><input>RAW</input><status>RAW</status><description>RAW</description></response>",
				"<response><number>RAW</number><status>1</status><message>RAW</message></response>",
				"<response><status>1</status><message>RAW</message></response>",
				"1: RAW",
				`Error "RAW"`,
				"ERR 5: RAW",
				"OK: RAW",
				`{"messages":[{"to":JSON,"id":JSON,"status":JSON,"code":JSON,"reason":JSON}],"error":{"code":JSON,"message":JSON}}`,
			} {
				b.g.Script(func(int64) *gateway.Reply {
					r := b.g.Requests()[0]
					raw := said + " " + r.URL + " " + r.Header.Get("Authorization")
					body := strings.NewReplacer("RAW", raw, "JSON", strconv.Quote(raw)).Replace(form)
					return &gateway.Reply{Status: status, Type: "application/json", Body: []byte(body)}
				})
				for i, r := range b.send(c) {
					if r.Err == nil {
						b.a.noLeak(r.ID, append([]string{c.Text, c.Recipients[i].To.String()}, h.Secrets...)...)
					}
				}
			}
		})
	}
	t.Run("NetworkErrors", func(t *testing.T) {
		for _, fault := range []string{"cut-before", "cut-after"} {
			b := h.start(t, fault)
			b.send(h.call(b.a.adapter.Limits(), 2))
		}
		a := h.watch(t, h.New(t, "http://127.0.0.1:1"))
		a.Send(t.Context(), h.call(a.adapter.Limits(), 2))
	})
	t.Run("NoHTTPAnswer", func(t *testing.T) {
		for name, before := range map[string]string{
			"StatusLine": "", "Status": "HTTP/1.1 ", "Header": "HTTP/1.1 200 OK\r\n", "Length": "HTTP/1.1 200 OK\r\nContent-Length: ",
			"Encoding": "HTTP/1.1 200 OK\r\nTransfer-Encoding: ",
		} {
			t.Run(name, func(t *testing.T) {
				a := h.watch(t, h.New(t, "http://"+echoing(t, before)))
				ctx, cancel := context.WithTimeout(t.Context(), guard)
				defer cancel()
				allOf(t, a.Send(ctx, h.call(a.adapter.Limits(), 2)), providers.Unknown)
			})
		}
	})
	t.Run("Check", func(t *testing.T) {
		echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			request := r.URL.RequestURI() + " " + r.Header.Get("Authorization")
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = fmt.Fprintf(w, `{"message":%q}`, request+" "+strings.Join(h.Secrets, " "))
		})
		s := httptest.NewServer(echo)
		defer s.Close()
		checker, ok := h.New(t, s.URL).(providers.Checker)
		if !ok {
			return
		}
		if _, err := checker.Check(t.Context()); err == nil {
			t.Error("Check is content with a 500")
		} else {
			h.watch(t, nil).noLeak(fmt.Sprintf("%v %+v", err, err), h.Secrets...)
		}
	})
}

// echoing returns the address of a server that answers with before and, on the same line, the request, which makes no
// HTTP.
func echoing(t *testing.T, before string) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				var head bytes.Buffer
				req, err := http.ReadRequest(bufio.NewReader(io.TeeReader(conn, &head)))
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, req.Body)
				echo := strings.ReplaceAll(head.String(), "\r\n", " ")
				_, _ = io.WriteString(conn, before+echo+"\r\n\r\n")
			}()
		}
	}()
	return l.Addr().String()
}

// check looks at an adapter's login check, where it has one.
func check(t *testing.T, h *Harness) {
	b := h.start(t)
	checker, ok := b.a.adapter.(providers.Checker)
	if !ok {
		h.none(t, "Check method")
		return
	}
	t.Run("GoodLogin", func(t *testing.T) {
		info, err := checker.Check(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !info.LoginProven && info.Note == "" {
			t.Error("the login is not proven, and no Note says why")
		}
		if s := b.g.Stats(); s.Taken != 0 || s.Requests == 0 {
			t.Errorf("%d messages were taken in %d requests; want none, in at least one", s.Taken, s.Requests)
		}
		b.keptRules()
	})
	t.Run("WrongLogin", func(t *testing.T) {
		info, err := h.Wrong(t, b.g.URL()).(providers.Checker).Check(t.Context())
		if err == nil && info.LoginProven {
			t.Error("a wrong login is proven")
		}
		if err != nil && providers.KindOf(err) != providers.Config {
			t.Errorf("got %v, want config", err)
		}
		if err == nil {
			good, _ := checker.Check(t.Context())
			if good.LoginProven {
				t.Error("a good login is proven, a wrong one is not refused")
			}
		}
	})
	t.Run("NobodyThere", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), guard)
		defer cancel()
		_, err := h.New(t, "http://127.0.0.1:1").(providers.Checker).Check(ctx)
		if err == nil || providers.KindOf(err) != providers.Unavailable {
			t.Errorf("got %v, want unavailable", err)
		}
	})
	t.Run("RedirectNotFollowed", func(t *testing.T) {
		b := h.start(t, "redirect")
		if _, err := b.a.adapter.(providers.Checker).Check(t.Context()); err == nil || providers.KindOf(err) != providers.Config {
			t.Errorf("got %v, want config", err)
		}
		if got := b.g.Stats().Requests; got != 1 {
			t.Errorf("the gateway saw %d requests, want 1", got)
		}
	})
}
