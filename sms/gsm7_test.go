package sms

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// goldenEscape is the position in the basic table that has no character and leads to the extension table.
const goldenEscape = 0x1B

// goldenBasic is the basic table by position. Source: 3GPP TS 23.038 section 6.2.1.
var goldenBasic = map[byte]rune{
	0x00: '\u0040', 0x01: '\u00A3', 0x02: '\u0024', 0x03: '\u00A5',
	0x04: '\u00E8', 0x05: '\u00E9', 0x06: '\u00F9', 0x07: '\u00EC',
	0x08: '\u00F2', 0x09: '\u00C7', 0x0A: '\u000A', 0x0B: '\u00D8',
	0x0C: '\u00F8', 0x0D: '\u000D', 0x0E: '\u00C5', 0x0F: '\u00E5',
	0x10: '\u0394', 0x11: '\u005F', 0x12: '\u03A6', 0x13: '\u0393',
	0x14: '\u039B', 0x15: '\u03A9', 0x16: '\u03A0', 0x17: '\u03A8',
	0x18: '\u03A3', 0x19: '\u0398', 0x1A: '\u039E',
	0x1C: '\u00C6', 0x1D: '\u00E6', 0x1E: '\u00DF', 0x1F: '\u00C9',
	0x20: '\u0020', 0x21: '\u0021', 0x22: '\u0022', 0x23: '\u0023',
	0x24: '\u00A4', 0x25: '\u0025', 0x26: '\u0026', 0x27: '\u0027',
	0x28: '\u0028', 0x29: '\u0029', 0x2A: '\u002A', 0x2B: '\u002B',
	0x2C: '\u002C', 0x2D: '\u002D', 0x2E: '\u002E', 0x2F: '\u002F',
	0x30: '\u0030', 0x31: '\u0031', 0x32: '\u0032', 0x33: '\u0033',
	0x34: '\u0034', 0x35: '\u0035', 0x36: '\u0036', 0x37: '\u0037',
	0x38: '\u0038', 0x39: '\u0039', 0x3A: '\u003A', 0x3B: '\u003B',
	0x3C: '\u003C', 0x3D: '\u003D', 0x3E: '\u003E', 0x3F: '\u003F',
	0x40: '\u00A1', 0x41: '\u0041', 0x42: '\u0042', 0x43: '\u0043',
	0x44: '\u0044', 0x45: '\u0045', 0x46: '\u0046', 0x47: '\u0047',
	0x48: '\u0048', 0x49: '\u0049', 0x4A: '\u004A', 0x4B: '\u004B',
	0x4C: '\u004C', 0x4D: '\u004D', 0x4E: '\u004E', 0x4F: '\u004F',
	0x50: '\u0050', 0x51: '\u0051', 0x52: '\u0052', 0x53: '\u0053',
	0x54: '\u0054', 0x55: '\u0055', 0x56: '\u0056', 0x57: '\u0057',
	0x58: '\u0058', 0x59: '\u0059', 0x5A: '\u005A', 0x5B: '\u00C4',
	0x5C: '\u00D6', 0x5D: '\u00D1', 0x5E: '\u00DC', 0x5F: '\u00A7',
	0x60: '\u00BF', 0x61: '\u0061', 0x62: '\u0062', 0x63: '\u0063',
	0x64: '\u0064', 0x65: '\u0065', 0x66: '\u0066', 0x67: '\u0067',
	0x68: '\u0068', 0x69: '\u0069', 0x6A: '\u006A', 0x6B: '\u006B',
	0x6C: '\u006C', 0x6D: '\u006D', 0x6E: '\u006E', 0x6F: '\u006F',
	0x70: '\u0070', 0x71: '\u0071', 0x72: '\u0072', 0x73: '\u0073',
	0x74: '\u0074', 0x75: '\u0075', 0x76: '\u0076', 0x77: '\u0077',
	0x78: '\u0078', 0x79: '\u0079', 0x7A: '\u007A', 0x7B: '\u00E4',
	0x7C: '\u00F6', 0x7D: '\u00F1', 0x7E: '\u00FC', 0x7F: '\u00E0',
}

// goldenExtension is the extension table by position. Source: 3GPP TS 23.038 section 6.2.1.1.
var goldenExtension = map[byte]rune{
	0x0A: '\u000C', // form feed
	0x14: '\u005E', // circumflex
	0x28: '\u007B', // left brace
	0x29: '\u007D', // right brace
	0x2F: '\u005C', // backslash
	0x3C: '\u005B', // left square bracket
	0x3D: '\u007E', // tilde
	0x3E: '\u005D', // right square bracket
	0x40: '\u007C', // vertical bar
	0x65: '\u20AC', // euro
}

func TestGSM7_GoldenTables(t *testing.T) {
	if len(goldenBasic) != 127 || len(goldenExtension) != 10 {
		t.Fatalf("got %d basic and %d extension characters, want 127 and 10", len(goldenBasic), len(goldenExtension))
	}
	cost := map[rune]int{}
	for position := range byte(128) {
		r, ok := goldenBasic[position]
		if ok == (position == goldenEscape) {
			t.Fatalf("position %#02x: character %t", position, ok)
		}
		if ok {
			cost[r] = 1
		}
	}
	for _, r := range goldenExtension {
		cost[r] = 2
	}
	if len(cost) != 137 {
		t.Fatalf("got %d different characters, want 137", len(cost))
	}
	for r := range rune(utf8.MaxRune + 1) {
		if !utf8.ValidRune(r) {
			continue
		}
		if got := septets(r); got != cost[r] {
			t.Errorf("%U: got %d septets, want %d", r, got, cost[r])
		}
	}
}

func TestGSM7_BasicTableIsInOrder(t *testing.T) {
	position := byte(0)
	for _, r := range basicChars {
		if position == goldenEscape {
			position++
		}
		if r != goldenBasic[position] {
			t.Errorf("position %#02x: got %U, want %U", position, r, goldenBasic[position])
		}
		position++
	}
	if position != 128 {
		t.Errorf("got %d positions, want 128", position)
	}
}

func TestFirstNonGSM7(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     rune
		found    bool
	}{
		{"Empty", "", 0, false},
		{"Basic", "Hej, Søren @ 5 £!\r\n", 0, false},
		{"Extension", "[{^~|\\}] 10 €\f", 0, false},
		{"SmallCedillaIsNotTheCapital", "Ça, garçon", 'ç', true},
		{"CurlyApostrophe", "it\u2019s", '\u2019', true},
		{"Emoji", "ok 😀 ł", '😀', true},
		{"Backtick", "a`b", '`', true},
		{"Tab", "a\tb", '\t', true},
		{"Escape", "a\x1bb", '\x1b', true},
		{"NBSP", "a\u00a0b", '\u00a0', true},
		{"GreekLookalike", "\u0391BC", '\u0391', true},
		{"OhmSignIsNotOmega", "\u03a9\u2126", '\u2126', true},
		{"NotUTF8", "a\xffb", utf8.RuneError, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, found := FirstNonGSM7(c.in)
			if got != c.want || found != c.found {
				t.Errorf("got %q, %t, want %q, %t", got, found, c.want, c.found)
			}
			if IsGSM7(c.in) == c.found {
				t.Errorf("IsGSM7: got %t, want %t", c.found, !c.found)
			}
		})
	}
}

func BenchmarkFirstNonGSM7(b *testing.B) {
	text := strings.Repeat("Hej Søren, 5 € ", 10)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = FirstNonGSM7(text)
	}
}
