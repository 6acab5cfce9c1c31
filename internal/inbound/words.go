package inbound

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/internal/suppress"
	"github.com/volleysms/volley/providers"
)

// Words say which messages are opt-outs, and which take one back. The zero value knows none.
type Words struct {
	// Stop and Start are whole messages, whatever their case and the spaces and punctuation around them.
	Stop, Start []string
	// List is where opt-outs are put: suppress.All, or the account's own.
	List string
}

// StopWords are those of accounts that name none of their own.
func StopWords() []string {
	return []string{"STOP", "STOPALL", "STOP ALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "ARRET", "ARRÊT", "STOPP"}
}

// Heed lets Put see to it that opt-outs count before the message is kept: accounts that are not in words have none.
func (s *Stream) Heed(words map[string]Words) *Stream {
	return &Stream{rdb: s.rdb, words: words}
}

// heed does what messages of an account ask for, those excepted that are kept already: they were heeded then, and what has
// been done to the list since holds.
func (s *Stream) heed(ctx context.Context, account string, messages []providers.Inbound, now time.Time) error {
	w, ok := s.words[account]
	if !ok {
		return nil
	}
	lists := suppress.New(s.rdb)
	for i := range messages {
		m := &messages[i]
		stop, start := w.says(w.Stop, m), w.says(w.Start, m)
		if stop == "" && start == "" || m.From == 0 {
			continue
		}
		kept, err := s.kept(ctx, account, m.ID)
		if err != nil {
			return err
		}
		switch {
		case kept:
		case stop != "":
			_, err = lists.Add(ctx, w.List, suppress.Why{Source: "stop", Reason: stop + " to " + account}, now, m.From)
		default:
			// Who starts again means all that the account had them stopped for.
			_, err = lists.Remove(ctx, w.List, m.From)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// kept reports whether a message has been kept.
func (s *Stream) kept(ctx context.Context, account, id string) (bool, error) {
	err := s.rdb.ZScore(ctx, keySeen, string(identity(account, id))).Err()
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	return err == nil, err
}

// says returns the word that a message is, or "". A gateway may tell a keyword apart, and leave the text without it.
func (w *Words) says(words []string, m *providers.Inbound) string {
	text := bare(m.Text)
	if text == "" {
		text = bare(m.Keyword)
	}
	i := slices.IndexFunc(words, func(word string) bool { return strings.EqualFold(bare(word), text) })
	if i < 0 || text == "" {
		return ""
	}
	return words[i]
}

// bare is a text without what stands around it, and with single spaces within.
func bare(s string) string {
	s = strings.TrimFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
	return strings.Join(strings.Fields(s), " ")
}
