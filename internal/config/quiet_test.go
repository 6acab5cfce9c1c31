package config_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/volleysms/volley/internal/config"
)

const quietHead = "redis: {url: redis://127.0.0.1}\naccounts:\n  dk: {provider: gatewayapi, token: t"

func TestParse_Quiet(t *testing.T) {
	tests := []struct {
		name, account, top string
		wantAccount        string
		want               map[string]string
	}{
		{"none", "", "", "", nil},
		{"a text", `, quiet: "21:00-08:00"`, "", "21:00-08:00 recipient", nil},
		{"its parts", `, quiet: {from: "21:00", to: "08:00", zone: recipient}`, "", "21:00-08:00 recipient", nil},
		{"days and a zone", `, quiet: {days: sun, from: "00:00", to: "24:00", zone: Europe/Paris}`, "", "sun 00:00-24:00 Europe/Paris", nil},
		{
			"countries", "", "quiet:\n  33: {from: \"20:00\", to: \"10:00\"}\n  all: \"22:00-08:00\"\n", "",
			map[string]string{"33": "20:00-10:00 recipient", "all": "22:00-08:00 recipient"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := mustParse(t, quietHead+tt.account+"}\n"+tt.top, env())
			if c.Accounts[0].Quiet != tt.wantAccount || !reflect.DeepEqual(c.Quiet, tt.want) {
				t.Errorf("got %q and %q", c.Accounts[0].Quiet, c.Quiet)
			}
		})
	}
}

func TestParse_QuietRefused(t *testing.T) {
	tests := []struct{ name, account, top, want string }{
		{"no hours", `, quiet: at night`, "", "accounts.dk.quiet"},
		{"an unknown zone", `, quiet: "21:00-08:00 Mars/Olympus"`, "", "no time zone"},
		{"an end alone", `, quiet: {to: "08:00"}`, "", "accounts.dk.quiet.from: is missing"},
		{"an unknown part", `, quiet: {from: "21:00", until: "08:00"}`, "", "until"},
		{"a country by name", "", "quiet:\n  Denmark: \"21:00-08:00\"\n", "country code"},
		{"a country code with zeros", "", "quiet:\n  \"0045\": \"21:00-08:00\"\n", "country code"},
		{"a list", "", "quiet:\n  45: [\"21:00-08:00\"]\n", "single value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := config.Parse("volley.yaml", []byte(quietHead+tt.account+"}\n"+tt.top), env())
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}
