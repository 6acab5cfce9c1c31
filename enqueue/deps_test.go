package enqueue_test

import (
	"os/exec"
	"strings"
	"testing"
)

// What applications must not get with this package.
func TestDependenciesAreLight(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "github.com/volleysms/volley/enqueue").Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	if len(deps) < 20 {
		t.Fatalf("go list says only %v", deps)
	}
	for _, heavy := range []string{
		"testing/", "github.com/alicebob/", "github.com/jackc/", "github.com/nyaruka/", "github.com/prometheus/", "github.com/schollz/",
		"github.com/spf13/cobra/", "github.com/spf13/pflag/", "go.uber.org/zap/", "gopkg.in/", "pgregory.net/",
		"github.com/volleysms/volley/enqueue/enqueuetest/", "github.com/volleysms/volley/internal/httpc/",
		"github.com/volleysms/volley/providers/", "github.com/volleysms/volley/scheduler/", "github.com/volleysms/volley/worker/",
	} {
		for _, dep := range deps {
			if strings.HasPrefix(dep+"/", heavy) {
				t.Errorf("it brings %s", dep)
			}
		}
	}
}
