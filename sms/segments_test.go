package sms

import (
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"
)

func TestMeasure(t *testing.T) {
	a, e, u, p := func(n int) string { return strings.Repeat("a", n) }, "€", "ж", "😀"
	us := func(n int) string { return strings.Repeat(u, n) }
	for _, c := range []struct {
		name, in string
		want     Size
	}{
		{"EmptyIsOneSegment", "", Size{GSM7, 0, 1}},
		{"OneSeptet", "@", Size{GSM7, 1, 1}},
		{"AccentedLetterCostsOneSeptet", strings.Repeat("é", 160), Size{GSM7, 160, 1}},
		{"EuroSignCostsTwoSeptets", "5 €", Size{GSM7, 4, 1}},
		{"160SeptetsAlone", a(160), Size{GSM7, 160, 1}},
		{"161SeptetsAreJoined", a(161), Size{GSM7, 161, 2}},
		{"306SeptetsAreTwo", a(306), Size{GSM7, 306, 2}},
		{"307SeptetsAreThree", a(307), Size{GSM7, 307, 3}},
		{"EuroAt159And160Alone", a(158) + e, Size{GSM7, 160, 1}},
		{"EuroAt160And161IsJoined", a(159) + e, Size{GSM7, 161, 2}},
		{"EuroAcrossOneEndOfSegmentAlone", a(152) + e + a(6), Size{GSM7, 160, 1}},
		{"EuroEndsFirstSegment", a(151) + e + a(153), Size{GSM7, 306, 2}},
		{"EuroIsNotDivided", a(152) + e + a(152), Size{GSM7, 306, 3}},
		{"EuroIsNotDividedAndFits", a(152) + e + a(151), Size{GSM7, 305, 2}},
		{"EurosLeaveOneSeptetOfEachSegment", strings.Repeat(e, 76*255), Size{GSM7, 152 * 255, 255}},
		{"EurosOneMore", strings.Repeat(e, 76*255+1), Size{GSM7, 152*255 + 2, 256}},
		{"255Segments", a(153 * 255), Size{GSM7, 39015, 255}},
		{"70UnitsAlone", us(70), Size{UCS2, 70, 1}},
		{"71UnitsAreJoined", us(71), Size{UCS2, 71, 2}},
		{"134UnitsAreTwo", us(134), Size{UCS2, 134, 2}},
		{"135UnitsAreThree", us(135), Size{UCS2, 135, 3}},
		{"EmojiIsTwoUnits", p, Size{UCS2, 2, 1}},
		{"EmojiMakesAllOfItUCS2", a(69) + p, Size{UCS2, 71, 2}},
		{"EuroIsOneUnit", u + e, Size{UCS2, 2, 1}},
		{"EmojiAt69And70Alone", us(68) + p, Size{UCS2, 70, 1}},
		{"EmojiAcrossOneEndOfSegmentAlone", us(66) + p + us(2), Size{UCS2, 70, 1}},
		{"EmojiEndsFirstSegment", us(65) + p + us(67), Size{UCS2, 134, 2}},
		{"EmojiIsNotDivided", us(66) + p + us(66), Size{UCS2, 134, 3}},
		{"EmojiIsNotDividedAndFits", us(66) + p + us(65), Size{UCS2, 133, 2}},
		{"LastCharacterOfBMPIsOneUnit", "\uffff", Size{UCS2, 1, 1}},
		{"FirstBeyondBMPIsTwoUnits", "\U00010000", Size{UCS2, 2, 1}},
		{"NotUTF8CountsAsReplacement", "a\xffb", Size{UCS2, 3, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Measure(c.in); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			if got, want := IsGSM7(c.in), c.want.Encoding == GSM7; got != want {
				t.Errorf("IsGSM7: got %t, want %t", got, want)
			}
		})
	}
}

// cut returns the segments that codes need when none may end in the first half of a pair.
func cut(codes []uint16, alone, joined int, firstHalf func(uint16) bool) int {
	if len(codes) <= alone {
		return 1
	}
	n := 1
	for ; len(codes) > joined; n++ {
		end := joined
		if firstHalf(codes[end-1]) {
			end--
		}
		codes = codes[end:]
	}
	return n
}

// goldenSize encodes text and cuts it up.
func goldenSize(text string) Size {
	code := map[rune][]uint16{}
	for position, r := range goldenBasic {
		code[r] = []uint16{uint16(position)}
	}
	for position, r := range goldenExtension {
		code[r] = []uint16{goldenEscape, uint16(position)}
	}
	var codes []uint16
	for _, r := range text {
		if code[r] == nil {
			codes = utf16.Encode([]rune(text))
			return Size{UCS2, len(codes), cut(codes, 70, 67, func(c uint16) bool { return c >= 0xD800 && c < 0xDC00 })}
		}
		codes = append(codes, code[r]...)
	}
	return Size{GSM7, len(codes), cut(codes, 160, 153, func(c uint16) bool { return c == goldenEscape })}
}

func TestMeasure_IsWhatEncodingAndCuttingGives(t *testing.T) {
	gsm7 := rapid.SampledFrom([]rune("aé€[Ω\n"))
	ucs2 := rapid.SampledFrom([]rune("a€ж😀\u2019"))
	rapid.Check(t, func(t *rapid.T) {
		chars := gsm7
		if rapid.Bool().Draw(t, "ucs2") {
			chars = ucs2
		}
		n := rapid.IntRange(0, 700).Draw(t, "characters")
		text := string(rapid.SliceOfN(chars, n, n).Draw(t, "text"))
		if got, want := Measure(text), goldenSize(text); got != want {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

func FuzzMeasure(f *testing.F) {
	f.Add("Hej Søren")
	f.Add(strings.Repeat("a", 152) + "€" + strings.Repeat("a", 152))
	f.Add(strings.Repeat("ж", 66) + "😀" + strings.Repeat("ж", 66))
	f.Add("\xff\x1b\x00")
	f.Fuzz(func(t *testing.T, text string) {
		if got, want := Measure(text), goldenSize(text); got != want {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

func TestMeasure_DoesNotAllocate(t *testing.T) {
	for _, text := range []string{strings.Repeat("5 € ", 100), strings.Repeat("жabc😀", 100)} {
		if n := testing.AllocsPerRun(100, func() { _ = Measure(text) }); n != 0 {
			t.Errorf("got %v allocations, want 0", n)
		}
	}
}

func TestEncoding_String(t *testing.T) {
	for e, want := range map[Encoding]string{GSM7: "gsm7", UCS2: "ucs2", Data: "data", 9: "encoding(9)"} {
		if got := e.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if zero := (Size{}).Encoding; zero != GSM7 {
		t.Errorf("zero value: got %v, want %v", zero, GSM7)
	}
}

func BenchmarkMeasure(b *testing.B) {
	for _, c := range []struct{ name, in string }{
		{"ASCII131", strings.Repeat("a", 131)},
		{"Danish", strings.Repeat("Hej Søren, ", 14)},
		{"UCS2Late", strings.Repeat("a", 131) + "😀"},
		{"Cyrillic70", strings.Repeat("ж", 70)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = Measure(c.in)
			}
		})
	}
}
