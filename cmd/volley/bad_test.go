package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBadUsage(t *testing.T) {
	c := newCLI(t)
	good := c.write("good.csv", "to,name\n12125550100,Ann\n")
	job := []string{"--via", "gatewayapi", "--from", "Acme", "--text", "Hi"}
	send := func(args ...string) []string { return append([]string{"send"}, args...) }
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"an unknown command", []string{"sned"}, `unknown command "sned"; did you mean send?`},
		{"an unknown flag", send("--foo"), "unknown flag: --foo; see volley send --help"},
		{"no flags", send(), `required flag(s) "text", "to", "via" not set; see volley send --help`},
		{"an argument too many", append(send("x", "--to", "12125550100"), job...), `send takes no argument, and got "x"`},
		{"an unknown account", send("--via", "nowhere", "--text", "x", "--to", "12125550100"), `--via "nowhere" is no account and no route`},
		{"an empty text", send("--via", "mttm", "--text", "", "--to", "12125550100"), "--text "},
		{"a field and no fields", send("--via", "mttm", "--text", "Hi {{name}}", "--to", "12125550100"), `--text asks for the field "name"`},
		{"a sender that is too long", send("--via", "mttm", "--from", "TwelveLetter", "--text", "x", "--to", "12125550100"), "--from "},
		{"no number", append(send("--to", ""), job...), "no valid recipient: nothing was enqueued"},
		{"no valid number", append(send("--to", "abc"), job...), "no valid recipient: nothing was enqueued"},
		{"a time that is none", append(send("--to", "12125550100", "--at", "soon"), job...), `--at: the time "soon" is none of RFC 3339`},
		{"a time that has passed", append(send("--to", "12125550100", "--at", "2001-01-01 00:00:00"), job...), "--at 2001-01-01T00:00:00Z has passed"},
		{"a time too far ahead", append(send("--to", "12125550100", "--at", "2999-01-01T00:00:00Z"), job...), "--at is more than two years ahead"},
		{"an unknown zone", append(send("--to", "12125550100", "--at", "2030-01-01 00:00:00", "--tz", "Moon"), job...), `--tz "Moon" is no time zone`},
		{"a zone and no time", append(send("--to", "12125550100", "--tz", "UTC"), job...), "there is no --at"},
		{"a time and a delay", append(send("--to", "12125550100", "--at", "1h", "--delay", "1h"), job...), "[at delay]"},
		{"a delay that is none", append(send("--to", "12125550100", "--delay", "soon"), job...), `invalid argument "soon" for "--delay"`},
		{"a negative delay", append(send("--to", "12125550100", "--delay=-1s"), job...), "--delay must not be negative"},
		{"no file", append([]string{"import"}, job...), "import needs a FILE,"},
		{"a file that is not there", append([]string{"import", "nowhere.csv"}, job...), "nowhere.csv can't be read: no such file"},
		{"a folder", append([]string{"import", c.dir}, job...), "it is a directory"},
		{"a delimiter of two characters", append([]string{"import", good, "--delimiter", ";;"}, job...), "--delimiter is one character"},
		{"no job to tell of", []string{"outcomes"}, "outcomes needs a JOB"},
		{"an unknown format", []string{"outcomes", "x", "--format", "xml"}, `--format is csv or ndjson, and not "xml"`},
		{"an unknown state", []string{"outcomes", "x", "--status", "lost"}, `--status "lost" is no state: there are queued, sending`},
		{"two jobs", []string{"status", "x", "y"}, "status takes one argument at most"},
		{"an unknown account to serve", []string{"worker", "--accounts", "nowhere"}, `there is no account "nowhere"`},
		{"an unknown account to check", []string{"accounts", "check", "nowhere"}, `there is no account "nowhere"`},
		{"an unknown word about accounts", []string{"accounts", "chekc"}, `did you mean check?`},
		{"a fault that is none", []string{"simulate", "--fault", "sulk"}, `--fault: fault "sulk"`},
		{"a fault of nobody", []string{"simulate", "--fault", "acme/503"}, `there is no simulated "acme"`},
		{"simulators for everybody", []string{"simulate", "--listen", "0.0.0.0:0"}, "--listen is an address on the loopback"},
		{"an unknown level", []string{"version", "--log-level", "loud"}, "--log-level is debug, info, warn, error or off"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := c.run(tt.args...)
			if a.code != exitInvalid {
				t.Errorf("exit status %d, want 2", a.code)
			}
			if !strings.Contains(a.stderr, tt.want) {
				t.Errorf("standard error %q, want %q in it", a.stderr, tt.want)
			}
			if last := lastLine(a.stderr); !strings.HasPrefix(last, "volley: ") {
				t.Errorf("the last line is %q, and should be the sentence", last)
			}
			if strings.Contains(a.stderr, "Usage:") || a.stdout != "" {
				t.Errorf("more than a sentence: %q and %q", a.stdout, a.stderr)
			}
			c.untouched()
		})
	}
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return lines[len(lines)-1]
}

