package config_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"gopkg.in/yaml.v3"

	"github.com/volleysms/volley/internal/config"
)

func TestSecret_NeverShown(t *testing.T) {
	s := config.NewSecret("hunter2")
	account := config.Account{Name: "dk", Token: s}
	holders := map[string]any{"secret": s, "pointer": &s, "account": account, "account's pointer": &account, "list": []config.Secret{s}}
	for name, v := range holders {
		t.Run(name, func(t *testing.T) {
			var shown []string
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10.3s"} {
				shown = append(shown, fmt.Sprintf(verb, v))
			}
			j, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			y, err := yaml.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			shown = append(shown, string(j), string(y), zapLine(t, zap.Any("v", v)), zapLine(t, zap.Reflect("v", v)))
			for _, got := range shown {
				if strings.Contains(got, "hunter2") || strings.Contains(got, fmt.Sprintf("%x", "hunter2")) {
					t.Errorf("the secret is shown: %s", got)
				}
			}
		})
	}
	t.Run("shown as a placeholder", func(t *testing.T) {
		j, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range []string{s.String(), s.GoString(), fmt.Sprint(s), fmt.Sprintf("%#v", s), strings.Trim(string(j), `"`)} {
			if got != "[secret]" {
				t.Errorf("got %q, want [secret]", got)
			}
		}
		if got := zapLine(t, zap.Any("v", s)); !strings.Contains(got, `"v":"[secret]"`) {
			t.Errorf("got %s", got)
		}
	})
	t.Run("revealed to who asks", func(t *testing.T) {
		if got := s.Reveal(); got != "hunter2" {
			t.Errorf("got %q", got)
		}
		if s.IsZero() || !(config.Secret{}).IsZero() {
			t.Error("IsZero is wrong")
		}
	})
}

// zapLine returns the JSON that zap writes of a field.
func zapLine(t *testing.T, f zap.Field) string {
	t.Helper()
	core, logs := observer.New(zapcore.InfoLevel)
	zap.New(core).Info("m", f)
	buf, err := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()).EncodeEntry(logs.All()[0].Entry, logs.All()[0].Context)
	if err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func TestParseRate(t *testing.T) {
	tests := []struct {
		text      string
		want      config.Rate
		perSecond float64
		string    string
	}{
		{"50/s", config.Rate{N: 50, Per: time.Second}, 50, "50/s"},
		{"3000/m", config.Rate{N: 3000, Per: time.Minute}, 50, "3000/m"},
		{"90000/h", config.Rate{N: 90_000, Per: time.Hour}, 25, "90000/h"},
		{"20", config.Rate{N: 20, Per: time.Second}, 20, "20/s"},
		{" 0.5 / s ", config.Rate{N: 0.5, Per: time.Second}, 0.5, "0.5/s"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			got, err := config.ParseRate(tt.text)
			if err != nil || got != tt.want {
				t.Fatalf("got %v, %v, want %v", got, err, tt.want)
			}
			if got.PerSecond() != tt.perSecond || got.String() != tt.string {
				t.Errorf("got %v a second and %q, want %v and %q", got.PerSecond(), got, tt.perSecond, tt.string)
			}
		})
	}
	for _, text := range []string{
		"", "/s", "0", "0/s", "-1/s", "+1/s", "50/d", "50/", "50/s/s", "fifty/s", "1e3/s", "0x10/s", "inf/s", "nan", "1_000", "1..2", ".", "1000000001/s",
		strings.Repeat("9", 400),
	} {
		t.Run("refused: "+text, func(t *testing.T) {
			if got, err := config.ParseRate(text); err == nil || got != (config.Rate{}) {
				t.Errorf("got %v, %v, want an error", got, err)
			}
		})
	}
	t.Run("the zero rate is no limit", func(t *testing.T) {
		if r := (config.Rate{}); r.PerSecond() != 0 || r.String() != "none" {
			t.Errorf("got %v, %q", r.PerSecond(), r)
		}
	})
}
