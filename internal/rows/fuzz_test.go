package rows_test

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/volleysms/volley/internal/rows"
)

// FuzzCSV reads any bytes: it never panics, an error is an *Error, and a file without one gives a row for each record that
// encoding/csv sees, in growing order, in UTF-8.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{
		"to,name\n+12125550100,Ann\n", "\xef\xbb\xbfto;ref\n1;2\n", "to\n\"a\nb\"\n", "phone,Mobile\n1,2\n", "to,to\n1,2\n", "\xff\xfet\x00", "",
		"to,name\n1\n", "to,name\n\"1,2\n", "to,name\n1,\xff\n", "to\r\n1\r\n\r\n2\r\n", "\n\nto,at,tz\n1,2,3\n", zipped(f, "to\n1\n"), "PK\x03\x04",
	} {
		f.Add([]byte(s), byte(','), false)
		f.Add([]byte(s), byte(';'), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, comma byte, latin bool) {
		if strings.IndexByte(",;\t|", comma) < 0 {
			comma = ','
		}
		o := rows.Options{Comma: rune(comma), Encoding: rows.UTF8}
		if latin {
			o.Encoding = rows.Latin1
		}
		n, err := read(t, data, o)
		if err != nil || latin || bytes.HasPrefix(data, []byte("\x1f\x8b")) {
			return
		}
		plain := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
		plain.Comma, plain.FieldsPerRecord = rune(comma), -1
		records, err := plain.ReadAll()
		if err != nil {
			t.Fatalf("encoding/csv refuses what was taken: %v", err)
		}
		if n != len(records)-1 {
			t.Fatalf("%d rows of %d records below the header", n, len(records)-1)
		}
	})
}

// FuzzNDJSON reads any bytes: it never panics, an error is an *Error, and a file without one gives a row for each line that
// is not blank.
func FuzzNDJSON(f *testing.F) {
	for _, s := range []string{
		`{"to":"1","name":"x"}`, "{\"to\":1}\n\n{\"at\":\"x\"}\n[", `{"to":"\ud800"}`, `{"to":{"a":[1,"}"]}}`, "[]", "\ufeff{}", `{"to":"1","to":"2"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := read(t, data, rows.Options{Format: rows.NDJSON, Fields: []string{"name"}})
		if err != nil || bytes.HasPrefix(data, []byte("\x1f\x8b")) {
			return
		}
		lines := 0
		for s := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))); s.Scan(); {
			if len(bytes.TrimSpace(s.Bytes())) > 0 {
				lines++
			}
		}
		if n != lines {
			t.Fatalf("%d rows of %d lines", n, lines)
		}
	})
}

// read counts the rows of a file.
func read(t *testing.T, data []byte, o rows.Options) (int, error) {
	t.Helper()
	var bad *rows.Error
	c, err := rows.Open(bytes.NewReader(data), o)
	if err != nil {
		if !errors.As(err, &bad) {
			t.Fatalf("%T: %v", err, err)
		}
		return 0, err
	}
	last := c.FirstRow() - 1
	for n := 0; ; n++ {
		row, err := c.Next()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			if !errors.As(err, &bad) {
				t.Fatalf("%T: %v", err, err)
			}
			return n, err
		}
		if row.N <= last {
			t.Fatalf("row %d comes after row %d", row.N, last)
		}
		last = row.N
		if text := row.To + row.Ref + strings.Join(row.Values, ""); row.Refuse == "" && !utf8.ValidString(text) {
			t.Fatal("what is not UTF-8 came through")
		}
	}
}
