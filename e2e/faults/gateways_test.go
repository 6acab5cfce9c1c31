package faults_test

import (
	"testing"

	"github.com/volleysms/volley/internal/redistest"
)

// TestBadGateway sends through a gateway of which every fifth call goes wrong, in every way that the simulator knows.
// Unknown is who was in a call of which the fact sheets can't say whether it was taken, and nobody else.
func TestBadGateway(t *testing.T) {
	t.Parallel()
	addr := redistest.Start(t)
	r := newRig(t, "redis://"+addr+"/0")
	r.accounts[0].at.wrong = 20
	r.enqueue(plain, size.many)
	r.seat(addr).live()
	r.seat(addr).live()
	f := r.books()
	r.stop()
	r.recorded()
	t.Logf("%d recipients: %d accepted, %d rejected, %d unknown; calls by fault: %v", f.Total, f.Accepted, f.Rejected, f.Unknown, r.judge.ways)

	perhaps := 0
	for _, met := range r.judge.calls {
		for w := range met {
			if w.leaves == ambiguous {
				perhaps++
				break
			}
		}
	}
	if f.others != 0 || f.perhaps != perhaps || f.Failed != 0 {
		t.Errorf("%d are unknown, %d of them for no reason; the answers left %d so (failed: %d)", f.Unknown, f.others, perhaps, f.Failed)
	}
}
