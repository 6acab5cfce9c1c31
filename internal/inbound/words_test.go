package inbound

import (
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/internal/suppress"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

func TestWords(t *testing.T) {
	w := Words{Stop: StopWords(), Start: []string{"Start", "Go on"}}
	for text, want := range map[string]string{
		"STOP": "STOP", " stop\r\n": "STOP", "Stop.": "STOP", "\"STOP\"": "STOP", "stop  all": "STOP ALL", "arrêt": "ARRÊT", "Arret!": "ARRET",
		"STOPP": "STOPP", "Unsubscribe": "UNSUBSCRIBE", "STOP it, I love it": "", "don't stop": "", "": "", "...": "", "stop1": "",
	} {
		if got := w.says(w.Stop, &providers.Inbound{Text: text}); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	if got := w.says(w.Start, &providers.Inbound{Text: "go on "}); got != "Go on" {
		t.Errorf("got %q", got)
	}
	if got := w.says(w.Stop, &providers.Inbound{Keyword: "stop"}); got != "STOP" {
		t.Errorf("a keyword that the text is without: got %q", got)
	}
	if got := w.says(w.Stop, &providers.Inbound{Keyword: "stop", Text: "the press"}); got != "" {
		t.Errorf("a keyword of a longer text: got %q", got)
	}
}

func TestStream_Heed(t *testing.T) {
	mr := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: mr.Addr(), MaxRetries: -1})
	defer rdb.Close()
	lists := suppress.New(rdb)
	s := NewStream(rdb).Heed(map[string]Words{
		"dk":   {Stop: StopWords(), Start: []string{"START"}},
		"moon": {Stop: []string{"BASTA"}, List: "moon"},
	})
	requireOn := func(what string, want ...string) {
		t.Helper()
		entries, err := lists.Of(t.Context(), sms.MSISDN(4500000001))
		if err != nil || len(entries) != len(want) {
			t.Fatalf("%s: got %v, %v, want the lists %q", what, entries, err, want)
		}
		for i, e := range entries {
			if e.List != want[i] || e.Source != "stop" {
				t.Errorf("%s: got %v, want the list %q", what, e, want[i])
			}
		}
	}
	put(t, s, "dk", message("1", "hello"))
	requireOn("hello")
	put(t, s, "moon", message("1", "stop"))
	requireOn("a word of another account")
	put(t, s, "other", message("1", "stop"))
	requireOn("an account without words")
	put(t, s, "moon", message("2", "basta!"))
	requireOn("its own list", "moon")
	put(t, s, "dk", message("2", "hi"), message("3", "Stop"))
	requireOn("both", suppress.All, "moon")
	put(t, s, "dk", message("4", "start"))
	requireOn("taken back", "moon")
	put(t, s, "dk", message("3", "Stop"))
	requireOn("a repetition of what was taken back", "moon")
	put(t, s, "dk", message("5", "Stop"))
	requireOn("once more", suppress.All, "moon")

	// What Redis does not take is not acknowledged, and counts when it comes again.
	if _, err := lists.Remove(t.Context(), suppress.All, 4500000001); err != nil {
		t.Fatal(err)
	}
	mr.SetError("LOADING")
	if err := s.Put(t.Context(), "dk", []providers.Inbound{message("6", "Stop")}, now); err == nil {
		t.Error("no error without Redis")
	}
	mr.SetError("")
	put(t, s, "dk", message("6", "Stop"))
	requireOn("after an error", suppress.All, "moon")
}
