package sms

import (
	"errors"
	"testing"
	"unicode/utf8"
)

func TestParseSenderID_Taken(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     SenderID
		numeric  bool
	}{
		{"ShortCode", "87767", "87767", true},
		{"OneDigit", "7", "7", true},
		{"FifteenDigits", "123456789012345", "123456789012345", true},
		{"PlusIsTakenOff", "+4520123456", "4520123456", true},
		{"Name", "Acme", "Acme", false},
		{"OneLetter", "A", "A", false},
		{"ElevenCharacters", "ElevenChars", "ElevenChars", false},
		{"LetterAmongDigits", "1234567890a", "1234567890a", false},
		{"AllowedSigns", "A-b.c_d&e 1", "A-b.c_d&e 1", false},
		{"SpaceAround", "  Acme\n", "Acme", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseSenderID(c.in)
			if err != nil || got != c.want || got.Numeric() != c.numeric {
				t.Errorf("got %q, numeric %t, %v, want %q, %t", got, got.Numeric(), err, c.want, c.numeric)
			}
		})
	}
}

func TestParseSenderID_Refused(t *testing.T) {
	const signs = "; letters A to Z, digits, space and - . _ & are allowed"
	for _, c := range []struct {
		name, in string
		want     InvalidError
	}{
		{"Empty", "", "sender ID is empty"},
		{"OnlySpace", "  ", "sender ID is empty"},
		{"SixteenDigits", "1234567890123456", "sender ID has 16 digits; at most 15 are allowed"},
		{"TwelveCharacters", "TwelveChars1", "sender ID has 12 characters; at most 11 are allowed with letters"},
		{"NoLetter", "20 12 34", "sender ID has no letter: write a number in digits alone, a name with a letter"},
		{"OnlySigns", "&", "sender ID has no letter: write a number in digits alone, a name with a letter"},
		{"OnlyPlus", "+", "sender ID has '+'" + signs},
		{"PlusBeforeName", "+Acme", "sender ID has '+'" + signs},
		{"AccentedLetter", "Café", "sender ID has 'é'" + signs},
		{"Emoji", "Hi😀", "sender ID has '😀'" + signs},
		{"LineBreak", "Ac\nme", `sender ID has '\n'` + signs},
		{"Bracket", "Acme{1}", "sender ID has '{'" + signs},
		{"NotUTF8", "Acme\xff", "sender ID has '\ufffd'" + signs},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseSenderID(c.in)
			if got != "" || err != c.want { //nolint:errorlint // the error is exactly this value
				t.Errorf("got %q, %q, want %q", got, err, c.want)
			}
		})
	}
}

func TestSenderID_ZeroValueIsNotNumeric(t *testing.T) {
	if SenderID("").Numeric() {
		t.Error("got true, want false")
	}
}

func FuzzParseSenderID(f *testing.F) {
	for _, s := range []string{"", "Acme", "+4520123456", " 87767 ", "A-b.c_d&e 1", "Café", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseSenderID(s)
		if err != nil {
			var invalid InvalidError
			if id != "" || !errors.As(err, &invalid) || !utf8.ValidString(err.Error()) {
				t.Fatalf("refused as %q, %q", id, err)
			}
			return
		}
		if again, err := ParseSenderID(string(id)); err != nil || again != id {
			t.Fatalf("round trip: got %q, %v, want %q", again, err, id)
		}
		if !IsGSM7(string(id)) || len(id) > 15 || !id.Numeric() && len(id) > 11 {
			t.Fatalf("took %q", id)
		}
	})
}
