package deploy

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
)

// stage starts services of the compose file as plain processes. What Docker does with names and networks is done with
// addresses: each service has one of its own on the loopback, and its name stands for that.
type stage struct {
	t       *testing.T
	project *types.Project
	hosts   map[string]string
}

// of is what a text means to a service.
func (s *stage) of(service types.ServiceConfig, text string) string {
	own := s.hosts[service.Name]
	// Gateways are in the network of the callbacks, and push to what is their own loopback there.
	text = strings.ReplaceAll(text, "//127.0.0.1:8080", "//"+s.hosts["callbacks"]+":8080")
	if before, ok := strings.CutPrefix(text, ":"); ok {
		text = own + ":" + before
	}
	text = strings.ReplaceAll(text, "127.0.0.1:", own+":")
	for name, host := range s.hosts {
		text = strings.ReplaceAll(text, "//"+name+":", "//"+host+":")
	}
	for _, v := range service.Volumes {
		if v.Type == types.VolumeTypeBind && v.Target != "" && strings.HasPrefix(text, v.Target) {
			return v.Source + strings.TrimPrefix(text, v.Target)
		}
	}
	return text
}

// command is how a service is run: program, arguments, environment.
func (s *stage) command(name string) (string, []string, []string) {
	service := s.project.Services[name]
	args := []string(service.Command)
	program := volley(s.t)
	if service.Build == nil {
		program, args = args[0], args[1:]
	}
	var out []string
	for _, a := range args {
		switch a {
		case "* -::*": // redis' word for everywhere
			a = s.hosts[name]
		case "/data":
			a = s.t.TempDir()
		}
		out = append(out, s.of(service, a))
	}
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.t.TempDir(), "TMPDIR=" + s.t.TempDir()}
	for k, v := range service.Environment {
		if v != nil {
			env = append(env, k+"="+s.of(service, *v))
		}
	}
	etc := s.t.TempDir()
	for _, v := range service.Volumes {
		rest, ok := strings.CutPrefix(v.Target, "/etc/volley/")
		if !ok {
			continue
		}
		text, err := os.ReadFile(v.Source)
		if err != nil {
			s.t.Fatal(err)
		}
		if rest == "volley.yaml" {
			text = []byte(s.of(service, string(text)))
			env = append(env, "VOLLEY_CONFIG="+filepath.Join(etc, rest))
		}
		if err := os.WriteFile(filepath.Join(etc, rest), text, 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	return program, out, env
}

func (s *stage) start(name string) *process {
	s.t.Helper()
	program, args, env := s.command(name)
	p := start(s.t, s.t.TempDir(), env, program, args...)
	health := s.project.Services[name].HealthCheck
	if health == nil {
		return p
	}
	until(s.t, name+" to be healthy", func() bool {
		check := []string(health.Test)
		if check[0] == "CMD-SHELL" { // redis' own
			return exec.Command("redis-cli", "-h", s.hosts[name], "ping").Run() == nil
		}
		var rest []string
		for _, a := range check[2:] {
			rest = append(rest, s.of(s.project.Services[name], a))
		}
		return exec.Command(volley(s.t), rest...).Run() == nil
	})
	return p
}

// The demo of the compose file sends its campaign and hears what became of it, with the environment that the file gives to
// each service.
func TestCompose_Demo(t *testing.T) {
	s := &stage{t: t, project: compose(t, "deploy/demo.env"), hosts: map[string]string{}}
	for name := range s.project.Services {
		s.hosts[name] = loopback(t)
	}
	s.hosts["gateways"] = s.hosts["callbacks"] // it has that service's network
	var processes []*process
	for _, name := range []string{"redis", "callbacks", "gateways", "worker", "scheduler", "ui"} {
		processes = append(processes, s.start(name))
	}

	program, args, env := s.command("campaign")
	ask := func(args ...string) map[string]any {
		t.Helper()
		cmd := exec.Command(program, append(args, "--json")...)
		cmd.Env = env
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("volley %s: %v\n%s", strings.Join(args, " "), err, err.(*exec.ExitError).Stderr)
		}
		var v map[string]any
		if err := json.Unmarshal(out, &v); err != nil {
			t.Fatalf("volley %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return v
	}
	job := ask(args...)["job_id"].(string)
	if again := ask(args...); again["job_id"] != job || again["duplicate_of_key"] != true {
		t.Errorf("a second start of the demo made the job %v", again["job_id"])
	}
	var counts map[string]any
	until(t, "the campaign to be delivered", func() bool {
		counts = ask("status", job)["counts"].(map[string]any)
		return counts["delivered"].(float64)+counts["undelivered"].(float64) > 1000*0.5 && counts["queued"].(float64)+counts["sending"].(float64) == 0
	})
	sum := 0.0
	for state, n := range counts {
		if state != "total" {
			sum += n.(float64)
		}
	}
	if sum != counts["total"] || counts["total"].(float64) < 1200 {
		t.Errorf("counts: %v", counts)
	}
	for i, p := range processes[1:] {
		if code := p.stop(t); code != 0 {
			t.Errorf("service %d: exit status %d", i+1, code)
		}
	}
}
