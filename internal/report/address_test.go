package report

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/volleysms/volley/providers"
)

const (
	testJob  = "0197c1b2-7a4e-7000-8000-000000000000"
	otherJob = "0197c1b2-7a4e-7000-8000-000000000001"
)

func token(address string) string { return address[strings.LastIndex(address, "/")+1:] }

func TestSigner_Target(t *testing.T) {
	s := NewSigner("https://sms.example.com/volley/", "a-secret-of-today", "")
	for _, want := range []Target{
		{testJob, 0, 0, 0, 0}, {testJob, 0, -1, -1, 1}, {testJob, 999_999, 999, 3, 2}, {testJob, maxBatch, maxPosition - 1, maxRound, maxAttempt},
	} {
		address := s.Address("dk", want)
		if !strings.HasPrefix(address, "https://sms.example.com/volley/r/dk/") || len(address) > providers.MaxReportTo {
			t.Errorf("got address %s", address)
		}
		if got, err := s.Target("dk", token(address)); err != nil || got != want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
	if got, err := s.Target("dk", withoutAttempt(s)); err != nil || got != (Target{testJob, 3, 4, 1, 0}) {
		t.Errorf("a token of the first version: got %+v, %v", got, err)
	}
	if got := s.Address("dk", Target{Job: "no-uuid"}); got != "" {
		t.Errorf("a job that is no UUID: %q", got)
	}
}

// withoutAttempt is a token as the first version made them, for batch 3, position 4, round 1.
func withoutAttempt(s *Signer) string {
	id := uuid.MustParse(testJob)
	b := append([]byte{1}, id[:]...)
	b = append(b, 3, 5, 2)
	return encoding.EncodeToString(append(b, mac(s.keys[0], "report", "dk", b)...))
}

func TestSigner_Forged(t *testing.T) {
	s := NewSigner("", "a-secret-of-today", "")
	good := token(s.Address("dk", Target{Job: testJob, Batch: 1, Position: 2}))
	tests := map[string]struct{ account, token string }{
		"AnotherAccount": {"moon", good},
		"AnotherSecret":  {"dk", token(NewSigner("", "another-secret-of", "").Address("dk", Target{Job: testJob, Batch: 1, Position: 2}))},
		"Empty":          {"dk", ""},
		"NoBase64":       {"dk", good[:10] + "!" + good[11:]},
		"Longer":         {"dk", good + "AAAA"},
		"Shorter":        {"dk", good[:len(good)-4]},
		"Huge":           {"dk", strings.Repeat("A", 1<<16)},
		"TheInboundOne":  {"dk", token(s.Inbound("dk"))},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got, err := s.Target(tt.account, tt.token); err == nil {
				t.Errorf("got %+v", got)
			}
		})
	}
	t.Run("EveryBitCounts", func(t *testing.T) {
		raw, _ := encoding.DecodeString(good)
		for i := range len(raw) * 8 {
			raw[i/8] ^= 1 << (i % 8)
			if got, err := s.Target("dk", encoding.EncodeToString(raw)); err == nil {
				t.Errorf("bit %d: got %+v", i, got)
			}
			raw[i/8] ^= 1 << (i % 8)
		}
	})
}

func TestSigner_Rotation(t *testing.T) {
	first := NewSigner("", "the-first-secret-", "")
	second := NewSigner("", "the-second-secret", "the-first-secret-")
	third := NewSigner("", "the-third-secret-", "the-second-secret")
	report, inbound := token(first.Address("dk", Target{Job: testJob, Batch: 1, Position: 2})), token(first.Inbound("dk"))
	if _, err := second.Target("dk", report); err != nil || !second.IsInbound("dk", inbound) {
		t.Errorf("the secret before is not valid: %v", err)
	}
	if _, err := third.Target("dk", report); err == nil || third.IsInbound("dk", inbound) {
		t.Error("the one before that is valid still")
	}
	if _, err := first.Target("dk", token(second.Address("dk", Target{Job: testJob, Batch: 1, Position: 2}))); err == nil {
		t.Error("the new secret does not sign")
	}
}

func TestSigner_Inbound(t *testing.T) {
	s := NewSigner("https://sms.example.com", "a-secret-of-today", "")
	if got := s.Inbound("dk"); !strings.HasPrefix(got, "https://sms.example.com/in/dk/") || !s.IsInbound("dk", token(got)) {
		t.Errorf("got %s", got)
	}
	for _, bad := range []string{"", token(s.Inbound("moon")), token(s.Inbound("dk")) + "A", token(s.Address("dk", Target{Job: testJob, Batch: 0, Position: 0}))} {
		if s.IsInbound("dk", bad) {
			t.Errorf("%q is valid", bad)
		}
	}
}

func TestTargetOf(t *testing.T) {
	if got, ok := TargetOf(testJob + ".12.250.3.2"); !ok || got != (Target{testJob, 12, -1, 3, 2}) {
		t.Errorf("got %+v, %v", got, ok)
	}
	for _, bad := range []string{
		"", testJob, testJob + ".1", testJob + ".1.2", testJob + ".1.2.0", testJob + ".1.2.0.", testJob + ".-1.0.0.1", testJob + ".1.x.0.1",
		testJob + ".1.2.0.256", testJob + ".99999999999.1.0.1", testJob + ".1.2.0.1.1", "x.1.2.0.1", strings.ToUpper(testJob[:9]) + testJob[9:] + ".1.1.0.1",
	} {
		if got, ok := TargetOf(bad); ok {
			t.Errorf("%q: got %+v", bad, got)
		}
	}
}

func FuzzSigner_Target(f *testing.F) {
	s := NewSigner("", "a-secret-of-today", "that-of-yesterday")
	f.Add(token(s.Address("dk", Target{Job: testJob, Batch: 1, Position: 2})))
	f.Add("")
	f.Fuzz(func(t *testing.T, tok string) {
		got, err := s.Target("dk", tok)
		if err == nil && token(s.Address("dk", got)) != tok && !strings.HasPrefix(tok, "AQ") {
			t.Errorf("%q is taken for %+v", tok, got)
		}
		TargetOf(tok)
		s.IsInbound("dk", tok)
	})
}

func BenchmarkSigner_Address(b *testing.B) {
	s := NewSigner("https://sms.example.com", "a-secret-of-today", "")
	for b.Loop() {
		s.Address("dk", Target{Job: testJob, Batch: 1, Position: 2})
	}
}

func BenchmarkSigner_Forged(b *testing.B) {
	s := NewSigner("", "a-secret-of-today", "that-of-yesterday")
	forged := token(NewSigner("", "another-secret-of", "").Address("dk", Target{Job: testJob, Batch: 1, Position: 2}))
	for b.Loop() {
		_, _ = s.Target("dk", forged)
	}
}
