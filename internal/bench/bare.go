package bench

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// bare is a loop of the kind that anybody would write first, and records nothing: n calls in all with the default settings of
// net/http, each made of its recipients' numbers, posted, and its answer read to the end. It is what the pipeline is compared
// with. The requests are, byte for byte, the adapter's.
func (g *gateway) bare(ctx context.Context, n, concurrency int) (time.Duration, error) {
	client := &http.Client{Transport: &http.Transport{
		MaxIdleConns: concurrency, MaxIdleConnsPerHost: concurrency, MaxConnsPerHost: concurrency,
	}}
	defer client.CloseIdleConnections()
	return inParallel(n, concurrency, func(i int) error { return g.post(ctx, client, &g.samples[i%len(g.samples)]) })
}

// inParallel runs do n times in as many goroutines, and returns how long that took. An error ends it.
func inParallel(n, goroutines int, do func(i int) error) (time.Duration, error) {
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, goroutines)
	runtime.GC() // each loop begins with the same heap, as the pipeline does
	start := time.Now()
	for k := range goroutines {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n) && errs[k] == nil; i = next.Add(1) - 1 {
				errs[k] = do(int(i))
			}
		})
	}
	wg.Wait()
	return time.Since(start), errors.Join(errs...)
}

func (g *gateway) post(ctx context.Context, client *http.Client, s *sample) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.url+s.path, bytes.NewReader(s.write()))
	if err != nil {
		return err
	}
	req.Header = s.header.Clone()
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.ReadAll(resp.Body)
	return err
}

// sample is a request as the adapter made it, and what it is made of.
type sample struct {
	path                   string
	header                 http.Header
	body                   []byte
	to                     []sms.MSISDN
	before, between, after []byte // what is in the body around the numbers
}

// cut finds the numbers in the body.
func (s *sample) cut(to []providers.Recipient) error {
	rest := s.body
	for i := range to {
		var found bool
		s.to = append(s.to, to[i].To)
		if s.between, rest, found = bytes.Cut(rest, []byte(to[i].To.String())); !found {
			return errors.New("the adapter's request does not have its recipients' numbers in it")
		}
		if i == 0 {
			s.before = s.between
		}
	}
	if s.after = rest; !bytes.Equal(s.write(), s.body) {
		return errors.New("the adapter's request can't be made again from its recipients' numbers")
	}
	return nil
}

// write makes the body.
func (s *sample) write() []byte {
	b := append(make([]byte, 0, len(s.body)), s.before...)
	for i, n := range s.to {
		if i > 0 {
			b = append(b, s.between...)
		}
		b = strconv.AppendUint(b, uint64(n), 10)
	}
	return append(b, s.after...)
}
