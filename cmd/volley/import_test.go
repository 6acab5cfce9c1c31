package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/volleysms/volley/enqueue"
)

// imported imports a file for gatewayapi and returns the receipt.
func (c *cli) imported(content string, args ...string) enqueue.Receipt {
	c.t.Helper()
	var r enqueue.Receipt
	args = append([]string{"import", c.write("campaign.csv", content), "--via", "gatewayapi", "--from", "Acme", "--json"}, args...)
	c.must(args...).json(&r)
	return r
}

// found are the outcomes of a job, by number.
func (c *cli) found(job string) map[string]enqueue.Outcome {
	c.t.Helper()
	out := map[string]enqueue.Outcome{}
	d := json.NewDecoder(strings.NewReader(c.must("outcomes", job, "--json").stdout))
	for d.More() {
		var o enqueue.Outcome
		if err := d.Decode(&o); err != nil {
			c.t.Fatal(err)
		}
		out[o.To] = o
	}
	return out
}

func TestImport(t *testing.T) {
	tests := []struct {
		name, content string
		args          []string
		want          []string // the numbers that are enqueued
	}{
		{"a column called to", "name,to\nAnn,12125550100\nBo,12125550101\n", nil, []string{"12125550100", "12125550101"}},
		{"a byte order mark", "\ufeffto\n12125550100\n", nil, []string{"12125550100"}},
		{"line ends of Windows, and none at the end", "to,name\r\n12125550100,Ann\r\n12125550101,Bo", nil, []string{"12125550100", "12125550101"}},
		{"empty lines", "to\n\n12125550100\n\n\n12125550101\n", nil, []string{"12125550100", "12125550101"}},
		{"quotes, commas and line breaks within", "to,name\n12125550100,\"Ann \"\"A\"\", x\ny\"\n", nil, []string{"12125550100"}},
		{"another name for the numbers", "name,Mobile\nAnn,12125550100\n", nil, []string{"12125550100"}},
		{"to goes before other names", "phone,to\n12125550199,12125550100\n", nil, []string{"12125550100"}},
		{"a column that is named", "phone,mobile\n12125550199,12125550100\n", []string{"--to-column", "mobile"}, []string{"12125550100"}},
		{"semicolons", "to;name\n12125550100;Ann\n", []string{"--delimiter", ";"}, []string{"12125550100"}},
		{"tabs", "to\tname\n12125550100\tAnn\n", []string{"--delimiter", `\t`}, []string{"12125550100"}},
		{"blanks around a column's name", "to , name\n12125550100,Ann\n", nil, []string{"12125550100"}},
		{"repeated numbers", "to\n12125550100\n+1 212 555 0100\n", nil, []string{"12125550100"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newCLI(t)
			r := c.imported(tt.content, append([]string{"--text", "Hi"}, tt.args...)...)
			found := c.found(r.JobID)
			if int(r.Queued) != len(tt.want) || len(found) != len(tt.want) {
				t.Errorf("%d queued, outcomes %v, want %v", r.Queued, found, tt.want)
			}
			for _, n := range tt.want {
				if found[n].Status != "queued" {
					t.Errorf("%s is %q", n, found[n].Status)
				}
			}
		})
	}

	t.Run("StandardInput", func(t *testing.T) {
		c := newCLI(t)
		a := c.pipe("to\n12125550100\n", "import", "-", "--via", "mttm", "--text", "Hi", "--json")
		var r enqueue.Receipt
		a.json(&r)
		wantKeys(t, a.stdout, receiptKeys...)
		if a.code != exitDone || r.Queued != 1 {
			t.Errorf("exit status %d: %+v, %s", a.code, r, a.stderr)
		}
	})
	t.Run("RefIsGivenBack", func(t *testing.T) {
		c := newCLI(t)
		r := c.imported("to,ref,id\n12125550100,r1,i1\n", "--text", "Hi")
		if got := c.found(r.JobID)["12125550100"].Ref; got != "r1" {
			t.Errorf("ref is %q", got)
		}
		r = c.imported("to,ref,id\n12125550100,r1,i1\n", "--text", "Hi", "--ref-column", "id")
		if got := c.found(r.JobID)["12125550100"].Ref; got != "i1" {
			t.Errorf("ref is %q", got)
		}
	})
	t.Run("RefusedRowsAreToldByTheirPlaceInTheFile", func(t *testing.T) {
		c := newCLI(t)
		var b strings.Builder
		b.WriteString("to\n12125550100\n")
		for i := range 12 {
			fmt.Fprintf(&b, "bad%d\n", i)
		}
		a := c.must("import", c.write("x.csv", b.String()), "--via", "mttm", "--text", "Hi")
		if !strings.Contains(a.stderr, `refused: row 3: "bad0": `) || !strings.Contains(a.stderr, `row 12: "bad9"`) || strings.Contains(a.stderr, "bad10") {
			t.Errorf("standard error is:\n%s", a.stderr)
		}
		if !strings.Contains(a.stderr, "and 2 more: volley outcomes ") || !strings.Contains(a.stderr, " --status rejected") {
			t.Errorf("the others are not told:\n%s", a.stderr)
		}
		if !strings.Contains(a.stdout, "refused") || !strings.Contains(a.stdout, "12") {
			t.Errorf("standard output is:\n%s", a.stdout)
		}
	})
	t.Run("NoValidRowStillHasAReceipt", func(t *testing.T) {
		c := newCLI(t)
		a := c.run("import", c.write("x.csv", "to\nabc\n"), "--via", "mttm", "--text", "Hi", "--json")
		var r enqueue.Receipt
		a.json(&r)
		if a.code != exitInvalid || r.RefusedCount != 1 {
			t.Errorf("exit status %d: %+v", a.code, r)
		}
		c.untouched()
	})
	t.Run("RowsThatCantBeReadAreRefused", func(t *testing.T) {
		c := newCLI(t)
		left := filepath.Join(c.dir, "left.csv")
		r := c.imported("name,to\nAnn,12125550100\nBo\n\nCy,12125550101,x\nDi,x\nEd,+12125550100\n", "--text", "Hi", "--refused", left)
		if r.Queued != 1 || r.RefusedCount != 3 || r.Duplicates != 1 {
			t.Errorf("got %+v", r)
		}
		got, err := os.ReadFile(left)
		if want := "row,value,reason\n3,,\"its number of columns is 1, and the header's is 2\"\n" +
			"5,12125550101,\"its number of columns is 3, and the header's is 2\"\n6,x,has letters; write it in digits\n" +
			"7,+12125550100,duplicate: its number stands in a row before\n"; err != nil || string(got) != want {
			t.Errorf("got %s, %v", got, err)
		}
		for _, o := range c.found(r.JobID) {
			if o.To == "12125550101" && (o.Status != "rejected" || o.Row != 5) {
				t.Errorf("got %+v", o)
			}
		}
	})
	t.Run("TheRefusedFile", func(t *testing.T) {
		c := newCLI(t)
		file, left := c.write("x.csv", "to\n12125550100\nx\n"), filepath.Join(c.dir, "left.csv")
		args := []string{"import", file, "--via", "mttm", "--text", "Hi", "--refused"}
		if a := c.must(append(args, left)...); !strings.Contains(a.stderr, "1 row left out, with the reasons: "+left) {
			t.Errorf("standard error is:\n%s", a.stderr)
		}
		if a := c.run(append(args, file)...); a.code != exitInvalid || !strings.Contains(a.stderr, "is the campaign itself") {
			t.Errorf("exit status %d: %s", a.code, a.stderr)
		}
		if a := c.run(append(args, filepath.Join(c.dir, "no", "left.csv"))...); a.code != exitFailed || !strings.Contains(a.stderr, "can't be written: no such file or directory") {
			t.Errorf("exit status %d: %s", a.code, a.stderr)
		}
		if _, err := os.Stat("/dev/full"); err == nil {
			a := c.run(append(args, "/dev/full", "--label", "full")...)
			if a.code != exitFailed || !strings.Contains(a.stderr, "/dev/full can't be written: no space left on device") || !strings.Contains(a.stdout, "job") {
				t.Errorf("exit status %d: %s%s", a.code, a.stdout, a.stderr)
			}
		}
	})
	t.Run("WhatWasImportedIsNotImportedTwice", func(t *testing.T) {
		c := newCLI(t)
		const content = "to\n12125550100\nx\n"
		first, second := c.imported(content, "--text", "Hi"), c.imported(content, "--text", "Hi")
		if first.Duplicate || !second.Duplicate || second.JobID != first.JobID {
			t.Errorf("got %+v, and then %+v", first, second)
		}
		a := c.must("import", c.write("moved.csv", content), "--via", "gatewayapi", "--from", "Acme", "--text", "Hi")
		if !strings.Contains(a.stderr, "imported with these options before, as job "+first.JobID+" at ") || !strings.Contains(a.stderr, "--again sends it once more") {
			t.Errorf("standard error is:\n%s", a.stderr)
		}
		jobs := map[string]bool{first.JobID: true}
		for _, args := range [][]string{
			{"--text", "Hi", "--again"}, {"--text", "Hi", "--again"}, {"--text", "Ho"}, {"--text", "Hi", "--label", "x"}, {"--text", "Hi", "--key", "k"},
		} {
			r := c.imported(content, args...)
			if r.Duplicate || jobs[r.JobID] {
				t.Errorf("%q: got %+v", args, r)
			}
			jobs[r.JobID] = true
		}
		other := c.imported("to\n12125550101\n", "--text", "Hi")
		if other.Duplicate {
			t.Errorf("another file: got %+v", other)
		}
		if last := c.imported(content, "--text", "Hi"); !last.Duplicate || !jobs[last.JobID] || last.JobID == first.JobID {
			t.Errorf("after --again: got %+v", last)
		}
		if a := c.pipe(content, "import", "-", "--via", "mttm", "--text", "Hi", "--again"); a.code != exitInvalid || !strings.Contains(a.stderr, "--again is for files that can be read twice, and not for standard input") {
			t.Errorf("exit status %d: %s", a.code, a.stderr)
		}
	})
	t.Run("OtherFormats", func(t *testing.T) {
		c := newCLI(t)
		var zipped bytes.Buffer
		w := gzip.NewWriter(&zipped)
		_, _ = io.WriteString(w, "{\"to\":\"12125550100\",\"name\":\"Ann\"}\n{\"to\":12125550101,\"name\":7}\n[]\n")
		w.Close()
		for name, content := range map[string]string{
			"x.ndjson.gz": zipped.String(), "x.tsv": "to\tname\n12125550100\tAnn\n12125550101\tBo\nx\ty\n", "x.csv --encoding latin1": "to,name\n12125550100,\xc5se\n12125550101,x\n,\n",
		} {
			name, encoding, _ := strings.Cut(name, " ")
			args := append([]string{"import", c.write(name, content), "--via", "gatewayapi", "--from", "Acme", "--text", "Hi {{name}}", "--json"}, strings.Fields(encoding)...)
			var r enqueue.Receipt
			c.must(args...).json(&r)
			if r.Queued != 2 || r.RefusedCount != 1 {
				t.Errorf("%s: got %+v", name, r)
			}
		}
	})
	t.Run("TheSameKeyImportsOnce", func(t *testing.T) {
		c := newCLI(t)
		args := []string{"--text", "Hi", "--key", "spring", "--at", "2h"}
		first := c.imported("to\n12125550100\n", args...)
		if second := c.imported("to\n12125550100\n", args...); !second.Duplicate || second.JobID != first.JobID || first.State != enqueue.Scheduled {
			t.Errorf("got %+v, and then %+v", first, second)
		}
	})
}

