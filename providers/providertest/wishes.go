package providertest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

// optionsNeverBreakACall sends with each wish that only some gateways know: whoever does not know it leaves it out.
func optionsNeverBreakACall(t *testing.T, h *Harness) {
	all := providers.Options{
		Flash: true, Priority: providers.Urgent, Validity: 6 * time.Hour, Label: "spring-2030", At: time.Now().Add(2 * time.Hour),
	}
	for name, o := range map[string]providers.Options{
		"Flash":         {Flash: true},
		"Urgent":        {Priority: providers.Urgent},
		"Bulk":          {Priority: providers.Bulk},
		"Validity":      {Validity: 48 * time.Hour},
		"ShortValidity": {Validity: time.Second},
		"LongValidity":  {Validity: 365 * 24 * time.Hour},
		"Label":         {Label: "spring-2030"},
		"OddLabel":      {Label: "Frühling \"50 %\" & <more>"},
		"LongLabel":     {Label: "0123456789012345678901234567890123456789012345678901234567890123"},
		"At":            {At: time.Now().Add(time.Hour)},
		"AtOfAZone":     {At: time.Now().Add(time.Hour).In(time.FixedZone("", -9*3600-1800))},
		"AtInThePast":   {At: time.Now().Add(-time.Hour)},
		"All":           all,
	} {
		t.Run(name, func(t *testing.T) {
			b := h.start(t)
			c := h.call(b.a.adapter.Limits(), 2)
			c.Options = o
			results := b.send(c)
			if later := o.At.After(time.Now()); later && results[0].Err != nil { // it can't wait, and sending at once would be wrong
				allOf(t, results, providers.Invalid)
				b.sawSends(0)
				return
			}
			allAccepted(t, results)
			b.keptRules()
			b.sawSends(1)
			b.arrived(c, everyone)
			for _, m := range b.g.Messages() {
				if m.Text != c.Text {
					t.Errorf("got %s", describe(m))
				}
				if !m.Due.IsZero() && o.At.IsZero() {
					t.Errorf("the gateway is to send at %v, and nobody asked for a time", m.Due)
				}
				if !m.Due.IsZero() && m.Due.Sub(o.At).Abs() > time.Second {
					t.Errorf("the gateway is to send at %v, want %v", m.Due, o.At)
				}
			}
		})
	}
}

// referencesAndSenders sends with the longest of both, and with none.
func referencesAndSenders(t *testing.T, h *Harness) {
	const longest = "0123456789012345678901234567890123456789012345678901234567890._-"
	for name, reference := range map[string]string{"Longest": longest, "None": "", "One": "a"} {
		t.Run(name, func(t *testing.T) {
			b := h.start(t)
			c := h.call(b.a.adapter.Limits(), 1)
			c.Reference = reference
			allAccepted(t, b.send(c))
			b.keptRules()
			if m := b.g.Messages()[0]; m.Reference != "" && m.Reference != reference {
				t.Errorf("got reference %q", m.Reference)
			}
		})
	}
	t.Run("NoSender", func(t *testing.T) { // taken, or refused before anything is sent
		b := h.start(t)
		c := h.call(b.a.adapter.Limits(), 1)
		c.From = ""
		for _, r := range b.send(c) {
			if r.Err != nil && !oneOf(providers.KindOf(r.Err), providers.Invalid, providers.Rejected, providers.Config) {
				t.Errorf("got %v", r.Err)
			}
		}
	})
}

// callIsNotChanged sends a call twice and looks at whether it is still the same.
func callIsNotChanged(t *testing.T, h *Harness) {
	b := h.start(t)
	c := h.call(b.a.adapter.Limits(), 3)
	c.Options.Label = "spring-2030"
	before := c
	before.Recipients = slices.Clone(c.Recipients)
	first := b.send(c)
	if !reflect.DeepEqual(c, before) {
		t.Error("Send changed the call that it was given")
	}
	results := b.send(shifted(c, 1000))
	allAccepted(t, first)
	allAccepted(t, results)
	b.keptRules()
}

