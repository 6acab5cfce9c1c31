package plan_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"

	"github.com/volleysms/volley/internal/plan"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// drawLimits draws limits that are hit often.
func drawLimits(t *rapid.T) providers.Limits {
	return providers.Limits{
		Recipients:     rapid.IntRange(1, 12).Draw(t, "recipients"),
		Texts:          rapid.SampledFrom([]providers.Texts{providers.OneText, providers.MergeFields, providers.ManyTexts}).Draw(t, "texts"),
		Segments:       rapid.SampledFrom([]int{0, 1, 2}).Draw(t, "segments"),
		Bytes:          rapid.OneOf(rapid.Just(0), rapid.IntRange(20, 300), rapid.IntRange(300, 3000)).Draw(t, "bytes"),
		BaseBytes:      rapid.IntRange(0, 40).Draw(t, "base"),
		RecipientBytes: rapid.IntRange(0, 20).Draw(t, "recipient"),
		ValueBytes:     rapid.IntRange(0, 4).Draw(t, "value"),
		TextGrowth:     rapid.SampledFrom([]providers.Growth{providers.Plain, providers.Percent, providers.JSON, providers.Base64, providers.Hex16}).Draw(t, "growth"),
	}
}

// drawInput draws a message whose parts like to collide: with placeholders, with each other, with GSM-7.
func drawInput(t *rapid.T) plan.Input {
	fragment := rapid.SampledFrom([]string{
		"", "", "a", "Bo", "0", "1", "%", "~", "%0~", "%1", "1~", "{", "{0}", "[", "^", "#", "@", "<", "_", "+", "(", "Q", "Z",
		"%{[^#@<_+(Q", "%{[^#@<_+(QZ", "é", "€", "Ж", "👋", "\"", "\n", "\x00", "\xff", " ", strings.Repeat("x", 60), strings.Repeat("y", 200),
	})
	text := fragment.Draw(t, "start")
	for range rapid.IntRange(0, 4).Draw(t, "parts") {
		text += rapid.SampledFrom([]string{"", "{{a}}", "{{b}}", "{{c}}", "{{a|you}}", "{{c|%0~}}"}).Draw(t, "field") + fragment.Draw(t, "literal")
	}
	tpl, err := sms.ParseTemplate(text)
	if err != nil {
		tpl, _ = sms.ParseTemplate("Hi {{a}}") // three braces in a row
	}
	in := plan.Input{From: "Acme", Reference: "job.1", Template: tpl}
	if rapid.IntRange(0, 9).Draw(t, "binary") == 0 {
		in.Template = nil
		in.Binary = &sms.Binary{Payload: rapid.SliceOfN(rapid.Byte(), 1, 200).Draw(t, "payload")}
	}
	index := 0
	distinct := rapid.SampledFrom([]int{3, 1_000_000}).Draw(t, "distinct")
	for range rapid.IntRange(0, 40).Draw(t, "items") {
		index += rapid.IntRange(1, 3).Draw(t, "gap")
		it := plan.Item{Index: index, To: sms.MSISDN(4520000000 + rapid.IntRange(0, distinct).Draw(t, "to"))}
		if in.Template != nil {
			for range in.Template.Fields() {
				it.Values = append(it.Values, fragment.Draw(t, "v1")+fragment.Draw(t, "v2"))
			}
		}
		in.Items = append(in.Items, it)
	}
	return in
}

// gatewayTexts returns what a gateway that takes the call sends to each recipient. It replaces one tag after the other,
// everywhere, also in what it has already put in; in the tags' order or backwards.
func gatewayTexts(c providers.Call, backwards bool) []string {
	var out []string
	for _, r := range c.Recipients {
		text := c.Text
		if c.Text == "" {
			text = r.Text
		}
		for i := range c.Tags {
			if backwards {
				i = len(c.Tags) - 1 - i
			}
			text = strings.ReplaceAll(text, c.Tags[i], r.Values[i])
		}
		out = append(out, text)
	}
	return out
}

