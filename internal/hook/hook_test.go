package hook

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

const secret = "a-secret-of-16-bytes-or-more"

func TestHook_Post(t *testing.T) {
	type seen struct {
		header http.Header
		body   string
	}
	got := make(chan seen, 1)
	status := http.StatusNoContent
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		select {
		case got <- seen{r.Header, string(b)}:
		default:
		}
		if status == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
	}))
	defer s.Close()
	h, err := New(s.URL, secret, true)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1_700_000_000, 0)
	if err := h.Post(t.Context(), "1-0", at, []byte(`{"a":1}`)); err != nil {
		t.Fatal(err)
	}
	r := <-got
	want := Sign([]byte(secret), "1-0", at, []byte(`{"a":1}`))
	if r.body != `{"a":1}` || r.header.Get("webhook-id") != "1-0" || r.header.Get("webhook-timestamp") != "1700000000" || r.header.Get("webhook-signature") != want {
		t.Errorf("got %+v", r)
	}
	for _, status = range []int{http.StatusFound, http.StatusInternalServerError, http.StatusGone} {
		if err := h.Post(t.Context(), "1-0", at, nil); err == nil {
			t.Errorf("%d is taken for success", status)
		}
	}
}

// TestSign holds the signature to the example of the specification.
// Source: Standard Webhooks, test of its reference libraries.
func TestSign(t *testing.T) {
	key, _ := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	got := Sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestHook_RefusesPrivateAddresses(t *testing.T) {
	called := false
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	defer s.Close()
	for _, host := range []string{"127.0.0.1", "localhost"} {
		h, err := New(strings.Replace(s.URL, "127.0.0.1", host, 1), secret, false)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Post(t.Context(), "1", time.Now(), nil); !errors.Is(err, ErrPrivate) || strings.Contains(err.Error(), host) {
			t.Errorf("%s: %v", host, err)
		}
	}
	if called {
		t.Error("it was called")
	}
}

func TestPublic(t *testing.T) {
	for addr, want := range map[string]bool{
		"8.8.8.8": true, "2600::1": true,
		"10.0.0.1": false, "192.168.1.1": false, "172.16.0.1": false, "127.0.0.1": false, "169.254.169.254": false, "0.0.0.0": false,
		"100.64.0.1": false, "224.0.0.1": false, "255.255.255.255": false, "::1": false, "::": false, "fe80::1": false, "fd00::1": false, "64:ff9b::a00:1": false,
		"64:ff9b::7f00:1": false, "2002:7f00:1::": false,
	} {
		if got := Public(netip.MustParseAddr(addr).Unmap()); got != want {
			t.Errorf("%s: got %v", addr, got)
		}
	}
	if Public(netip.MustParseAddr("::ffff:10.0.0.1").Unmap()) {
		t.Error("a mapped private address is public")
	}
}

func TestNew_Refuses(t *testing.T) {
	for _, tt := range [][2]string{{"http://app.example.com", secret}, {"ftp://h", secret}, {"https://h", "short"}, {"https://h", "whsec_!"}} {
		if _, err := New(tt[0], tt[1], false); err == nil {
			t.Errorf("%v is taken", tt)
		}
	}
	if _, err := New("https://h", "whsec_"+base64.StdEncoding.EncodeToString([]byte(secret)), false); err != nil {
		t.Error(err)
	}
}
