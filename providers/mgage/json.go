package mgage

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
)

// readJSON finds the blocks among the objects of a document, at any depth. A document that is not whole has none.
func readJSON(body []byte) []block {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var doc any
	if err := d.Decode(&doc); err != nil {
		return nil
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil
	}
	return walkJSON(doc, nil)
}

func walkJSON(v any, found []block) []block {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			found = walkJSON(e, found)
		}
	case map[string]any:
		var p parts
		inside := make([]string, 0, len(v))
		for name, value := range v {
			switch value := value.(type) {
			case string:
				p.addJSON(name, value)
			case json.Number:
				p.addJSON(name, value.String())
			case []any, map[string]any:
				inside = append(inside, name)
			}
		}
		if b, ok := p.done(last(found)); ok {
			found = append(found, b)
		}
		slices.Sort(inside)
		for _, name := range inside {
			found = walkJSON(v[name], found)
		}
	}
	return found
}

func (p *parts) addJSON(name, value string) {
	if f := fieldOf([]byte(name)); f != noField {
		p.add(f, []byte(name), []byte(value)) // an object has a name once
	}
}
