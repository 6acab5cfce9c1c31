package observe_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/volleysms/volley/e2e/world"
)

func TestMain(m *testing.M) { world.Main(m) }

const (
	root  = "../../"
	rules = root + "deploy/prometheus/volley.rules.yml"
)

// promtool runs Debian's promtool in deploy/prometheus.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "promtool", args...)
	cmd.Dir = root + "deploy/prometheus"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestRules(t *testing.T) {
	promtool(t, "check", "config", "prometheus.yml")
	promtool(t, "check", "config", "one-machine.yml")
	promtool(t, "check", "rules", "--lint=all", "--lint-fatal", "volley.rules.yml")
	promtool(t, "test", "rules", "volley.rules_test.yml")
}

// ruleFile is a file of alert rules.
type ruleFile struct {
	Groups []struct {
		Name  string `yaml:"name"`
		Rules []rule `yaml:"rules"`
	} `yaml:"groups"`
}

type rule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for,omitempty"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func alerts(t *testing.T) []rule {
	t.Helper()
	var f ruleFile
	if err := yaml.Unmarshal(read(t, rules), &f); err != nil {
		t.Fatal(err)
	}
	if len(f.Groups) != 1 || len(f.Groups[0].Rules) < 20 {
		t.Fatalf("the rules are not there: %+v", f)
	}
	return f.Groups[0].Rules
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestRules_EachIsTestedAndHasAPage: no alert without a test that sees it fire, and no page without an alert.
func TestRules_EachIsTestedAndHasAPage(t *testing.T) {
	tests := string(read(t, root+"deploy/prometheus/volley.rules_test.yml"))
	pages := map[string]bool{}
	for _, a := range alerts(t) {
		if !strings.Contains(tests, a.Alert+`",alertstate="firing",`) && !strings.Contains(tests, "alertname: "+a.Alert+"\n        exp_alerts:\n") {
			t.Errorf("no test sees %s fire", a.Alert)
		}
		if s := a.Labels["severity"]; s != "page" && s != "ticket" {
			t.Errorf("%s has the severity %q", a.Alert, s)
		}
		page, found := strings.CutPrefix(a.Annotations["runbook_url"], "https://github.com/volleysms/volley/blob/main/docs/runbooks/")
		if !found {
			t.Errorf("%s has no page: %q", a.Alert, a.Annotations["runbook_url"])
			continue
		}
		pages[page] = true
		text := string(read(t, root+"docs/runbooks/"+page))
		for _, want := range []string{"Alert `" + a.Alert + "`", "## What it means", "## Look", "## Do"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %q", page, want)
			}
		}
	}
	files, err := filepath.Glob(root + "docs/runbooks/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !pages[filepath.Base(f)] {
			t.Errorf("%s belongs to no alert", f)
		}
	}
}

// TestRunbooks_CommandsExist asks volley for the help of every command that a page tells somebody to type.
func TestRunbooks_CommandsExist(t *testing.T) {
	files, err := filepath.Glob(root + "docs/runbooks/*.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := map[string]bool{}
	for _, f := range files {
		for _, m := range regexp.MustCompile("(?m)(?:^|`)volley ([a-z][^`#\n]*)").FindAllStringSubmatch(string(read(t, f)), -1) {
			var words, flags []string
			for w := range strings.FieldsSeq(m[1]) {
				switch {
				case strings.HasPrefix(w, "--"):
					flags = append(flags, w)
				case len(flags) == 0 && regexp.MustCompile(`^[a-z][a-z-]*$`).MatchString(w):
					words = append(words, w)
				}
			}
			commands[strings.Join(append(words, flags...), " ")] = true
		}
	}
	if len(commands) < 10 {
		t.Fatalf("the pages have only the commands %v", commands)
	}
	for c := range commands {
		var args, flags []string
		for w := range strings.FieldsSeq(c) {
			if strings.HasPrefix(w, "--") {
				flags = append(flags, w)
			} else {
				args = append(args, w)
			}
		}
		out, err := exec.CommandContext(t.Context(), world.Binary(t), append(args, "--help")...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "volley "+strings.Join(args, " ")) {
			t.Errorf("volley %s: %v", c, err)
		}
		for _, f := range flags {
			if !strings.Contains(string(out), f) {
				t.Errorf("volley %s has no %s", strings.Join(args, " "), f)
			}
		}
	}
}

// series are the names of series that docs/metrics.md promises.
func series(t *testing.T) map[string]bool {
	t.Helper()
	out := map[string]bool{"up": true}
	for _, m := range regexp.MustCompile("(?m)^\\| `(volley_[a-z_]+)` \\| ([a-z]+) \\|").FindAllStringSubmatch(string(read(t, root+"docs/metrics.md")), -1) {
		if m[2] != "histogram" {
			out[m[1]] = true
			continue
		}
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			out[m[1]+suffix] = true
		}
	}
	return out
}

var metricName = regexp.MustCompile(`\b(?:volley_[a-z_]+|up)\b`)

// board is what is looked at of a Grafana board.
type board struct {
	UID           string  `json:"uid"`
	Title         string  `json:"title"`
	SchemaVersion int     `json:"schemaVersion"`
	Panels        []panel `json:"panels"`
	Templating    struct {
		List []struct {
			Name, Type, Query any
			Definition        string `json:"definition"`
		} `json:"list"`
	} `json:"templating"`
}

