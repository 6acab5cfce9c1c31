package lint

import (
	"cmp"
	"slices"
	"strings"

	"github.com/volleysms/volley/sms"
)

// Sign is a character that is not in the GSM-7 alphabet.
type Sign struct {
	// Character is itself, and Code its code point, such as "U+2019".
	Character string `json:"character"`
	Code      string `json:"code"`
	// Substitute is what --substitute writes for it, which may be nothing; nil when there is none that is safe.
	Substitute *string `json:"substitute"`
	// InText is true when it stands in the text itself, and not only in values.
	InText bool `json:"in_text"`
	// Messages have it in them, and Alone of those have nothing else that is not in the alphabet: by it alone they are UCS-2,
	// and have ExtraSegments more.
	Messages      int64 `json:"messages"`
	Alone         int64 `json:"alone"`
	ExtraSegments int64 `json:"extra_segments"`
}

// maxSigns bounds the characters that are told apart: those of an alphabet, and not of all.
const maxSigns = 2048

// signs gathers what makes messages UCS-2.
type signs struct {
	template string
	found    map[rune]*Sign
	here     []rune // in the message at hand
	// spared is how many segments --substitute would save, and mended in how many messages.
	spared, mended int64
	// moji is how many messages look garbled, and mojiRow the first of them.
	moji    int64
	mojiRow uint64
}

func newSigns(template string) signs { return signs{template: template, found: map[rune]*Sign{}} }

// look counts the characters of a UCS-2 message.
func (s *signs) look(text string, segments int) {
	s.here = s.here[:0]
	for _, r := range text {
		if r >= 0x80 || r < ' ' || r == '`' {
			if !sms.IsGSM7(string(r)) && !slices.Contains(s.here, r) {
				s.here = append(s.here, r)
			}
		}
	}
	for _, r := range s.here {
		c := s.found[r]
		if c == nil {
			if len(s.found) >= maxSigns {
				continue
			}
			c = s.sign(r)
			s.found[r] = c
		}
		c.Messages++
		if len(s.here) == 1 {
			c.Alone++
			c.ExtraSegments += int64(segments - sms.Measure(strings.ReplaceAll(text, string(r), "?")).Segments)
		}
	}
	if better := sms.Substitute(text); len(better) != len(text) || better != text {
		if n := sms.Measure(better).Segments; n < segments {
			s.spared += int64(segments - n)
			s.mended++
		}
	}
}

func (s *signs) sign(r rune) *Sign {
	c := &Sign{Character: string(r), Code: code(r), InText: strings.ContainsRune(s.template, r)}
	if sub, ok := sms.SubstituteFor(r); ok {
		c.Substitute = &sub
	}
	return c
}

// maxListed is how many characters a report has.
const maxListed = 20

// list returns the characters that matter most: those that alone cost something, then the others with a substitute.
func (s *signs) list() []Sign {
	out := []Sign{}
	for _, c := range s.found {
		if c.Alone > 0 || c.Substitute != nil {
			out = append(out, *c)
		}
	}
	slices.SortFunc(out, func(a, b Sign) int {
		return cmp.Or(cmp.Compare(b.ExtraSegments, a.ExtraSegments), cmp.Compare(b.Alone, a.Alone), cmp.Compare(b.Messages, a.Messages),
			cmp.Compare(a.Code, b.Code))
	})
	return out[:min(len(out), maxListed)]
}

// garbled looks for UTF-8 that was read as Latin-1, by this program or one before: "Ã¸" for "ø", "â€™" for "’".
func (s *signs) garbled(text string, row uint64) {
	if !strings.Contains(text, "Ã") && !strings.Contains(text, "â€") && !strings.Contains(text, "Â") {
		return
	}
	var before rune
	for _, r := range text {
		if (before == 'Ã' || before == 'Â') && r >= 0x80 && r <= 0xbf || before == 'â' && r == '€' {
			if s.moji++; s.mojiRow == 0 {
				s.mojiRow = row
			}
			return
		}
		before = r
	}
}
