package inbound

import (
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

func TestStream_Of(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	defer rdb.Close()
	s := NewStream(rdb)
	var all []providers.Inbound
	for i := range perScan + 10 {
		all = append(all, providers.Inbound{ID: fmt.Sprint(i), From: sms.MSISDN(4500000000 + i%10), To: "4500000003", Text: "Hi"})
	}
	if err := s.Put(t.Context(), "dk", all, time.Now()); err != nil {
		t.Fatal(err)
	}
	of := func() (n int) {
		t.Helper()
		err := s.Of(t.Context(), 4500000003, func(m Message) error {
			if n++; m.From != "4500000003" {
				t.Errorf("a message from %s", m.From)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := of(); n != 101 {
		t.Errorf("%d messages, want 101", n)
	}
	if n, err := s.Forget(t.Context(), 4500000003); n != 101 || err != nil {
		t.Errorf("%d forgotten, %v", n, err)
	}
	if n := of(); n != 0 || rdb.XLen(t.Context(), keyStream).Val() != perScan+10-101 {
		t.Errorf("%d are left, of %d", n, rdb.XLen(t.Context(), keyStream).Val())
	}
	if n, err := s.Forget(t.Context(), 4500000003); n != 0 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
}
