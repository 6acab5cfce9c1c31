package main

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"
)

// TestRelay_Stopped: a role that is told to stop closes its socket before its server may have heard of it; that is no fault.
func TestRelay_Stopped(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := newRelay(ctx, l)
	p := r.part()
	cancel()
	<-r.ended
	accepted := make(chan error, 1)
	go func() {
		_, err := p.Accept()
		accepted <- err
	}()
	select {
	case err := <-accepted:
		t.Fatalf("the server is told of a fault before it is told to end: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	_ = p.Close()
	if err := <-accepted; !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// TestRelay_Broken: a socket that breaks while nobody stops the role is a fault.
func TestRelay_Broken(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := newRelay(t.Context(), l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.part().Accept(); err == nil {
		t.Error("no error")
	}
}
