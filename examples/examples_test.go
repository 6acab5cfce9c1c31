package examples_test

import (
	"encoding/csv"
	"regexp"
	"strings"
	"testing"

	"github.com/volleysms/volley/examples"
)

// fiction are the ranges kept for drama and examples, by the country that ref starts with.
var fiction = map[string]*regexp.Regexp{
	"US": regexp.MustCompile(`^1[2-9]\d\d55501\d\d$`), // 555-0100 to 555-0199 in any area
	"GB": regexp.MustCompile(`^447700900\d{3}$`),      // 07700 900000 to 900999
	"FR": regexp.MustCompile(`^3363998\d{4}$`),        // 06 39 98 00 00 to 99 99
	"IE": regexp.MustCompile(`^3532091\d{5}$`),        // 020 91X XXXX
}

func TestCampaign(t *testing.T) {
	rows, err := csv.NewReader(strings.NewReader(examples.Campaign)).ReadAll()
	if err != nil {
		t.Fatalf("campaign.csv: %v", err)
	}
	if got, want := strings.Join(rows[0], ","), "to,name,ref"; got != want {
		t.Fatalf("header %q, want %q", got, want)
	}
	rows = rows[1:]
	if got, want := len(rows), 1211; got != want {
		t.Errorf("%d rows, want %d", got, want)
	}

	var bad, again int
	good := map[string]int{}
	seen := map[string]bool{}
	for _, row := range rows {
		to, name, ref := strings.TrimPrefix(row[0], "+"), row[1], row[2]
		if name == "" {
			t.Errorf("%s: no name", ref)
		}
		country := ref[:2]
		ours := fiction[country] != nil && fiction[country].MatchString(to)
		switch {
		case strings.Contains(ref, "-bad-"):
			bad++
			if ours {
				t.Errorf("%s: is a good number", ref)
			}
		case strings.HasSuffix(ref, "-again"):
			again++
			if !seen[to] {
				t.Errorf("%s: repeats no earlier row", ref)
			}
		default:
			good[country]++
			if !ours {
				t.Errorf("%s: not in a range kept for fiction", ref)
			}
			if seen[to] {
				t.Errorf("%s: repeats an earlier row", ref)
			}
			seen[to] = true
		}
	}
	if bad != 7 || again != 4 {
		t.Errorf("%d bad and %d repeated rows, want 7 and 4", bad, again)
	}
	for country := range fiction {
		if good[country] != 300 {
			t.Errorf("%s: %d good rows, want 300", country, good[country])
		}
	}
}
