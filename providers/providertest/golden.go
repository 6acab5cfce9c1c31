package providertest

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/volleysms/volley/providers/providertest/gateway"
)

// Golden fails unless the request is, byte for byte, what the file says: method and path, the query a parameter a line, the
// headers that the adapter chose, and the body. Of an Authorization header the scheme alone is kept. With UPDATE_GOLDEN set
// in the environment the file is written instead.
func Golden(t testing.TB, file string, r gateway.Request) {
	t.Helper()
	got := written(r)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil { //nolint:gosec // a file of the repository
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; run the test with UPDATE_GOLDEN=1 to write it", err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%swant\n%s", file, got, want)
	}
}

// written returns a request as its golden file has it.
func written(r gateway.Request) string {
	path, query, _ := strings.Cut(r.URL, "?")
	var b strings.Builder
	b.WriteString(r.Method + " " + path + "\n")
	for i, parameter := range strings.Split(query, "&") {
		switch {
		case query == "":
		case i == 0:
			b.WriteString("    ?" + parameter + "\n")
		default:
			b.WriteString("    &" + parameter + "\n")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if name == "User-Agent" || name == "Accept-Encoding" { // net/http's own
			continue
		}
		for _, value := range r.Header[name] {
			if name == "Authorization" {
				scheme, _, _ := strings.Cut(value, " ")
				value = scheme + " ***"
			}
			b.WriteString(name + ": " + value + "\n")
		}
	}
	b.WriteString("\n")
	if len(r.Body) > 0 {
		b.Write(r.Body)
		b.WriteString("\n")
	}
	return b.String()
}