// limitsAreSane looks at what the planner has to rely on.
func limitsAreSane(t *testing.T, h *Harness) {
	b := h.start(t)
	l := b.a.adapter.Limits()
	switch {
	case l != b.a.adapter.Limits():
		t.Error("Limits differ from one time to the next")
	case l.Recipients < 1 || l.Segments < 0 || l.Segments > sms.MaxSegments || l.Bytes < 0:
		t.Errorf("out of range: %+v", l)
	case l.BaseBytes < 0 || l.RecipientBytes < 0 || l.ValueBytes < 0:
		t.Errorf("negative: %+v", l)
	case l.Texts > providers.ManyTexts || l.TextGrowth > providers.Hex16:
		t.Errorf("no such way: %+v", l)
	case l.Texts == providers.MergeFields && l.Recipients < 2:
		t.Errorf("merges fields for one recipient: %+v", l)
	case l.Bytes > 0 && growth(l.TextGrowth, texts[len(texts)-1].text) > l.Bytes-l.BaseBytes-l.RecipientBytes:
		t.Errorf("no room for a text of two segments: %+v", l)
	}
}

// resultsKeepTheOrder mixes numbers up, and refuses some where the gateway can refuse one.
func resultsKeepTheOrder(t *testing.T, h *Harness) {
	b := h.start(t)
	lim := b.a.adapter.Limits()
	order := []sms.MSISDN{5, 1, 9, 3, 8, 2, 7}
	var to []sms.MSISDN
	for _, n := range order[:min(len(order), lim.Recipients)] {
		to = append(to, firstNumber-100+n)
	}
	c := h.textCall(plainText, to...)
	results := b.send(c)
	allAccepted(t, results)
	ids := map[sms.MSISDN]string{}
	for _, m := range b.g.Messages() {
		ids[m.To] = m.ID
	}
	for i, r := range results {
		if want := ids[to[i]]; r.ID != want {
			t.Errorf("result %d: got ID %q, the gateway gave %q to that number", i, r.ID, want)
		}
	}
}

// callsAreNotMixedUp sends different texts to the same numbers at the same time.
func callsAreNotMixedUp(t *testing.T, h *Harness) {
	const calls = 12
	b := h.start(t)
	lim := b.a.adapter.Limits()
	all := make([][]providers.Result, calls)
	var wg sync.WaitGroup
	for i := range calls {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), guard)
			defer cancel()
			c := h.textCall(fmt.Sprintf("Text %02d", i), numbers(firstNumber, min(2, lim.Recipients))...)
			all[i] = b.a.Send(ctx, c)
		})
	}
	wg.Wait()
	type key struct {
		text string
		to   sms.MSISDN
	}
	ids := map[key]string{}
	for _, m := range b.g.Messages() {
		ids[key{m.Text, m.To}] = m.ID
	}
	for i, results := range all {
		allAccepted(t, results)
		for j, r := range results {
			if want := ids[key{fmt.Sprintf("Text %02d", i), firstNumber - sms.MSISDN(j)}]; r.ID != want {
				t.Errorf("call %d, result %d: got ID %q, the gateway gave %q", i, j, r.ID, want)
			}
		}
	}
	b.keptRules()
}

// reportTo returns addresses for reports, one for each recipient.
func reportTo(base string) func(int) string {
	return func(i int) string {
		if i < 0 {
			return base + "/r/job-1.batch-2.all.0123456789abcdef"
		}
		return fmt.Sprintf("%s/r/job-1.batch-2.%d.0123456789abcdef", base, i)
	}
}

// asked returns messages that the gateway took, with an address for reports asked for, and nil when the gateway has none.
func (b *bench) asked(n int) []gateway.Message {
	b.Helper()
	c := b.h.call(b.a.adapter.Limits(), n)
	c.ReportTo = reportTo("https://sms.example.com")
	allAccepted(b.T, b.send(c))
	b.keptRules()
	return b.g.Messages()
}
