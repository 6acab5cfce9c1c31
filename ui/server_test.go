package ui

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestServer_WithoutSignInIsForThisMachine(t *testing.T) {
	r := newRig(t)
	s, err := New(r.rdb, Options{Client: r.client})
	if err != nil || !s.Open() {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context(), l); err == nil || !strings.Contains(err.Error(), "nobody has to sign in") {
		t.Errorf("%v", err)
	}
	web := httptest.NewServer(s)
	defer web.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, web.URL+"/jobs", nil)
	if err != nil {
		t.Fatal(err)
	}
	b := r.browser("")
	if status, _ := b.answer(b.Do(req)); status != http.StatusOK {
		t.Errorf("%d", status)
	}
	req.Host = "rebound.example"
	if status, _ := b.answer(b.Do(req)); status != http.StatusMisdirectedRequest {
		t.Errorf("by another name: %d", status)
	}
}

func TestServer_StartsAndStops(t *testing.T) {
	r := newRig(t)
	for range 5 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- r.server.Run(ctx, l) }()
		resp, err := http.Get("http://" + l.Addr().String() + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
}
