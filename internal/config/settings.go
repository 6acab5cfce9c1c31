package config

import (
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Setting is a key of the configuration with the value that is in effect.
type Setting struct {
	// Key is the way to it, such as accounts.dk.timeout, or routes.default[0].
	Key string `json:"key"`
	// Value is never that of a secret: "[secret]" stands for it, and in addresses for their passwords.
	Value string `json:"value"`
	// Source is the file's name and line, with the variables that are in the value, or "default".
	Source string `json:"source"`
}

// Settings reads a file as Load does, and returns what each key is and where that comes from, in the order of the keys.
func Settings(path string) ([]Setting, error) {
	if _, err := Load(path); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: can't be read: %w", path, withoutPath(err))
	}
	return settings(path, data, os.LookupEnv)
}

func settings(name string, data []byte, getenv func(string) (string, bool)) ([]Setting, error) {
	r := &reader{file: name, getenv: getenv, seen: &seen{secret: map[string]bool{}, plain: map[string]bool{}}}
	doc := r.document(data)
	if doc != nil {
		r.config(doc)
	}
	if len(r.problems) > 0 {
		return nil, join(r.problems)
	}
	out := r.given(doc, "")
	out = append(out, r.seen.defaults...)
	slices.SortStableFunc(out, func(a, b Setting) int { return strings.Compare(a.Key, b.Key) })
	return out, nil
}

// seen is what the reading of a file asked for.
type seen struct {
	secret, plain map[string]bool // keys that were read as such
	defaults      []Setting
}

func (s *seen) fallback(path string, value any) {
	if s != nil && value != "" && value != 0 {
		s.defaults = append(s.defaults, Setting{path, fmt.Sprint(value), "default"})
	}
}

// given are the single values in a node and below it.
func (r *reader) given(n *yaml.Node, path string) []Setting {
	n = resolve(n)
	var out []Setting
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			out = append(out, r.given(n.Content[i+1], under(path, n.Content[i].Value))...)
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			out = append(out, r.given(item, fmt.Sprintf("%s[%d]", path, i))...)
		}
	case yaml.ScalarNode:
		if !isNull(n) {
			out = append(out, r.setting(n, path))
		}
	}
	return out
}

func (r *reader) setting(n *yaml.Node, path string) Setting {
	s := Setting{Key: path, Source: fmt.Sprintf("%s:%d", r.file, n.Line)}
	for _, m := range variable.FindAllString(n.Value, -1) {
		s.Source += " " + m
	}
	text, fromEnv, _ := expand(n.Value, r.getenv)
	switch u, err := url.Parse(text); {
	case r.seen.secret[path] && err == nil && u.Scheme != "" && u.Host != "":
		if _, has := u.User.Password(); has {
			u.User = url.UserPassword(u.User.Username(), "secret")
		}
		u.RawQuery = "" // where some have passwords
		s.Value = u.String()
	case r.seen.secret[path], fromEnv && !r.seen.plain[path], strings.Contains(path, ".headers."):
		s.Value = hidden
	default:
		s.Value = text
	}
	return s
}
