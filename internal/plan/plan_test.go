package plan_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/volleysms/volley/internal/plan"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// item makes an item with a number of its own.
func item(index int, values ...string) plan.Item {
	return plan.Item{Index: index, To: sms.MSISDN(4520000000 + index), Values: values}
}

// items makes an item for each value.
func items(values ...string) []plan.Item {
	var out []plan.Item
	for i, v := range values {
		out = append(out, item(i, v))
	}
	return out
}

func mustTemplate(t testing.TB, text string) *sms.Template {
	t.Helper()
	tpl, err := sms.ParseTemplate(text)
	if err != nil {
		t.Fatal(err)
	}
	return tpl
}

// wantCall is what a table says of a call.
type wantCall struct {
	items    []int
	text     string
	tags     []string
	texts    []string // each recipient's, or nil
	encoding sms.Encoding
	segments int
}

func TestPlan(t *testing.T) {
	const greek = "Ω" // in GSM-7
	const cyrillic = "Ж"
	long := strings.Repeat("a", 161)
	longUCS2 := strings.Repeat(cyrillic, 71)
	tests := []struct {
		name    string
		text    string
		items   []plan.Item
		limits  providers.Limits
		want    []wantCall
		refused []plan.Refused
	}{
		{
			name: "no items, no calls", text: "Hi", limits: providers.Limits{Recipients: 2},
		},
		{
			name: "a literal text is counted off", text: "Hi",
			items: []plan.Item{item(3), item(4), item(8)}, limits: providers.Limits{Recipients: 2},
			want: []wantCall{{items: []int{3, 4}, text: "Hi", segments: 1}, {items: []int{8}, text: "Hi", segments: 1}},
		},
		{
			name: "limits without a number of recipients mean one", text: "Hi", items: []plan.Item{item(0), item(1)},
			want: []wantCall{{items: []int{0}, text: "Hi", segments: 1}, {items: []int{1}, text: "Hi", segments: 1}},
		},
		{
			name: "a literal text fills the byte budget to the last byte", text: "Hi æ", // 5 bytes
			items: []plan.Item{item(0), item(1), item(2)}, limits: providers.Limits{Recipients: 9, Bytes: 35, BaseBytes: 10, RecipientBytes: 10},
			want: []wantCall{
				{items: []int{0, 1}, text: "Hi æ", segments: 1},
				{items: []int{2}, text: "Hi æ", segments: 1},
			},
		},
		{
			name: "a literal text over the byte budget is refused for all", text: "Hi æ",
			items: []plan.Item{item(0), item(1)}, limits: providers.Limits{Recipients: 9, Bytes: 24, BaseBytes: 10, RecipientBytes: 10},
			refused: []plan.Refused{
				{Index: 0, Reason: "request would have 25 bytes; the gateway takes at most 24"},
				{Index: 1, Reason: "request would have 25 bytes; the gateway takes at most 24"},
			},
		},
		{
			name: "a literal text with too many segments is refused for all", text: long,
			items: []plan.Item{item(0)}, limits: providers.Limits{Recipients: 9, Segments: 1},
			refused: []plan.Refused{{Index: 0, Reason: "message needs 2 segments; the gateway takes at most 1"}},
		},
		{
			name: "an empty literal text is refused for all", text: " ",
			items: []plan.Item{item(6)}, limits: providers.Limits{Recipients: 9},
			refused: []plan.Refused{{Index: 6, Reason: "text is empty"}},
		},
		{
			name: "the same number twice goes into two calls", text: "Hi",
			items: []plan.Item{
				{Index: 0, To: 4520000001},
				{Index: 1, To: 4520000001},
				{Index: 2, To: 4520000002},
				{Index: 3, To: 4520000001},
			},
			limits: providers.Limits{Recipients: 9},
			want: []wantCall{
				{items: []int{0, 2}, text: "Hi", segments: 1},
				{items: []int{1}, text: "Hi", segments: 1},
				{items: []int{3}, text: "Hi", segments: 1},
			},
		},
		{
			name: "one text a call: equal texts share calls in order of first appearance", text: "Hi {{name}}",
			items: items("Bo", "Ann", "Bo", "Ann", "Bo"), limits: providers.Limits{Recipients: 2},
			want: []wantCall{
				{items: []int{0, 2}, text: "Hi Bo", segments: 1},
				{items: []int{4}, text: "Hi Bo", segments: 1},
				{items: []int{1, 3}, text: "Hi Ann", segments: 1},
			},
		},
		{
			name: "one text a call: the same number with different texts doesn't part others", text: "{{a}}",
			items: []plan.Item{
				{Index: 0, To: 4520000001, Values: []string{"x"}},
				{Index: 1, To: 4520000001, Values: []string{"y"}},
				{Index: 2, To: 4520000002, Values: []string{"y"}},
			},
			limits: providers.Limits{Recipients: 9},
			want:   []wantCall{{items: []int{0}, text: "x", segments: 1}, {items: []int{1, 2}, text: "y", segments: 1}},
		},
		{
			name: "many texts: each recipient has its own", text: "Hi {{name}}", items: items("Bo", "Ann", long),
			limits: providers.Limits{Recipients: 9, Texts: providers.ManyTexts},
			want:   []wantCall{{items: []int{0, 1, 2}, texts: []string{"Hi Bo", "Hi Ann", "Hi " + long}, segments: 2}},
		},
		{
			name: "many texts: equal ones are the call's", text: "Hi {{name}}", items: items("Bo", "Bo", "Ann"),
			limits: providers.Limits{Recipients: 2, Texts: providers.ManyTexts},
			want: []wantCall{
				{items: []int{0, 1}, text: "Hi Bo", segments: 1},
				{items: []int{2}, text: "Hi Ann", segments: 1},
			},
		},
		{
			name: "many texts: a UCS-2 text leaves the others GSM-7", text: "Hi {{name}}", items: items(greek, cyrillic, "Bo", longUCS2),
			limits: providers.Limits{Recipients: 9, Texts: providers.ManyTexts},
			want: []wantCall{
				{items: []int{0, 2}, texts: []string{"Hi Ω", "Hi Bo"}, segments: 1},
				{items: []int{1, 3}, texts: []string{"Hi Ж", "Hi " + longUCS2}, encoding: sms.UCS2, segments: 2},
			},
		},
		{
			name: "merge fields: one template and the values", text: "{{a}}2{{b}}: {{a}}",
			items:  []plan.Item{item(0, "x", "y"), item(1, "", long)},
			limits: providers.Limits{Recipients: 9, Texts: providers.MergeFields},
			want:   []wantCall{{items: []int{0, 1}, text: "%0~2%1~: %0~", tags: []string{"%0~", "%1~"}, segments: 2}},
		},
		{
			name: "merge fields: a placeholder's character in the template or a value leads to other placeholders", text: "5% of {{a}}",
			items:  items("{x", "y]"),
			limits: providers.Limits{Recipients: 9, Texts: providers.MergeFields},
			want:   []wantCall{{items: []int{0, 1}, text: "5% of ^0|", tags: []string{"^0|"}, segments: 1}},
		},
		{
			name: "merge fields: where no placeholder suits all, each recipient gets the first that suits it", text: "Hi {{a}}",
			items:  items("Bo", "%{[^#@<_+(Q1", "~}]|=*>$;)X2", "Ann", "%{[^#@<_+(Z"),
			limits: providers.Limits{Recipients: 9, Texts: providers.MergeFields},
			want: []wantCall{
				{items: []int{0, 3}, text: "Hi %0~", tags: []string{"%0~"}, segments: 1},
				{items: []int{1, 2}, text: "Hi Z0W", tags: []string{"Z0W"}, segments: 1},
				{items: []int{4}, text: "Hi %{[^#@<_+(Z", segments: 1},
			},
		},
		{
			name: "merge fields: a text that no placeholder suits goes without", text: "Hi {{a}}",
			items:  items("Bo", "%{[^#@<_+(QZ", "Ann"),
			limits: providers.Limits{Recipients: 9, Texts: providers.MergeFields},
			want: []wantCall{
				{items: []int{0, 2}, text: "Hi %0~", tags: []string{"%0~"}, segments: 1},
				{items: []int{1}, text: "Hi %{[^#@<_+(QZ", segments: 1},
			},
		},
		{
			name: "merge fields: equal texts need no merging", text: "Hi {{a}}", items: items("Bo", "Bo"),
			limits: providers.Limits{Recipients: 9, Texts: providers.MergeFields},
			want:   []wantCall{{items: []int{0, 1}, text: "Hi Bo", segments: 1}},
		},
		{
			name: "merge fields: a UCS-2 value leaves the others GSM-7", text: "Hi {{a}}", items: items("Bo", cyrillic, "Ann"),
			limits: providers.Limits{Recipients: 9, Texts: providers.MergeFields},
			want: []wantCall{
				{items: []int{0, 2}, text: "Hi %0~", tags: []string{"%0~"}, segments: 1},
				{items: []int{1}, text: "Hi Ж", encoding: sms.UCS2, segments: 1},
			},
		},
		{
			// 10 + template 6 + tag 3+2 = 21, and 10 + 2+2 for each value.
			name: "merge fields: a call fills the byte budget to the last byte", text: "Hi {{a}}", items: items("Bo", "Al"),
			limits: providers.Limits{Recipients: 9, Texts: providers.MergeFields, Bytes: 49, BaseBytes: 10, RecipientBytes: 10, ValueBytes: 2},
			want:   []wantCall{{items: []int{0, 1}, text: "Hi %0~", tags: []string{"%0~"}, segments: 1}},
		},
		{
			name: "merge fields: values and tags count in the byte budget", text: "Hi {{a}}", items: items("Bo", "Al"),
			limits: providers.Limits{Recipients: 9, Texts: providers.MergeFields, Bytes: 48, BaseBytes: 10, RecipientBytes: 10, ValueBytes: 2},
			want:   []wantCall{{items: []int{0}, text: "Hi Bo", segments: 1}, {items: []int{1}, text: "Hi Al", segments: 1}},
		},
		{
			name: "merge fields: what is too large to merge may go as it is", text: "Hi {{a}}", items: items("Bo", "Ann"),
			limits: providers.Limits{Recipients: 9, Texts: providers.MergeFields, Bytes: 25, BaseBytes: 10, RecipientBytes: 10},
			want:   []wantCall{{items: []int{0}, text: "Hi Bo", segments: 1}},
			refused: []plan.Refused{
				{Index: 1, Reason: "request would have 26 bytes; the gateway takes at most 25"},
			},
		},
		{
			// As one text 10 + 10+21; merged 10 + template 9 + tag 3 + 10+7.
			name: "merge fields: a value used often is smaller merged", text: "{{a}}{{a}}{{a}}", items: items("abcdefg"),
			limits: providers.Limits{Recipients: 9, Texts: providers.MergeFields, Bytes: 39, BaseBytes: 10, RecipientBytes: 10},
			want:   []wantCall{{items: []int{0}, text: "%0~%0~%0~", tags: []string{"%0~"}, segments: 1}},
		},
		{
			name: "one recipient is refused and the others go", text: "{{a}}",
			items:  append(items("Bo", "", long, "Ann", "x\x00", strings.Repeat("b", 90)), item(6)),
			limits: providers.Limits{Recipients: 9, Segments: 1, Texts: providers.ManyTexts, Bytes: 100, RecipientBytes: 11},
			want:   []wantCall{{items: []int{0, 3}, texts: []string{"Bo", "Ann"}, segments: 1}},
			refused: []plan.Refused{
				{Index: 1, Reason: "text is empty"},
				{Index: 2, Reason: "message needs 2 segments; the gateway takes at most 1"},
				{Index: 4, Reason: "text has a NUL character: take it out"},
				{Index: 6, Reason: "recipient has 0 values; the template has 1 fields"},
				{Index: 5, Reason: "request would have 101 bytes; the gateway takes at most 100"},
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := plan.Input{From: "Acme", Reference: "job.1", Template: mustTemplate(t, tt.text), Items: tt.items}
			calls, refused := plan.Plan(in, tt.limits)
			if !reflect.DeepEqual(refused, tt.refused) {
				t.Errorf("refused: got %v, want %v", refused, tt.refused)
			}
			if len(calls) != len(tt.want) {
				t.Fatalf("got %d calls, want %d: %+v", len(calls), len(tt.want), calls)
			}
			byIndex := make(map[int]plan.Item)
			for _, it := range tt.items {
				byIndex[it.Index] = it
			}
			for i, w := range tt.want {
				if got := calls[i]; !reflect.DeepEqual(got, w.call(in, byIndex)) {
					t.Errorf("call %d:\n got %+v\nwant %+v", i, got, w.call(in, byIndex))
				}
			}
		})
	}
}

