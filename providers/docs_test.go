package providers_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// folders are where the tests are that docs/providers.md names, by the package's name there.
var folders = map[string]string{
	"mgage": "mgage", "ogangi": "ogangi", "gatewayapi": "gatewayapi", "mttm": "mttm", "http": "http",
	"gateway": "providertest/gateway", "config": "../internal/config",
}

// operations are what the gateways' documents name; each must be in a row that has a test.
var operations = map[string][]string{
	"mGage": {"`POST /api/gateway`", "`POST /api/externalMO`", "pushed by the gateway"},
	"Ogangi": {
		"tools/sendSMS/", "…/sendMT/", "tools/sendSMSPin", "fireMessage/", "tools/getMOMessages/", "tools/getMessage/", "pushed by the gateway",
	},
	"GatewayAPI": {
		"`POST /rest/mtsms`", "`GET /rest/mtsms/{id}`", "`DELETE /rest/mtsms/{id}`", "`GET /rest/me`", "`GET /rest/mosms`",
		"`GET /api/prices/list/sms/json`", "`POST /api/usage/labels`", "pushed by the gateway",
	},
	"GatewayAPI, `api: messaging`": {"`POST /mobile/single`", "`/mobile/multi`", "pushed by the gateway"},
	"MTTM": {
		"`POST /secure/send`", "`POST /secure/sendbatch`", "`GET /ping`", "`GET /secure/balance`", "`GET /secure/rate`", "`POST /send`", "`GET /send`",
		"pushed by the gateway",
	},
}

// untested are the rows that say that a gateway does not have something, or that Volley does not.
var untested = []string{
	"delivery reports", "export of what was sent", "status hook of the newer Messangi API", "number lookup, refunds, keywords",
}

type row struct {
	gateway, operation, request, state string
	tests                              []string // with their package and, after slashes, their subtests
}

var quoted = regexp.MustCompile("`([^`]+)`")

// table reads the first table of docs/providers.md.
func table(t *testing.T) (rows []row) {
	t.Helper()
	page, err := os.ReadFile("../docs/providers.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		switch {
		case len(cells) != 5 && len(rows) > 0:
			return rows
		case len(cells) != 5 || strings.Contains(cells[0], "---") || strings.TrimSpace(cells[0]) == "gateway":
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		r := row{gateway: cells[0], operation: cells[1], request: cells[2], state: cells[3]}
		pkg := ""
		for _, m := range quoted.FindAllStringSubmatch(cells[4], -1) {
			name := m[1]
			if before, after, ok := strings.Cut(name, "."); ok && folders[before] != "" {
				pkg, name = before, after
			}
			if sub, ok := strings.CutPrefix(name, "/"); ok && len(r.tests) > 0 {
				last := r.tests[len(r.tests)-1]
				name = last[strings.Index(last, ".")+1:strings.LastIndex(last, "/")] + "/" + sub
			}
			r.tests = append(r.tests, pkg+"."+name)
		}
		rows = append(rows, r)
	}
	return rows
}

// source is what the test files of a folder have.
type source struct {
	funcs   map[string]bool
	strings []string // literals, and the names of samples without their ending
}

func read(t *testing.T, folder string) source {
	t.Helper()
	s := source{funcs: map[string]bool{}}
	files, _ := filepath.Glob(filepath.Join(folder, "*_test.go"))
	for _, file := range append(files, "providertest/suite.go") { // which names the cases of TestConformance
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				s.funcs[n.Name.Name] = n.Recv == nil && file != "providertest/suite.go"
			case *ast.BasicLit:
				if v, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					s.strings = append(s.strings, v)
				}
			}
			return true
		})
	}
	_ = filepath.WalkDir(filepath.Join(folder, "testdata"), func(path string, _ os.DirEntry, err error) error {
		if err == nil {
			name := filepath.Base(path)
			s.strings = append(s.strings, name, strings.TrimSuffix(name, filepath.Ext(name)))
		}
		return err
	})
	return s
}

// has reports whether a subtest of that name is somewhere in the source, as a text or with a file's beginning.
func (s source) has(sub string) bool {
	return slices.ContainsFunc(s.strings, func(v string) bool {
		return v == sub || strings.ReplaceAll(v, " ", "_") == sub || strings.HasSuffix(v, "-"+sub)
	})
}

