package e2e_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/volleysms/volley/e2e/world"
	"github.com/volleysms/volley/internal/redistest"
)

// BenchmarkImport imports a million rows of three columns into a redis-server, and reports how many times as long that takes
// as encoding/csv alone reads the same file, and the most memory that the process had. Four times and 200 MB are the bounds.
func BenchmarkImport(b *testing.B) {
	const n = 1_000_000
	var content bytes.Buffer
	content.WriteString("to,name,city\n")
	for i := range n {
		fmt.Fprintf(&content, "%d,Reader %d,Town %d\n", 4500000000+i*7, i, i%977)
	}
	o := world.New(b, fmt.Sprintf(`
redis: {url: "redis://%s/0"}
accounts:
  dk: {provider: gatewayapi, token: x, base_url: "http://127.0.0.1:1"}
`, redistest.Start(b)))
	file := o.Write("campaign.csv", content.String())
	var bare, took time.Duration
	var peak int64
	b.ResetTimer()
	for i := range b.N {
		began := time.Now()
		if got := readCSV(b, file); got != n+1 {
			b.Fatalf("%d records", got)
		}
		bare += time.Since(began)

		began = time.Now()
		p := o.Start("import", file, "--via", "dk", "--from", "Acme", "--text", "Hi {{name}} in {{city}}", "--label", strconv.Itoa(i))
		for ; !p.Gone(); time.Sleep(2 * time.Millisecond) {
			peak = max(peak, p.Peak())
		}
		took += time.Since(began)
		if code := p.Ended(); code != 0 {
			b.Fatalf("exit status %d: %s", code, p.Log())
		}
	}
	b.ReportMetric(took.Seconds()/bare.Seconds(), "times-csv")
	b.ReportMetric(float64(peak)/(1<<20), "peak-MB")
	b.ReportMetric(float64(n*b.N)/took.Seconds(), "rows/s")
}

// readCSV counts the records of a file.
func readCSV(b *testing.B, name string) int {
	f, err := os.Open(name)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.ReuseRecord = true
	for n := 0; ; n++ {
		if _, err := r.Read(); errors.Is(err, io.EOF) {
			return n
		} else if err != nil {
			b.Fatal(err)
		}
	}
}
