package ogangi

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/volleysms/volley/internal/httpc"
)

func TestSigner_KnownVector(t *testing.T) {
	s := newSigner("https://example.invalid/mmc", ClientOptions{PublicKey: "pub", PrivateKey: "my-private-key"})
	params := "7/2020/2/18765422035/U2ltcGxlIE1lc3NhZ2Ug4pi6"
	want := "f69bc6a924480d3ed82970d9679c4be90589bd3064add51c47e8bf50a211d55f"
	for range 3 { // a pooled hash starts afresh
		if got := string(s.sign(nil, []byte(params))); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
	got := s.address("sendMT", []byte(params))
	if want := "https://example.invalid/mmc/rest/api/sendMT/" + params + "/pub/" + want; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSigner_SignDecodedSignsWhatTheEscapesStandFor(t *testing.T) {
	wire := newSigner("", ClientOptions{PrivateKey: "key"})
	decoded := newSigner("", ClientOptions{PrivateKey: "key", SignDecoded: true})
	got := string(decoded.sign(nil, []byte("43/Telef%C3%B3nica%20MX/2020")))
	if want := string(wire.sign(nil, []byte("43/Telefónica MX/2020"))); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if plain := string(wire.sign(nil, []byte("43/Telef%C3%B3nica%20MX/2020"))); got == plain {
		t.Error("both ways sign the same")
	}
}

func TestSigner_Base64(t *testing.T) {
	const text = "Simple Message ☺>?" // has the characters 62 and 63 of the alphabet, and padding
	plain := newSigner("", ClientOptions{})
	padded := newSigner("", ClientOptions{PaddedBase64: true})
	for _, tt := range []struct {
		name string
		s    *signer
		want *base64.Encoding
	}{
		{"URLSafeWithoutPadding", plain, base64.RawURLEncoding},
		{"URLSafeWithPadding", padded, base64.URLEncoding},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, want := string(tt.s.appendBase64(nil, text)), tt.want.EncodeToString([]byte(text)); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// The parameters must reach the server byte for byte as they were signed, whatever net/url makes of an address.
func TestSigner_WhatIsSignedIsWhatIsSent(t *testing.T) {
	var seen string
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.RequestURI }))
	defer srv.Close()
	client := httpc.New(httpc.Options{})
	rapid.Check(t, func(t *rapid.T) {
		s := newSigner(srv.URL+"/mmc", ClientOptions{PublicKey: "pub", PrivateKey: "key", PaddedBase64: rapid.Bool().Draw(t, "padded")})
		carrier := rapid.String().Filter(func(s string) bool { return s != "" && !isDots(s) }).Draw(t, "carrier")
		params := s.appendBase64(append(appendEscaped([]byte("43/"), carrier), "/order=asc,2&to=1/"...), carrier)
		req, err := httpc.NewGET(t.Context(), s.address("sendMT", params))
		if err != nil {
			t.Fatal(err)
		}
		if _, failure := client.Do(t.Context(), req); failure != nil {
			t.Fatal(failure)
		}
		want := "/mmc/rest/api/sendMT/" + string(params) + "/pub/" + string(s.sign(nil, params))
		if seen != want {
			t.Fatalf("got %s, want %s", seen, want)
		}
	})
}

func TestAppendEscaped(t *testing.T) {
	for in, want := range map[string]string{
		"Movistar":          "Movistar",
		"a-b.c_d~e":         "a-b.c_d~e",
		"Telefónica México": "Telef%C3%B3nica%20M%C3%A9xico",
		"AT&T/x?#%+=":       "AT%26T%2Fx%3F%23%25%2B%3D",
	} {
		if got := string(appendEscaped(nil, in)); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

func BenchmarkSigner(b *testing.B) {
	s := newSigner("https://example.invalid/mmc", ClientOptions{PublicKey: "pub", PrivateKey: strings.Repeat("k", 40)})
	params := []byte("7/2020/null/18765422035/" + strings.Repeat("U2lt", 44))
	b.ReportAllocs()
	for b.Loop() {
		s.address("sendMT", params)
	}
}
