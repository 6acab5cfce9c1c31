package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/rows"
	"github.com/volleysms/volley/sms"
)

// campaign is a file of recipients that is being read.
type campaign struct {
	name       string
	file       io.ReadCloser
	in         *countingReader
	size       int64 // in bytes; 0 when it is not known
	rows       *rows.Reader
	substitute bool
	texts      int // how many of a row's values are personal fields of the text
}

// openCampaign opens a file and writes into the job how its rows are to be taken.
func (a *app) openCampaign(ctx context.Context, name string, o rows.Options, job *enqueue.Job, substitute bool) (*campaign, error) {
	file, size, err := a.open(ctx, name)
	if err != nil {
		return nil, err
	}
	c := &campaign{name: name, file: file, in: &countingReader{r: file}, size: size, substitute: substitute, texts: len(o.Fields)}
	if c.rows, err = rows.Open(c.in, o); err != nil {
		return nil, errors.Join(c.ofFile(err), file.Close())
	}
	if substitute {
		job.Text = sms.SubstituteTemplate(job.Text)
	}
	job.Fields, job.FirstRow = c.rows.Fields(), c.rows.FirstRow()
	job.AtField, job.ZoneField = c.rows.AtField(), c.rows.ZoneField()
	return c, nil
}

func (c *campaign) close() { _ = c.file.Close() } // it was only read

// ofFile adds to an error in the file's content which file it was, and that it had no effect.
func (c *campaign) ofFile(err error) error {
	var bad *rows.Error
	if !errors.As(err, &bad) {
		return err
	}
	return invalid("%s: %w; nothing was enqueued", fileName(c.name), bad)
}

// recipients yields the rows, until ctx ends. seen is called now and then with how many there were; an error of it ends
// the rows too.
func (c *campaign) recipients(ctx context.Context, seen func(rows int64) error) iter.Seq2[enqueue.Recipient, error] {
	return func(yield func(enqueue.Recipient, error) bool) {
		for n := int64(0); ; n++ {
			row, err := c.rows.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil && n&1023 == 0 {
				if err = ctx.Err(); err == nil {
					err = seen(n)
				}
			}
			if err != nil {
				yield(enqueue.Recipient{}, unmendable(err))
				return
			}
			if c.substitute {
				for i, v := range row.Values[:c.texts] {
					row.Values[i] = sms.Substitute(v)
				}
			}
			if !yield(enqueue.Recipient{To: row.To, Ref: row.Ref, Values: row.Values, Row: row.N, Refuse: row.Refuse}, nil) {
				return
			}
		}
	}
}

// unmendable marks an error in the file's content: reading it once more would end the same way.
func unmendable(err error) error {
	var bad *rows.Error
	if errors.As(err, &bad) {
		return fmt.Errorf("%w: %w", enqueue.ErrBroken, bad)
	}
	return err
}

// strictRows yields the rows, until ctx ends. A row that can't be read is an error: who asked for them has no place to tell
// it.
func strictRows(ctx context.Context, r *rows.Reader) iter.Seq2[enqueue.Recipient, error] {
	c := &campaign{rows: r}
	return func(yield func(enqueue.Recipient, error) bool) {
		for rec, err := range c.recipients(ctx, func(int64) error { return nil }) {
			var bad *rows.Error
			if errors.As(err, &bad) {
				err = bad
			} else if err == nil && rec.Refuse != "" {
				err = &rows.Error{Row: rec.Row, Reason: rec.Refuse}
			}
			rec.Row = 0
			if !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

// open returns the file and its size; the size is 0 when it is not known.
func (a *app) open(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	if name == "-" {
		return io.NopCloser(cancellable(ctx, a.stdin)), 0, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, fileError(name, err)
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("it is a directory")
	}
	if err != nil {
		return nil, 0, errors.Join(fileError(name, err), f.Close())
	}
	if !info.Mode().IsRegular() {
		return f, 0, nil
	}
	return f, info.Size(), nil
}

func fileError(name string, err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return invalid("%s can't be read: %w", name, err)
}

// cancellable reads r until ctx ends, also when r has nothing to say.
func cancellable(ctx context.Context, r io.Reader) io.Reader {
	out, in := io.Pipe()
	context.AfterFunc(ctx, func() { in.CloseWithError(ctx.Err()) })
	go func() {
		// The types hide all methods but Read and Write, so that the buffer is used.
		_, err := io.CopyBuffer(struct{ io.Writer }{in}, struct{ io.Reader }{r}, make([]byte, 256<<10))
		in.CloseWithError(err)
	}()
	return out
}

// countingReader counts the bytes read.
type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}