// written returns the bytes of s as a real writer makes them.
func written(t *rapid.T, s string, g providers.Growth, e sms.Encoding) int {
	switch g {
	case providers.Percent:
		n := 0
		for _, b := range []byte(s) {
			if strings.IndexByte("-._~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", b) >= 0 {
				n++
			} else {
				n += len(fmt.Sprintf("%%%02X", b))
			}
		}
		return n
	case providers.Base64:
		return len(base64.StdEncoding.EncodeToString([]byte(s)))
	case providers.Hex16:
		if e == sms.UCS2 {
			var b []byte
			for _, u := range utf16.Encode([]rune(s)) {
				b = append(b, byte(u>>8), byte(u))
			}
			return len(hex.EncodeToString(b))
		}
		return written(t, s, providers.JSON, e)
	case providers.JSON:
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return len(b) - len(`""`)
	}
	return len(s)
}

// requestBytes returns what Limits says that the call's request takes.
func requestBytes(t *rapid.T, c providers.Call, l providers.Limits) int {
	size := func(s string) int { return written(t, s, l.TextGrowth, c.Encoding) }
	n := l.BaseBytes + size(c.Text)
	if c.Binary != nil {
		n += hex.EncodedLen(len(c.Binary.UDH) + len(c.Binary.Payload))
	}
	for _, tag := range c.Tags {
		n += l.ValueBytes + size(tag)
	}
	for _, r := range c.Recipients {
		n += l.RecipientBytes + size(r.Text)
		for _, v := range r.Values {
			n += l.ValueBytes + size(v)
		}
	}
	return n
}

func TestPlan_Property(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, l := drawInput(t), drawLimits(t)
		calls, refused := plan.Plan(in, l)

		byIndex := make(map[int]plan.Item)
		for _, it := range in.Items {
			byIndex[it.Index] = it
		}
		answered := make(map[int]bool)
		answer := func(index int) plan.Item {
			it, known := byIndex[index]
			if !known || answered[index] {
				t.Fatalf("item %d is in the plan twice, or never was an item", index)
			}
			answered[index] = true
			return it
		}
		for _, r := range refused {
			it := answer(r.Index)
			checkRefused(t, in, it, l, r.Reason)
		}
		for _, c := range calls {
			checkCall(t, in, c, l)
			got := [][]string{gatewayTexts(c.Call, false), gatewayTexts(c.Call, true)}
			for i, index := range c.Items {
				it := answer(index)
				if c.Call.Recipients[i].To != it.To {
					t.Fatalf("item %d is not with its recipient", index)
				}
				if in.Binary != nil {
					continue
				}
				want := string(in.Template.Render(nil, it.Values))
				if got[0][i] != want || got[1][i] != want {
					t.Fatalf("item %d: the gateway sends %q or %q, want %q", index, got[0][i], got[1][i], want)
				}
				if e := sms.Measure(want).Encoding; e != c.Call.Encoding {
					t.Fatalf("item %d is %v in a call of %v", index, e, c.Call.Encoding)
				}
			}
			checkHalves(t, in, c, l)
		}
		if len(answered) != len(in.Items) {
			t.Fatalf("%d of %d items are in the plan", len(answered), len(in.Items))
		}

		again, refusedAgain := plan.Plan(in, l)
		if !reflect.DeepEqual(again, calls) || !reflect.DeepEqual(refusedAgain, refused) {
			t.Fatal("the same input had another plan")
		}
	})
}

// checkCall checks what holds for a call whatever the message.
func checkCall(t *rapid.T, in plan.Input, c plan.Call, l providers.Limits) {
	p := c.Call
	if len(p.Recipients) == 0 || len(p.Recipients) > l.Recipients || len(p.Recipients) != len(c.Items) {
		t.Fatalf("%d recipients and %d items in a call, at most %d allowed", len(p.Recipients), len(c.Items), l.Recipients)
	}
	if !slices.IsSorted(c.Items) {
		t.Fatalf("items %v are not in order", c.Items)
	}
	if n := requestBytes(t, p, l); l.Bytes > 0 && n > l.Bytes {
		t.Fatalf("a request of %d bytes, at most %d allowed", n, l.Bytes)
	}
	if p.From != in.From || p.Reference != in.Reference || p.Binary != in.Binary {
		t.Fatalf("sender, reference or binary is not the message's: %+v", p)
	}
	segments := 0
	if p.Binary != nil {
		segments = p.Binary.Size().Segments
	} else {
		for _, text := range gatewayTexts(p, false) {
			segments = max(segments, sms.Measure(text).Segments)
		}
	}
	if p.Segments != segments || l.Segments > 0 && segments > l.Segments {
		t.Fatalf("%d segments said, %d counted, at most %d allowed", p.Segments, segments, l.Segments)
	}
	numbers := make(map[sms.MSISDN]bool)
	for _, r := range p.Recipients {
		if numbers[r.To] {
			t.Fatal("a number is twice in a call")
		}
		numbers[r.To] = true
		if len(r.Values) != len(p.Tags) {
			t.Fatalf("%d values for %d tags", len(r.Values), len(p.Tags))
		}
		if (r.Text != "" || p.Binary != nil) == (p.Text != "") {
			t.Fatalf("a recipient has none or two of own text, call's text and binary: %+v", p)
		}
		if r.Text != "" && l.Texts != providers.ManyTexts {
			t.Fatal("own texts for a gateway that takes one")
		}
	}
	if p.Tags != nil && l.Texts != providers.MergeFields {
		t.Fatal("tags for a gateway that doesn't merge")
	}
}

