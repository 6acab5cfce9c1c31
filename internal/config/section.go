package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"gopkg.in/yaml.v3"
)

// maxSecretFile bounds the file that a key such as token_file names, in bytes.
const maxSecretFile = 64 << 10

// reader walks through a YAML document and collects what is wrong with it.
type reader struct {
	file     string
	getenv   func(string) (string, bool)
	problems []*problem
	seen     *seen // nil when nobody wants to know
}

func (r *reader) problem(line int, path, format string, args ...any) {
	r.problems = append(r.problems, &problem{r.file, line, path, fmt.Sprintf(format, args...)})
}

// entry is a key and its value.
type entry struct {
	key   string
	line  int // of the key
	value *yaml.Node
}

// entries returns the entries of a mapping, in the file's order. What is left empty has none. Of a key that is given twice
// the first counts.
func (r *reader) entries(n *yaml.Node, line int, path string) []entry {
	n = resolve(n)
	if isNull(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		r.problem(line, path, "must have keys and values below it")
		return nil
	}
	var out []entry
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode || !nameOK(k.Value) {
			// Not shown: what stands in a place that is not its own may be a secret.
			r.problem(k.Line, path, "has a key that is not a name: %s", nameRule)
			continue
		}
		if j := slices.IndexFunc(out, func(e entry) bool { return e.key == k.Value }); j >= 0 {
			r.problem(k.Line, under(path, k.Value), "is given twice, on line %d before", out[j].line)
			continue
		}
		out = append(out, entry{k.Value, k.Line, n.Content[i+1]})
	}
	return out
}

// resolve returns the node that an alias stands for.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func under(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// scalar returns the node's text, with ${VAR} replaced. fromEnv says that it was, so that it may hold what nobody should
// see. ok is false when it has none, which is then told.
func (r *reader) scalar(n *yaml.Node, line int, path string) (text string, fromEnv, ok bool) {
	n = resolve(n)
	if n.Kind != yaml.ScalarNode {
		r.problem(line, path, "must be a single value")
		return "", false, false
	}
	if isNull(n) {
		return "", false, true
	}
	text, fromEnv, err := expand(n.Value, r.getenv)
	if err == nil && strings.ContainsFunc(text, unicode.IsControl) {
		err = errControl
	}
	if err != nil {
		r.problem(line, path, "%v", err)
		return "", fromEnv, false
	}
	return text, fromEnv, true
}

var errControl = errors.New("has a line break or another control character in it")

// section is a mapping whose keys are known. Each value is asked for by its key; what is wrong is told once.
type section struct {
	*reader
	path    string
	line    int // 0 when the file doesn't have it
	entries map[string]entry
}

// fileSuffix makes the key of a file that has a secret out of the secret's key.
const fileSuffix = "_file"

// section opens a mapping that may have the keys. owner says whose keys they are, in what is told of others.
func (r *reader) section(n *yaml.Node, line int, path, owner string, keys []string) *section {
	s := &section{reader: r, path: path, line: line, entries: map[string]entry{}}
	for _, e := range r.entries(n, line, path) {
		if !slices.Contains(keys, e.key) {
			r.problem(e.line, under(path, e.key), "unknown key%s %s takes %s", orSemicolon(didYouMean(e.key, keys)), owner, strings.Join(keys, ", "))
			continue
		}
		s.entries[e.key] = e
	}
	return s
}

// orSemicolon ends what stands before the list of keys.
func orSemicolon(question string) string {
	if question == "" {
		return ";"
	}
	return question
}

// child returns what stands below a key, nil when there is nothing.
func (s *section) child(key string) (n *yaml.Node, line int) {
	e, ok := s.entries[key]
	if !ok || isNull(resolve(e.value)) {
		return nil, e.line
	}
	return e.value, e.line
}

// complain tells what is wrong with a key's value.
func (s *section) complain(key, format string, args ...any) {
	line := s.line
	if e, ok := s.entries[key]; ok {
		line = e.line
	}
	s.problem(line, under(s.path, key), format, args...)
}

// value returns a key's text and whether it comes from the environment. An absent and an empty one are "".
func (s *section) value(key string) (text string, fromEnv, ok bool) {
	e, given := s.entries[key]
	if !given {
		return "", false, true
	}
	if s.seen != nil {
		s.seen.plain[under(s.path, key)] = true
	}
	return s.scalar(e.value, e.line, under(s.path, key))
}

// text returns a key's text, "" when it is absent or wrong.
func (s *section) text(key string) string {
	text, _, _ := s.value(key)
	return text
}

// require tells when a key has no value.
func (s *section) require(key string, secret bool) {
	e, given := s.entries[key]
	switch {
	case secret && !given && s.has(key+fileSuffix):
	case !given && secret:
		s.complain(key, "is missing; give it, or a file that has it as %s", key+fileSuffix)
	case !given:
		s.complain(key, "is missing")
	case s.empty(resolve(e.value)):
		s.complain(key, "is empty")
	}
}

// empty reports whether a node is a value without text. What else is wrong with it isn't told here.
func (s *section) empty(n *yaml.Node) bool {
	if n.Kind != yaml.ScalarNode || isNull(n) {
		return n.Kind == yaml.ScalarNode
	}
	text, _, err := expand(n.Value, s.getenv)
	return err == nil && text == ""
}

func (s *section) has(key string) bool {
	_, ok := s.entries[key]
	return ok
}

// secret returns the value of a key, or what is in the file that key_file names.
func (s *section) secret(key string) Secret {
	if s.seen != nil {
		s.seen.secret[under(s.path, key)] = true
	}
	fileKey := key + fileSuffix
	if !s.has(fileKey) {
		return Secret{s.text(key)}
	}
	if s.has(key) {
		s.complain(fileKey, "is given beside %s; leave one of them out", key)
		return Secret{}
	}
	path, _, ok := s.value(fileKey)
	if !ok {
		return Secret{}
	}
	if path == "" {
		s.complain(fileKey, "is empty")
		return Secret{}
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(s.file), path)
	}
	text, err := readSecret(path)
	if err != nil {
		s.complain(fileKey, "%v", err)
	}
	return Secret{text}
}

// readSecret returns what a file has, without the line break at its end. Its errors don't have the path, which may be a
// secret in the wrong place.
func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("file can't be read: %w", withoutPath(err))
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return "", fmt.Errorf("file can't be read: %w", withoutPath(err))
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	switch {
	case len(b) > maxSecretFile:
		return "", fmt.Errorf("file has more than %d bytes", maxSecretFile)
	case text == "":
		return "", errors.New("file is empty")
	case strings.ContainsFunc(text, unicode.IsControl):
		return "", fmt.Errorf("file %w", errControl)
	}
	return text, nil
}

// withoutPath returns the reason in a file's error.
func withoutPath(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// integer returns a whole number from low to high, and def when the key is absent or wrong.
func (s *section) integer(key string, def, low, high int) int {
	text, _, ok := s.value(key)
	if !ok || text == "" {
		s.seen.fallback(under(s.path, key), def)
		return def
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		s.complain(key, "must be a whole number from %d to %d", low, high)
		return def
	}
	return n
}

// duration returns a time from low to high, and def when the key is absent or wrong.
func (s *section) duration(key string, def, low, high time.Duration) time.Duration {
	text, _, ok := s.value(key)
	if !ok || text == "" {
		s.seen.fallback(under(s.path, key), short(def))
		return def
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < low || d > high {
		s.complain(key, "must be a time from %s to %s, with its unit, such as 500ms, 10s or 2m", short(low), short(high))
		return def
	}
	return d
}

// short writes a time as people do: 10m, not 10m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
