package rows

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/transform"
)

const (
	// maxRow bounds a row, in bytes: a quote that is never closed would else take in the rest of the file.
	maxRow = 1 << 20
	// bufferBytes is how much is read at once.
	bufferBytes = 256 << 10
)

// source is a file's content in UTF-8, without compression and byte order mark.
type source struct {
	*bufio.Reader
	limit *limit
}

// newSource finds out what r is by its first bytes.
func newSource(r io.Reader, e Encoding) (*source, error) {
	raw := bufio.NewReaderSize(r, bufferBytes)
	start, err := peek(raw, 4)
	if err != nil {
		return nil, err
	}
	var in io.Reader = raw
	switch {
	case bytes.HasPrefix(start, []byte("\x1f\x8b")):
		if in, err = gzip.NewReader(raw); err != nil {
			return nil, explainGzip(err)
		}
		in = gzipErrors{in}
	case bytes.HasPrefix(start, []byte("PK\x03\x04")):
		return nil, bad(0, "it is a spreadsheet such as .xlsx, or a ZIP archive: save the sheet as \"CSV UTF-8\"")
	}
	s := &source{limit: &limit{r: in}}
	if e == Latin1 {
		s.limit.r = transform.NewReader(in, charmap.Windows1252.NewDecoder())
	}
	s.Reader = bufio.NewReaderSize(s.limit, bufferBytes)
	s.limit.reset()
	if start, err = peek(s.Reader, 6); err != nil {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(start, []byte("\xef\xbb\xbf")):
		_, _ = s.Discard(3) // they were peeked at
	case bytes.HasPrefix(start, []byte("ï»¿")):
		return nil, bad(1, "the file says that it is UTF-8: leave out --encoding latin1")
	case bytes.HasPrefix(start, []byte("\xff\xfe")), bytes.HasPrefix(start, []byte("\xfe\xff")),
		bytes.HasPrefix(start, []byte("ÿþ")), bytes.HasPrefix(start, []byte("þÿ")):
		return nil, bad(1, "the file is UTF-16 and not UTF-8: save it as \"CSV UTF-8\"")
	}
	return s, nil
}

// peek returns the next n bytes, or those that there are.
func peek(r *bufio.Reader, n int) ([]byte, error) {
	b, err := r.Peek(n)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b, err
}

// gzipErrors says what is wrong with a compressed file.
type gzipErrors struct{ r io.Reader }

func (g gzipErrors) Read(b []byte) (int, error) {
	n, err := g.r.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		err = explainGzip(err)
	}
	return n, err
}

func explainGzip(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return bad(0, "the compressed file is cut off: copy it again")
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader):
		return bad(0, "the compressed file is damaged: copy it again")
	}
	if broken := flate.CorruptInputError(0); errors.As(err, &broken) {
		return bad(0, "the compressed file is damaged: copy it again")
	}
	return err
}

// limit bounds what is read for one row.
type limit struct {
	r    io.Reader
	left int
}

var errLongRow = errors.New("the row is too long")

// reset begins a row.
func (l *limit) reset() { l.left = maxRow + bufferBytes }

func (l *limit) Read(b []byte) (int, error) {
	if l.left <= 0 {
		return 0, errLongRow
	}
	n, err := l.r.Read(b)
	l.left -= n
	return n, err
}

// longRow is what is told of a row that is too long.
func longRow(row uint64, format Format) *Error {
	if format == NDJSON {
		return bad(row, "it has more than %d KB: write one object on each line", maxRow>>10)
	}
	return bad(row, "it has more than %d KB: is a quote opened in it, or in a row before, and not closed?", maxRow>>10)
}

// notUTF8 is what is told of a row that is not UTF-8.
func notUTF8(row uint64) *Error {
	return bad(row, "it is not UTF-8: save the file as \"CSV UTF-8\", or read it with --encoding latin1 if that is what it is")
}
