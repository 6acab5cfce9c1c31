package ledger

import (
	"errors"
	"fmt"
	"strconv"
)

// format is the version of what a job is in Redis: a program of an older version can't know what it has to respect in it. It
// is raised with every key of Spec, every state and every field of a record that an older program must not pass over. It is
// text, so that a linker can make a later program of this one.
//
// 2: a batch may have a draft (see Draft).
var format = "2"

// Format returns the version of the jobs that this program makes; it sends those up to it.
func Format() int {
	n, err := strconv.Atoi(format)
	if err != nil {
		panic("ledger: the format is no number: " + format)
	}
	return n
}

// ErrNewer is for a job of a later version of the program, which is left alone by this one.
var ErrNewer = errors.New("was made by a newer volley than this one; upgrade this one")

// known returns an ErrNewer for a job that this program must not touch.
func (s *Spec) known() error {
	if s.Format <= Format() {
		return nil
	}
	return fmt.Errorf("job %s %w (format %d, and this one knows %d)", s.ID, ErrNewer, s.Format, Format())
}

// stamp is the format that is written into a job; what was there before there were any is the first.
func stamp() int {
	if f := Format(); f > 1 {
		return f
	}
	return 0
}

// Drafts reports whether every program that may take the job's batches over knows what a draft is.
func (s *Spec) Drafts() bool { return s.Format >= 2 }
