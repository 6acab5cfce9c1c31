package scheduler

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/hook"
	"github.com/volleysms/volley/internal/schedule"
)

const (
	// MaxAnswer is how much of an endpoint's answer is read, in bytes and unpacked. A longer one is refused.
	MaxAnswer = 64 << 20

	defaultTimeout = 30 * time.Second
)

// question is what an endpoint is asked, and what is signed.
type question struct {
	Schedule string    `json:"schedule"`
	ID       string    `json:"schedule_id"`
	Tick     time.Time `json:"tick"`
	Request  string    `json:"request,omitempty"`
	Zone     string    `json:"zone"`
	Fields   []string  `json:"fields"`
}

// id is the same each time the endpoint is asked about a tick.
func (q *question) id() string {
	if q.Request != "" {
		return q.ID + "." + q.Request
	}
	return q.ID + "." + strconv.FormatInt(q.Tick.Unix(), 10)
}

// endpoint asks endpoints for recipients. It is safe for concurrent use.
type endpoint struct {
	secrets map[string]string
	private []netip.Prefix
	maxBody int64
	now     func() time.Time
	tls     *http.Client // https
	plain   *http.Client // http, to allowed private addresses
}

func newEndpoint(secrets map[string]string, private []netip.Prefix) *endpoint {
	a := &endpoint{secrets: secrets, private: private, maxBody: MaxAnswer, now: time.Now}
	a.tls = hook.NewClient(func(ip netip.Addr) bool { return a.allowed(ip) || hook.Public(ip) })
	a.plain = hook.NewClient(a.allowed)
	return a
}

var errAddress = errors.New("its address is private, or http:// is used for a public one; the schedulers' settings can allow private ones")

