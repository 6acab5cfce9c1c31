package callbacks

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/redistest"
	"github.com/volleysms/volley/internal/report"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

// BenchmarkServer pushes reports about the recipients of a large job, in random order, over HTTP, and waits until all are
// applied. backlog is how many records of the stream were left when the last push was acknowledged.
func BenchmarkServer(b *testing.B) {
	const perBatch = 1000
	batches := max(300, (b.N+perBatch-1)/perBatch) // so that hardly two reports of a moment are of the same batch
	rdb := redis.NewClient(&redis.Options{Addr: redistest.Start(b, "--appendonly", "yes", "--appendfsync", "everysec"), PoolSize: 32})
	defer rdb.Close()
	l := ledger.New(rdb)
	job := acceptedJob(b, l, batches, perBatch)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	base := "http://" + ln.Addr().String()
	s, err := New(rdb, Options{Accounts: map[string]providers.Receiver{"dk": gateway{}}, PublicURL: base, Secret: "a-secret-of-today"})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() { _ = s.Run(ctx, ln) })
	defer run.Wait()
	defer cancel()
	signer := report.NewSigner(base, "a-secret-of-today", "")
	order := rand.Perm(batches * perBatch)[:b.N]
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	var next atomic.Int64
	b.ResetTimer()
	began := time.Now()
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= b.N {
					return
				}
				address := signer.Address("dk", report.Target{Job: job, Batch: order[i] / perBatch, Position: order[i] % perBatch})
				resp, err := client.Post(address, "application/x-www-form-urlencoded", strings.NewReader("status=delivered"))
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					b.Errorf("status %d", resp.StatusCode)
				}
			}
		})
	}
	all.Wait()
	pushed := time.Since(began)
	left, _, _ := report.Backlog(ctx, rdb)
	for stream := int64(1); stream > 0; {
		if stream, _, err = report.Backlog(ctx, rdb); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/pushed.Seconds(), "acks/s")
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "applied/s")
	b.ReportMetric(float64(left), "backlog")
	if c, err := l.Counts(ctx, job); err != nil || c[ledger.Delivered] != int64(b.N) {
		b.Errorf("%d are delivered, want %d, %v", c[ledger.Delivered], b.N, err)
	}
}

// acceptedJob makes a job whose recipients the gateway took, each with an identifier of its own.
func acceptedJob(b *testing.B, l *ledger.Ledger, batches, recipients int) string {
	b.Helper()
	ctx := b.Context()
	id := uuid.Must(uuid.NewV7()).String()
	spec := ledger.Spec{ID: id, Via: "dk", Accounts: []string{"dk"}, Created: 1}
	if _, err := l.Begin(ctx, "", 0, spec, ledger.Fingerprint{1}); err != nil {
		b.Fatal(err)
	}
	var tally ledger.Tally
	for n := range batches {
		var bb ledger.BatchBuilder
		for i := range recipients {
			bb.Add(ledger.Recipient{To: sms.MSISDN(4_500_000_000 + n*recipients + i), Row: uint64(n*recipients + i + 1)})
		}
		tally.Add(n, recipients, 0)
		packed := ledger.PackBatch(ledger.Fingerprint{2, byte(n), byte(n >> 8)}, bb.AppendBody(nil))
		if err := l.Put(ctx, spec, []ledger.PackedBatch{{Number: n, Packed: packed, Queued: recipients}}); err != nil {
			b.Fatal(err)
		}
	}
	total := int64(batches * recipients)
	if _, err := l.Seal(ctx, spec, ledger.Fingerprint{3}, ledger.Receipt{Total: total, Queued: total, Batches: batches}, &tally); err != nil {
		b.Fatal(err)
	}
	for n := range batches {
		h, err := l.Take(ctx, id, n, "w/1", "")
		if err != nil {
			b.Fatal(err)
		}
		c := ledger.Commit{Seq: 1, Via: -1, Release: true, Compact: true}
		for i := range h.Records {
			rec := ledger.Record{State: ledger.Accepted, At: int64(1_700_000_000_000 + i), ID: h.Side.ID(uuid.NewString())}
			c.Records.Set(i, ledger.Queued, rec)
			h.Records[i] = rec
		}
		c.Outcomes = ledger.PackRecords(h.Records)
		c.SideAt, c.Side = h.Side.Take()
		if _, _, err := l.Commit(ctx, &h, &c); err != nil {
			b.Fatal(err)
		}
	}
	return id
}
