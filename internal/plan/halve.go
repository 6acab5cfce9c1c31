package plan

import (
	"strings"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// Halve divides a call that its gateway refused whole into two with half the recipients each, in the same order; the first
// has one more when they are odd. A call of one recipient, or of none, is returned as it is. The halves share memory with
// c.
func Halve(c Call) []Call {
	n := len(c.Items)
	if n < 2 {
		return []Call{c}
	}
	half := (n + 1) / 2
	return []Call{part(c, 0, half), part(c, half, n)}
}

// part returns the recipients from, to and including to-1, as a call.
func part(c Call, from, to int) Call {
	c.Items = c.Items[from:to:to]
	c.Call.Recipients = c.Call.Recipients[from:to:to]
	if c.Call.Tags != nil || c.Call.Recipients[0].Text != "" {
		// The longest text may be in the other half.
		c.Call.Segments = 0
		for i := range c.Call.Recipients {
			c.Call.Segments = max(c.Call.Segments, sms.Measure(textOf(&c.Call, i)).Segments)
		}
	}
	return c
}

// textOf returns what recipient i of a call gets to read.
func textOf(c *providers.Call, i int) string {
	r := &c.Recipients[i]
	switch {
	case r.Text != "":
		return r.Text
	case len(c.Tags) == 0:
		return c.Text
	}
	pairs := make([]string, 0, 2*len(c.Tags))
	for j, tag := range c.Tags {
		pairs = append(pairs, tag, r.Values[j])
	}
	return strings.NewReplacer(pairs...).Replace(c.Text)
}
