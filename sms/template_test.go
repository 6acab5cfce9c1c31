package sms

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseTemplate_Fields(t *testing.T) {
	for _, c := range []struct {
		name, in string
		fields   []string
		rendered string // each field's value is its name in angle brackets
	}{
		{"Empty", "", nil, ""},
		{"NoFields", "Hej { } }} {x}", nil, "Hej { } }} {x}"},
		{"OneField", "Hi {{name}}!", []string{"name"}, "Hi <name>!"},
		{"OnlyAField", "{{name}}", []string{"name"}, "<name>"},
		{"SpacesAroundTheName", "Hi {{  name }}", []string{"name"}, "Hi <name>"},
		{"SpaceInTheName", "{{ first name }}", []string{"first name"}, "<first name>"},
		{"AllowedSigns", "{{a_b-c.d 1}}", []string{"a_b-c.d 1"}, "<a_b-c.d 1>"},
		{"LettersOfAnyAlphabet", "{{fødselsår}}{{имя}}{{e\u0301}}", []string{"fødselsår", "имя", "e\u0301"}, "<fødselsår><имя><e\u0301>"},
		{"CaseMatters", "{{Name}}{{name}}", []string{"Name", "name"}, "<Name><name>"},
		{"OrderOfFirstUse", "{{b}} {{a}} {{ b }} {{c}}", []string{"b", "a", "c"}, "<b> <a> <b> <c>"},
		{"ClosingBracesAfterAField", "{{a}}}}", []string{"a"}, "<a>}}"},
		{"SingleBraceBeforeAField", "{ {{a}}", []string{"a"}, "{ <a>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tpl, err := ParseTemplate(c.in)
			if err != nil {
				t.Fatal(err)
			}
			if got := tpl.Fields(); !slices.Equal(got, c.fields) {
				t.Errorf("fields: got %q, want %q", got, c.fields)
			}
			if got, want := tpl.Literal(), len(c.fields) == 0; got != want {
				t.Errorf("literal: got %t, want %t", got, want)
			}
			var values []string
			for _, f := range c.fields {
				values = append(values, "<"+f+">")
			}
			if got := string(tpl.Render(nil, values)); got != c.rendered {
				t.Errorf("rendered: got %q, want %q", got, c.rendered)
			}
		})
	}
}

func TestParseTemplate_Refused(t *testing.T) {
	const allowed = " in its name; letters, digits, _ - . and spaces are allowed"
	for _, c := range []struct {
		name, in string
		want     InvalidError
	}{
		{"Unclosed", "Hi {{name", "{{ at character 4 is not closed with }}"},
		{"UnclosedAtTheEnd", "Hi {{", "{{ at character 4 is not closed with }}"},
		{"ClosedWithOneBrace", "Hi {{name}", "{{ at character 4 is not closed with }}"},
		{"SecondUnclosed", "{{a}} {{b", "{{ at character 7 is not closed with }}"},
		{"PlaceIsInCharacters", "Sø😀 {{", "{{ at character 5 is not closed with }}"},
		{"Empty", "Hi {{}}", "field at character 4 has no name"},
		{"OnlySpaces", "Hi {{  }}", "field at character 4 has no name"},
		{"BadCharacter", "Hi {{na/me}}", "field at character 4 has '/'" + allowed},
		{"OnlyADefault", "Hi {{|there}}", "field at character 4 has no name"},
		{"FieldInADefault", "Hi {{name|{{other}}}}", "default of the field at character 4 has a field in it; only text is allowed"},
		{"TwoDefaults", "Hi {{name|you}}, {{name|there}}", "field at character 18 has another default than before: a field has one"},
		{"ThirdBrace", "{{{name}}}", "field at character 1 has '{'" + allowed},
		{"FieldWithinAField", "{{a {{b}} }}", "field at character 1 has '{'" + allowed},
		{"LineBreak", "{{a\n}}", `field at character 1 has '\n'` + allowed},
		{"NotUTF8", "{{a\xff}}", "field at character 1 has '\ufffd'" + allowed},
	} {
		t.Run(c.name, func(t *testing.T) {
			tpl, err := ParseTemplate(c.in)
			if tpl != nil || err != c.want { //nolint:errorlint // the error is exactly this value
				t.Errorf("got %v, %q, want %q", tpl, err, c.want)
			}
		})
	}
}

func mustTemplate(t interface {
	Helper()
	Fatal(...any)
}, text string,
) *Template {
	t.Helper()
	tpl, err := ParseTemplate(text)
	if err != nil {
		t.Fatal(err)
	}
	return tpl
}

func TestTemplate_DefaultsStandForMissingValues(t *testing.T) {
	for _, c := range []struct {
		name, in string
		values   []string
		want     string
	}{
		{"Missing", "Hi {{name|there}}!", []string{""}, "Hi there!"},
		{"OnlySpaces", "Hi {{name|there}}!", []string{" \t"}, "Hi there!"},
		{"Given", "Hi {{name|there}}!", []string{"Ann"}, "Hi Ann!"},
		{"NoDefault", "Hi {{name}}!", []string{""}, "Hi !"},
		{"EmptyDefault", "Hi{{name|}}!", []string{"  "}, "Hi!"},
		{"SpacesAround", "Hi {{ name | dear friend }}!", []string{""}, "Hi dear friend!"},
		{"ABarInIt", "{{a|b|c}}", []string{""}, "b|c"},
		{"SingleBracesInIt", "{{a|{b}}}", []string{""}, "{b}"},
		{"HoldsAtAllUses", "{{a}} {{a|x}} {{a}}", []string{""}, "x x x"},
		{"TheSameTwice", "{{a|x}} {{a|x}}", []string{""}, "x x"},
		{"IsNotParsed", "{{a|}b}}", []string{""}, "}b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tpl := mustTemplate(t, c.in)
			if got := string(tpl.Render(nil, c.values)); got != c.want {
				t.Errorf("rendered: got %q, want %q", got, c.want)
			}
			filled := tpl.Fill(c.values)
			if _, given := tpl.Default(0); given && Missing(c.values[0]) == (&filled[0] == &c.values[0]) {
				t.Errorf("got %q filled from %q: the given values are not to be changed", filled, c.values)
			}
			if got := string(tpl.Render(nil, filled)); got != c.want {
				t.Errorf("rendered from what was filled in: got %q, want %q", got, c.want)
			}
		})
	}
}

