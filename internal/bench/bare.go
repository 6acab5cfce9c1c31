package bench

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// bare posts the sampled requests, n of them in all, over kept-alive connections, and records nothing. It is what the
// pipeline is compared with.
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
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.url+s.path, bytes.NewReader(s.body))
	if err != nil {
		return err
	}
	req.Header = s.header
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}
