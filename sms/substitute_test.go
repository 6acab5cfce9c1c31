package sms_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/volleysms/volley/sms"
)

// TestSubstitute_EveryCharacter holds the table to testdata/substitutes.golden, which has a line for each character that is
// replaced. UPDATE_GOLDEN=1 writes it anew.
func TestSubstitute_EveryCharacter(t *testing.T) {
	var b strings.Builder
	for r := range rune(utf8.MaxRune + 1) {
		to, ok := sms.SubstituteFor(r)
		if !ok {
			continue
		}
		fmt.Fprintf(&b, "%U %+q -> %q\n", r, r, to)
		if sms.IsGSM7(string(r)) {
			t.Errorf("%U is replaced, and is in the alphabet", r)
		}
		if !sms.IsGSM7(to) {
			t.Errorf("%U becomes %q, which is not in the alphabet", r, to)
		}
		if got, want := sms.Substitute("a"+string(r)+"z"), "a"+to+"z"; got != want {
			t.Errorf("%U: got %q, want %q", r, got, want)
		}
	}
	const golden = "testdata/substitutes.golden"
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the table is not that of %s:\n%s", golden, b.String())
	}
}

func TestSubstitute(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"nothing to replace", "Grüße {€} @ 9:00\r\n", "Grüße {€} @ 9:00\r\n"},
		{"an empty text", "", ""},
		{"an office's text", "“It’s on” – from 9\u00a0to\u00a05…", `"It's on" - from 9 to 5...`},
		{"emoji stay, and joiners within them", "Hi 👩\u200d🚀 – “you”", `Hi 👩‍🚀 - "you"`},
		{"letters of other alphabets stay", "Привет – č, ç", "Привет - č, ç"},
		{"only such letters", "Žluťoučký", "Žluťoučký"},
		{"letters with their marks apart", "Cafe\u0301 A\u030angstro\u0308m", "Café Ångström"},
		{"a mark after a letter that was joined", "e\u0301\u0301", "é\u0301"},
		{"a mark after what was replaced", "’\u0301", "'\u0301"},
		{"a mark whose letter is not in the alphabet stays apart", "c\u030c i\u0301", "c\u030c i\u0301"},
		{"a mark at the start", "\u0301e", "\u0301e"},
		{"what can't be seen goes", "\ufeffsum\u00admer\u200b!", "summer!"},
		{"bytes that are not UTF-8 stay", "a\xff’b", "a\xff'b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := sms.Substitute(tt.text)
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if again := sms.Substitute(got); again != got && !strings.Contains(tt.text, "\u0301\u0301") {
				t.Errorf("a second time makes %q of it", again)
			}
		})
	}
	t.Run("a text without anything to replace costs nothing", func(t *testing.T) {
		text := strings.Repeat("Grüße ", 20)
		if n := testing.AllocsPerRun(100, func() { sms.Substitute(text) }); n > 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

func TestSubstituteTemplate(t *testing.T) {
	for text, want := range map[string]string{
		"Hi":                             "Hi",
		"“Hi {{name}}” – {{a b}}":        `"Hi {{name}}" - {{a b}}`,
		"{{pre\u0301nom|che\u0301r’e}}…": "{{pre\u0301nom|chér'e}}...",
		"– {{not closed –":               "- {{not closed –",
	} {
		if got := sms.SubstituteTemplate(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func ExampleSubstitute() {
	text := "“Doors open at nine” – don’t be late"
	fmt.Println(sms.Measure(text).Encoding, sms.Measure(sms.Substitute(text)).Encoding)
	fmt.Println(sms.Substitute(text))
	// Output:
	// ucs2 gsm7
	// "Doors open at nine" - don't be late
}

// FuzzSubstitute: no text gets more bytes, one in GSM-7 stays as it is, and what is UTF-8 stays so.
func FuzzSubstitute(f *testing.F) {
	for _, s := range []string{"“a”", "e\u0301", "\xff\u0301", "a\u00ad", "…", "👩\u200d🚀"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := sms.Substitute(s)
		if utf8.ValidString(s) && !utf8.ValidString(out) {
			t.Fatalf("%q is not UTF-8", out)
		}
		if sms.IsGSM7(s) && out != s {
			t.Fatalf("%q is GSM-7 and became %q", s, out)
		}
		if len(out) > len(s) {
			t.Fatalf("%d bytes became %d", len(s), len(out))
		}
	})
}
