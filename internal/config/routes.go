package config

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Branch is the part of a route that serves the numbers with a prefix.
type Branch struct {
	// Prefix is the beginning of the MSISDNs, 1 to 15 digits; empty is any. No two branches of a route have the same.
	Prefix string
	// Use are the accounts in the order of use: one or more, all different.
	Use []string
}

// routes returns the routes over accounts of the names.
func (r *reader) routes(top *section, accounts []string) map[string][]Branch {
	routes := map[string][]Branch{}
	n, line := top.child("routes")
	if n == nil {
		return routes
	}
	for _, e := range r.entries(n, line, "routes") {
		path := under("routes", e.key)
		if slices.Contains(accounts, e.key) {
			r.problem(e.line, path, "has the name of an account; choose another, so that it is clear which is meant")
		}
		list := resolve(e.value)
		if list.Kind != yaml.SequenceNode || len(list.Content) == 0 {
			r.problem(e.line, path, `must be a list of accounts, such as [%s], or of prefixes, such as [{prefix: "45", use: [%s]}]`,
				strings.Join(example(accounts), ", "), example(accounts)[0])
			continue
		}
		if resolve(list.Content[0]).Kind != yaml.MappingNode {
			routes[e.key] = []Branch{{Use: r.use(list, path, accounts)}}
			continue
		}
		for _, item := range list.Content {
			b := r.branch(item, path, accounts)
			if slices.ContainsFunc(routes[e.key], func(o Branch) bool { return o.Prefix == b.Prefix }) {
				r.problem(item.Line, path, "has two branches for the same prefix")
			}
			routes[e.key] = append(routes[e.key], b)
		}
	}
	return routes
}

// branch reads {prefix: "45", use: [dk, moon]}.
func (r *reader) branch(n *yaml.Node, path string, accounts []string) Branch {
	s := r.section(n, n.Line, path, "a branch of a route", []string{"prefix", "use"})
	b := Branch{Prefix: strings.TrimPrefix(s.text("prefix"), "+")}
	if strings.Trim(b.Prefix, "0123456789") != "" || len(b.Prefix) > 15 || strings.HasPrefix(b.Prefix, "0") {
		s.complain("prefix", `must be the first digits of numbers, country code first, such as "45"`)
	}
	e, ok := s.entries["use"]
	if !ok {
		s.complain("use", "is missing; it is a list of accounts, such as [%s]", strings.Join(example(accounts), ", "))
		return b
	}
	list := resolve(e.value)
	if list.Kind != yaml.SequenceNode || len(list.Content) == 0 {
		s.complain("use", "must be a list of accounts, such as [%s]", strings.Join(example(accounts), ", "))
		return b
	}
	b.Use = r.use(list, under(path, "use"), accounts)
	return b
}

// use reads a list of accounts.
func (r *reader) use(list *yaml.Node, path string, accounts []string) []string {
	var use []string
	for _, item := range list.Content {
		text, fromEnv, ok := r.scalar(item, item.Line, path)
		switch {
		case !ok:
		case !slices.Contains(accounts, text) && (fromEnv || !nameOK(text)):
			r.problem(item.Line, path, "names an account that is not there; there are %s", strings.Join(accounts, ", "))
		case !slices.Contains(accounts, text):
			r.problem(item.Line, path, "there is no account %s%s there are %s",
				text, orSemicolon(didYouMean(text, accounts)), strings.Join(accounts, ", "))
		case slices.Contains(use, text):
			r.problem(item.Line, path, "has account %s twice", text)
		default:
			use = append(use, text)
		}
	}
	return use
}
