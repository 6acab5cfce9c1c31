package mgage_test

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/providertest/gateway"
)

func receive(t testing.TB, body string) (providers.Pushed, error) {
	t.Helper()
	return mustNew(t, options("")).Receive(providers.Push{Method: http.MethodPost, Body: []byte(body)})
}

// forwarded is the vendor's sample of a forwarded message, with a number of nobody.
func forwarded(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("testdata/forwarded.txt")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

func TestReceive_TheVendorsSample(t *testing.T) {
	pushed, err := receive(t, forwarded(t))
	if err != nil || len(pushed.Inbound) != 1 || len(pushed.Reports) != 0 || pushed.Proven {
		t.Fatalf("got %+v, %v", pushed, err)
	}
	want := providers.Inbound{ID: "148929155953/0", From: 14155550123, To: "26161", Text: "STOP", Carrier: "cingular"}
	if got := pushed.Inbound[0]; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestReceive_Forms(t *testing.T) {
	good := forwarded(t)
	id := func(body string) string {
		t.Helper()
		pushed, err := receive(t, body)
		if err != nil {
			t.Fatal(err)
		}
		return pushed.Inbound[0].ID
	}
	t.Run("APartOfTheSameMessageIsAnother", func(t *testing.T) {
		if id(good) == id(strings.Replace(good, "subid=0", "subid=1", 1)) {
			t.Error("the same ID")
		}
	})
	t.Run("TheSameMessageAgainIsTheSame", func(t *testing.T) {
		if id(good) != id(strings.Replace(good, "status=Processing", "status=Done", 1)) {
			t.Error("another ID")
		}
	})
	t.Run("WithoutAnIDTheContentStandsForIt", func(t *testing.T) {
		bare := strings.NewReplacer("message_id=148929155953&", "", "message_subid=0&", "").Replace(good)
		got, again := id(bare), id(bare)
		if got != again || got == id(strings.Replace(bare, "0123", "0124", 1)) || len(got) != 32 {
			t.Errorf("got %q and %q", got, again)
		}
	})
	t.Run("TheOriginalTextGoesBeforeWhatTheGatewayMadeOfIt", func(t *testing.T) {
		pushed, err := receive(t, strings.Replace(good, "message_orig=STOP", "message_orig=Stop+it%21", 1))
		if err != nil || pushed.Inbound[0].Text != "Stop it!" {
			t.Errorf("got %+v, %v", pushed, err)
		}
	})
	t.Run("MessageWhereThereIsNoOriginal", func(t *testing.T) {
		pushed, err := receive(t, "device_address=%2B14155550123&message=Hi+%E2%82%AC")
		if err != nil || pushed.Inbound[0].Text != "Hi €" || pushed.Inbound[0].From != 14155550123 {
			t.Errorf("got %+v, %v", pushed, err)
		}
	})
	for name, body := range map[string]string{
		"Empty": "", "NoHandset": "message=secret", "NoText": "device_address=14155550123", "HandsetOfLetters": "device_address=x&message=secret",
		"NoForm": "device_address=%zz&message=secret",
	} {
		t.Run(name+"IsMalformed", func(t *testing.T) {
			_, err := receive(t, body)
			if !errors.Is(err, providers.ErrMalformed) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "14155550123") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestReceive_WhatTheSimulatedGatewayPushes(t *testing.T) {
	r := gateway.MGage{}.PushInbound(gateway.MO{ID: "17", From: 12135550101, To: "87767", Text: "JOIN é"}, "https://example.invalid")
	pushed, err := receive(t, string(r.Body))
	want := providers.Inbound{ID: "17/0", From: 12135550101, To: "87767", Text: "JOIN é", Carrier: "example"}
	if err != nil || len(pushed.Inbound) != 1 || pushed.Inbound[0] != want {
		t.Errorf("got %+v, %v; want %+v", pushed, err, want)
	}
	if ack := mustNew(t, options("")).Ack(); ack != "" {
		t.Errorf("got %q", ack)
	}
}

func FuzzReceive(f *testing.F) {
	for _, s := range []string{forwarded(f), "device_address=14155550123&message=%ff", "message_id=/&device_address=14155550123&message_orig=", "%", "a;b"} {
		f.Add([]byte(s))
	}
	a := mustNew(f, options(""))
	f.Fuzz(func(t *testing.T, body []byte) {
		pushed, err := a.Receive(providers.Push{Method: http.MethodPost, Body: body})
		if err != nil && !errors.Is(err, providers.ErrMalformed) {
			t.Fatalf("got %v", err)
		}
		if err == nil && (len(pushed.Inbound) != 1 || pushed.Proven) {
			t.Fatalf("got %+v", pushed)
		}
		for _, in := range pushed.Inbound {
			if !in.From.Valid() || in.ID == "" || !utf8.ValidString(in.Text+in.To+in.Carrier) {
				t.Errorf("got %+v", in)
			}
		}
	})
}
