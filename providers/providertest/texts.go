package providertest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// texts are what people send, each with a trap in it.
var texts = []struct{ name, text string }{
	{"Plain", "Hello"},
	{"OneCharacter", "!"},
	{"EAcute", "café é"},
	{"Euro", "Pay 5 € now"},
	{"ExtensionCharacters", `^{}\[~]|€ and "quotes"`},
	{"Emoji", "See you 😀👍🏽"},
	{"Chinese", "你好，世界"},
	{"ArabicAndHebrew", "مرحبا שלום"},
	{"Cyrillic", "Привет"},
	{"NewLines", "one\ntwo\r\nthree"},
	{"URLCharacters", "a b+c%20&d=e?f#g/h;i,j:k@l!m$n'(o)*p_q-r.s"},
	{"MarkupAndTemplates", `<b>&amp;</b> {{name}} %1 ${x} \u00e9 \n`},
	{"BlanksAtTheEdges", " a  b "},
	{"GreekAndAt", "@ΔΦΓΛΩΠΨΣΘΞ £$¥èéùìòÇØøÅå§¿¡ñÑüÜ"},
	{"Exactly160Septets", strings.Repeat("0123456789", 16)},
	{"161Septets", strings.Repeat("0123456789", 16) + "x"},
	{"160CharactersOf161Septets", strings.Repeat("x", 159) + "€"},
	{"Exactly70Units", strings.Repeat("ж", 70)},
	{"71Units", strings.Repeat("ж", 71)},
	{"ThreeSegments", strings.Repeat("long text. ", 35)},
	{"LongEmoji", strings.Repeat("😀", 60)},
}

func textArrivesIntact(t *testing.T, h *Harness) {
	for _, tt := range texts {
		t.Run(tt.name, func(t *testing.T) {
			b := h.start(t)
			lim := b.a.adapter.Limits()
			c := h.textCall(tt.text, numbers(firstNumber, min(2, lim.Recipients))...)
			allAccepted(t, b.send(c))
			b.keptRules()
			b.arrived(c, everyone)
			for _, m := range b.g.Messages() {
				if m.Text != tt.text || m.Encoding != c.Encoding {
					t.Errorf("got %q as %v, want %q as %v", m.Text, m.Encoding, tt.text, c.Encoding)
				}
			}
		})
	}
}

func ownTextsArriveIntact(t *testing.T, h *Harness) {
	b := h.start(t)
	lim := b.a.adapter.Limits()
	if lim.Texts != providers.ManyTexts {
		h.idle(t, "Limits().Texts is not ManyTexts")
		return
	}
	want := map[sms.MSISDN]string{}
	for _, e := range []sms.Encoding{sms.GSM7, sms.UCS2} {
		c := providers.Call{Reference: "own-" + e.String(), From: h.From, Encoding: e}
		for i, to := range numbers(firstNumber-100*sms.MSISDN(e), min(5, lim.Recipients)) {
			text := fmt.Sprintf("Number %d: é € [x]", i)
			if e == sms.UCS2 {
				text += " 😀 ж"
			}
			want[to] = text
			segments, _ := measure(text)
			c.Segments = max(c.Segments, segments)
			c.Recipients = append(c.Recipients, providers.Recipient{To: to, Text: text})
		}
		allAccepted(t, b.send(c))
	}
	b.keptRules()
	b.arrivedTexts(want)
}

func mergedValuesArriveIntact(t *testing.T, h *Harness) {
	b := h.start(t)
	lim := b.a.adapter.Limits()
	if lim.Texts != providers.MergeFields {
		h.idle(t, "Limits().Texts is not MergeFields")
		return
	}
	values := [][]string{{"Ann", `"5 €"`}, {"", `back\slash`}, {"Ébène", "<&>"}}
	want := map[sms.MSISDN]string{}
	c := h.textCall("Dear %F1%, you owe %F2%. Bye, %F1%", numbers(firstNumber, min(len(values), lim.Recipients))...)
	c.Tags = []string{"%F1%", "%F2%"}
	for i := range c.Recipients {
		c.Recipients[i].Values = values[i]
		want[c.Recipients[i].To] = "Dear " + values[i][0] + ", you owe " + values[i][1] + ". Bye, " + values[i][0]
	}
	c.Encoding, c.Segments = sms.UCS2, 1 // É is not in GSM-7
	allAccepted(t, b.send(c))
	b.keptRules()
	b.arrivedTexts(want)
}

// arrivedTexts fails unless the gateway took exactly want.
func (b *bench) arrivedTexts(want map[sms.MSISDN]string) {
	b.Helper()
	for _, m := range b.g.Messages() {
		if m.Text != want[m.To] {
			b.Errorf("got %q, want %q", m.Text, want[m.To])
		}
		delete(want, m.To)
	}
	if len(want) > 0 {
		b.Errorf("%d texts did not arrive", len(want))
	}
}

