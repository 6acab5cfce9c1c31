package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/e2e/world"
	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/redistest"
)

// TestImport_KilledAtAnyRowGoesOn kills an import with SIGKILL at one point after the other, gives the same command again
// each time, and finds a job with every row once.
func TestImport_KilledAtAnyRowGoesOn(t *testing.T) {
	const n, kills = 20_000, 5
	const goesOn = "was cut off: going on with it"
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	addr := redistest.Start(t)
	rdb := redis.NewClient(&redis.Options{Addr: addr})
	defer rdb.Close()
	o := world.New(t, fmt.Sprintf(`
redis: {url: "redis://%s/0"}
accounts:
  dk: {provider: gatewayapi, token: x, base_url: "http://127.0.0.1:1"}
`, addr))

	// Long values that can't be compressed, so that a batch or two fill a round trip.
	var b strings.Builder
	b.WriteString("to,ref,name\n")
	for i := range n {
		number := fmt.Sprint(4500000000 + i)
		if i%1000 == 7 {
			number = fmt.Sprint("bad", i)
		}
		fmt.Fprintf(&b, "%s,r%d,", number, i)
		for range 16 {
			fmt.Fprintf(&b, "%016x", random.Uint64())
		}
		b.WriteByte('\n')
	}
	file := o.Write("campaign.csv", b.String())
	args := []string{"import", file, "--via", "dk", "--from", "Acme", "--text", "Hi {{name}}"}

	// A batch has two keys.
	var points []int64
	for range kills {
		points = append(points, 2+random.Int64N(2*n/1000-10))
	}
	slices.Sort(points)
	wentOn := 0
	for i, point := range points {
		p := o.Start(args...)
		for !p.Gone() {
			size, err := rdb.DBSize(t.Context()).Result()
			if err != nil {
				t.Fatal(err)
			}
			if size >= point && (i == 0 || strings.Contains(p.Log(), goesOn)) {
				break
			}
		}
		ended := p.Gone()
		p.Kill()
		if strings.Contains(p.Log(), "volley:") {
			t.Fatalf("the import failed: %s", p.Log())
		}
		if strings.Contains(p.Log(), goesOn) {
			wentOn++
		}
		if ended {
			break
		}
	}
	if wentOn == 0 {
		t.Error("none went on with what was killed, so that this proves little")
	}

	var first, again enqueue.Receipt
	o.JSON(&first, args...)
	if first.Queued != n-n/1000 || first.RefusedCount != n/1000 || first.Duplicates != 0 || first.Duplicate {
		t.Errorf("receipt %+v", first)
	}
	o.JSON(&again, args...)
	if again.JobID != first.JobID || !again.Duplicate {
		t.Errorf("once more: %+v", again)
	}
	found := o.Outcomes(first.JobID)
	if len(found) != n {
		t.Errorf("%d outcomes", len(found))
	}
	for i := range n {
		out, ok := found[fmt.Sprint(4500000000+i)]
		if i%1000 == 7 {
			if ok {
				t.Fatalf("row %d is no number and is there", i+2)
			}
		} else if out.Row != uint64(i+2) || out.Ref != fmt.Sprintf("r%d", i) || out.Status != "queued" {
			t.Fatalf("row %d: %+v", i+2, out)
		}
	}
	var jobs []enqueue.Status
	o.JSON(&jobs, "status")
	if len(jobs) != 1 {
		t.Errorf("there are %d jobs", len(jobs))
	}
	if code, out, errs := o.Run("verify"); code != 0 {
		t.Errorf("the books do not add up: %s%s", out, errs)
	}
}
