package ogangi_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"gopkg.in/yaml.v3"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/ogangi"
	"github.com/volleysms/volley/providers/providertest/gateway"
)

var pinRequest = ogangi.PINRequest{Carrier: gateway.OgangiCarrier, From: "2020", To: handset, Text: "Your code is", Length: 6}

func TestClient_SendPIN_ReturnsTheOneThatWasTexted(t *testing.T) {
	g, c := pair(t)
	seen := map[string]bool{}
	for range 3 {
		pin, err := c.SendPIN(t.Context(), pinRequest)
		if err != nil || len(pin.Reveal()) != 6 || pin.IsZero() {
			t.Fatalf("got a PIN of %d characters, %v", len(pin.Reveal()), err)
		}
		seen[pin.Reveal()] = true
		all := g.Messages()
		if got, want := all[len(all)-1].Text, "Your code is "+pin.Reveal(); got != want {
			t.Errorf("the handset got %q, want %q", got, want)
		}
	}
	if len(seen) != 3 {
		t.Errorf("%d different PINs of 3 calls: each call makes another", len(seen))
	}
}

func TestClient_SendPIN_SaysWhenAPINMayBeUnderWay(t *testing.T) {
	for fault, maybe := range map[string]bool{
		"cut-after": true, "cut-before": true, "garbage": true, "500-after": true, "503": false, "auth": false, "redirect": false,
	} {
		t.Run(fault, func(t *testing.T) {
			g, c := pair(t, fault)
			pin, err := c.SendPIN(t.Context(), pinRequest)
			if err == nil || !pin.IsZero() || pin.Reveal() != "" {
				t.Fatal("a PIN without an answer")
			}
			if got := strings.Contains(err.Error(), "a PIN may be under way that nobody knows"); got != maybe || (providers.KindOf(err) == providers.Unknown) != maybe {
				t.Errorf("got %v", err)
			}
			if n := g.Stats().Requests; n != 1 {
				t.Errorf("%d requests were made: each one texts another PIN", n)
			}
		})
	}
	t.Run("NobodyThere", func(t *testing.T) {
		_, err := client(t, "http://127.0.0.1:1", ogangi.ClientOptions{}).SendPIN(t.Context(), pinRequest)
		if e := kind(t, err, providers.Unavailable); e.Detail != "" {
			t.Errorf("got %v", err)
		}
	})
}

// Whatever else the platform says beside or instead of a PIN, no error repeats it.
func TestClient_SendPIN_NoErrorHoldsThePIN(t *testing.T) {
	for name, body := range map[string]string{
		"InTheDescription":    "<status>ERROR</status><description>PIN 846547 not sent</description>",
		"AsTheStatus":         "<status>846547</status>",
		"InAMessage":          "<status>OK</status><result><messages><message><status>BAD_TO</status><statusDescription>846547</statusDescription></message></messages></result>",
		"InAnAnswerCutShort":  "<response><status>OK</status><result><PinSMSConfirmation><pin>846547</pin>",
		"InAnotherPlace":      "<status>OK</status><result><pin>846547</pin></result>",
		"UnderABadSignature":  "<status>BAD_SIGNATURE</status><description>846547</description>",
		"AsAMessagesStatus":   "<status>OK</status><result><messages><message><status>846547</status></message></messages></result>",
		"InAPageOfAnother200": "<html>846547</html>",
	} {
		for _, status := range []int{200, 400, 500} {
			t.Run(fmt.Sprintf("%s/%d", name, status), func(t *testing.T) {
				g, c := pair(t)
				g.Script(func(int64) *gateway.Reply { return &gateway.Reply{Status: status, Body: []byte(body)} })
				pin, err := c.SendPIN(t.Context(), pinRequest)
				if err == nil || !pin.IsZero() {
					t.Fatal("taken for a PIN")
				}
				if shown := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(shown, "846547") {
					t.Errorf("the PIN is in %s", shown)
				}
			})
		}
	}
}

func TestPIN_ShowsItselfNowhere(t *testing.T) {
	_, c := pair(t)
	pin, err := c.SendPIN(t.Context(), pinRequest)
	if err != nil {
		t.Fatal(err)
	}
	type exported struct{ PIN ogangi.PIN }
	type unexported struct {
		pin  ogangi.PIN
		more *ogangi.PIN
	}
	hidden := unexported{pin, &pin}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%t", "%10s", "%p"} {
		for _, v := range []any{pin, &pin, exported{pin}, &exported{pin}, hidden, &hidden, []ogangi.PIN{pin}, map[string]ogangi.PIN{"a": pin}} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	for _, v := range []any{pin, &pin, exported{pin}, hidden, map[string]any{"pin": pin}} {
		for _, marshal := range []func(any) ([]byte, error){json.Marshal, yaml.Marshal, xml.Marshal} {
			b, _ := marshal(v) // XML has no maps
			out.Write(b)
		}
	}
	z := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(&out), zap.DebugLevel))
	z.Info("zap", zap.Any("a", pin), zap.Reflect("b", exported{pin}), zap.Stringer("c", pin), zap.Any("d", hidden))
	z.Sugar().Infow("sugar", "pin", pin, "all", hidden)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("slog", "pin", pin, "all", exported{pin})
	slog.New(slog.NewTextHandler(&out, nil)).Info("slog", "pin", pin, "all", hidden)
	if strings.Contains(out.String(), pin.Reveal()) || !strings.Contains(out.String(), "***") {
		t.Errorf("the PIN shows in %s", out.String())
	}
}
