// Package redact makes a gateway's wording safe to store and show.
package redact

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/volleysms/volley/providers"
)

const (
	// minNumber is the length in digits from which a run of digits is taken for an MSISDN.
	minNumber = 7
	// keptDigits is how many digits of an MSISDN stay.
	keptDigits = 3
	// minSecret is the length in bytes below which a secret is too common a word to be looked for.
	minSecret = 4
)

// Detail returns s fit for providers.Result.Detail: secrets (credentials, texts; those under four bytes are not looked
// for) and runs of seven digits or more replaced by asterisks, the run's last three digits kept, control characters and
// repeated white space as one blank, invalid UTF-8 dropped, and at most providers.MaxDetail bytes.
func Detail(s string, secrets ...string) string {
	if len(s) > 64*providers.MaxDetail {
		s = s[:64*providers.MaxDetail]
	}
	for _, secret := range secrets {
		if len(secret) >= minSecret {
			s = strings.ReplaceAll(s, secret, "***")
		}
	}
	return Cap(Numbers(oneLine(s)))
}

// Numbers replaces all but the last three digits of each run of seven digits or more by asterisks.
func Numbers(s string) string {
	var b strings.Builder
	done := 0
	for i := 0; i < len(s); i++ {
		if !digit(s[i]) {
			continue
		}
		start := i
		for i < len(s) && digit(s[i]) {
			i++
		}
		if i-start < minNumber {
			continue
		}
		b.WriteString(s[done:start])
		b.WriteString("***")
		done = i - keptDigits
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// Cap cuts s to at most providers.MaxDetail bytes, between two characters.
func Cap(s string) string {
	if len(s) <= providers.MaxDetail {
		return s
	}
	cut := providers.MaxDetail
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}

func oneLine(s string) string {
	var b strings.Builder
	blank := false
	for i, r := range s {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				continue
			}
		}
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			blank = b.Len() > 0
			continue
		}
		if blank {
			b.WriteByte(' ')
			blank = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

func digit(c byte) bool { return c >= '0' && c <= '9' }