func TestImport_FieldsReachTheGateway(t *testing.T) {
	c := newCLI(t)
	w := c.start("worker")
	r := c.imported("to,name,unused,city\n12125550100,Åse,x,\"Bø, Telemark\"\n12125550101,Émile,y,Lyon\n", "--text", "{{city}}: hei {{name}}, {{city}}")
	eventually(t, "two messages", func() bool { return c.sims[0].Stats().Taken == 2 })
	if code := w.stop(); code != exitDone {
		t.Fatalf("the worker ends with exit status %d", code)
	}
	texts := map[string]string{}
	for _, m := range c.sims[0].Messages() {
		texts[m.To.String()] = m.Text
	}
	for to, want := range map[string]string{
		"12125550100": "Bø, Telemark: hei Åse, Bø, Telemark", "12125550101": "Lyon: hei Émile, Lyon",
	} {
		if texts[to] != want {
			t.Errorf("%s got %q, want %q", to, texts[to], want)
		}
	}
	if r.Queued != 2 {
		t.Errorf("got %+v", r)
	}
}

func TestImport_BadFiles(t *testing.T) {
	many := strings.Repeat("12125550100,Ann\n", 5000) // so that much has been read before the end
	tests := []struct {
		name, content string
		args          []string
		want          string
	}{
		{"an empty file", "", nil, "the file is empty: its first row must name the columns"},
		{"a byte order mark alone", "\ufeff", nil, "the file is empty"},
		{"a header alone", "to,name\n", nil, "nothing was enqueued"},
		{"no column with numbers", "name,city\nAnn,Lyon\n", nil, "the first row has the columns name, city"},
		{"no header", "12125550100,Ann\n12125550101,Bo\n", nil, "the first row has the columns ***100, Ann"},
		{"two columns that may have them", "phone,mobile\n1,2\n", nil, "several columns may hold the numbers: choose one by --to-column"},
		{"a column that is not there", "to\n12125550100\n", []string{"--to-column", "tel"}, `--to-column: there is no column "tel"; the first row has the columns to`},
		{"a column that is there twice", "to,to\n1,2\n", nil, `there are two columns "to"`},
		{"a ref that is not there", "to\n12125550100\n", []string{"--ref-column", "id"}, `--ref-column: there is no column "id"`},
		{"a field without a column", "to,name\n12125550100,Ann\n", []string{"--text", "Hi {{first}}"}, `{{first}} in --text: there is no column "first"; the first row has the columns to, name`},
		{"a field that is not closed", "to\n12125550100\n", []string{"--text", "Hi {{name"}, "not closed"},
		{"another delimiter", "to;name\n12125550100;Ann\n", nil, `is --delimiter ";" missing?`},
		{"Latin-1", "to,name\n" + many + "12125550101,J\xf8rgen\n", nil, "row 5002: it is not UTF-8"},
		{"Latin-1 in a column that is not used", "to,name\n12125550100,J\xf8rgen\n", nil, "row 2: it is not UTF-8"},
		{"Latin-1 in the header", "to,n\xf8\n12125550100,x\n", nil, "row 1: it is not UTF-8"},
		{"UTF-16", "\xff\xfet\x00o\x00\n\x00", nil, "the file is UTF-16"},
		{"a quote that is not closed", "to,name\n" + many + "12125550101,\"Ann\n12125550102,Bo\n", nil, "row 5002: a quote is opened and not closed"},
		{"a quote within", "to,name\n12125550100,A\"nn\n", nil, "row 2: a quote stands within a column"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newCLI(t)
			args := []string{"import", c.write("bad.csv", tt.content), "--via", "gatewayapi", "--from", "Acme"}
			if !strings.Contains(strings.Join(tt.args, " "), "--text") {
				args = append(args, "--text", "Hi")
			}
			a := c.run(append(args, tt.args...)...)
			if a.code != exitInvalid {
				t.Errorf("exit status %d, want 2", a.code)
			}
			if !strings.Contains(a.stderr, tt.want) || strings.Count(a.stderr, "\n") != 1 {
				t.Errorf("standard error %q, want one line with %q", a.stderr, tt.want)
			}
			if a.stdout != "" {
				t.Errorf("standard output %q, want none", a.stdout)
			}
			if strings.Contains(a.stderr, "12125550100") {
				t.Error("a whole number is in the sentence")
			}
			c.untouched()
		})
	}
}