// call returns the call that w stands for.
func (w wantCall) call(in plan.Input, byIndex map[int]plan.Item) plan.Call {
	c := providers.Call{
		Reference: in.Reference, From: in.From, Text: w.text, Tags: w.tags, Encoding: w.encoding, Segments: w.segments,
	}
	for i, index := range w.items {
		r := providers.Recipient{To: byIndex[index].To}
		if w.tags != nil {
			r.Values = byIndex[index].Values
		}
		if w.texts != nil {
			r.Text = w.texts[i]
		}
		c.Recipients = append(c.Recipients, r)
	}
	return plan.Call{Call: c, Items: w.items}
}

func TestPlan_Binary(t *testing.T) {
	in := plan.Input{
		From:   "Acme",
		Binary: &sms.Binary{UDH: []byte{5, 0}, Payload: make([]byte, 150)},
		Items:  []plan.Item{item(0), item(1), item(2)},
	}
	t.Run("goes out as 8-bit data", func(t *testing.T) {
		calls, refused := plan.Plan(in, providers.Limits{Recipients: 2, Texts: providers.ManyTexts})
		if len(calls) != 2 || len(refused) != 0 {
			t.Fatalf("got %d calls and %d refused, want 2 and none", len(calls), len(refused))
		}
		c := calls[0].Call
		if c.Binary != in.Binary || c.Text != "" || c.Encoding != sms.Data || c.Segments != 2 || len(c.Recipients) != 2 {
			t.Errorf("got %+v", c)
		}
	})
	t.Run("is refused when it has too many segments", func(t *testing.T) {
		calls, refused := plan.Plan(in, providers.Limits{Recipients: 2, Segments: 1})
		if len(calls) != 0 || len(refused) != 3 {
			t.Errorf("got %d calls and %d refused, want none and 3", len(calls), len(refused))
		}
	})
	t.Run("counts as hex in the byte budget", func(t *testing.T) {
		l := providers.Limits{Recipients: 9, BaseBytes: 10, RecipientBytes: 10, Bytes: 10 + 20 + 2*152}
		if calls, _ := plan.Plan(in, l); len(calls) != 2 || len(calls[0].Items) != 2 {
			t.Errorf("got %+v, want calls of two and one", calls)
		}
	})
}