// checkRefused checks that there is no way to send to a refused item.
func checkRefused(t *rapid.T, in plan.Input, it plan.Item, l providers.Limits, reason string) {
	c := providers.Call{Binary: in.Binary, Encoding: sms.Data, Recipients: []providers.Recipient{{To: it.To}}}
	if in.Binary == nil {
		c.Text = string(in.Template.Render(nil, it.Values))
		c.Encoding = sms.Measure(c.Text).Encoding
		if sms.ValidateText(c.Text) != nil {
			return
		}
	}
	size := sms.Message{Text: c.Text, Binary: c.Binary}.Size()
	if l.Segments > 0 && size.Segments > l.Segments {
		return
	}
	if l.Bytes == 0 || requestBytes(t, c, l) <= l.Bytes {
		t.Fatalf("refused though it fits: %s", reason)
	}
}

// checkHalves checks that a call's halves, and theirs, have its recipients in order and are calls themselves.
func checkHalves(t *rapid.T, in plan.Input, c plan.Call, l providers.Limits) {
	halves := plan.Halve(c)
	if len(c.Items) == 1 {
		if len(halves) != 1 || !reflect.DeepEqual(halves[0], c) {
			t.Fatal("a call of one is not itself after Halve")
		}
		return
	}
	if len(halves) != 2 {
		t.Fatalf("%d halves", len(halves))
	}
	if got := slices.Concat(halves[0].Items, halves[1].Items); !slices.Equal(got, c.Items) {
		t.Fatalf("halves have items %v, want %v", got, c.Items)
	}
	want := gatewayTexts(c.Call, false)
	for _, h := range halves {
		if got := gatewayTexts(h.Call, false); !slices.Equal(got, want[:len(got)]) {
			t.Fatalf("a half's texts are %q, want %q", got, want[:len(got)])
		}
		want = want[len(h.Items):]
		checkCall(t, in, h, l)
		checkHalves(t, in, h, l)
	}
}

// With unique numbers and one encoding, calls are runs of neighbours and as few as can be.
func TestPlan_Property_Runs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count, perCall := rapid.IntRange(0, 300).Draw(t, "count"), rapid.IntRange(1, 50).Draw(t, "per call")
		l := providers.Limits{Recipients: perCall}
		text := "Hi"
		if rapid.Bool().Draw(t, "fields") {
			text = "Hi {{a}}"
			l.Texts = rapid.SampledFrom([]providers.Texts{providers.MergeFields, providers.ManyTexts}).Draw(t, "texts")
		}
		tpl, err := sms.ParseTemplate(text)
		if err != nil {
			t.Fatal(err)
		}
		in := plan.Input{Template: tpl}
		for i := range count {
			in.Items = append(in.Items, plan.Item{Index: i, To: sms.MSISDN(4520000000 + i*7919%1009), Values: []string{fmt.Sprint(i)}[:len(tpl.Fields())]})
		}
		calls, _ := plan.Plan(in, l)
		if got, want := len(calls), (count+perCall-1)/perCall; got != want {
			t.Fatalf("got %d calls, want %d", got, want)
		}
		next := 0
		for _, c := range calls {
			for _, index := range c.Items {
				if index != next {
					t.Fatalf("item %d follows %d", index, next-1)
				}
				next++
			}
		}
	})
}
