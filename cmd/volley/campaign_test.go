package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzCampaign reads any bytes as a campaign: it never panics, an error says what is wrong as invalid input, and a file
// without one gives a recipient for each row that encoding/csv sees.
func FuzzCampaign(f *testing.F) {
	for _, s := range []string{
		"to,name\n+12125550100,Ann\n", "\xef\xbb\xbfto;ref\n1;2\n", "to\n\"a\nb\"\n", "phone,Mobile\n1,2\n", "to,to\n1,2\n", "\xff\xfet\x00", "",
		"to,name\n1\n", "to,name\n\"1,2\n", "to,name\n1,\xff\n", "to\r\n1\r\n\r\n2\r\n",
	} {
		f.Add([]byte(s), byte(','))
	}
	f.Fuzz(func(t *testing.T, data []byte, comma byte) {
		if strings.IndexByte(",;\t|", comma) < 0 {
			comma = ','
		}
		var bad *inputError
		c, err := openCampaign(bytes.NewReader(data), tableOptions{comma: rune(comma), text: "Hi"})
		if err != nil {
			if !errors.As(err, &bad) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		n := 0
		for r, err := range c.recipients(t.Context(), func(int64) {}) {
			if err != nil {
				if !errors.As(err, &bad) || !strings.HasPrefix(err.Error(), "row ") {
					t.Fatalf("%T: %v", err, err)
				}
				return
			}
			if !utf8.ValidString(r.To + r.Ref) {
				t.Fatal("what is not UTF-8 came through")
			}
			n++
		}
		plain := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
		plain.Comma = rune(comma)
		rows, err := plain.ReadAll()
		if err != nil && !errors.Is(err, io.EOF) {
			t.Fatalf("encoding/csv refuses what was taken: %v", err)
		}
		if n != len(rows)-1 {
			t.Fatalf("%d recipients of %d rows below the header", n, len(rows)-1)
		}
	})
}
