// Package export writes outcomes as CSV, or as one JSON object a line.
package export

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/volleysms/volley/enqueue"
)

// The formats.
const (
	CSV    = "csv"
	NDJSON = "ndjson"
)

// Columns are the names of what CSV has of each outcome.
var Columns = []string{"to", "status", "account", "provider_message_id", "code", "detail", "attempts", "updated_at", "ref", "row"}

// Writer writes outcomes. It is not safe for concurrent use.
type Writer struct {
	buf  *bufio.Writer
	csv  *csv.Writer
	json *json.Encoder
	row  [10]string
}

// NewWriter returns a Writer to w, and writes the header that the format has. What is written is in w after Flush.
func NewWriter(w io.Writer, format string) (*Writer, error) {
	x := &Writer{buf: bufio.NewWriterSize(w, 64<<10)}
	if format == NDJSON {
		x.json = json.NewEncoder(x.buf)
		x.json.SetEscapeHTML(false)
		return x, nil
	}
	x.csv = csv.NewWriter(x.buf)
	return x, x.csv.Write(Columns)
}

// Write writes one outcome.
func (x *Writer) Write(o *enqueue.Outcome) error {
	if x.json != nil {
		return x.json.Encode(o)
	}
	x.row = [10]string{
		o.To, o.Status, o.Account, o.ProviderMessageID, o.Code, o.Detail, strconv.Itoa(o.Attempts),
		o.UpdatedAt.Format(time.RFC3339Nano), o.Ref, strconv.FormatUint(o.Row, 10),
	}
	return x.csv.Write(x.row[:])
}

// Flush hands over what is written.
func (x *Writer) Flush() error {
	if x.json != nil {
		return x.buf.Flush()
	}
	x.csv.Flush()
	return errors.Join(x.csv.Error(), x.buf.Flush())
}
