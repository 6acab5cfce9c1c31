package main

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/schollz/progressbar/v3"
)

func TestProgress_Lines(t *testing.T) {
	tests := []struct {
		name  string
		total int64
		want  string
	}{
		{"with the time that is left", 4000, "1,000 rows, 166/s, 25 %, 18s left\n3,000 rows, 250/s, 75 %, 4s left\n"},
		{"without it when the whole is not known", 0, "1,000 rows, 166/s\n3,000 rows, 250/s\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			p := newProgress(&b, "rows", tt.total)
			at := func(seconds int, items int64) {
				p.now = func() time.Time { return p.start.Add(time.Duration(seconds) * time.Second) }
				p.set(items, items)
			}
			at(1, 100) // too soon for a line
			at(6, 1000)
			at(7, 1100)
			at(12, 3000)
			p.end()
			if b.String() != tt.want {
				t.Errorf("got %q, want %q", b.String(), tt.want)
			}
		})
	}
}

func TestProgress_Bar(t *testing.T) {
	p := newProgress(&bytes.Buffer{}, "rows", 4000)
	p.bar = progressbar.NewOptions64(4000, progressbar.OptionSetWriter(io.Discard))
	if got, want := p.line(1000, 1000, p.start.Add(6*time.Second)), "1,000 rows, 166/s, 18s left"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0", 7: "7", 999: "999", 1000: "1,000", 12345: "12,345", 1234567: "1,234,567", -1000: "-1,000", -100: "-100", -123456: "-123,456",
	} {
		if got := count(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
