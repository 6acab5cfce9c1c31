package lint

import (
	"fmt"
	"strconv"
	"unicode"
)

// maxWarned is how many characters are warned of one by one.
const maxWarned = 5

// warn writes the sentences that somebody should read before sending.
func (l *Linter) warn() {
	r := &l.report
	r.Warnings = []string{}
	say := func(format string, args ...any) { r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...)) }
	if r.Rows > 0 && r.Refused*2 > r.Rows {
		say("more than half of the rows are refused: is it the right file, and the right column?")
	}
	warned := 0
	for i := range r.Characters {
		c := &r.Characters[i]
		if c.ExtraSegments == 0 || warned == maxWarned {
			continue
		}
		warned++
		where := ""
		if c.InText {
			where = ", which stands in the text itself,"
		}
		say("%s%s alone makes UCS-2 of %s, which costs %s more; %s", c.shown(), where, plural(c.Alone, "message"), plural(c.ExtraSegments, "segment"), c.advice())
	}
	if l.signs.spared > 0 {
		say("--substitute would save %s of %s", plural(l.signs.spared, ""), plural(r.Segments, "segment"))
	}
	if l.signs.moji > 0 {
		say("%s with Ã or â in odd places, first in row %d: is the file UTF-8 and read as Latin-1, here or by a program before?",
			plural(l.signs.moji, "message"), l.signs.mojiRow)
	}
}

// shown is how a character is told to people.
func (c *Sign) shown() string {
	r := []rune(c.Character)[0]
	if !unicode.IsGraphic(r) || unicode.IsSpace(r) || unicode.IsMark(r) {
		return c.Code
	}
	return c.Character + " (" + c.Code + ")"
}

// advice says what can be done about a character.
func (c *Sign) advice() string {
	switch {
	case c.Substitute == nil:
		return "there is no safe substitute for it"
	case *c.Substitute == "":
		return "--substitute leaves it out"
	case *c.Substitute == " ":
		return "--substitute writes a space for it"
	case *c.Substitute == "\n":
		return "--substitute writes a line break for it"
	}
	return "--substitute writes " + *c.Substitute + " for it"
}

// plural writes a number with commas, and what is counted, if that is named.
func plural(n int64, what string) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	switch {
	case what == "":
		return s
	case n != 1:
		what += "s"
	}
	return s + " " + what
}
