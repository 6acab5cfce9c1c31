package e2e_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/volleysms/volley/e2e/world"
	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/redistest"
	"github.com/volleysms/volley/providers/providertest/gateway"
)

// BenchmarkCallbacks pushes a report about every recipient of a campaign, in random order, to the built binary on a Redis with
// AOF, and waits until all are applied. "always" has every acknowledgement on the disk; with "everysec" it outlives all but a
// crash of the machine. One in fifty pushes more is forged.
func BenchmarkCallbacks(b *testing.B) {
	for _, fsync := range []string{"everysec", "always"} {
		b.Run(fsync, func(b *testing.B) { benchmarkCallbacks(b, fsync) })
	}
}

func benchmarkCallbacks(b *testing.B, fsync string) {
	addr := world.FreeAddr(b)
	var mu sync.Mutex
	addresses := make([]string, 0, b.N)
	g := gateway.New(gateway.MTTM{}, gateway.Options{Keep: -1, OnTake: func(took []gateway.Message) {
		mu.Lock()
		defer mu.Unlock()
		for i := range took {
			addresses = append(addresses, took[i].Callback.URL)
		}
	}})
	if err := g.Start(""); err != nil {
		b.Fatal(err)
	}
	defer g.Close()
	var yaml strings.Builder
	fmt.Fprintf(&yaml, "redis: {url: 'redis://%s/0'}\naccounts:\n  mttm: {base_url: %s, operation: sendbatch, max_recipients: 1000", redistest.Start(b, "--appendonly", "yes", "--appendfsync", fsync), g.URL())
	for k, v := range g.Dialect().Account() {
		fmt.Fprintf(&yaml, ", %s: %q", k, v)
	}
	fmt.Fprintf(&yaml, "}\ncallbacks: {listen: '%s', public_url: 'http://%s', secret: a-secret-for-tests}\n", addr, addr)
	o := world.New(b, yaml.String())
	var file strings.Builder
	file.WriteString("to\n")
	for i := range b.N {
		fmt.Fprintf(&file, "4500%06d\n", i)
	}
	w := o.Start("worker")
	var receipt enqueue.Receipt
	o.JSON(&receipt, "import", o.Write("campaign.csv", file.String()), "--via", "mttm", "--from", from, "--text", "Hello")
	o.Completed(receipt.JobID)
	w.Kill()
	callbacks := o.Start("callbacks")
	o.Eventually("callbacks", func() bool { return strings.Contains(callbacks.Log(), "callbacks are taken") })

	rand.Shuffle(len(addresses), func(i, k int) { addresses[i], addresses[k] = addresses[k], addresses[i] })
	const pushers = 64
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: pushers}}
	push := func(address string) int {
		resp, err := client.Post(address, "application/x-www-form-urlencoded", strings.NewReader(url.Values{
			"id": {"07033084-5cfb-4812-90a4-e4d24ffb6e3d"}, "message_status": {"DELIVRD"}, "level": {"2"}, "connector": {"smsc1"},
			"sub": {"001"}, "dlvrd": {"001"}, "subdate": {"2601011200"}, "donedate": {"2601011201"}, "err": {"000"}, "text": {"Hello"},
		}.Encode()))
		if err != nil {
			b.Error(err)
			return 0
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, resp.Body)
		return resp.StatusCode
	}
	var next, forged atomic.Int64
	took := make([]time.Duration, len(addresses))
	b.ResetTimer()
	began := time.Now()
	var all sync.WaitGroup
	for range pushers {
		all.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(addresses) {
					return
				}
				if i%50 == 0 {
					forged.Add(1)
					if got := push(gateway.Tampered(addresses[i])); got != http.StatusNotFound {
						b.Errorf("a forged push got %d", got)
					}
				}
				at := time.Now()
				if got := push(addresses[i]); got != http.StatusOK {
					b.Errorf("status %d", got)
				}
				took[i] = time.Since(at)
			}
		})
	}
	all.Wait()
	pushed := time.Since(began)
	o.Eventually("the reports", func() bool { return int(o.Status(receipt.JobID).Counts.Delivered) == len(addresses) })
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(len(addresses))/pushed.Seconds(), "acks/s")
	b.ReportMetric(float64(len(addresses))/time.Since(began).Seconds(), "applied/s")
	b.ReportMetric(float64(took[len(took)*99/100].Milliseconds()), "p99-ms")
}
