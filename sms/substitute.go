package sms

import (
	"strings"
	"unicode/utf8"
)

// substitutes are characters outside the GSM-7 alphabet that say the same as others within it: what word processors and
// spreadsheets put in the place of what was typed. Letters of other alphabets, accents, signs and emoji have no substitute.
var substitutes = map[rune]string{
	// Quotes and apostrophes.
	'`': "'", '´': "'", 'ʹ': "'", 'ʻ': "'", 'ʼ': "'", '‘': "'", '’': "'", '‚': "'", '‛': "'", '′': "'", '‹': "'", '›': "'",
	'«': `"`, '»': `"`, 'ʺ': `"`, '“': `"`, '”': `"`, '„': `"`, '‟': `"`, '″': `"`,
	// Dashes and bullets.
	'\u2010': "-", '\u2011': "-", '\u2012': "-", '–': "-", '—': "-", '\u2015': "-", '−': "-", '•': "-", '\u2043': "-",
	// Spaces and line breaks.
	'\t': " ", '\u00a0': " ", '\u2000': " ", '\u2001': " ", '\u2002': " ", '\u2003': " ", '\u2004': " ", '\u2005': " ", '\u2006': " ",
	'\u2007': " ", '\u2008': " ", '\u2009': " ", '\u200a': " ", '\u202f': " ", '\u205f': " ", '\u3000': " ",
	'\v': "\n", '\u0085': "\n", '\u2028': "\n", '\u2029': "\n",
	// What can't be seen.
	'\u00ad': "", '\u200b': "", '\u2060': "", '\ufeff': "",
	// Others.
	'…': "...", '×': "x", '∗': "*", '⁄': "/", '∕': "/", '\u2126': "Ω", '\u212b': "Å",
	'ﬀ': "ff", 'ﬁ': "fi", 'ﬂ': "fl", 'ﬃ': "ffi", 'ﬄ': "ffl",
}

// joined are letters of the GSM-7 alphabet that some systems write as a letter and a combining mark.
var joined = map[[2]rune]rune{
	{'e', '\u0300'}: 'è', {'u', '\u0300'}: 'ù', {'i', '\u0300'}: 'ì', {'o', '\u0300'}: 'ò', {'a', '\u0300'}: 'à',
	{'e', '\u0301'}: 'é', {'E', '\u0301'}: 'É', {'N', '\u0303'}: 'Ñ', {'n', '\u0303'}: 'ñ',
	{'A', '\u0308'}: 'Ä', {'O', '\u0308'}: 'Ö', {'U', '\u0308'}: 'Ü', {'a', '\u0308'}: 'ä', {'o', '\u0308'}: 'ö', {'u', '\u0308'}: 'ü',
	{'A', '\u030a'}: 'Å', {'a', '\u030a'}: 'å', {'C', '\u0327'}: 'Ç',
}

// SubstituteFor returns what Substitute writes for r, which may be nothing, and false when it leaves r as it is.
func SubstituteFor(r rune) (string, bool) {
	s, ok := substitutes[r]
	return s, ok
}

// Substitute returns text with typographic quotes, dashes, spaces and the like replaced by characters of the GSM-7 alphabet
// that say the same, so that they don't make a UCS-2 message of it. What has no such substitute, such as emoji, stays. A
// text with nothing to replace is returned as it is.
func Substitute(text string) string {
	for i, r := range text {
		if septets(r) != 0 {
			continue
		}
		if out, ok := substituteFrom(text, i); ok {
			return out
		}
		return text
	}
	return text
}

// SubstituteTemplate is Substitute for a text as ParseTemplate reads it: the names of fields stay as they are.
func SubstituteTemplate(text string) string {
	var b strings.Builder
	for {
		literal, rest, found := strings.Cut(text, "{{")
		b.WriteString(Substitute(literal))
		if !found {
			return b.String()
		}
		field, after, closed := strings.Cut(rest, "}}")
		name, fallback, given := strings.Cut(field, "|")
		b.WriteString("{{" + name)
		if given {
			b.WriteString("|" + Substitute(fallback))
		}
		if !closed {
			return b.String()
		}
		b.WriteString("}}")
		text = after
	}
}

// substituteFrom is Substitute for a text that is GSM-7 up to byte start; false when there is nothing to replace.
func substituteFrom(text string, start int) (string, bool) {
	var b strings.Builder
	done, changed := 0, false // text[:done] is in b
	write := func(end int, s string, next int) {
		b.WriteString(text[done:end])
		b.WriteString(s)
		done, changed = next, true
	}
	last, size := utf8.DecodeLastRuneInString(text[:start])
	before := start - size // where last begins
	for i, r := range text[start:] {
		i += start
		if s, ok := substitutes[r]; ok {
			write(i, s, i+utf8.RuneLen(r))
		} else if whole, ok := joined[[2]rune{last, r}]; ok && before >= done {
			write(before, string(whole), i+utf8.RuneLen(r))
		}
		last, before = r, i
	}
	b.WriteString(text[done:])
	return b.String(), changed
}
