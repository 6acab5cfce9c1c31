package config

import (
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/volleysms/volley/internal/window"
)

// quietKeys are the parts of quiet hours.
var quietKeys = []string{"days", "from", "to", "zone"}

// hours reads quiet hours, as a text such as 21:00-08:00 or by their parts, and returns the text; "" when they are wrong.
func (r *reader) hours(n *yaml.Node, line int, path string) string {
	var text string
	if resolve(n).Kind == yaml.MappingNode {
		s := r.section(n, line, path, "quiet", quietKeys)
		s.require("from", false)
		s.require("to", false)
		if s.text("from") == "" || s.text("to") == "" {
			return ""
		}
		text = strings.TrimSpace(strings.Join([]string{s.text("days"), s.text("from") + "-" + s.text("to"), s.text("zone")}, " "))
	} else {
		var ok bool
		if text, _, ok = r.scalar(n, line, path); !ok || text == "" {
			return ""
		}
	}
	w, err := window.Parse(text)
	if err != nil {
		r.problem(line, path, "%v", err)
		return ""
	}
	return w.String()
}

// quietHours returns an account's quiet hours; "" is none.
func (s *section) quietHours(key string) string {
	n, line := s.child(key)
	if n == nil {
		return ""
	}
	return s.hours(n, line, under(s.path, key))
}

// Everybody is the key in Config.Quiet of those whose numbers begin with no other.
const Everybody = "all"

// quiet returns the quiet hours by the beginning of the number.
func (r *reader) quiet(top *section) map[string]string {
	n, line := top.child("quiet")
	if n == nil {
		return nil
	}
	out := map[string]string{}
	for _, e := range r.entries(n, line, "quiet") {
		if e.key != Everybody && (strings.Trim(e.key, "0123456789") != "" || e.key[0] == '0' || len(e.key) > 7) {
			r.problem(e.line, under("quiet", e.key), "must be the beginning of a number, such as a country code, 1 to 7 digits, or %s", Everybody)
			continue
		}
		if text := r.hours(e.value, e.line, under("quiet", e.key)); text != "" {
			out[e.key] = text
		}
	}
	return out
}
