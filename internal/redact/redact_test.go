package redact_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/volleysms/volley/internal/redact"
	"github.com/volleysms/volley/providers"
)

func TestDetail(t *testing.T) {
	tests := []struct {
		name    string
		in      string
		secrets []string
		want    string
	}{
		{"AWordStays", "Invalid token", nil, "Invalid token"},
		{"ANumberKeepsItsLastThreeDigits", "MSISDN 4512345678 is blacklisted", nil, "MSISDN ***678 is blacklisted"},
		{"ANumberAtTheEnd", "to 4512345678", nil, "to ***678"},
		{"TwoNumbers", "4512345678,4512345679", nil, "***678,***679"},
		{"SixDigitsStay", "error 123456", nil, "error 123456"},
		{"SevenDigitsAreANumber", "1234567", nil, "***567"},
		{"ASecretGoes", "could not connect /send?password=hunter22&to=1", []string{"hunter22"}, "could not connect /send?password=***&to=1"},
		{"AShortSecretIsNotLookedFor", "Hi there", []string{"Hi", ""}, "Hi there"},
		{"LinesBecomeOne", " a\r\n\tb\x00c ", nil, "a b c"},
		{"InvalidUTF8Goes", "a\xffb", nil, "ab"},
		{"Empty", "", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := redact.Detail(tt.in, tt.secrets...); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDetail_IsBounded(t *testing.T) {
	got := redact.Detail(strings.Repeat("€", 100000))
	if len(got) > providers.MaxDetail || len(got) < providers.MaxDetail-3 || !utf8.ValidString(got) {
		t.Errorf("got %d bytes, valid %v", len(got), utf8.ValidString(got))
	}
}