func TestPlan_Growth(t *testing.T) {
	tests := []struct {
		growth providers.Growth
		text   string
		bytes  int
	}{
		{providers.Plain, "a æ", 4},
		{providers.Percent, "a æ~", 1 + 3 + 6 + 1},
		{providers.JSON, "a\"\n<æ\a", 1 + 2 + 2 + 6 + 2 + 6},
		{providers.Base64, "abcd", 8},
		{providers.Hex16, "a\n", 3},
		{providers.Hex16, "aЖ👋", 4 + 4 + 8},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			for _, texts := range []providers.Texts{providers.OneText, providers.MergeFields, providers.ManyTexts} {
				for _, template := range []string{tt.text, "{{a}}"} {
					in := plan.Input{Template: mustTemplate(t, template), Items: []plan.Item{item(0)}}
					if template != tt.text {
						in.Items[0].Values = []string{tt.text}
					}
					l := providers.Limits{Recipients: 1, Texts: texts, TextGrowth: tt.growth, BaseBytes: 7, RecipientBytes: 3}
					l.Bytes = 10 + tt.bytes
					if calls, _ := plan.Plan(in, l); len(calls) != 1 {
						t.Errorf("%q, texts %d: refused with a budget of %d", template, texts, l.Bytes)
					}
					l.Bytes--
					if calls, _ := plan.Plan(in, l); len(calls) != 0 {
						t.Errorf("%q, texts %d: planned with a budget of %d", template, texts, l.Bytes)
					}
				}
			}
		})
	}
}

