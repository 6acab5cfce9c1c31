package main

import (
	"strings"
	"testing"
)

func TestImport_MissingValues(t *testing.T) {
	c := newCLI(t)
	const rows = "to,name,code\n12125550100,Ann,A1\n12125550101,,A2\n12125550102,Cy, \n"
	r := c.imported(rows, "--text", "Hi {{name|there}}, code {{code}}")
	if r.Queued != 2 || r.RefusedCount != 1 || r.Refused[0].Row != 4 || !strings.Contains(r.Refused[0].Reason, `"code" is empty`) {
		t.Errorf("got %+v, want row 4 refused", r)
	}
	if r := c.imported(rows, "--text", "Hi {{name}}, code {{code}}", "--missing", "empty"); r.Queued != 3 {
		t.Errorf("got %+v, want 3 queued", r)
	}
	file := c.write("campaign.csv", rows)
	for want, args := range map[string][]string{
		`--text has no default for the field "code"`:                             {"--text", "Hi {{name|there}} {{code}}", "--missing", "default"},
		"--missing must be refuse":                                               {"--text", "Hi {{name}}", "--missing", "maybe"},
		`there is no column "nam"; the first row has the columns to, name, code`: {"--text", "Hi {{nam|there}}"},
	} {
		a := c.run(append([]string{"import", file, "--via", "gatewayapi"}, args...)...)
		if a.code != exitInvalid || !strings.Contains(a.stderr, want) {
			t.Errorf("%v: exit status %d and %q, want %q", args, a.code, a.stderr, want)
		}
	}
}