// A file that breaks off after much of it has gone to Redis leaves nothing there.
func TestImport_ALateErrorLeavesNothing(t *testing.T) {
	c := newCLI(t)
	var b strings.Builder
	b.WriteString("to,code\n")
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 3000 {
		fmt.Fprintf(&b, "1212555%04d,", i)
		for range 60 {
			fmt.Fprintf(&b, "%016x", random.Uint64())
		}
		b.WriteByte('\n')
	}
	var written int
	end := readerFunc(func(p []byte) (int, error) {
		if written == 0 {
			written = len(c.redis.Keys())
			return copy(p, "12125550100,\"x\n"), nil
		}
		return 0, io.EOF
	})
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{
		"import", "-", "--via", "gatewayapi", "--from", "Acme", "--text", "{{code}}", "--config", c.file,
	}, io.MultiReader(strings.NewReader(b.String()), end), &out, &errs)
	if code != exitInvalid || !strings.Contains(errs.String(), "row 3002: ") {
		t.Errorf("exit status %d and %q", code, errs.String())
	}
	if written == 0 {
		t.Error("nothing had gone to Redis before the end, so that this proves nothing")
	}
	c.untouched()
}

// Ctrl-C ends an import that waits for its standard input, and nothing stays behind.
func TestImport_Interrupted(t *testing.T) {
	c := newCLI(t)
	ctx, cancel := context.WithCancel(t.Context())
	in, out := io.Pipe()
	defer out.Close()
	go func() {
		_, _ = io.WriteString(out, "to\n12125550100\n")
		cancel()
	}()
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"import", "-", "--via", "mttm", "--text", "Hi", "--config", c.file}, in, &stdout, &stderr)
	if code != exitFailed || stderr.String() != "volley: interrupted before the end\n" || stdout.Len() > 0 {
		t.Errorf("exit status %d, %q and %q", code, stdout.String(), stderr.String())
	}
	c.untouched()
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