func TestHalve(t *testing.T) {
	long := strings.Repeat("a", 161)
	planned := func(t *testing.T, template string, texts providers.Texts, values ...string) plan.Call {
		t.Helper()
		in := plan.Input{Template: mustTemplate(t, template), Items: items(values...)}
		calls, _ := plan.Plan(in, providers.Limits{Recipients: 9, Texts: texts})
		if len(calls) != 1 {
			t.Fatalf("got %d calls, want 1", len(calls))
		}
		return calls[0]
	}
	t.Run("a call of one stays", func(t *testing.T) {
		c := planned(t, "Hi", providers.OneText, "a")
		if got := plan.Halve(c); len(got) != 1 || !reflect.DeepEqual(got[0], c) {
			t.Errorf("got %+v, want the call itself", got)
		}
	})
	t.Run("the first half is the larger", func(t *testing.T) {
		c := planned(t, "Hi", providers.OneText, "a", "b", "c", "d", "e")
		got := plan.Halve(c)
		if len(got) != 2 || !reflect.DeepEqual(got[0].Items, []int{0, 1, 2}) || !reflect.DeepEqual(got[1].Items, []int{3, 4}) {
			t.Fatalf("got %+v", got)
		}
		for _, h := range got {
			for i, index := range h.Items {
				if h.Call.Recipients[i].To != c.Call.Recipients[index].To {
					t.Errorf("recipient %d is not with its item", index)
				}
			}
		}
		if got[0].Call.Segments != 1 || got[0].Call.Text != "Hi" {
			t.Errorf("got %+v", got[0].Call)
		}
	})
	t.Run("appending to a half leaves the other alone", func(t *testing.T) {
		got := plan.Halve(planned(t, "Hi", providers.OneText, "a", "b"))
		_ = append(got[0].Items, 99)
		_ = append(got[0].Call.Recipients, providers.Recipient{To: 99})
		if got[1].Items[0] != 1 || got[1].Call.Recipients[0].To == 99 {
			t.Error("the second half was overwritten")
		}
	})
	for _, texts := range []providers.Texts{providers.MergeFields, providers.ManyTexts} {
		t.Run("segments are those of the half's longest text", func(t *testing.T) {
			got := plan.Halve(planned(t, "{{a}}", texts, long, "a", "b", "c"))
			if got[0].Call.Segments != 2 || got[1].Call.Segments != 1 {
				t.Errorf("texts %d: got %d and %d, want 2 and 1", texts, got[0].Call.Segments, got[1].Call.Segments)
			}
		})
	}
}
