// Package config reads the file that says where Redis is, which accounts there are, and how the roles of volley run.
//
// Everything that is wrong with a file is told at once, one line for each thing, with the file, the line, the key and what
// to do. No error has a secret in it.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// Config is what a file says, with the defaults for what it leaves out. It is read-only.
type Config struct {
	Redis Redis
	// Accounts are at least one, in the file's order.
	Accounts []Account
	// Routes have one branch or more each.
	Routes    map[string][]Branch
	Retry     Retry
	Callbacks Callbacks
	Reports   Reports
	Scheduler Scheduler
	Inbound   Inbound
	Outcomes  Outcomes
	Retention Retention
	Hooks     Hooks
	Admin     Admin
	UI        UI
	Tracing   Tracing
	Log       Log
	// Quiet are hours at which nobody is called, by the beginning of the number, and Everybody for the others; as
	// window.Parse reads them.
	Quiet map[string]string
}

// Redis is where the queue and the ledger are.
type Redis struct {
	// URL begins with redis://, rediss://, redis-sentinel:// or redis-cluster://. It may have a password in it.
	URL Secret
}

// Retry says how often and how long what provably was not sent is tried again.
type Retry struct {
	// MaxAttempts is how many calls a recipient may cost at one account, 1 to 100; 8 unless set.
	MaxAttempts int
	// Initial is the first pause, 1 s unless set; Max the longest, at least as long, 10 min unless set.
	Initial, Max time.Duration
	// Inline is how long a worker waits itself before the batch goes back to the queue, 20 s unless set; 0 is not at all.
	Inline time.Duration
}

// Admin is where a role serves /healthz, /readyz and /metrics.
type Admin struct {
	// Listen is an address; empty is none.
	Listen string
}

// maxFile bounds a configuration file, in bytes.
const maxFile = 1 << 20

// Load reads a file, with ${VAR} taken from the process's environment.
func Load(path string) (*Config, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w; name a configuration file with --config FILE, or run `volley dev`, which needs none", path, fs.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: can't be read: %w", path, withoutPath(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("%s: can't be read: %w", path, withoutPath(err))
	}
	return Parse(path, data, os.LookupEnv)
}

// Parse reads what is in a file. name stands in errors, and the files that keys such as token_file name are looked for in
// its folder. ${VAR} in a value is what getenv gives, put in after the YAML has been taken apart, so that it can't change
// its structure; $${ stands for ${.
func Parse(name string, data []byte, getenv func(string) (string, bool)) (*Config, error) {
	r := &reader{file: name, getenv: getenv}
	doc := r.document(data)
	if doc == nil {
		return nil, join(r.problems)
	}
	c := r.config(doc)
	if len(r.problems) > 0 {
		return nil, join(r.problems)
	}
	return c, nil
}

// document returns the file's one YAML document, or nil when it has none.
func (r *reader) document(data []byte) *yaml.Node {
	switch {
	case len(data) > maxFile:
		r.problem(0, "", "has more than %d bytes", maxFile)
		return nil
	case !utf8.Valid(data):
		r.problem(0, "", "is not UTF-8; save it in that encoding")
		return nil
	}
	data, unguard := guard(data)
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	err := dec.Decode(&doc)
	switch {
	case errors.Is(err, io.EOF) || err == nil && (len(doc.Content) == 0 || isNull(resolve(doc.Content[0]))):
		r.problem(0, "", "is empty; it needs redis and accounts")
		return nil
	case err != nil:
		r.syntax(err)
		return nil
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		if err != nil {
			r.syntax(err)
		} else {
			r.problem(0, "", "has more than one YAML document; take out the line ---")
		}
		return nil
	}
	eachValue(&doc, unguard)
	return doc.Content[0]
}

// syntax tells an error of the YAML library. The library names anchors that are not there, which may be passwords that
// begin with *, and for some errors the line before.
func (r *reader) syntax(err error) {
	text, line := strings.TrimPrefix(err.Error(), "yaml: "), 0
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		number, after, _ := strings.Cut(rest, ": ")
		if n, err := strconv.Atoi(number); err == nil {
			text, line = after, n
		}
	}
	if strings.Contains(text, "anchor") {
		text = "a value begins with *, which has a meaning in YAML; put it in quotes"
	}
	where := ""
	if line > 0 {
		where = ", here or on the next line"
	}
	r.problem(line, "", "is not YAML%s: %s", where, text)
}

