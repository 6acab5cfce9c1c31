package bench

import (
	"bytes"
	"context"
	"fmt"
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
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, concurrency)
	start := time.Now()
	for k := range concurrency {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n) && errs[k] == nil; i = next.Add(1) - 1 {
				errs[k] = g.post(ctx, client, &g.samples[int(i)%len(g.samples)])
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	for _, err := range errs {
		if err != nil {
			return 0, fmt.Errorf("the bare loop: %w", err)
		}
	}
	return took, nil
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
