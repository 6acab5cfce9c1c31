package rows_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/volleysms/volley/internal/rows"
)

// all reads a file to its end. Each row is written as "N to/ref values" or "N to: refused".
func all(r io.Reader, o rows.Options) ([]string, error) {
	c, err := rows.Open(r, o)
	if err != nil {
		return nil, err
	}
	var out []string
	for {
		row, err := c.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		if row.Refuse != "" {
			out = append(out, fmt.Sprintf("%d %s: %s", row.N, row.To, row.Refuse))
			continue
		}
		out = append(out, strings.TrimSpace(fmt.Sprintf("%d %s/%s %s", row.N, row.To, row.Ref, strings.Join(row.Values, "|"))))
	}
}

func zipped(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, s); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestReader(t *testing.T) {
	name := rows.Options{Fields: []string{"name"}}
	nd := rows.Options{Format: rows.NDJSON, Fields: []string{"name"}, Zone: rows.Column{None: true}, Carrier: rows.Column{None: true}}
	tests := []struct {
		name, content string
		o             rows.Options
		want          []string
	}{
		{"a column called to", "name,to\nAnn,1\nBo,2\n", name, []string{"2 1/ Ann", "3 2/ Bo"}},
		{"a byte order mark", "\ufeffto\n1\n", rows.Options{}, []string{"2 1/"}},
		{"line ends of Windows, and none at the end", "to,name\r\n1,Ann\r\n2,Bo", name, []string{"2 1/ Ann", "3 2/ Bo"}},
		{"empty lines are rows", "to\n\n1\n\n\n2\n", rows.Options{}, []string{"3 1/", "6 2/"}},
		{"a row of two lines is one", "to,name\n1,\"A\n\n\"\"nn\"\"\"\n2,\"B\r\no\"\n\n3,C\n", name, []string{"2 1/ A\n\n\"nn\"", "3 2/ B\no", "5 3/ C"}},
		{"a header of two lines, after an empty one", "\n\"a\nb\",to\nx,1\n", rows.Options{}, []string{"3 1/"}},
		{"another name for the numbers", "name,Mobile\nAnn,1\n", name, []string{"2 1/ Ann"}},
		{"to goes before other names", "phone,to\n9,1\n", rows.Options{}, []string{"2 1/"}},
		{"columns that are named", "a,b,c,d,e\n1,2,3,4,5\n", rows.Options{
			To: rows.Column{Name: "e"}, Ref: rows.Column{Name: "d"}, At: rows.Column{Name: "c"}, Zone: rows.Column{Name: "b"}, Carrier: rows.Column{Name: "a"},
		}, []string{"2 5/4 3|2|1"}},
		{"columns by their names", "carrier,tz,at,ref,to,name\nC,Z,A,R,1,Ann\n", name, []string{"2 1/R Ann|A|Z|C"}},
		{"columns that are left out", "carrier,tz,at,ref,to,name\nC,Z,A,R,1,Ann\n", rows.Options{
			Ref: rows.Column{None: true}, At: rows.Column{None: true}, Zone: rows.Column{None: true}, Carrier: rows.Column{None: true},
		}, []string{"2 1/"}},
		{"a field that is a time too", "to,at\n1,noon\n", rows.Options{Fields: []string{"at"}, At: rows.Column{Name: "at"}}, []string{"2 1/ noon"}},
		{"semicolons", "to;name\n1;A,nn\n", rows.Options{Comma: ';', Fields: []string{"name"}}, []string{"2 1/ A,nn"}},
		{"a delimiter of several bytes", "to→name\n1→Ann\n", rows.Options{Comma: '→', Fields: []string{"name"}}, []string{"2 1/ Ann"}},
		{"blanks around a column's name", "to , name\n1,Ann\n", name, []string{"2 1/ Ann"}},
		{"a row with too few columns, and one with too many", "name,to\nx\nAnn,1,\n\nBo,2\n", name, []string{
			"2 : its number of columns is 1, and the header's is 2", "3 1: its number of columns is 3, and the header's is 2", "5 2/ Bo",
		}},
		{"Latin-1", "to,n\xe5me\n1,J\xf8rgen \x80 \x93x\x94\n", rows.Options{Encoding: rows.Latin1, Fields: []string{"nåme"}}, []string{"2 1/ Jørgen € “x”"}},
		{"compressed", zipped(t, "to,name\n1,Ann\n"), name, []string{"2 1/ Ann"}},
		{"compressed twice in a row, as cat does", zipped(t, "to,name\n1,Ann\n") + zipped(t, "2,Bo\n"), name, []string{"2 1/ Ann", "3 2/ Bo"}},
		{"compressed Latin-1", zipped(t, "to,name\n1,\xe9\n"), rows.Options{Encoding: rows.Latin1, Fields: []string{"name"}}, []string{"2 1/ é"}},

		{"objects", `{"to":"1","name":"Ann","ref":"r"}` + "\n\n" + `{"name":"Bo","to":2}`, nd, []string{"1 1/r Ann", "3 2/ Bo"}},
		{"objects with a byte order mark and line ends of Windows", "\ufeff{\"to\":\"1\"}\r\n{\"to\":\"2\"}\r\n", nd, []string{"1 1/", "2 2/"}},
		{"values that are no strings", `{"to":4512345678,"name":1.50}` + "\n" + `{"to":"1","name":true}` + "\n" + `{"to":"1","name":null}`, nd, []string{"1 4512345678/ 1.50", "2 1/ true", "3 1/"}},
		{"escapes", `{"to":"1","name":"\"\u00e9\n\ud83d\ude00"}`, nd, []string{"1 1/ \"é\n😀"}},
		{"lines that are none", "{\"to\":\"1\"}\n7\n{\"to\":\n{\"to\":\"2\",\"name\":[1]}\n{\"name\":\"x\"}\n{\"phone\":\"1\",\"mobile\":\"2\"}\n{\"to\":\"3\"}", nd, []string{
			"1 1/", "2 : it is no JSON object", "3 : it is no JSON object: it goes wrong after 6 bytes",
			`4 2: its field "name" has no text or number, but more JSON within it`,
			"5 : none of its keys is to, msisdn, phone, number, mobile: name the one with the number by --to-column",
			"6 : several of its keys may have the number: choose one by --to-column", "7 3/",
		}},
		{"times by the usual name", `{"to":"1","at":"noon"}` + "\n" + `{"to":"2"}`, rows.Options{Format: rows.NDJSON}, []string{"1 1/ noon||", "2 2/ ||"}},
		{"a time that the first row has not", `{"to":"1"}` + "\n" + `{"to":"2","at":"noon"}`, rows.Options{Format: rows.NDJSON}, []string{
			"1 1/ |", `2 : it has a time in "at", and the first row has none: give every row one, or say --at-column`,
		}},
		{"a time that is not wanted", `{"to":"1"}` + "\n" + `{"to":"2","at":"noon"}`, rows.Options{Format: rows.NDJSON, At: rows.Column{None: true}}, []string{"1 1/ |", "2 2/ |"}},
		{"keys that are named", `{"a":"1","b":"r","c":"op"}`, rows.Options{
			Format: rows.NDJSON, To: rows.Column{Name: "a"}, Ref: rows.Column{Name: "b"}, Carrier: rows.Column{Name: "c"}, Zone: rows.Column{None: true},
		}, []string{"1 1/r op"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := all(strings.NewReader(tt.content), tt.o)
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %q, %v\nwant %q", got, err, tt.want)
			}
		})
	}
}

