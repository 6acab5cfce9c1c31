package plan_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/volleysms/volley/internal/plan"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// Equal texts share calls over the whole batch, however the recipients are mixed: 1,000 recipients with 7 texts are 7
// calls of one text, and 4 calls of 250 where a call takes several texts or the gateway merges.
func TestPlan_EqualTextsShareCalls(t *testing.T) {
	names := []string{"Ann", "Bo", "Cy", "Di", "Ed", "Flo", ""}
	items := make([]plan.Item, 1000)
	for i := range items {
		items[i] = item(i, names[i*i%len(names)], names[(i*3+i/7)%len(names)])
	}
	for _, c := range []struct {
		name   string
		text   string
		limits providers.Limits
		calls  int
	}{
		{"one text", "Hi {{a|there}}", providers.Limits{Recipients: 250}, 7},
		{"one text, of a few values in different fields", "Hi {{b|there}}", providers.Limits{Recipients: 250}, 7},
		{"the gateway merges", "Hi {{a|there}}", providers.Limits{Recipients: 250, Texts: providers.MergeFields}, 4},
		{"many texts", "Hi {{a|there}}", providers.Limits{Recipients: 250, Texts: providers.ManyTexts}, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			tpl := mustTemplate(t, c.text)
			in := plan.Input{From: "Acme", Template: tpl}
			want := map[string]int{}
			for _, it := range items {
				if tpl.Fields()[0] == "b" {
					it.Values = it.Values[1:]
				} else {
					it.Values = it.Values[:1]
				}
				in.Items = append(in.Items, it)
				want[string(tpl.Render(nil, it.Values))]++
			}
			if c.limits.Texts == providers.OneText {
				c.calls = 0
				for _, n := range want {
					c.calls += (n + c.limits.Recipients - 1) / c.limits.Recipients
				}
			}
			calls, refused := plan.Plan(in, c.limits)
			if len(calls) != c.calls || len(refused) != 0 {
				t.Errorf("got %d calls and %d refused, want %d and 0", len(calls), len(refused), c.calls)
			}
		})
	}
}

// A gateway that merges is given the default as the recipient's value, and counts the segments of what is sent then.
func TestPlan_DefaultsAreMergedByTheGatewayToo(t *testing.T) {
	in := plan.Input{From: "Acme", Template: mustTemplate(t, "Hi {{name|dear friend}}, {{code}}"), Items: []plan.Item{
		item(0, "Ann", "1"), item(1, "", "2"), item(2, " ", "3"),
	}}
	calls, refused := plan.Plan(in, providers.Limits{Recipients: 10, Texts: providers.MergeFields})
	if len(calls) != 1 || len(refused) != 0 {
		t.Fatalf("got %d calls and %d refused, want one call", len(calls), len(refused))
	}
	c := calls[0].Call
	if c.Text != "Hi %0~, %1~" || !slices.Equal(c.Tags, []string{"%0~", "%1~"}) {
		t.Errorf("got the text %q with the tags %q", c.Text, c.Tags)
	}
	for i, want := range []string{"[Ann 1]", "[dear friend 2]", "[dear friend 3]"} {
		if got := fmt.Sprint(c.Recipients[i].Values); got != want {
			t.Errorf("recipient %d: got the values %s, want %s", i, got, want)
		}
	}
	if in.Items[1].Values[0] != "" {
		t.Error("the given values were changed")
	}
}

// A default counts as it is sent: one of 70 letters outside GSM-7 makes two segments of a text that has one without.
func TestPlan_DefaultsCountInSegments(t *testing.T) {
	in := plan.Input{Template: mustTemplate(t, "Hi {{name|"+string(slices.Repeat([]rune("Ж"), 70))+"}}"), Items: items("Ann", "")}
	calls, _ := plan.Plan(in, providers.Limits{Recipients: 10})
	if len(calls) != 2 || calls[0].Call.Segments != 1 || calls[1].Call.Segments != 2 || calls[1].Call.Encoding != sms.UCS2 {
		t.Errorf("got %+v, want a call of one GSM-7 segment and one of two UCS-2 segments", calls)
	}
}
