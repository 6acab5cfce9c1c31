package gateway

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

func TestScanner_Strings(t *testing.T) {
	for in, want := range map[string]string{
		`"a"`: "a", `""`: "", `"\"\\\/\b\f\n\r\t"`: "\"\\/\b\f\n\r\t", `"é"`: "é", `"\u00e9"`: "é", `"\ud83d\ude00x"`: "😀x",
		`"\ud83d"`: "\uFFFD", `"\ud83d\u0041"`: "\uFFFDA", `"x\u20ACy"`: "x€y",
	} {
		s := scanner{b: []byte(in)}
		if got := string(s.str()); got != want || !s.end() {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}

func FuzzScanner(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,-2.5e+3,true,false,null,"x\u00e9"]}`, `[]`, `{}`, `""`, `0`, `01`, `-`, `1.`, `1e`, `[1,]`, `{"a":1,}`, `{"a"}`, "\"\x01\"",
		`"\x"`, `"\u12g4"`, `"\u+123"`, `tru`, `{"a":1}{`, ` [ 1 , 2 ] `, `"\ud800\u`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := scanner{b: b}
		s.skip()
		got := s.end()
		if !json.Valid(b) {
			if got {
				t.Errorf("%q is read though it is not JSON", b)
			}
			return
		}
		if !got && !deeperThan(b, maxDepth) {
			t.Errorf("%q is not read", b)
		}
		var want string
		if utf8.Valid(b) && json.Unmarshal(b, &want) == nil && s.b[0] == '"' {
			again := scanner{b: b}
			if text := string(again.str()); text != want {
				t.Errorf("%q: got %q, want %q", b, text, want)
			}
		}
	})
}

func deeperThan(b []byte, n int) bool {
	depth := 0
	for _, c := range b {
		switch c {
		case '{', '[':
			if depth++; depth > n {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}