type panel struct {
	ID          int    `json:"id"`
	Type        string `json:"type"`
	Title       string `json:"title"`
	Description string `json:"description"`
	GridPos     struct {
		X, Y, W, H int
	} `json:"gridPos"`
	Datasource  struct{ Type, UID string } `json:"datasource"`
	FieldConfig struct {
		Defaults struct {
			Unit string `json:"unit"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
	Targets []struct {
		Expr         string `json:"expr"`
		RefID        string `json:"refId"`
		LegendFormat string `json:"legendFormat"`
		Datasource   struct{ Type, UID string }
	} `json:"targets"`
}

func boards(t *testing.T) map[string]board {
	t.Helper()
	files, err := filepath.Glob(root + "deploy/grafana/*.json")
	if err != nil || len(files) < 3 {
		t.Fatalf("%d boards, %v", len(files), err)
	}
	out := map[string]board{}
	for _, f := range files {
		var b board
		if err := json.Unmarshal(read(t, f), &b); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		out[filepath.Base(f)] = b
	}
	return out
}

func TestBoards(t *testing.T) {
	uids := map[string]bool{}
	for name, b := range boards(t) {
		if b.SchemaVersion < 36 || b.Title == "" || b.UID == "" || uids[b.UID] {
			t.Errorf("%s: schema %d, title %q, uid %q", name, b.SchemaVersion, b.Title, b.UID)
		}
		uids[b.UID] = true
		if len(b.Templating.List) == 0 || b.Templating.List[0].Name != "datasource" || b.Templating.List[0].Type != "datasource" || b.Templating.List[0].Query != "prometheus" {
			t.Errorf("%s does not ask for a data source: %+v", name, b.Templating.List)
		}
		ids, taken := map[int]bool{}, map[[2]int]string{}
		for _, p := range b.Panels {
			if p.ID == 0 || ids[p.ID] {
				t.Errorf("%s: %q has the id %d", name, p.Title, p.ID)
			}
			ids[p.ID] = true
			if p.GridPos.W < 1 || p.GridPos.X+p.GridPos.W > 24 || p.GridPos.H < 1 {
				t.Errorf("%s: %q is at %+v", name, p.Title, p.GridPos)
			}
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					if other := taken[[2]int{x, y}]; other != "" {
						t.Fatalf("%s: %q lies on %q", name, p.Title, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
			if p.Type == "row" {
				continue
			}
			if p.FieldConfig.Defaults.Unit == "" || p.Description == "" || p.Title == "" || p.Datasource.UID != "${datasource}" || len(p.Targets) == 0 {
				t.Errorf("%s: %q has the unit %q, the description %q and the data source %q", name, p.Title, p.FieldConfig.Defaults.Unit, p.Description, p.Datasource.UID)
			}
			for _, q := range p.Targets {
				if q.Expr == "" || q.RefID == "" || q.Datasource.UID != "${datasource}" {
					t.Errorf("%s: %q asks %+v", name, p.Title, q)
				}
			}
		}
	}
}

// TestBoardsAndRules_AskForWhatThereIs: every metric in them exists, every metric there is has a place in one, and promtool can
// read every expression.
func TestBoardsAndRules_AskForWhatThereIs(t *testing.T) {
	known, used := series(t), map[string]bool{}
	ask := func(where, expr string) {
		t.Helper()
		names := metricName.FindAllString(expr, -1)
		if len(names) == 0 {
			t.Errorf("%s asks for nothing of ours: %s", where, expr)
		}
		for _, n := range names {
			if !known[n] {
				t.Errorf("%s asks for %s, which docs/metrics.md does not have", where, n)
			}
			used[n] = true
		}
	}
	for _, a := range alerts(t) {
		ask(a.Alert, a.Expr)
	}
	var exprs []rule
	fill := strings.NewReplacer("$__rate_interval", "5m", "$account", ".*", "$__interval", "1m")
	for name, b := range boards(t) {
		for _, p := range b.Panels {
			for _, q := range p.Targets {
				ask(name+", "+p.Title, q.Expr)
				exprs = append(exprs, rule{Alert: fmt.Sprintf("E%d", len(exprs)), Expr: fill.Replace(q.Expr)})
			}
		}
		for _, v := range b.Templating.List {
			if v.Type == "query" {
				ask(name+", variable", v.Definition)
			}
		}
	}
	file := ruleFile{}
	file.Groups = append(file.Groups, struct {
		Name  string `yaml:"name"`
		Rules []rule `yaml:"rules"`
	}{"boards", exprs})
	packed, err := yaml.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "boards.yml")
	if err := os.WriteFile(path, packed, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", path)
	for _, n := range slices.Sorted(maps.Keys(known)) {
		base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(n, "_bucket"), "_sum"), "_count")
		if !used[n] && !used[base+"_bucket"] && !unseen[n] {
			t.Errorf("%s is on no board and in no rule", n)
		}
	}
}

// unseen are metrics that only a person asks for, who follows a runbook.
var unseen = map[string]bool{
	"volley_archive_rows_total": true, "volley_archive_batches_total": true, "volley_archive_failures_total": true, "volley_books_clean": true,
}
