package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// problem is one thing that is wrong with a file, told in one line.
type problem struct {
	file string
	line int    // 0 is the whole file
	path string // such as accounts.dk.token; empty is the whole file
	text string
}

func (p *problem) Error() string {
	s := p.file
	if p.line > 0 {
		s = fmt.Sprintf("%s:%d", s, p.line)
	}
	if p.path != "" {
		s += ": " + p.path
	}
	return s + ": " + p.text
}

// join returns the problems as one error, in the order of their lines, and nil when there are none.
func join(problems []*problem) error {
	slices.SortStableFunc(problems, func(a, b *problem) int { return cmp.Compare(a.line, b.line) })
	errs := make([]error, len(problems))
	for i, p := range problems {
		errs[i] = p
	}
	return errors.Join(errs...)
}

// nameRule says what names accounts and routes may have.
const nameRule = "1 to 64 letters, digits, - and _"

// nameOK reports whether s keeps to nameRule.
func nameOK(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 64
}

// didYouMean returns "; did you mean token?" for the known word that is closest to s, or "" when none is close.
func didYouMean(s string, known []string) string {
	best, distance := "", len(s)/3+2
	for _, k := range known {
		if d := editDistance(strings.ToLower(s), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// editDistance returns how many bytes have to be put in, taken out or changed to turn a into b.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d++
			}
			diagonal = row[j+1]
			row[j+1] = min(d, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