func (a *endpoint) allowed(ip netip.Addr) bool {
	for _, p := range a.private {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// ask makes one request. Its errors have neither the address nor anything of the answer.
func (a *endpoint) ask(ctx context.Context, e schedule.Endpoint, q question) (Rows, error) {
	timeout := time.Duration(e.Timeout)
	if timeout == 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	resp, err := a.request(ctx, e, q)
	if err != nil {
		cancel()
		return Rows{}, fmt.Errorf("the endpoint: %w", err)
	}
	done := func() error {
		defer cancel()
		return resp.Body.Close()
	}
	if err := usable(resp); err != nil {
		return Rows{}, errors.Join(fmt.Errorf("the endpoint: %w", err), done())
	}
	body := &capped{r: resp.Body, left: a.maxBody}
	return Rows{Fields: q.Fields, Close: done, Recipients: answered(body, q.Fields)}, nil
}

func (a *endpoint) request(ctx context.Context, e schedule.Endpoint, q question) (*http.Response, error) {
	now := a.now().UTC()
	body, err := json.Marshal(struct {
		Type      string    `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      question  `json:"data"`
	}{"recipients.due", now.Truncate(time.Second), q})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("its URL can't be read")
	}
	var key []byte
	if e.Secret != "" {
		secret, ok := a.secrets[e.Secret]
		if !ok {
			return nil, fmt.Errorf("this scheduler has no secret called %s", e.Secret)
		}
		if key, err = secretKey(secret); err != nil {
			return nil, fmt.Errorf("the secret %s: %w", e.Secret, err)
		}
	}
	hook.SetHeaders(req.Header, key, q.id(), now, body)
	req.Header.Set("Accept", "application/json, application/x-ndjson")
	do := a.tls
	if req.URL.Scheme == "http" {
		do = a.plain
	}
	resp, err := do.Do(req)
	if err != nil {
		return nil, plainly(err)
	}
	return resp, nil
}

// plainly takes the address out of an error of net/http, and what it quotes.
func plainly(err error) error {
	if errors.Is(err, hook.ErrAddress) {
		return errAddress
	}
	return hook.Plainly(err)
}

// usable reports whether an answer may hold recipients, and its end can be told.
func usable(resp *http.Response) error {
	switch s := resp.StatusCode; {
	case s >= 300 && s < 400:
		return fmt.Errorf("it answered %d; redirects are not followed", s)
	case s != http.StatusOK:
		return fmt.Errorf("it answered %d", s)
	case resp.ProtoMajor < 2 && resp.ContentLength < 0 && len(resp.TransferEncoding) == 0 && !resp.Uncompressed:
		return errors.New("its answer has neither a length nor chunks, so that nobody can tell whether it is whole")
	}
	return nil
}

// capped is an answer of which only so much may be read; more is an error.
type capped struct {
	r    io.Reader
	left int64
}

var errTooLong = errors.New("its answer is too long")

func (c *capped) Read(b []byte) (int, error) {
	if c.left <= 0 {
		if n, err := c.r.Read(make([]byte, 1)); n == 0 && err != nil {
			return 0, err
		}
		return 0, errTooLong
	}
	n, err := c.r.Read(b[:min(int64(len(b)), c.left)])
	c.left -= int64(n)
	return n, err
}

// scalar is a JSON string, number or truth value, as text; null is empty.
type scalar string

func (s *scalar) UnmarshalJSON(b []byte) error {
	switch {
	case len(b) > 0 && b[0] == '"':
		return json.Unmarshal(b, (*string)(s))
	case string(b) == "null":
		*s = ""
		return nil
	case len(b) > 0 && (b[0] == '{' || b[0] == '['):
		return errors.New("it is no text")
	}
	*s = scalar(b)
	return nil
}

type answeredRow struct {
	To     scalar            `json:"to"`
	Ref    scalar            `json:"ref"`
	Values map[string]scalar `json:"values"`
}

// answered yields the recipients of an answer: a JSON array of objects, or an object a line.
func answered(body io.Reader, fields []string) iter.Seq2[enqueue.Recipient, error] {
	return func(yield func(enqueue.Recipient, error) bool) {
		n := 0
		err := eachRow(body, func(row *answeredRow) bool {
			n++
			r := enqueue.Recipient{To: string(row.To), Ref: string(row.Ref)}
			for _, f := range fields {
				r.Values = append(r.Values, string(row.Values[f]))
			}
			return yield(r, nil)
		})
		if err != nil && !errors.Is(err, errStopped) {
			yield(enqueue.Recipient{}, fmt.Errorf("the endpoint: %w", unreadable(err, n)))
		}
	}
}

var errStopped = errors.New("nobody wants more")

func eachRow(body io.Reader, take func(*answeredRow) bool) error {
	in := bufio.NewReaderSize(body, 64<<10)
	array, err := opens(in, '[')
	if err != nil {
		return err
	}
	d := json.NewDecoder(in)
	if array {
		if _, err := d.Token(); err != nil {
			return err
		}
	}
	for d.More() {
		var row answeredRow
		if err := d.Decode(&row); err != nil {
			return err
		}
		if !take(&row) {
			return errStopped
		}
	}
	if array {
		if _, err := d.Token(); err != nil {
			return err
		}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("there is something behind the list")
		}
		return err
	}
	return nil
}

// opens reports whether the first character, spaces aside, is c. It takes nothing else.
func opens(in *bufio.Reader, c byte) (bool, error) {
	for {
		b, err := in.Peek(1)
		if errors.Is(err, io.EOF) {
			return false, errors.New("its answer is empty; nobody is []")
		}
		if err != nil {
			return false, err
		}
		if strings.IndexByte(" \t\r\n", b[0]) < 0 {
			return b[0] == c, nil
		}
		_, _ = in.Discard(1) // it was peeked at
	}
}

// unreadable says what is wrong with an answer, and after how many recipients, without quoting it.
func unreadable(err error, n int) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, errTooLong), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("its answer did not end in time")
	case errors.As(err, &syntax), errors.As(err, &kind), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("after %d recipients its answer is not a JSON list of {to, ref, values}, or breaks off", n)
	}
	return fmt.Errorf("after %d recipients: %w", n, plainly(err))
}
