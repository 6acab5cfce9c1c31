package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/volleysms/volley/enqueue"
)

// refusedFile gets the rows that were left out, as CSV. A nil one takes nothing.
type refusedFile struct {
	name string
	file *os.File
	buf  *bufio.Writer
	csv  *csv.Writer
	n    int64
}

// createRefused creates the file, or empties it. It must not be the campaign itself. Without a name it returns nil.
func createRefused(name, campaign string) (*refusedFile, error) {
	if name == "" {
		return nil, nil
	}
	have, err := os.Stat(name)
	if read, e := os.Stat(campaign); err == nil && e == nil && os.SameFile(have, read) {
		return nil, invalid("--refused: %s is the campaign itself: name another file", name)
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, refusedError(name, err)
	}
	r := &refusedFile{name: name, file: f, buf: bufio.NewWriterSize(f, 64<<10)}
	r.csv = csv.NewWriter(r.buf)
	_ = r.csv.Write([]string{"row", "value", "reason"}) // its error stays with the writer
	return r, nil
}

func refusedError(name string, err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return fmt.Errorf("--refused: %s can't be written: %w", name, err)
}

// add takes a row that was left out.
func (r *refusedFile) add(f enqueue.Refused) {
	r.n++
	_ = r.csv.Write([]string{strconv.FormatUint(f.Row, 10), f.To, f.Reason}) // its error stays with the writer
}

// err tells whether the file could be written so far.
func (r *refusedFile) err() error {
	if r == nil || r.csv.Error() == nil {
		return nil
	}
	return refusedError(r.name, r.csv.Error())
}

// close writes what is left.
func (r *refusedFile) close() error {
	if r == nil {
		return nil
	}
	r.csv.Flush()
	err := errors.Join(r.csv.Error(), r.buf.Flush())
	if e := r.file.Close(); err == nil {
		err = e
	}
	if err != nil {
		return refusedError(r.name, err)
	}
	return nil
}