func TestReader_Fields(t *testing.T) {
	c, err := rows.Open(strings.NewReader("to,x,operator,when,zone\n"), rows.Options{
		Fields: []string{"x"}, At: rows.Column{Name: "when"}, Zone: rows.Column{Name: "zone"}, Carrier: rows.Column{Name: "operator"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"csv": "to,at\n", "ndjson": `{"to":1,"at":"9:30"}`} {
		c, err := rows.Open(strings.NewReader(content), rows.Options{Format: rows.Format(name), Fields: []string{"at"}})
		if err != nil || c.AtField() != "" {
			t.Errorf("%s: a field of the text is taken for the recipients' times: %q, %v", name, c.AtField(), err)
		}
	}
	if got, want := strings.Join(c.Fields(), " "), "x when zone carrier"; got != want || c.AtField() != "when" || c.ZoneField() != "zone" {
		t.Errorf("got %s, times in %q and zones in %q, want %s", got, c.AtField(), c.ZoneField(), want)
	}
}

func TestReader_Errors(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	tests := []struct {
		name, content string
		o             rows.Options
		want          string
	}{
		{"an empty file", "", rows.Options{}, "the file is empty: its first row must name the columns"},
		{"a byte order mark alone", "\ufeff", rows.Options{}, "the file is empty"},
		{"an empty NDJSON file", "\n \n", rows.Options{Format: rows.NDJSON}, "the file is empty: it must have a JSON object on each line"},
		{"no column with numbers", "name,city\nAnn,Lyon\n", rows.Options{}, "the first row has the columns name, city"},
		{"no header", "12125550100,Ann\n", rows.Options{}, "the first row has the columns ***100, Ann"},
		{"two columns that may have them", "phone,mobile\n1,2\n", rows.Options{}, "several columns may hold the numbers: choose one by --to-column"},
		{"a column that is not there", "to\n1\n", rows.Options{Zone: rows.Column{Name: "zone"}}, `--tz-column: there is no column "zone"; the first row has the columns to`},
		{"a column that is there twice", "to,to\n1,2\n", rows.Options{}, `there are two columns "to"`},
		{"a usual column that is there twice", "to,ref,ref\n1,2,3\n", rows.Options{}, `--ref-column: there are two columns "ref"`},
		{"a carrier that is two things", "to,carrier,op\n1,2,3\n", rows.Options{Fields: []string{"carrier"}, Carrier: rows.Column{Name: "op"}}, "{{carrier}} in --text and --carrier-column are different columns"},
		{"another delimiter", "to;name\n1;Ann\n", rows.Options{}, `is --delimiter ";" missing?`},
		{"a comma where something else is expected", "to,name\n1,Ann\n", rows.Options{Comma: ';'}, `is --delimiter "," missing?`},
		{"NDJSON that is read as CSV", "{\"to\":1}\n", rows.Options{}, "is --format ndjson missing?"},
		{"a JSON array", `[{"to":1}]`, rows.Options{Format: rows.NDJSON}, "row 1: it begins a JSON array: write one object on each line"},
		{"Latin-1", "to,name\n1,J\xf8rgen\n", rows.Options{}, "row 2: it is not UTF-8: save the file as \"CSV UTF-8\", or read it with --encoding latin1"},
		{"Latin-1 in NDJSON", "{\"to\":\"\xf8\"}\n", rows.Options{Format: rows.NDJSON}, "row 1: it is not UTF-8"},
		{"Latin-1 in a row with other faults", "to,name\n1\xf8\n", rows.Options{}, "row 2: it is not UTF-8"},
		{"UTF-8 that is read as Latin-1", "\ufeffto\n1\n", rows.Options{Encoding: rows.Latin1}, "leave out --encoding latin1"},
		{"UTF-16", "\xff\xfet\x00o\x00\n\x00", rows.Options{}, "the file is UTF-16"},
		{"UTF-16 that is read as Latin-1", "\xff\xfet\x00o\x00\n\x00", rows.Options{Encoding: rows.Latin1}, "the file is UTF-16"},
		{"a workbook", "PK\x03\x04....", rows.Options{}, "it is a spreadsheet such as .xlsx"},
		{"a quote that is not closed", "to,name\n1,Ann\n2,\"Bo\n3,C\n", rows.Options{}, "row 3: a quote is opened and not closed"},
		{"a quote within, after a row of two lines", "to,name\n1,\"A\nnn\"\n2,B\"o\n", rows.Options{}, "row 3 (line 4): a quote stands within a column"},
		{"a quote within, after an empty line", "to,name\n\n2,B\"o\n", rows.Options{}, "row 3: a quote stands within a column"},
		{"a row without end", "to,name\n1,Ann\n2,\"" + long, rows.Options{}, "row 3: it has more than 1024 KB: is a quote opened"},
		{"a header without end", "to," + long, rows.Options{}, "row 1: it has more than 1024 KB"},
		{"a line without end", "{\"to\":\"1\"}\n" + long, rows.Options{Format: rows.NDJSON}, "row 2: it has more than 1024 KB: write one object on each line"},
		{"a compressed file that is cut off", zipped(t, "to\n1\n")[:20], rows.Options{}, "the compressed file is cut off"},
		{"a compressed file with half a header", "\x1f\x8b\x08", rows.Options{}, "the compressed file is cut off"},
		{"a compressed file that is damaged", strings.Replace(zipped(t, "to\n1\n2\n3\n"), "\x00\xff", "\xff\xff", 1)[:12] + "\xff\xff\xff\xff\xff\xff\xff\xff", rows.Options{}, "the compressed file is "},
		{"a compressed file with rubbish at its end", zipped(t, "to\n1\n") + "rubbish, and more of it", rows.Options{}, "the compressed file is damaged"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := all(strings.NewReader(tt.content), tt.o)
			var bad *rows.Error
			if !errors.As(err, &bad) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %T %v, want %q", err, err, tt.want)
			}
		})
	}
	t.Run("what the reader says stays as it is", func(t *testing.T) {
		broken := errors.New("the disk is gone")
		for _, o := range []rows.Options{{}, {Format: rows.NDJSON}, {Encoding: rows.Latin1}} {
			content := "to\n1\n"
			if o.Format == rows.NDJSON {
				content = "{\"to\":1}\n"
			}
			_, err := all(io.MultiReader(strings.NewReader(content), readerFunc(func([]byte) (int, error) { return 0, broken })), o)
			if !errors.Is(err, broken) {
				t.Errorf("got %v", err)
			}
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// A row of many lines is within the bound however many rows came before it.
func TestReader_TheBoundIsForARow(t *testing.T) {
	value := strings.Repeat("y", 1<<20-100)
	content := "to,name\n" + strings.Repeat("1,"+value+"\n", 8)
	got, err := all(strings.NewReader(content), rows.Options{})
	if err != nil || len(got) != 8 {
		t.Errorf("%d rows, %v", len(got), err)
	}
}

func TestFormatOf(t *testing.T) {
	for name, want := range map[string]string{
		"a.csv": "csv ,", "A.CSV.GZ": "csv ,", "a.tsv": "csv \t", "a.jsonl": "ndjson \x00", "a.ndjson.gz": "ndjson \x00", "a.json": "ndjson \x00", "-": "csv ,", "a": "csv ,",
	} {
		if f, c := rows.FormatOf(name); string(f)+" "+string(c) != want {
			t.Errorf("%s: got %q and %q", name, f, c)
		}
	}
}
