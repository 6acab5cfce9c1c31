package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/internal/config"
)

func TestOutcomes(t *testing.T) {
	parse := func(text string) (*config.Config, error) {
		return config.Parse("volley.yaml", []byte(least+text), func(name string) (string, bool) {
			return "postgres://volley:hunter2@db.example.com/volley", name == "DATABASE_URL"
		})
	}
	day := 24 * time.Hour
	t.Run("what is left out", func(t *testing.T) {
		c, err := parse("")
		if err != nil || !c.Outcomes.Postgres.IsZero() || c.Retention.Redis != 30*day || c.Retention.Postgres != 0 || !c.Hooks.Secret.IsZero() || c.Hooks.AllowPrivate {
			t.Errorf("got %+v, %v", c, err)
		}
	})
	t.Run("what is given", func(t *testing.T) {
		c, err := parse("outcomes: {postgres: \"${DATABASE_URL}\"}\nretention: {redis: 36h, postgres: 730d}\nhooks: {secret: a-secret-of-16-bytes, secrets: {shop: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}, allow_private: true}\n")
		if err != nil {
			t.Fatal(err)
		}
		if c.Outcomes.Postgres.Reveal() != "postgres://volley:hunter2@db.example.com/volley" || c.Retention.Redis != 36*time.Hour || c.Retention.Postgres != 730*day {
			t.Errorf("got %+v", c)
		}
		if shop := c.Hooks.Secrets["shop"]; shop.Reveal() == "" || c.Hooks.Secret.IsZero() || !c.Hooks.AllowPrivate {
			t.Errorf("got %+v", c.Hooks)
		}
	})
	t.Run("0 is for ever", func(t *testing.T) {
		if c, err := parse("retention: {redis: 0}"); err != nil || c.Retention.Redis != 0 {
			t.Errorf("got %+v, %v", c, err)
		}
	})
	for text, want := range map[string]string{
		"outcomes: {postgres: mysql://hunter2@h/x}":  "outcomes.postgres: must be an address such as",
		"outcomes: {postgres: \"postgres://:x@/x\"}": "outcomes.postgres: must be an address such as",
		"retention: {redis: 30}":                     "retention.redis: must be a time such as 30d",
		"retention: {redis: 5m}":                     "retention.redis: must be a time such as 30d or 12h, 1h at least",
		"retention: {redis: -1d}":                    "retention.redis: must be",
		"retention: {redis: 99999999d}":              "retention.redis: must be",
		"retention: {redis: 30d, postgres: 7d}":      "retention.postgres: is shorter",
		"retention: {redis: 0, postgres: 7d}":        "retention.postgres: is shorter",
		"hooks: {secret: hunter2}":                   "hooks.secret: the secret is shorter",
		"hooks: {secret: whsec_hunter2!hunter2!}":    "hooks.secret: the secret begins with whsec_",
		"hooks: {secrets: {a: hunter2}}":             "hooks.secrets.a: the secret is shorter",
		"hooks: {allow_private: yes please}":         "hooks.allow_private: ",
	} {
		t.Run(text, func(t *testing.T) {
			if _, err := parse(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
}
