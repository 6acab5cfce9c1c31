package deploy

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// root is the repository's folder.
const root = "../.."

// compose reads docker-compose.yml as `docker compose` does, with the environment file named, or none.
func compose(t *testing.T, envFile string, profiles ...string) *types.Project {
	t.Helper()
	opts := []cli.ProjectOptionsFn{cli.WithWorkingDirectory(root), cli.WithInterpolation(true), cli.WithResolvedPaths(true)}
	if envFile != "" {
		opts = append(opts, cli.WithEnvFiles(filepath.Join(root, envFile)), cli.WithDotEnv)
	}
	opts = append(opts, cli.WithDefaultProfiles(profiles...))
	o, err := cli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yml")}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	p, err := o.LoadProject(context.Background())
	if err != nil {
		t.Fatalf("docker-compose.yml: %v", err)
	}
	return p
}

func TestCompose_Services(t *testing.T) {
	everything := []string{"campaign", "callbacks", "gateways", "grafana", "postgres", "prometheus", "redis", "scheduler", "ui", "worker"}
	for _, c := range []struct {
		profiles []string
		without  []string
	}{
		{nil, []string{"campaign", "gateways", "grafana", "postgres", "prometheus"}},
		{[]string{"demo"}, []string{"grafana", "postgres", "prometheus"}},
		{[]string{"metrics"}, []string{"campaign", "gateways", "postgres"}},
		{[]string{"postgres"}, []string{"campaign", "gateways", "grafana", "prometheus"}},
		{[]string{"*"}, nil},
	} {
		got := compose(t, "", c.profiles...).ServiceNames()
		want := slices.DeleteFunc(slices.Clone(everything), func(s string) bool { return slices.Contains(c.without, s) })
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("profiles %v: %v, want %v", c.profiles, got, want)
		}
	}
}

// Whatever runs has few rights, a bound on its memory and on its log, and ports for this host alone.
func TestCompose_Limits(t *testing.T) {
	for name, s := range compose(t, "", "*").Services {
		if !s.ReadOnly {
			t.Errorf("%s: its root filesystem can be written to", name)
		}
		if !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s: it has rights that it does not need", name)
		}
		// The image of Volley and that of Grafana have a user of their own.
		if own := s.Build != nil || name == "grafana"; !own && (s.User == "" || s.User == "root" || s.User == "0") {
			t.Errorf("%s: it runs as root", name)
		}
		if s.MemLimit == 0 {
			t.Errorf("%s: it may take all memory", name)
		}
		if s.Logging == nil || s.Logging.Options["max-size"] == "" {
			t.Errorf("%s: its log grows for ever", name)
		}
		for _, p := range s.Ports {
			if p.HostIP != "127.0.0.1" {
				t.Errorf("%s: port %s is open to the network", name, p.Published)
			}
		}
		if long := s.Restart == "unless-stopped"; !long && name != "campaign" {
			t.Errorf("%s: it is not started again", name)
		}
		for _, v := range s.Volumes {
			if v.Type != types.VolumeTypeBind || strings.HasSuffix(v.Source, "/volley.yaml") || strings.HasSuffix(v.Source, "/ui-passwords") {
				continue // the operator's own
			}
			if _, err := os.Stat(v.Source); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	for _, name := range []string{"redis", "worker", "scheduler", "callbacks", "ui", "postgres"} {
		s := compose(t, "", "*").Services[name]
		if s.HealthCheck == nil || len(s.HealthCheck.Test) == 0 {
			t.Errorf("%s has no health check", name)
		}
		if s.StopGracePeriod == nil {
			t.Errorf("%s is killed after ten seconds", name)
		}
	}
}

var variable = regexp.MustCompile(`\$\{([A-Z_]+)\}`)

// The configurations made for the compose file find their variables in each role.
func TestCompose_Variables(t *testing.T) {
	services := compose(t, "").Services
	for _, file := range []string{"examples/compose.yaml", "examples/compose-demo.yaml"} {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range variable.FindAllStringSubmatch(string(text), -1) {
			for _, role := range []string{"worker", "scheduler", "callbacks", "ui"} {
				if _, ok := services[role].Environment[m[1]]; !ok {
					t.Errorf("%s has ${%s}, which the service %s is not given", file, m[1], role)
				}
			}
		}
	}
}
