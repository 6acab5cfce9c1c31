package gatewayapi_test

import (
	"errors"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/gatewayapi"
	"github.com/volleysms/volley/providers/providertest/gateway"
)

// sample reads a file of testdata without the line break at its end.
func sample(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(b), "\n")
}

// push returns a push of a body, signed by one header unless that is empty.
func push(body, header, signature string) providers.Push {
	p := providers.Push{Method: "POST", Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(body)}
	if header != "" {
		p.Header.Set(header, signature)
	}
	return p
}

const jwtHeader = "X-Gwapi-Signature"

func receiving(t testing.TB, o gatewayapi.Options) *gatewayapi.Adapter {
	t.Helper()
	o.Token = "example-token"
	return mustNew(t, o)
}

var (
	delivered = providers.Report{
		Fate: providers.Delivered, To: 4587654321, ID: "1000001", Reference: "foobar", Code: "DELIVERED", At: time.Unix(1450000000, 0).UTC(),
	}
	rejectedReport = providers.Report{
		Fate: providers.Undelivered, To: 4587654321, ID: "1000001", Reference: "foobar", Code: "0x1093",
		Detail: "REJECTED: Invalid recipient number", At: time.Unix(1450000000, 0).UTC(),
	}
	wroteHello = providers.Inbound{ID: "1000001", From: 4587654321, To: "451204", Text: "foo Hello World", At: time.Unix(1450000000, 0).UTC()}
)

func TestAdapter_Receive_Samples(t *testing.T) {
	tests := []struct {
		file string
		want providers.Pushed
	}{
		{"status_delivered.json", providers.Pushed{Reports: []providers.Report{delivered}}},
		{"status_rejected.json", providers.Pushed{Reports: []providers.Report{rejectedReport}}},
		{"inbound.json", providers.Pushed{Inbound: []providers.Inbound{wroteHello}}},
	}
	for _, tt := range tests {
		for name, o := range map[string]gatewayapi.Options{"NoSecret": {}, "UnsignedToAWebhookWithASecret": {WebhookSecret: "secret"}} {
			t.Run(tt.file+"/"+name, func(t *testing.T) {
				got, err := receiving(t, o).Receive(push(sample(t, tt.file), "", ""))
				if err != nil || !reflect.DeepEqual(got, tt.want) {
					t.Errorf("got %+v, %v; want %+v", got, err, tt.want)
				}
			})
		}
		t.Run(tt.file+"/Signed", func(t *testing.T) {
			want := tt.want
			want.Proven = true
			token := gateway.SignJWT(`{"typ":"JWT","alg":"HS256"}`, []byte(sample(t, tt.file)), "secret")
			got, err := receiving(t, gatewayapi.Options{WebhookSecret: "secret", RequireSignature: true}).Receive(push("", jwtHeader, token))
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, %v; want %+v", got, err, want)
			}
		})
	}
}

// The tokens were made with openssl.
func TestAdapter_Receive_KnownSignature(t *testing.T) {
	a := receiving(t, gatewayapi.Options{WebhookSecret: "secret"})
	got, err := a.Receive(push(sample(t, "status_rejected.json"), jwtHeader, sample(t, "signature_HS256.txt")))
	if err != nil || !got.Proven || len(got.Reports) != 1 || got.Reports[0] != delivered {
		t.Errorf("got %+v, %v; want what was signed, not the body", got, err)
	}
}

