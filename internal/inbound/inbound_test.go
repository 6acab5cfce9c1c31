package inbound

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/internal/hook"
	"github.com/volleysms/volley/internal/redistest"
	"github.com/volleysms/volley/providers"
)

func onBoth(t *testing.T, test func(t *testing.T, rdb *redis.Client)) {
	t.Helper()
	for name, start := range map[string]func() string{
		"Redis":     func() string { return redistest.Start(t) },
		"Miniredis": func() string { return miniredis.RunT(t).Addr() },
	} {
		t.Run(name, func(t *testing.T) {
			rdb := redis.NewClient(&redis.Options{Addr: start()})
			t.Cleanup(func() { rdb.Close() })
			test(t, rdb)
		})
	}
}

var now = time.UnixMilli(1_700_000_000_000).UTC()

func message(id, text string) providers.Inbound {
	return providers.Inbound{ID: id, From: 4500000001, To: "1234", Text: text, Keyword: "HI", At: now.Add(-time.Second)}
}

func put(t *testing.T, s *Stream, account string, m ...providers.Inbound) {
	t.Helper()
	if err := s.Put(t.Context(), account, m, now); err != nil {
		t.Fatal(err)
	}
}

func TestStream(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		ctx := t.Context()
		s := NewStream(rdb)
		end, err := s.End(ctx)
		if err != nil || end != "0-0" {
			t.Fatalf("the end of nothing is %q, %v", end, err)
		}
		put(t, s, "dk", message("1", "hej é €"), message("2", "to"), message("1", "hej é €"))
		put(t, s, "dk", message("2", "to"))
		put(t, s, "moon", message("1", "another's"))
		got, err := s.Last(ctx, 10)
		if err != nil || len(got) != 3 {
			t.Fatalf("got %+v, %v", got, err)
		}
		m := got[0]
		if m.Account != "dk" || m.MessageID != "1" || m.From != "4500000001" || m.To != "1234" || m.Text != "hej é €" || m.Keyword != "HI" ||
			!m.SentAt.Equal(now.Add(-time.Second)) || !m.ReceivedAt.Equal(now) {
			t.Errorf("got %+v", m)
		}
		if got, err := s.Last(ctx, 1); err != nil || len(got) != 1 || got[0].Account != "moon" {
			t.Errorf("the last one is %+v, %v", got, err)
		}
		if got, err := s.After(ctx, end, time.Millisecond); err != nil || len(got) != 3 || got[0].Text != "hej é €" {
			t.Errorf("after the beginning: %+v, %v", got, err)
		}
		if end, err = s.End(ctx); err != nil || end != got[2].ID {
			t.Errorf("the end is %q, %v", end, err)
		}
		if got, err := s.After(ctx, end, time.Millisecond); err != nil || len(got) != 0 {
			t.Errorf("after the end: %+v, %v", got, err)
		}
	})
}

func TestStream_ForgetsRepetitionsInTheEnd(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		s := NewStream(rdb)
		put(t, s, "dk", message("1", "hej"))
		if err := s.Put(t.Context(), "dk", []providers.Inbound{message("9", "later")}, now.Add(seenFor+time.Second)); err != nil {
			t.Fatal(err)
		}
		if n := rdb.ZCard(t.Context(), keySeen).Val(); n != 1 {
			t.Errorf("%d are remembered", n)
		}
	})
}

// app is an application that takes messages, or doesn't.
type app struct {
	mu    sync.Mutex
	fails bool
	seen  []string
}

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	var m struct {
		Type string  `json:"type"`
		Data Message `json:"data"`
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if json.Unmarshal(b, &m) == nil && m.Type == "message.received" && r.Header.Get("webhook-id") == "in_"+m.Data.ID {
		a.seen = append(a.seen, m.Data.Text)
	}
	if a.fails {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

func (a *app) got() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return strings.Join(a.seen, " ")
}

func TestDeliverer(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: redistest.Start(t)})
	defer rdb.Close()
	ctx := t.Context()
	a := &app{fails: true}
	srv := httptest.NewServer(a)
	defer srv.Close()
	h, err := hook.New(srv.URL, "a-secret-of-16-bytes", true)
	if err != nil {
		t.Fatal(err)
	}
	d := NewDeliverer(rdb, h, nil)
	s := NewStream(rdb)
	put(t, s, "dk", message("1", "one"))
	for range 2 { // the first makes the group
		if _, err := d.fresh(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if a.got() != "one" {
		t.Fatalf("got %q", a.got())
	}
	a.fails = false
	if err := d.again(ctx); err != nil || a.got() != "one" {
		t.Errorf("at once: got %q, %v", a.got(), err)
	}
	last, err := s.Last(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	idle := func(pause time.Duration) {
		t.Helper()
		if err := rdb.Do(ctx, "XCLAIM", keyStream, group, "dead", 0, last[0].ID, "IDLE", pause.Milliseconds(), "JUSTID").Err(); err != nil {
			t.Fatal(err)
		}
	}
	idle(firstPause + time.Second)
	if err := d.again(ctx); err != nil || a.got() != "one one" {
		t.Errorf("after the pause: got %q, %v", a.got(), err)
	}
	if n := rdb.XPending(ctx, keyStream, group).Val(); n == nil || n.Count != 0 {
		t.Errorf("%+v wait", n)
	}
}

func TestDeliverer_Run(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb *redis.Client) {
		a := &app{}
		srv := httptest.NewServer(a)
		defer srv.Close()
		h, err := hook.New(srv.URL, "a-secret-of-16-bytes", true)
		if err != nil {
			t.Fatal(err)
		}
		s := NewStream(rdb)
		put(t, s, "dk", message("1", "one"))
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { NewDeliverer(rdb, h, nil).Run(ctx) })
		for end := time.Now().Add(10 * time.Second); a.got() != "one" && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		cancel()
		wg.Wait()
		if a.got() != "one" {
			t.Errorf("got %q", a.got())
		}
	})
}

func TestPauseAfter(t *testing.T) {
	for posted, want := range map[int64]time.Duration{0: firstPause, 1: firstPause, 2: 2 * firstPause, 3: 4 * firstPause, 30: lastPause, 1000: lastPause} {
		if got := pauseAfter(posted); got != want {
			t.Errorf("after %d: %v, want %v", posted, got, want)
		}
	}
}
