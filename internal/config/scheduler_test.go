package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/volleysms/volley/internal/config"
)

const least = "redis: {url: redis://127.0.0.1/0}\naccounts: {dk: {provider: gatewayapi, token: example-token}}\n"

func TestScheduler(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "crm.key"), []byte("from-a-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	parse := func(text string) (*config.Config, error) {
		return config.Parse(filepath.Join(dir, "volley.yaml"), []byte(least+text), func(name string) (string, bool) {
			return "from-" + name, name == "CALENDAR"
		})
	}
	t.Run("LeftOut", func(t *testing.T) {
		c, err := parse("")
		if err != nil || c.Scheduler.Files != dir || len(c.Scheduler.Secrets) > 0 || len(c.Scheduler.AllowPrivate) > 0 {
			t.Errorf("got %+v, %v", c, err)
		}
	})
	t.Run("Given", func(t *testing.T) {
		c, err := parse("scheduler:\n  files: lists\n  secrets: {calendar: \"${CALENDAR}\", crm_file: crm.key}\n  allow_private: [10.1.2.3/8, \"::1/128\"]\n")
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for name, s := range c.Scheduler.Secrets {
			got[name] = s.Reveal()
		}
		if want := map[string]string{"calendar": "from-CALENDAR", "crm": "from-a-file"}; !reflect.DeepEqual(got, want) {
			t.Errorf("secrets %v, want %v", got, want)
		}
		if p := c.Scheduler.AllowPrivate; len(p) != 2 || p[0].String() != "10.0.0.0/8" || c.Scheduler.Files != filepath.Join(dir, "lists") {
			t.Errorf("got %+v", c.Scheduler)
		}
	})
	for text, want := range map[string]string{
		"scheduler: {file: x}":                          "scheduler.file: unknown key; did you mean files?",
		"scheduler: {allow_private: 10.0.0.0/8}":        "scheduler.allow_private: must be a list",
		"scheduler: {allow_private: [localhost]}":       "scheduler.allow_private: must be a list",
		"scheduler: {secrets: {calendar: }}":            "scheduler.secrets.calendar: is empty",
		"scheduler: {secrets: {\"a b\": x}}":            "scheduler.secrets: has a key that is not a name",
		"scheduler: {secrets: {a: x, a_file: crm.key}}": "scheduler.secrets.a_file: is given beside a",
		"scheduler: {secrets: {a_file: nowhere}}":       "scheduler.secrets.a_file: file can't be read",
	} {
		t.Run(text, func(t *testing.T) {
			if _, err := parse(text); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
}