func TestAdapter_Receive_Forged(t *testing.T) {
	claims := []byte(sample(t, "status_delivered.json"))
	known := sample(t, "signature_HS256.txt")
	head, rest, _ := strings.Cut(known, ".")
	payload, mac, _ := strings.Cut(rest, ".")
	const hs256 = `{"typ":"JWT","alg":"HS256"}`
	tests := []struct{ name, signature string }{
		{"AnotherSecret", gateway.SignJWT(hs256, claims, "another")},
		{"NoSecret", gateway.SignJWT(hs256, claims, "")},
		{"None", gateway.SignJWT(`{"typ":"JWT","alg":"none"}`, claims, "secret")},
		{"NoneWithoutASignature", gateway.SignJWT(`{"typ":"JWT","alg":"none"}`, claims, "secret")[:100] + "."},
		{"NoneInCapitals", gateway.SignJWT(`{"typ":"JWT","alg":"NONE"}`, claims, "secret")},
		{"NoAlgorithm", gateway.SignJWT(`{"typ":"JWT"}`, claims, "secret")},
		{"RS256", gateway.SignJWT(`{"typ":"JWT","alg":"RS256"}`, claims, "secret")},
		{"ES256", gateway.SignJWT(`{"typ":"JWT","alg":"ES256"}`, claims, "secret")},
		{"HS384", sample(t, "signature_HS384.txt")},
		{"HS512", sample(t, "signature_HS512.txt")},
		{"HS256InSmallLetters", gateway.SignJWT(`{"typ":"JWT","alg":"hs256"}`, claims, "secret")},
		{"ChangedClaims", head + "." + payload[:20] + "A" + payload[21:] + "." + mac},
		{"NoMAC", head + "." + payload + "."},
		{"HalfAMAC", known[:len(known)-20]},
		{"TwoParts", head + "." + payload},
		{"FourParts", known + "." + mac},
		{"Words", "not a token"},
		{"Dots", ".."},
		{"Empty", ""},
		{"Long", strings.Repeat("a", 1<<20)},
		{"NotClaims", gateway.SignJWT(hs256, []byte("hello"), "secret")},
	}
	a := receiving(t, gatewayapi.Options{WebhookSecret: "secret"})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := a.Receive(push(string(claims), jwtHeader, tt.signature))
			if !errors.Is(err, providers.ErrForged) || got.Reports != nil || got.Proven {
				t.Errorf("got %+v, %v; want forged", got, err)
			}
			if err != nil && (strings.Contains(err.Error(), "4587654321") || len(tt.signature) > 20 && strings.Contains(err.Error(), tt.signature[:20])) {
				t.Errorf("the error shows what was sent: %.200v", err)
			}
		})
	}
	t.Run("TwoSignatures", func(t *testing.T) {
		p := push("", jwtHeader, known)
		p.Header.Add(jwtHeader, known)
		if _, err := a.Receive(p); !errors.Is(err, providers.ErrForged) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("NoneWhereOneIsRequired", func(t *testing.T) {
		strict := receiving(t, gatewayapi.Options{WebhookSecret: "secret", RequireSignature: true})
		if _, err := strict.Receive(push(string(claims), "", "")); !errors.Is(err, providers.ErrForged) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("ASignatureNobodyCanVerifyIsNoProof", func(t *testing.T) {
		got, err := receiving(t, gatewayapi.Options{}).Receive(push(string(claims), jwtHeader, known))
		if err != nil || got.Proven {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestAdapter_Receive_Malformed(t *testing.T) {
	a := receiving(t, gatewayapi.Options{})
	for name, body := range map[string]string{
		"Empty": "", "Null": "null", "EmptyObject": "{}", "Array": "[]", "Words": "hello", "OpenBrace": "{", "Page": "<html>",
		"NoStatus": `{"id":1,"msisdn":4587654321}`, "StatusOfNoUse": `{"status":{"x":1}}`, "NullStatus": `{"status":null}`,
		"InboundOfNobody":    `{"receiver":451204,"message":"Hi"}`,
		"MessageWithoutCode": `{"msisdn":4587654321,"message":"Hi"}`,
		"MessageAsANumber":   `{"msisdn":4587654321,"receiver":1,"message":2}`,
		"Bytes":              "\x00\xff",
		"Deep":               strings.Repeat(`{"a":`, 20_000),
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := a.Receive(push(body, "", "")); !errors.Is(err, providers.ErrMalformed) || got.Reports != nil || got.Inbound != nil {
				t.Errorf("got %+v, %v; want malformed", got, err)
			}
		})
	}
	t.Run("GET", func(t *testing.T) {
		if _, err := a.Receive(providers.Push{Method: "GET"}); !errors.Is(err, providers.ErrMalformed) {
			t.Errorf("got %v", err)
		}
	})
}

func TestAdapter_Receive_OddFieldsCostNoReport(t *testing.T) {
	a := receiving(t, gatewayapi.Options{})
	for name, body := range map[string]string{
		"NumbersAsStrings": `{"id":"1000001","msisdn":"4587654321","time":"1450000000","status":"DELIVERED","userref":"foobar"}`,
		"Plus":             `{"id":1000001,"msisdn":"+4587654321","time":1450000000.0,"status":"DELIVERED","userref":"foobar"}`,
		"SmallLetters":     `{"id":1000001,"msisdn":4587654321,"time":1450000000,"status":"DELIVERED","userref":"foobar","new":{"a":[1]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := a.Receive(push(body, "", ""))
			if err != nil || len(got.Reports) != 1 || got.Reports[0] != delivered {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	for name, body := range map[string]string{
		"OnlyAStatus":      `{"status":"DELIVERED"}`,
		"OtherTypes":       `{"id":{},"msisdn":[],"time":"noon","status":"DELIVERED","error":{},"code":[],"userref":true}`,
		"NotANumber":       `{"msisdn":"anonymous","status":"DELIVERED"}`,
		"ForeignReference": `{"userref":"with blanks and 4587654321","status":"DELIVERED"}`,
		"OddIdentifier":    `{"id":"<script>","status":"DELIVERED"}`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := a.Receive(push(body, "", ""))
			want := providers.Report{Fate: providers.Delivered, Code: "DELIVERED"}
			if err != nil || len(got.Reports) != 1 || got.Reports[0] != want {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestAdapter_Receive_Fates(t *testing.T) {
	a := receiving(t, gatewayapi.Options{})
	for status, want := range map[string]providers.Fate{
		"UNKNOWN": providers.Pending, "SCHEDULED": providers.Taken, "BUFFERED": providers.Taken, "ENROUTE": providers.Taken,
		"DELIVERED": providers.Delivered, "ACCEPTED": providers.Delivered,
		"EXPIRED": providers.Undelivered, "UNDELIVERABLE": providers.Undelivered, "REJECTED": providers.Undelivered,
		"DELETED": providers.Undelivered, "SKIPPED": providers.Undelivered,
		"PONDERING": providers.Pending, "enroute": providers.Taken,
	} {
		t.Run(status, func(t *testing.T) {
			got, err := a.Receive(push(`{"status":"`+status+`"}`, "", ""))
			if err != nil || got.Reports[0].Fate != want || got.Reports[0].Code != status {
				t.Errorf("got %+v, %v; want %v", got, err, want)
			}
		})
	}
}

func TestAdapter_Receive_WordsAreSafeToStore(t *testing.T) {
	got, err := receiving(t, gatewayapi.Options{}).Receive(push(
		`{"status":"REJECTED","code":"`+strings.Repeat("x", 500)+`","error":"no route to 4587654321\n`+strings.Repeat("é", 500)+`"}`, "", ""))
	if err != nil {
		t.Fatal(err)
	}
	r := got.Reports[0]
	if len(r.Code) > 40 || len(r.Detail) > providers.MaxDetail || strings.Contains(r.Detail, "4587654321") || strings.Contains(r.Detail, "\n") {
		t.Errorf("got %+v", r)
	}
}

func TestAdapter_Receive_InboundWithoutAnIdentifier(t *testing.T) {
	a := receiving(t, gatewayapi.Options{})
	id := func(text string) string {
		got, err := a.Receive(push(`{"msisdn":4587654321,"receiver":"451204","message":"`+text+`","senttime":1450000000}`, "", ""))
		if err != nil || len(got.Inbound) != 1 || got.Inbound[0].ID == "" {
			t.Fatalf("got %+v, %v", got, err)
		}
		return got.Inbound[0].ID
	}
	first, again, other := id("Hi"), id("Hi"), id("Ho")
	if first != again || first == other {
		t.Error("the identifier does not tell a repetition from a new message")
	}
}

func TestAck_IsEmpty(t *testing.T) {
	if got := receiving(t, gatewayapi.Options{}).Ack(); got != "" {
		t.Errorf("got %q", got)
	}
}
