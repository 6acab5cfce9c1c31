package httpapi

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"
	"unicode/utf16"
)

// fields are all that a template can reach: what a call asks for, as the gateway's document may want to have it.
type fields struct {
	// To, Text, Carrier are the recipient's; in a request for several they are in Each alone, unless the text is the same.
	To, Text, Carrier string
	// From is the sender ID; Reference names the call; ReportURL gets the reports.
	From, Reference, ReportURL string
	// Encoding is gsm7, ucs2 or data; Unicode is true for ucs2.
	Encoding string
	Unicode  bool
	Segments int
	// Payload and UDH are the octets of a binary message, with Binary true.
	Payload, UDH string
	Binary       bool
	// Flash, Priority (bulk, normal, urgent), Validity (seconds), Label and At (RFC 3339) are a job's wishes.
	Flash    bool
	Priority string
	Validity int
	Label    string
	At       string
	// Each is all recipients, written by Request.Each.
	Each string
}

// fieldNames are the names of the fields.
var fieldNames = func() []string {
	var names []string
	for f := range reflect.TypeFor[fields]().Fields() {
		names = append(names, f.Name)
	}
	return names
}()

// functions are all that a template can call, beside eq and not of text/template.
var functions = template.FuncMap{
	"json": toJSON, "base64": toBase64, "hex": toHex, "utf16": toUTF16, "urlquery": url.QueryEscape,
	escapePath: func(v any) string { return url.PathEscape(fmt.Sprint(v)) },
}

// escapePath is a function that only the compiler puts into a template.
const escapePath = "_path"

// functionNames are what a user may write.
var functionNames = func() []string {
	names := slices.Collect(maps.Keys(functions))
	names = slices.DeleteFunc(names, func(n string) bool { return n == escapePath })
	return slices.Sorted(slices.Values(append(names, "eq", "not")))
}()

// toJSON returns v as JSON. Only what JSON demands is escaped.
func toJSON(v any) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

func toBase64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func toHex(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) }

// toUTF16 returns s in UTF-16, the higher octet first.
func toUTF16(s string) string {
	units := utf16.Encode([]rune(s))
	b := make([]byte, 0, 2*len(units))
	for _, u := range units {
		b = append(b, byte(u>>8), byte(u))
	}
	return string(b)
}

// text is a compiled template.
type text struct {
	tmpl *template.Template
	// uses has the fields that it names, calls the functions.
	uses, calls map[string]bool
	// texts is how often it writes the text, at most.
	texts int
}

// whereInTemplate takes the line out of an error of the template package.
var whereInTemplate = regexp.MustCompile(`^template: [^:]*:(\d+):(?:\d+:)? (.*)$`)

// compile reads a template. The problem's Line is a line of src, from 1.
func compile(src string, inPath bool) (*text, *Problem) {
	known := map[string]any{"eq": true, "not": true}
	for name := range functions {
		known[name] = true
	}
	tree := parse.New("t")
	tree.Mode = parse.ParseComments
	sets := map[string]*parse.Tree{}
	if _, err := tree.Parse(src, "", "", sets, known); err != nil {
		p := &Problem{Line: 1, Text: "can't be read as a template"}
		if m := whereInTemplate.FindStringSubmatch(strings.SplitN(err.Error(), "\n", 2)[0]); m != nil {
			p.Line, _ = strconv.Atoi(m[1])
			p.Text = m[2] + "; the functions are " + strings.Join(functionNames, ", ")
		}
		return nil, p
	}
	t := &text{uses: map[string]bool{}, calls: map[string]bool{}}
	if tree.Root == nil { // only blanks
		tree.Root = &parse.ListNode{NodeType: parse.NodeList}
	}
	c := compiler{text: t, src: src, inPath: inPath}
	t.texts = c.list(tree.Root)
	if len(sets) > 1 {
		c.complain(tree.Root, "defines other templates, which it can't")
	}
	if c.problem != nil {
		return nil, c.problem
	}
	tmpl, err := template.New("t").Funcs(functions).AddParseTree("t", tree)
	if err != nil {
		return nil, &Problem{Line: 1, Text: "can't be read as a template"}
	}
	t.tmpl = tmpl
	return t, nil
}

// compiler looks at each part of a template, and keeps the first problem.
type compiler struct {
	text    *text
	src     string
	inPath  bool
	problem *Problem
}

func (c *compiler) complain(n parse.Node, format string, args ...any) {
	if c.problem == nil {
		at := min(int(n.Position()), len(c.src))
		c.problem = &Problem{Line: 1 + strings.Count(c.src[:at], "\n"), Text: fmt.Sprintf(format, args...)}
	}
}

// list looks at a row of nodes and returns how often it writes the text.
func (c *compiler) list(l *parse.ListNode) (texts int) {
	if l == nil {
		return 0
	}
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.TextNode, *parse.CommentNode:
		case *parse.ActionNode:
			texts += c.pipe(n.Pipe)
			if c.inPath {
				escape := parse.NewIdentifier(escapePath).SetPos(n.Pos)
				n.Pipe.Cmds = append(n.Pipe.Cmds, &parse.CommandNode{NodeType: parse.NodeCommand, Args: []parse.Node{escape}})
			}
		case *parse.IfNode:
			c.pipe(n.Pipe)
			texts += max(c.list(n.List), c.list(n.ElseList))
		default:
			c.complain(n, "has more than fields, functions and {{if}}…{{else}}…{{end}}")
		}
	}
	return texts
}

// pipe looks at what is in one pair of braces.
func (c *compiler) pipe(p *parse.PipeNode) (texts int) {
	if len(p.Decl) > 0 {
		c.complain(p, "has a variable; there are only fields, such as {{.To}}")
	}
	for _, cmd := range p.Cmds {
		for _, arg := range cmd.Args {
			switch arg := arg.(type) {
			case *parse.FieldNode:
				name := strings.Join(arg.Ident, ".")
				if !slices.Contains(fieldNames, name) {
					c.complain(arg, "has no field .%s; there are %s", name, strings.Join(fieldNames, ", "))
				}
				c.text.uses[name] = true
				if name == "Text" {
					texts++
				}
			case *parse.IdentifierNode:
				if arg.Ident == escapePath {
					c.complain(arg, "has no function %s; there are %s", arg.Ident, strings.Join(functionNames, ", "))
				}
				c.text.calls[arg.Ident] = true
			case *parse.PipeNode:
				texts += c.pipe(arg)
			case *parse.StringNode, *parse.NumberNode, *parse.BoolNode:
			default:
				c.complain(arg, "has more than fields, functions and {{if}}…{{else}}…{{end}}")
			}
		}
	}
	return texts
}

// errLong ends the writing of what is beyond any budget.
var errLong = errors.New("the request is too long")

// bounded keeps at most max bytes.
type bounded struct {
	bytes.Buffer
	max int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > b.max {
		return 0, errLong
	}
	return b.Buffer.Write(p)
}

// write fills the template in. The error is errLong or tells of a function that was given what it can't take; it holds
// nothing of f.
func (t *text) write(f *fields, limit int) (string, error) {
	b := bounded{max: limit}
	if err := t.tmpl.Execute(&b, f); err != nil {
		if errors.Is(err, errLong) {
			return "", errLong
		}
		return "", errFill
	}
	return b.String(), nil
}

var errFill = errors.New("a function of the template was given what it can't take, such as a number for a text")