// TestDocs_TestsOfTheTableExist: each operation in the table of docs/providers.md has a test, and each test that it names is
// in the source.
func TestDocs_TestsOfTheTableExist(t *testing.T) {
	sources := map[string]source{}
	rows := table(t)
	if len(rows) < 50 {
		t.Fatalf("the table has %d rows", len(rows))
	}
	for _, r := range rows {
		if len(r.tests) == 0 && !slices.Contains(untested, r.operation) {
			t.Errorf("%s, %s: no test", r.gateway, r.operation)
		}
		for _, test := range r.tests {
			pkg, name, _ := strings.Cut(test, ".")
			if folders[pkg] == "" {
				t.Errorf("%s, %s: %s is of no package that is known here", r.gateway, r.operation, test)
				continue
			}
			if _, ok := sources[pkg]; !ok {
				sources[pkg] = read(t, folders[pkg])
			}
			parts := strings.Split(name, "/")
			if !sources[pkg].funcs[parts[0]] {
				t.Errorf("%s, %s: there is no %s", r.gateway, r.operation, test)
			}
			for _, sub := range parts[1:] {
				if !sources[pkg].has(sub) {
					t.Errorf("%s, %s: %s has no %s", r.gateway, r.operation, test, sub)
				}
			}
		}
	}
}

// TestDocs_OperationsAreInTheTable: what the gateways' documents name has a row with a test.
func TestDocs_OperationsAreInTheTable(t *testing.T) {
	rows := table(t)
	for gateway, requests := range operations {
		for _, request := range requests {
			if !slices.ContainsFunc(rows, func(r row) bool {
				return r.gateway == gateway && len(r.tests) > 0 && strings.Contains(r.request, request)
			}) {
				t.Errorf("%s: no row with a test has %s", gateway, request)
			}
		}
	}
}

// casesOf reads what the tests of an adapter say in their map of cases, and fails where there is none.
func casesOf(t *testing.T, folder string) map[string]string {
	t.Helper()
	found := map[string]string{}
	files, _ := filepath.Glob(filepath.Join(folder, "*_test.go"))
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok || v.Names[0].Name != "cases" {
				return true
			}
			ast.Inspect(v, func(n ast.Node) bool {
				if kv, ok := n.(*ast.KeyValueExpr); ok {
					key, _ := strconv.Unquote(kv.Key.(*ast.BasicLit).Value)
					found[key] = kv.Value.(*ast.BasicLit).Value
				}
				return true
			})
			return false
		})
	}
	if len(found) == 0 {
		t.Errorf("%s: no test says how many cases of the suite there are", folder)
	}
	return found
}

// TestDocs_CasesAreCounted: docs/providers.md says of each adapter how many cases of the suite look at it, which the suite
// holds the adapter's own test to, and these are forty or more.
func TestDocs_CasesAreCounted(t *testing.T) {
	page, err := os.ReadFile("../docs/providers.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "| adapter | in the test | cases |")
	section, _, _ = strings.Cut(section, "\n\n")
	said := map[string]map[string]string{}
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 3 || strings.Contains(cells[0], "---") {
			continue
		}
		adapter, _, _ := strings.Cut(strings.TrimSpace(cells[0]), ",")
		for _, m := range quoted.FindAllStringSubmatch(cells[1], -1) {
			if said[adapter] == nil {
				said[adapter] = map[string]string{}
			}
			said[adapter][m[1]] = strings.TrimSpace(cells[2])
		}
	}
	for _, adapter := range []string{"mgage", "ogangi", "gatewayapi", "mttm", "http"} {
		counted := casesOf(t, adapter)
		if !maps.Equal(said[adapter], counted) {
			t.Errorf("%s: the page says %v, the tests %v", adapter, said[adapter], counted)
		}
		for name, n := range counted {
			if n, err := strconv.Atoi(n); err != nil || n < 40 {
				t.Errorf("%s, %s: %d cases, want 40 or more", adapter, name, n)
			}
		}
	}
}