func binaryArrivesOrIsInvalid(t *testing.T, h *Harness) {
	b := h.start(t)
	c := h.textCall("", numbers(firstNumber, min(2, b.a.adapter.Limits().Recipients))...)
	c.Binary = &sms.Binary{UDH: []byte{0x05, 0x00, 0x03, 0x01, 0x01, 0x01}, Payload: []byte{0x00, 0xff, 0x80, 'a'}}
	c.Encoding, c.Segments = sms.Data, 1
	results := b.send(c)
	if results[0].Err != nil {
		allOf(t, results, providers.Invalid)
		b.sawSends(0)
		return
	}
	allAccepted(t, results)
	b.keptRules()
	b.arrived(c, everyone)
	for _, m := range b.g.Messages() {
		if m.Binary == nil || !bytes.Equal(m.Binary.UDH, c.Binary.UDH) || !bytes.Equal(m.Binary.Payload, c.Binary.Payload) {
			t.Errorf("got %+v, want %+v", m.Binary, c.Binary)
		}
	}
}

// growth returns how many bytes text costs when written as g says.
func growth(g providers.Growth, text string) int {
	n := 0
	switch g {
	case providers.Percent:
		for i := range len(text) {
			if c := text[i]; c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte("-._~", c) >= 0 {
				n++
			} else {
				n += 3
			}
		}
	case providers.JSON:
		for i := range len(text) {
			switch c := text[i]; {
			case strings.IndexByte("\"\\\n\r\t\b\f", c) >= 0:
				n += 2
			case c < ' ':
				n += 6
			default:
				n++
			}
		}
	case providers.Base64:
		n = (len(text) + 2) / 3 * 4
	case providers.Hex16:
		if _, e := measure(text); e == sms.GSM7 {
			return growth(providers.JSON, text)
		}
		for _, r := range text {
			n += 4
			if r > 0xffff {
				n += 4
			}
		}
	default:
		n = len(text)
	}
	return n
}

// each returns what one more recipient of text costs a request.
func each(lim providers.Limits, text string) int {
	if lim.Texts == providers.ManyTexts {
		return lim.RecipientBytes + growth(lim.TextGrowth, text)
	}
	return lim.RecipientBytes
}

// longestText repeats part as often as a call of n recipients has room for, and at most to 20,000 bytes.
func longestText(lim providers.Limits, part string, n int) string {
	for text := part; ; text += part {
		next := text + part
		segments, _ := measure(next)
		bytes := lim.BaseBytes + n*each(lim, next)
		if lim.Texts != providers.ManyTexts {
			bytes += growth(lim.TextGrowth, next)
		}
		if lim.Segments > 0 && segments > lim.Segments || lim.Bytes > 0 && bytes > lim.Bytes || len(next) > 20_000 {
			return text
		}
	}
}

// atTheLimits sends the largest calls that Limits allows; the gateway must take them, and the request must keep to the
// budget.
func atTheLimits(t *testing.T, h *Harness) {
	const longest = 999_999_999_999_999
	full := "é€\"\\ %&+\n" // costs in every way of writing
	for name, build := range map[string]func(providers.Limits) providers.Call{
		"MostRecipients": func(lim providers.Limits) providers.Call {
			n := lim.Recipients
			if room := lim.Bytes - lim.BaseBytes - growth(lim.TextGrowth, full); lim.Bytes > 0 {
				n = min(n, room/each(lim, full))
			}
			return h.textCall(full, numbers(longest, n)...)
		},
		"LongestText": func(lim providers.Limits) providers.Call {
			return h.textCall(longestText(lim, full, 1), longest)
		},
		"FullBudget": func(lim providers.Limits) providers.Call {
			n := lim.Recipients
			if lim.Bytes > 0 { // half of it for the recipients, the rest for the text
				n = max(1, min(n, (lim.Bytes-lim.BaseBytes)/2/each(lim, full)))
			}
			return h.textCall(longestText(lim, full, n), numbers(longest, n)...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := h.start(t)
			lim := b.a.adapter.Limits()
			c := build(lim)
			if len(c.Recipients) == 0 || c.Text == "" {
				t.Fatalf("Limits %+v leave no room for a recipient and a text", lim)
			}
			t.Logf("%d recipients, %d bytes of text", len(c.Recipients), len(c.Text))
			allAccepted(t, b.send(c))
			b.keptRules()
			b.sawSends(1)
			b.arrived(c, everyone)
			if r := b.g.Requests()[0]; lim.Bytes > 0 && max(len(r.Body), len("https://")+len(r.Host)+len(r.URL)) > lim.Bytes {
				t.Errorf("body of %d bytes, URL of %d; the budget is %d", len(r.Body), len(r.URL), lim.Bytes)
			}
		})
	}
}
