package ui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/internal/ledger"
)

// TestUnknown_SaysWhatItDidNotLookAt: who sees no job on the page must know whether there is none.
func TestUnknown_SaysWhatItDidNotLookAt(t *testing.T) {
	r := newRig(t)
	job := r.enqueue("spring", 1)
	r.settle(job, ledger.Note{Code: "7"}, ledger.Unknown)
	bob := r.browser("bob")
	const cut = "Only the latest 20,000 jobs were looked through"
	if _, body := bob.get("/unknown"); !strings.Contains(body, "spring") || strings.Contains(body, cut) {
		t.Errorf("of one job: %s", body)
	}
	var older []redis.Z
	for i := range heldAmong {
		older = append(older, redis.Z{Score: float64(i), Member: fmt.Sprintf("job-%05d", i)})
	}
	if err := r.rdb.ZAdd(t.Context(), "volley:jobs", older...).Err(); err != nil {
		t.Fatal(err)
	}
	r.server.held.at = time.Time{}
	if _, body := bob.get("/unknown"); !strings.Contains(body, "spring") || !strings.Contains(body, cut) {
		t.Errorf("of more jobs than are looked at: %s", body)
	}
	// Many have somebody unknown: each is on one of the pages.
	r.server.held.at, r.server.held.ids = time.Now().Add(time.Minute), slices.Repeat([]string{job}, 2*perPage+1)
	for page, rows := range map[string]int{"": perPage, "?page=2": perPage, "?page=3": 1, "?page=99": 1, "?page=x": perPage} {
		if _, body := bob.get("/unknown" + page); strings.Count(body, "Send again") > 0 || strings.Count(body, "outcomes?status=unknown") != rows || !strings.Contains(body, " of 3 · ") {
			t.Errorf("%q has not %d jobs: %s", page, rows, body)
		}
	}
}
