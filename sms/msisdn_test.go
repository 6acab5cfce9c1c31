package sms

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseMSISDN_Taken(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     MSISDN
	}{
		{"Digits", "4520123456", 4520123456},
		{"Plus", "+4520123456", 4520123456},
		{"DoubleZeroIsPlus", "004520123456", 4520123456},
		{"DoubleZeroAndSpaces", "00 45 20 12 34 56", 4520123456},
		{"Spaces", "+45 20 12 34 56", 4520123456},
		{"BracketsAndDash", "+1 (213) 555-0101", 12135550101},
		{"PlusInBrackets", "(+45) 20123456", 4520123456},
		{"SpaceAfterPlus", "+ 45 20123456", 4520123456},
		{"Dots", "+45.20.12.34.56", 4520123456},
		{"OneDotBeforeManyDigits", "+45.20123456", 4520123456},
		{"OneDotAmongSpaces", "+45 20 12 34.00", 4520123400},
		{"Slash", "+49 30/1234567", 49301234567},
		{"Hyphen", "45\u201020123456", 4520123456},
		{"NonBreakingHyphen", "45\u201120123456", 4520123456},
		{"FigureDash", "45\u201220123456", 4520123456},
		{"EnDash", "45\u201320123456", 4520123456},
		{"EmDash", "45\u201420123456", 4520123456},
		{"MinusSign", "45\u221220123456", 4520123456},
		{"SmallAndFullwidthHyphen", "45\ufe6320\uff0d123456", 4520123456},
		{"NBSP", "+45\u00a020\u00a012\u00a034\u00a056", 4520123456},
		{"NarrowNBSPThinAndIdeographicSpace", "45\u202f20\u200912\u30003456", 4520123456},
		{"Tab", "+45\t20123456", 4520123456},
		{"InvisibleMarks", "\u202a+45\u200b20123456\u202c", 4520123456},
		{"ByteOrderMark", "\ufeff4520123456", 4520123456},
		{"SpaceAround", "  4520123456\r\n", 4520123456},
		{"ShortestHas7", "2901234", 2901234},
		{"LongestHas15", "999999999999999", 999999999999999},
		{"LongestHas15WithPrefix", "00999999999999999", 999999999999999},
		{"ZeroInBracketsWithMore", "+39 (06) 1234567", 39061234567},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseMSISDN(c.in)
			if err != nil || got != c.want {
				t.Errorf("got %d, %v, want %d", got, err, c.want)
			}
		})
	}
}

