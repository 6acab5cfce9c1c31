package config

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// guard returns data with the braces of each ${VAR} in the guise of characters that mean nothing in YAML, because within
// { } and [ ] a brace ends a value. unguard gives a value back as it was written.
func guard(data []byte) (guarded []byte, unguard func(string) string) {
	// Private characters that don't occur in the file.
	var marks [2]string
	r := '\uE000'
	for i := range marks {
		for bytes.ContainsRune(data, r) {
			r++
		}
		marks[i] = string(r)
		r++
	}
	guarded = variable.ReplaceAll(data, []byte(marks[0]+"${1}"+marks[1]))
	return guarded, strings.NewReplacer(marks[0], "${", marks[1], "}").Replace
}

// eachValue changes the text of a node and of all below it.
func eachValue(n *yaml.Node, change func(string) string) {
	n.Value = change(n.Value)
	for _, c := range n.Content {
		eachValue(c, change)
	}
}

// expand replaces each ${VAR}. What a variable holds is taken as it is; $${ stands for ${. fromEnv says that there was a
// variable, so that text may hold what nobody should see.
func expand(s string, getenv func(string) (string, bool)) (text string, fromEnv bool, err error) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "${")
		if !found {
			b.WriteString(s)
			return b.String(), fromEnv, nil
		}
		if escaped, ok := strings.CutSuffix(before, "$"); ok {
			b.WriteString(escaped + "${")
			s = after
			continue
		}
		name, rest, closed := strings.Cut(after, "}")
		if reference := "${" + name + "}"; !closed || variable.FindString(reference) != reference {
			// The name isn't shown: it may be part of a password.
			return "", fromEnv, errors.New("has a ${ that is not followed by the name of a variable and }; write $${ for the characters themselves")
		}
		value, set := getenv(name)
		if !set {
			return "", fromEnv, fmt.Errorf("${%s} is not set in the environment", name)
		}
		b.WriteString(before + value)
		fromEnv = true
		s = rest
	}
}
