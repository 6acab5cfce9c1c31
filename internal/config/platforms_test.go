package config_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/volleysms/volley/internal/config"
)

const (
	mgageAccount  = "redis: {url: \"redis://h\"}\naccounts:\n  a:\n    provider: mgage\n    username: u\n    password: hunter2\n    program_id: 1\n"
	ogangiAccount = "redis: {url: \"redis://h\"}\naccounts:\n  a:\n    provider: ogangi\n    base_url: https://h\n    instance_id: 1\n    public_key: k\n    private_key: hunter2\n"
)

func TestParse_KeysOfMgage(t *testing.T) {
	c, err := config.Parse("volley.yaml", []byte(mgageAccount+"    region: uk\n    code_1: retry\n    gsm_only: true\n"), env())
	if err != nil {
		t.Fatal(err)
	}
	if a := c.Accounts[0]; a.Region != "uk" || a.Code1 != "retry" || !a.GSMOnly || a.BaseURL != "" {
		t.Errorf("got %+v", a)
	}
}

func TestParse_KeysOfOgangi(t *testing.T) {
	c, err := config.Parse("volley.yaml", []byte(ogangiAccount+
		"    flags: job-7\n    empty_filter: \"null\"\n    status_error: retry\n    timezone: America/Caracas\n"+
		"    post: [sendMT, fireMessage, sendMT]\n    quirks:\n      - padded_base64\n      - sign_decoded\n"), env())
	if err != nil {
		t.Fatal(err)
	}
	a := c.Accounts[0]
	if a.Flags != "job-7" || a.EmptyFilter != "null" || a.StatusError != "retry" || a.Timezone != "America/Caracas" {
		t.Errorf("got %+v", a)
	}
	if !reflect.DeepEqual(a.Post, []string{"sendMT", "fireMessage"}) || !reflect.DeepEqual(a.Quirks, []string{config.QuirkPaddedBase64, config.QuirkSignDecoded}) {
		t.Errorf("got %q and %q", a.Post, a.Quirks)
	}
}

func TestParse_KeysOfPlatformsSayWhatIsWrong(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"Region", mgageAccount + "    region: eu\n", "accounts.a.region: must be one of us, uk"},
		{"Code1", mgageAccount + "    code_1: maybe\n", "accounts.a.code_1: must be one of rejected, retry"},
		{"GSMOnly", mgageAccount + "    gsm_only: maybe\n", "accounts.a.gsm_only: must be one of true, false"},
		{"StatusError", ogangiAccount + "    status_error: x\n", "accounts.a.status_error: must be one of unknown, rejected, retry"},
		{"Timezone", ogangiAccount + "    timezone: Mars/Olympus\n", "accounts.a.timezone: must be a time zone"},
		{"LocalTimezone", ogangiAccount + "    timezone: Local\n", "accounts.a.timezone: must be a time zone"},
		{"PostOfNoOperation", ogangiAccount + "    post: [sendAll]\n", "accounts.a.post: may have sendSMS, sendMT"},
		{"PostIsNoList", ogangiAccount + "    post: sendMT\n", "accounts.a.post: must be a list, such as [sendSMS]"},
		{"PostOfLists", ogangiAccount + "    post: [[sendMT]]\n", "accounts.a.post: must be a single value"},
		{"QuirkOfNoPlatform", ogangiAccount + "    quirks: [hunter2]\n", "accounts.a.quirks: may have padded_base64"},
		{"KeyOfAnotherProvider", mgageAccount + "    quirks: [padded_base64]\n", "accounts.a.quirks: unknown key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := config.Parse("volley.yaml", []byte(tt.file), env())
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