// config reads the whole document.
func (r *reader) config(doc *yaml.Node) *Config {
	top := r.section(doc, 1, "", "the file", []string{"redis", "accounts", "routes", "retry", "callbacks", "reports", "inbound", "scheduler", "outcomes", "retention", "hooks", "quiet", "admin", "ui", "tracing", "log"})
	c := &Config{
		Redis:     r.redis(top),
		Retry:     r.retry(top),
		Callbacks: r.callbacks(top),
		Reports:   r.reports(top),
		Scheduler: r.scheduler(top),
		Inbound:   r.inbound(top),
		Outcomes:  r.outcomes(top),
		Retention: r.retention(top),
		Hooks:     r.hooks(top),
		Admin:     r.admin(top),
		Tracing:   r.tracing(top),
		Log:       r.log(top),
		Quiet:     r.quiet(top),
		UI:        r.ui(top),
	}
	var names []string
	c.Accounts, names = r.accounts(top)
	c.Routes = r.routes(top, names)
	return c
}

// sub opens a section of the file. One that is left out, or empty, has line 0 and no entries.
func (top *section) sub(key string, keys ...string) *section {
	n, line := top.child(key)
	if n == nil {
		return &section{reader: top.reader, path: key, line: line}
	}
	return top.section(n, line, key, key, keys)
}

func (r *reader) redis(top *section) Redis {
	s := top.sub("redis", "url", "url"+fileSuffix)
	s.require("url", true)
	u := s.secret("url")
	scheme, _, found := strings.Cut(u.value, "://")
	if u.value != "" && (!found || !slices.Contains([]string{"redis", "rediss", "redis-sentinel", "redis-cluster"}, scheme)) {
		s.complain("url", "must begin with redis://, rediss://, redis-sentinel:// or redis-cluster://")
	}
	return Redis{URL: u}
}

func (r *reader) retry(top *section) Retry {
	s := top.sub("retry", "max_attempts", "initial", "max", "inline")
	out := Retry{
		MaxAttempts: s.integer("max_attempts", 8, 1, 100),
		Initial:     s.duration("initial", time.Second, time.Millisecond, time.Hour),
		Max:         s.duration("max", 10*time.Minute, time.Millisecond, 24*time.Hour),
		Inline:      s.duration("inline", 20*time.Second, 0, time.Hour),
	}
	if out.Max < out.Initial {
		s.complain("max", "is %s, shorter than the first pause of %s", short(out.Max), short(out.Initial))
	}
	return out
}

func (r *reader) admin(top *section) Admin {
	return Admin{Listen: top.sub("admin", "listen").address("listen", "")}
}

// address returns a host and a port to listen on, and def when the key is absent or wrong.
func (s *section) address(key, def string) string {
	text, _, ok := s.value(key)
	if !ok || text == "" {
		s.seen.fallback(under(s.path, key), def)
		return def
	}
	_, port, err := net.SplitHostPort(text)
	if n, perr := strconv.Atoi(port); err != nil || perr != nil || n < 0 || n > 65535 {
		s.complain(key, `must be a host and a port, such as "127.0.0.1:9464", or ":8080" for all addresses of the machine`)
		return def
	}
	return text
}

// accounts returns the accounts that could be read, and the names of all.
func (r *reader) accounts(top *section) (accounts []Account, names []string) {
	n, line := top.child("accounts")
	if n == nil {
		r.problem(line, "accounts", "is missing; name at least one, with its provider below it")
		return nil, nil
	}
	for _, e := range r.entries(n, line, "accounts") {
		names = append(names, e.key)
		if a, ok := r.account(e.key, e.value, e.line); ok {
			accounts = append(accounts, a)
		}
	}
	if resolve(n).Kind == yaml.MappingNode && len(resolve(n).Content) == 0 {
		r.problem(line, "accounts", "has none; name at least one, with its provider below it")
	}
	return accounts, names
}

// example returns names for a list that shows how it is written.
func example(accounts []string) []string {
	if len(accounts) == 0 {
		return []string{"first", "second"}
	}
	return accounts[:min(2, len(accounts))]
}

// Account returns the account of that name.
func (c *Config) Account(name string) (Account, bool) {
	i := slices.IndexFunc(c.Accounts, func(a Account) bool { return a.Name == name })
	if i < 0 {
		return Account{}, false
	}
	return c.Accounts[i], true
}