func TestBadConfig(t *testing.T) {
	c := newCLI(t)
	tests := []struct{ name, content, want string }{
		{"an unknown key", "redis:\n  url: redis://127.0.0.1:1/0\n  pasword: x\n", "redis.pasword"},
		{"not YAML", "redis: [", "is not YAML"},
		{"nothing", "", "is empty"},
		{"a variable that is not set", "redis:\n  url: ${VOLLEY_TEST_NOT_SET}\n", "${VOLLEY_TEST_NOT_SET} is not set"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c.file = c.write("bad.yaml", tt.content)
			a := c.run("status")
			if a.code != exitInvalid || !strings.Contains(a.stderr, tt.want) {
				t.Errorf("exit status %d and %q, want 2 and %q", a.code, a.stderr, tt.want)
			}
			if n := strings.Count(a.stderr, "\n"); n != 1 {
				t.Errorf("%d lines, want one:\n%s", n, a.stderr)
			}
		})
	}
	t.Run("no file", func(t *testing.T) {
		c.file = filepath.Join(c.dir, "nowhere.yaml")
		if a := c.run("status"); a.code != exitInvalid || !strings.Contains(a.stderr, "name a configuration file with --config") {
			t.Errorf("exit status %d and %q", a.code, a.stderr)
		}
	})
}

func TestConfigFromEnvironment(t *testing.T) {
	c := newCLI(t)
	t.Setenv("VOLLEY_CONFIG", c.file)
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"accounts"}, os.Stdin, &out, &errs); code != exitDone {
		t.Errorf("exit status %d: %s", code, errs.String())
	}
}

func TestRedisUnfit(t *testing.T) {
	const password = "example-redis-password"
	commands := map[string][]string{
		"send":     {"send", "--via", "mttm", "--text", "Hi", "--to", "12125550100"},
		"status":   {"status"},
		"outcomes": {"outcomes", "x"},
		"worker":   {"worker"},
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	mute := l.Addr().String() // takes connections, and never answers

	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := gone.Addr().String()
	gone.Close()

	for command, args := range commands {
		for state, addr := range map[string]string{"refuses": refused, "is mute": mute} {
			t.Run(command+" when Redis "+state, func(t *testing.T) {
				t.Parallel()
				c := newCLI(t)
				c.file = c.write("volley.yaml", c.sims.yaml(fmt.Sprintf("redis://:%s@%s/0", password, addr)))
				a := c.run(args...)
				if a.code != exitFailed {
					t.Errorf("exit status %d, want 1", a.code)
				}
				if want := "Redis at " + addr + " does not answer"; !strings.Contains(a.stderr, want) {
					t.Errorf("standard error %q, want %q in it", a.stderr, want)
				}
				if strings.Contains(a.stderr, password) {
					t.Error("the password is in the sentence")
				}
				if strings.Count(a.stderr, "\n") != 1 {
					t.Errorf("more than a sentence:\n%s", a.stderr)
				}
			})
		}
	}
}

func TestUnknownJob(t *testing.T) {
	c := newCLI(t)
	for _, command := range []string{"status", "outcomes"} {
		t.Run(command, func(t *testing.T) {
			a := c.run(command, "0197c1b2-7a4e-7000-8000-000000000000", "--json")
			if a.code != exitFailed || a.stdout != "" || !strings.Contains(a.stderr, "volley status lists the latest") {
				t.Errorf("exit status %d, %q and %q", a.code, a.stdout, a.stderr)
			}
		})
	}
}