func TestTemplate_RenderAppends(t *testing.T) {
	tpl := mustTemplate(t, "Hi {{name}}")
	if got, want := string(tpl.Render([]byte("> "), []string{"Ann"})), "> Hi Ann"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTemplate_ValuesAreNotParsed(t *testing.T) {
	tpl := mustTemplate(t, "{{a}}{{b}}")
	if got, want := tpl.Merge([]string{"{{b}}", "{{"}), "{{b}}{{"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTemplate_FieldsIsACopy(t *testing.T) {
	tpl := mustTemplate(t, "{{a}}")
	tpl.Fields()[0] = "changed"
	if got := tpl.Fields()[0]; got != "a" {
		t.Errorf("got %q, want %q", got, "a")
	}
}

func TestTemplate_ZeroValueIsTheEmptyText(t *testing.T) {
	var tpl Template
	if got := tpl.Merge(nil); got != "" || !tpl.Literal() {
		t.Errorf("got %q, literal %t", got, tpl.Literal())
	}
}

func TestTemplate_RenderPanicsUnlessEachFieldHasAValue(t *testing.T) {
	tpl := mustTemplate(t, "{{a}} {{b}} {{a}}")
	for _, values := range [][]string{nil, {"1"}, {"1", "2", "3"}} {
		t.Run(fmt.Sprintf("%dValues", len(values)), func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			tpl.Render(nil, values)
		})
	}
}

func TestTemplate_RenderIntoABufferDoesNotAllocate(t *testing.T) {
	tpl := mustTemplate(t, "Hi {{name}}, your code is {{code}}")
	values, buf := []string{"Ann", "1234"}, make([]byte, 0, 100)
	if n := testing.AllocsPerRun(100, func() { _ = tpl.Render(buf, values) }); n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}

func TestTemplate_LiteralTextIsUnchanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.ReplaceAll(rapid.String().Draw(t, "text"), "{{", "{ ")
		tpl := mustTemplate(t, text)
		if got := tpl.Merge(nil); got != text || !tpl.Literal() {
			t.Fatalf("got %q, literal %t, want %q", got, tpl.Literal(), text)
		}
	})
}

func TestTemplate_MergeThenReplaceIsRender(t *testing.T) {
	pieces := rapid.SampledFrom([]string{"Hi ", "{{name}}", "{{ code }}", "{{first name}}", "{", "}}", "é ", "😀"})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOf(pieces).Draw(t, "pieces"), "")
		tpl, err := ParseTemplate(text)
		if err != nil {
			return // a single brace beside a field
		}
		n := len(tpl.Fields())
		values := rapid.SliceOfN(rapid.StringMatching(`[a-zæ{} ]{0,5}`), n, n).Draw(t, "values")
		var placeholders, replace []string
		for i, v := range values {
			p := fmt.Sprintf("%%%d%%", i)
			placeholders = append(placeholders, p)
			replace = append(replace, p, v)
		}
		got := strings.NewReplacer(replace...).Replace(tpl.Merge(placeholders))
		if want := string(tpl.Render(nil, values)); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

func FuzzParseTemplate(f *testing.F) {
	for _, s := range []string{"", "Hi {{name}}", "{{ a }}{{b.c}}{{a}}", "{{{a}}}", "{{", "}}", "{{a", "{{\xff}}", "é{{}}", "{{a|b}}{{a}}", "{{a|b}}{{a|c}}", "{{a|{{b}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tpl, err := ParseTemplate(text)
		if err != nil {
			var invalid InvalidError
			if tpl != nil || !errors.As(err, &invalid) {
				t.Fatalf("refused as %v, %q", tpl, err)
			}
			return
		}
		if tpl.Literal() == strings.Contains(text, "{{") {
			t.Fatalf("literal %t", tpl.Literal())
		}
		var fields []string
		for _, name := range tpl.Fields() {
			fields = append(fields, "{{"+name+"}}")
		}
		again := mustTemplate(t, tpl.Merge(fields))
		if !slices.Equal(again.Fields(), tpl.Fields()) || again.Merge(fields) != tpl.Merge(fields) {
			t.Fatalf("written out and read again: got %q, want %q", again.Merge(fields), tpl.Merge(fields))
		}
	})
}

func BenchmarkTemplate_Render(b *testing.B) {
	tpl, err := ParseTemplate("Hi {{name}}, your parcel {{parcel}} is at {{shop}}. Reply STOP to end.")
	if err != nil {
		b.Fatal(err)
	}
	values, buf := []string{"Ann", "P-0001", "Example Street 1"}, make([]byte, 0, 200)
	b.ReportAllocs()
	for b.Loop() {
		buf = tpl.Render(buf[:0], values)
	}
}