func TestParseMSISDN_Refused(t *testing.T) {
	const bounds = "; a number with country code has 7 to 15"
	for _, c := range []struct {
		name, in string
		want     InvalidError
	}{
		{"Empty", "", errEmpty},
		{"OnlySpace", " \u00a0\t\n", errEmpty},
		{"OnlySeparators", "(-)", errNoDigits},
		{"OnlyPlus", "+", errNoDigits},
		{"Letters", "not-a-number", errLetters},
		{"Vanity", "1-800-FLOWERS", errLetters},
		{"MaskedWithX", "4520xxxx56", errLetters},
		{"URI", "tel:+4520123456", errLetters},
		{"ForeignLetters", "45 20 тел", errLetters},
		{"OneDigit", "1", "1 digit" + bounds},
		{"ThreeDigits", "123", "3 digits" + bounds},
		{"SixDigits", "123456", "6 digits" + bounds},
		{"DoubleZeroIsNotCounted", "00123456", "6 digits" + bounds},
		{"OnlyDoubleZero", "00", "0 digits" + bounds},
		{"SixteenDigits", "1234567890123456", "16 digits" + bounds},
		{"TwoNumbers", "4520123456/4520123457", "20 digits" + bounds},
		{"LeadingZero", "020123456", errLeadingZero},
		{"LeadingZeroInBrackets", "(020) 1234 5678", errLeadingZero},
		{"LeadingZeroAloneInBrackets", "(0)20 1234 5678", errLeadingZero},
		{"LeadingZeroShort", "012", errLeadingZero},
		{"ThreeZeros", "0004520123456", errLeadingZero},
		{"PlusZero", "+020123456", errLeadingZero},
		{"PlusAndDoubleZero", "+004520123456", errLeadingZero},
		{"TrunkPrefix", "+44 (0)20 7946 0958", errTrunk},
		{"TrunkPrefixWithSpaces", "+44 ( 0 ) 20 7946 0958", errTrunk},
		{"PlusInTheMiddle", "45+20123456", errPlus},
		{"PlusAfterDoubleZero", "00+4520123456", errPlus},
		{"TwoPluses", "++4520123456", errPlus},
		{"ExtensionWord", "+1 213 555 0101 ext. 12", errExtension},
		{"ExtensionWordUpper", "+1 213 555 0101 EXT12", errExtension},
		{"ExtensionX", "+1 213 555 0101 x12", errExtension},
		{"ExtensionXAndSpace", "+1 213 555 0101 x. 12", errExtension},
		{"ExtensionHash", "+1 213 555 0101 #12", errExtension},
		{"ExtensionParameter", "+12135550101;ext=12", errExtension},
		{"SpreadsheetDecimal", "4520123456.0", errDecimal},
		{"SpreadsheetTwoDecimals", "4520123456.00", errDecimal},
		{"SpreadsheetDecimalLong", "123456789012345.0", errDecimal},
		{"Scientific", "4.520123456E+09", errScientific},
		{"ScientificLower", "4520e6", errScientific},
		{"ArabicDigits", "٤٥٢٠١٢٣٤٥٦", errOtherDigits},
		{"FullwidthDigits", "４５２０１２３４５６", errOtherDigits},
		{"Comma", "4520123456,4520123457", "has ','; write one number, in digits"},
		{"Colon", "45:20123456", "has ':'; write one number, in digits"},
		{"TwoLines", "4520123\n4520124", `has '\n'; write one number, in digits`},
		{"NUL", "4520123456\x00", `has '\x00'; write one number, in digits`},
		{"NotUTF8", "4520123456\xff", "has '\ufffd'; write one number, in digits"},
		{"ServiceCode", "*31#4520123456", "has '*'; write one number, in digits"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseMSISDN(c.in)
			if got != 0 || err != c.want { //nolint:errorlint // the error is exactly this value
				t.Errorf("got %d, %q, want 0, %q", got, err, c.want)
			}
		})
	}
}

// separators are what may stand between any two digits.
var separators = []string{
	"", "", "", " ", "-", ".", "/", "(", ")", "  ", " - ", "\t", "\u00a0", "\u2009", "\u202f", "\u3000",
	"\u2010", "\u2011", "\u2013", "\u2014", "\u2212", "\uff0d", "\u200b", "\u200e", "\u00ad", "\ufeff",
}

// ambiguous matches decorations that mean something: decimals, and a zero alone in brackets.
var ambiguous = regexp.MustCompile(`^\+?\d+\.00?$|\([^0-9)]*0[^0-9)]*\)`)

func decorated(n MSISDN) *rapid.Generator[string] {
	sep := rapid.SampledFrom(separators)
	return rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		b.WriteString(sep.Draw(t, "before"))
		b.WriteString(rapid.SampledFrom([]string{"", "+", "00", "+ ", "(+"}).Draw(t, "prefix"))
		for _, d := range strconv.FormatUint(uint64(n), 10) {
			b.WriteRune(d)
			b.WriteString(sep.Draw(t, "separator"))
		}
		return b.String()
	}).Filter(func(s string) bool {
		return !ambiguous.MatchString(strings.Trim(s, " \t\u00a0\u2009\u202f\u3000\u200b\u200e\u00ad\ufeff"))
	})
}

func anyMSISDN() *rapid.Generator[MSISDN] {
	return rapid.Custom(func(t *rapid.T) MSISDN {
		digits := rapid.StringMatching(`[1-9][0-9]{6,14}`).Draw(t, "digits")
		n, err := strconv.ParseUint(digits, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return MSISDN(n)
	})
}

func TestParseMSISDN_DecoratedNumberIsItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anyMSISDN().Draw(t, "number")
		in := decorated(want).Draw(t, "typed")
		if got, err := ParseMSISDN(in); err != nil || got != want {
			t.Fatalf("%q: got %d, %v, want %d", in, got, err, want)
		}
	})
}

