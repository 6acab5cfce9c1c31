package plan

import (
	"math/bits"
	"strconv"
)

// delimiters are the pairs of characters that placeholders are written with: field 0 is "%0~" with the first pair. A pair
// is used only where neither of its characters occurs in the template's own text or in a value. Then nothing that a
// gateway has put together, in whatever order it replaces, can look like a placeholder that it is not.
//
// The characters are ASCII and of GSM-7, so that a template's encoding doesn't change. The ones that texts rarely have come
// first.
var delimiters = [...]string{"%~", "{}", "[]", "^|", "#=", "@*", "<>", "_$", "+;", "()", "QX", "ZW"}

// pairs is a set of delimiters: bit i is delimiters[i].
type pairs uint16

// noPair says that a text is sent without placeholders.
const noPair = len(delimiters)

// clashes has, for each byte, the pairs it is part of.
var clashes = func() (c [256]pairs) {
	for i, d := range delimiters {
		c[d[0]] |= 1 << i
		c[d[1]] |= 1 << i
	}
	return c
}()

// clashing returns the pairs that can't be used beside s.
func clashing(s string) pairs {
	var p pairs
	for i := range len(s) {
		p |= clashes[s[i]]
	}
	return p
}

// free returns the first pair that is not in p, or noPair.
func (p pairs) free() int { return min(bits.TrailingZeros16(^uint16(p)), noPair) }

// placeholders returns one for each of n fields.
func placeholders(pair, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = delimiters[pair][:1] + strconv.Itoa(i) + delimiters[pair][1:]
	}
	return out
}
