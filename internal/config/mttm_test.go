package config

import (
	"strings"
	"testing"
)

// mttmFile is a file with one account that has the keys.
func mttmFile(keys string) []byte {
	return []byte("redis: {url: redis://127.0.0.1}\naccounts: {moon: {provider: mttm, username: u, password: p" + keys + "}}\n")
}

func TestParse_MTTM(t *testing.T) {
	c, err := Parse("volley.yaml", mttmFile(", tags: \"a,b\", operation: sendbatch, schedule_format: absolute, timezone: Europe/Amsterdam, api: rest, max_bytes: 500000"), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if a := c.Accounts[0]; a.Tags != "a,b" || a.ScheduleFormat != "absolute" || a.Timezone != "Europe/Amsterdam" || a.API != "rest" || a.Method != "" || a.MaxBytes != 500_000 {
		t.Errorf("got %+v", a)
	}
	c, err = Parse("volley.yaml", mttmFile(", api: url, method: get, tags: a, max_segments: 3"), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if a := c.Accounts[0]; a.API != "url" || a.Method != "get" || a.Tags != "a" || a.MaxSegments != 3 {
		t.Errorf("got %+v", a)
	}
}

func TestParse_MTTM_Refused(t *testing.T) {
	tests := []struct{ name, keys, want string }{
		{"OtherAPI", ", api: soap", "accounts.moon.api: must be one of rest, url"},
		{"OtherMethod", ", api: url, method: put", "accounts.moon.method: must be one of post, get"},
		{"AMethodOfTheRESTAPI", ", method: get", "accounts.moon.method: is for api: url"},
		{"AnOperationOfTheURLAPI", ", api: url, operation: send", "accounts.moon.operation: is for api: rest"},
		{"ABatchOfTheURLAPI", ", api: url, max_recipients: 10", "accounts.moon.max_recipients: is for api: rest"},
		{"ABodyOfTheURLAPI", ", api: url, max_bytes: 9000", "accounts.moon.max_bytes: is for api: rest"},
		{"TooFewBytes", ", max_bytes: 100", "accounts.moon.max_bytes: must be"},
		{"OtherFormat", ", schedule_format: local", "accounts.moon.schedule_format: must be one of relative, absolute"},
		{"AFormatWithoutABatch", ", schedule_format: relative", "accounts.moon.schedule_format: is for operation: sendbatch"},
		{"AbsoluteWithoutAZone", ", operation: sendbatch, schedule_format: absolute", "accounts.moon.schedule_format: absolute needs timezone"},
		{"AZoneForNothing", ", timezone: Europe/Amsterdam", "accounts.moon.timezone: is for schedule_format: absolute"},
		{"NoZone", ", operation: sendbatch, schedule_format: absolute, timezone: Nowhere", "accounts.moon.timezone: must be a time zone"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Parse("volley.yaml", mttmFile(tt.keys), noEnv); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want one with %q", err, tt.want)
			}
		})
	}
}