func TestMSISDN_StringAndParseRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anyMSISDN().Draw(t, "number")
		if !want.Valid() {
			t.Fatalf("%d is not valid", want)
		}
		got, err := ParseMSISDN(want.String())
		if err != nil || got != want {
			t.Fatalf("got %d, %v, want %d", got, err, want)
		}
		if got, want := string(want.Append([]byte("to="))), "to="+want.String(); got != want {
			t.Fatalf("Append: got %q, want %q", got, want)
		}
	})
}

func FuzzParseMSISDN(f *testing.F) {
	for _, s := range []string{
		"4520123456", "+45 20 12 34 56", "00 45 20123456", "+44 (0)20 7946 0958", "4520123456.0", "1 ext 2",
		"4.5E+09", "\u202a+45\u00a020123456", "(+45)20123456", "\xff", "x#;", "+", "0000",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var digits []byte
		for i := range len(s) {
			if '0' <= s[i] && s[i] <= '9' {
				digits = append(digits, s[i])
			}
		}
		m, err := ParseMSISDN(s)
		if err != nil {
			var invalid InvalidError
			if m != 0 || !errors.As(err, &invalid) || err.Error() == "" || len(err.Error()) > 80 {
				t.Fatalf("refused as %d, %q", m, err)
			}
			if len(digits) >= minDigits && strings.Contains(err.Error(), string(digits)) {
				t.Fatalf("the reason holds the number: %q", err)
			}
			return
		}
		if got, want := m.String(), strings.TrimPrefix(string(digits), "00"); !m.Valid() || got != want {
			t.Fatalf("got %q, valid %t, want %q", got, m.Valid(), want)
		}
		if again, err := ParseMSISDN(m.String()); err != nil || again != m {
			t.Fatalf("round trip: got %d, %v, want %d", again, err, m)
		}
	})
}

func TestMSISDN_Valid(t *testing.T) {
	for _, c := range []struct {
		m    MSISDN
		want bool
	}{{0, false}, {999_999, false}, {1_000_000, true}, {999_999_999_999_999, true}, {1_000_000_000_000_000, false}} {
		if got := c.m.Valid(); got != c.want {
			t.Errorf("%d: got %t, want %t", c.m, got, c.want)
		}
	}
}

func TestMSISDN_Masked(t *testing.T) {
	for _, c := range []struct {
		m    MSISDN
		want string
	}{{4520123456, "***456"}, {1000, "***000"}, {123, "***"}, {0, "***"}} {
		if got := c.m.Masked(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestMSISDN_ZeroValueHasNoDigits(t *testing.T) {
	var m MSISDN
	if s, b := m.String(), m.Append(nil); s != "" || len(b) != 0 {
		t.Errorf("got %q and %q, want nothing", s, b)
	}
}

func TestParseMSISDN_DoesNotAllocate(t *testing.T) {
	for _, s := range []string{"4520123456", "+4520123456", "00 45 (20) 12\u00a034-56", "020123456"} {
		b := []byte(s)
		if n := testing.AllocsPerRun(100, func() { _, _ = ParseMSISDN(s) }); n != 0 {
			t.Errorf("%q: got %v allocations, want 0", s, n)
		}
		if n := testing.AllocsPerRun(100, func() { _, _ = ParseMSISDN(string(b)) }); n != 0 {
			t.Errorf("%q as bytes: got %v allocations, want 0", s, n)
		}
	}
}

func BenchmarkParseMSISDN(b *testing.B) {
	for _, c := range []struct{ name, in string }{
		{"Digits", "4520123456"},
		{"Plus", "+4520123456"},
		{"Typed", "+45 20 12 34 56"},
		{"Unicode", "+45\u00a020\u201312\u00a034\u00a056"},
		{"Refused", "not-a-number"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = ParseMSISDN(c.in)
			}
		})
	}
}
