package plan

import (
	"fmt"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// piece is an item with its text.
type piece struct {
	Item
	text string
	size sms.Size
	// bytes is what the item adds to a call of its group.
	bytes int
}

// group is what may share calls, but for the limits.
type group struct {
	groupKey
	// text and tags are the call's, where the key says so.
	text string
	tags []string
	// fixed is what a call costs before the first recipient.
	fixed  int
	pieces []piece
}

// groupKey has what the texts of a call have in common.
type groupKey struct {
	encoding sms.Encoding
	// text is the one text, where the gateway takes no other.
	text string
	// pair is the placeholders' delimiters where the gateway merges; noPair elsewhere.
	pair int
}

// each plans a template with fields: it renders each item's text, puts the items into groups, and packs each group.
func (p *planner) each() {
	pieces := p.render()
	pairOf := p.choosePairs(pieces)
	var groups []*group
	byKey := make(map[groupKey]*group)
	for i, pc := range pieces {
		key := p.key(&pc, pairOf(i))
		g := byKey[key]
		if g == nil {
			g = p.newGroup(key)
		}
		pc.bytes = p.pieceBytes(g, &pc)
		if !p.fits(g.fixed+pc.bytes) && key.pair != noPair {
			// Merging costs more than it saves when it is for one.
			key = groupKey{pc.size.Encoding, pc.text, noPair}
			if g = byKey[key]; g == nil {
				g = p.newGroup(key)
			}
			pc.bytes = p.pieceBytes(g, &pc)
		}
		if reason := p.tooLarge(g.fixed + pc.bytes); reason != "" {
			p.refused = append(p.refused, Refused{pc.Index, reason})
			continue
		}
		if g.pieces == nil {
			byKey[key] = g
			groups = append(groups, g)
		}
		g.pieces = append(g.pieces, pc)
	}
	for _, g := range groups {
		for _, layer := range layers(g.pieces, func(pc *piece) sms.MSISDN { return pc.To }) {
			p.pack(g, layer)
		}
	}
}

// render returns the items that have a text to send, and refuses the others.
func (p *planner) render() []piece {
	fields := len(p.in.Template.Fields())
	pieces := make([]piece, 0, len(p.in.Items))
	var buf []byte
	for _, it := range p.in.Items {
		if len(it.Values) != fields {
			p.refused = append(p.refused, Refused{it.Index, fmt.Sprintf(
				"recipient has %d values; the template has %d fields", len(it.Values), fields)})
			continue
		}
		it.Values = p.in.Template.Fill(it.Values) // a gateway that merges knows no defaults
		buf = p.in.Template.Render(buf[:0], it.Values)
		text := string(buf)
		if err := sms.ValidateText(text); err != nil {
			p.refused = append(p.refused, Refused{it.Index, err.Error()})
			continue
		}
		size := sms.Measure(text)
		if reason := p.tooLong(size); reason != "" {
			p.refused = append(p.refused, Refused{it.Index, reason})
			continue
		}
		pieces = append(pieces, piece{Item: it, text: text, size: size})
	}
	return pieces
}

// choosePairs returns which delimiters the placeholders of each piece's call have: the same for all, if there is a pair
// that clashes with none, or else the first that doesn't clash with the piece's own values, or noPair.
func (p *planner) choosePairs(pieces []piece) func(i int) int {
	if p.limits.Texts != providers.MergeFields {
		return func(int) int { return noPair }
	}
	inTemplate := clashing(p.in.Template.Merge(make([]string, len(p.in.Template.Fields()))))
	taken := make([]pairs, len(pieces))
	var all pairs
	for i := range pieces {
		taken[i] = inTemplate
		for _, v := range pieces[i].Values {
			taken[i] |= clashing(v)
		}
		all |= taken[i]
	}
	if pair := all.free(); pair != noPair {
		return func(int) int { return pair }
	}
	return func(i int) int { return taken[i].free() }
}

func (p *planner) key(pc *piece, pair int) groupKey {
	k := groupKey{encoding: pc.size.Encoding, pair: pair}
	if p.limits.Texts != providers.ManyTexts && pair == noPair {
		k.text = pc.text
	}
	return k
}

func (p *planner) newGroup(k groupKey) *group {
	l := p.limits
	g := &group{groupKey: k, text: k.text}
	if k.pair != noPair {
		g.tags = placeholders(k.pair, len(p.in.Template.Fields()))
		g.text = p.in.Template.Merge(g.tags)
	}
	g.fixed = l.BaseBytes + grown(g.text, l.TextGrowth, k.encoding)
	for _, tag := range g.tags {
		g.fixed += l.ValueBytes + grown(tag, l.TextGrowth, k.encoding)
	}
	return g
}

// pieceBytes returns what the piece adds to a call of the group.
func (p *planner) pieceBytes(g *group, pc *piece) int {
	l := p.limits
	n := l.RecipientBytes
	switch {
	case g.pair != noPair:
		for _, v := range pc.Values {
			n += l.ValueBytes + grown(v, l.TextGrowth, g.encoding)
		}
	case g.text == "":
		n += grown(pc.text, l.TextGrowth, g.encoding)
	}
	return n
}

// pack makes calls of the group's pieces, one after the other.
func (p *planner) pack(g *group, pieces []piece) {
	for len(pieces) > 0 {
		n, bytes := 1, g.fixed+pieces[0].bytes
		for n < len(pieces) && n < p.limits.Recipients && p.fits(bytes+pieces[n].bytes) {
			bytes += pieces[n].bytes
			n++
		}
		p.calls = append(p.calls, p.build(g, pieces[:n]))
		pieces = pieces[n:]
	}
}

// build makes a call of pieces that fit into one.
func (p *planner) build(g *group, pieces []piece) Call {
	size, same := pieces[0].size, true
	for i := range pieces {
		size.Segments = max(size.Segments, pieces[i].size.Segments)
		same = same && pieces[i].text == pieces[0].text
	}
	c := p.call(size)
	c.Text, c.Tags = g.text, g.tags
	if text := pieces[0].text; same && p.fits(p.plainBytes(text, size.Encoding, len(pieces))) {
		c.Text, c.Tags = text, nil
	}
	c.Recipients = make([]providers.Recipient, len(pieces))
	indexes := make([]int, len(pieces))
	for i, pc := range pieces {
		indexes[i] = pc.Index
		r := &c.Recipients[i]
		r.To = pc.To
		switch {
		case c.Tags != nil:
			r.Values = pc.Values
		case c.Text == "":
			r.Text = pc.text
		}
	}
	return Call{Call: c, Items: indexes}
}

// plainBytes returns what a call costs that has one text for n recipients.
func (p *planner) plainBytes(text string, e sms.Encoding, n int) int {
	l := p.limits
	return l.BaseBytes + grown(text, l.TextGrowth, e) + n*l.RecipientBytes
}
