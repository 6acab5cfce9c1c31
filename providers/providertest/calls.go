package providertest

import (
	"fmt"
	"slices"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/providertest/gateway"
	"github.com/volleysms/volley/sms"
)

// plainText is what calls say unless a case is about texts.
const plainText = "Conformance: see you at noon"

// firstNumber is the highest of the numbers used; obviously fake.
const firstNumber = 4512340999

// call returns a call of n recipients, or as many as lim allows, in falling order of their numbers.
func (h *Harness) call(lim providers.Limits, n int) providers.Call {
	return h.textCall(plainText, numbers(firstNumber, min(n, lim.Recipients))...)
}

// textCall returns a call of one text for everyone.
func (h *Harness) textCall(text string, to ...sms.MSISDN) providers.Call {
	c := providers.Call{Reference: "conformance-1.a_b", From: h.From, Text: text}
	c.Segments, c.Encoding = measure(text)
	for _, n := range to {
		c.Recipients = append(c.Recipients, providers.Recipient{To: n})
	}
	return c
}

// measure counts by the gateways' table, so that the suite does not lean on what the adapter may use.
func measure(text string) (segments int, e sms.Encoding) {
	n, gsm7 := gateway.Segments(text)
	if gsm7 {
		return n, sms.GSM7
	}
	return n, sms.UCS2
}

// numbers returns n numbers that fall from first.
func numbers(first sms.MSISDN, n int) []sms.MSISDN {
	out := make([]sms.MSISDN, n)
	for i := range out {
		out[i] = first - sms.MSISDN(i)
	}
	return out
}

// only returns c with the recipients at the given indexes.
func only(c providers.Call, idx []int) providers.Call {
	all := c.Recipients
	c.Recipients = nil
	for _, i := range idx {
		c.Recipients = append(c.Recipients, all[i])
	}
	return c
}

// settle sends c's recipients in calls within lim, as the worker does: those that say Again once more, those that say
// Split in halves. It returns the last result of each recipient.
func (b *bench) settle(c providers.Call, lim providers.Limits) []providers.Result {
	b.Helper()
	final := make([]providers.Result, len(c.Recipients))
	var work [][]int
	for i := 0; i < len(c.Recipients); i += lim.Recipients {
		var idx []int
		for j := i; j < min(i+lim.Recipients, len(c.Recipients)); j++ {
			idx = append(idx, j)
		}
		work = append(work, idx)
	}
	for calls := 0; len(work) > 0; calls++ {
		if calls > 10*len(c.Recipients) {
			b.Fatal("a call with one refused recipient does not come to an end")
		}
		idx := work[0]
		work = work[1:]
		var again, split []int
		for i, r := range b.send(only(c, idx)) {
			final[idx[i]] = r
			if r.Err == nil {
				continue
			}
			switch providers.KindOf(r.Err) {
			case providers.Again:
				again = append(again, idx[i])
			case providers.Split:
				split = append(split, idx[i])
			}
		}
		if len(again) == len(idx) {
			b.Fatal("every result of a call is Again")
		}
		if again != nil {
			work = append(work, again)
		}
		if half := len(split) / 2; half > 0 {
			work = append(work, split[:half], split[half:])
		}
	}
	return final
}

// arrived fails unless the gateway took exactly the recipients of c for which want is true, once each.
func (b *bench) arrived(c providers.Call, want func(i int) bool) {
	b.Helper()
	got := map[sms.MSISDN]int{}
	for _, m := range b.g.Messages() {
		got[m.To]++
	}
	for i, r := range c.Recipients {
		n := 0
		if want(i) {
			n = 1
		}
		if got[r.To] != n {
			b.Errorf("recipient %d was taken %d times, want %d", i, got[r.To], n)
		}
		delete(got, r.To)
	}
	if len(got) > 0 {
		b.Errorf("%d numbers were taken that nobody asked for", len(got))
	}
}

// shifted returns c to numbers that are lower by n.
func shifted(c providers.Call, n int) providers.Call {
	c.Recipients = slices.Clone(c.Recipients)
	for i := range c.Recipients {
		c.Recipients[i].To -= sms.MSISDN(n)
	}
	return c
}

func everyone(int) bool { return true }

func nobody(int) bool { return false }

// describe names a message for a failure.
func describe(m gateway.Message) string {
	return fmt.Sprintf("to %s from %q: %q", m.To.Masked(), m.From, m.Text)
}
