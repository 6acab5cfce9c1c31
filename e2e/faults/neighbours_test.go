package faults_test

import (
	"testing"
	"time"

	"github.com/volleysms/volley/internal/redistest"
	"github.com/volleysms/volley/providers/providertest/gateway"
)

// plainDialect is what the plain account's gateway speaks.
var plainDialect = gateway.MGage{}

// TestOthersTrouble sends a campaign through a healthy account twice: alone, and while another account's login is wrong
// and a third one's gateway is dead. Those are asked a few times and keep their recipients queued.
func TestOthersTrouble(t *testing.T) {
	t.Parallel()
	addr := redistest.Start(t)
	r := newRig(t, "redis://"+addr+"/0",
		account{name: plain, dialect: plainDialect, settings: "max_recipients: 50, concurrency: 4"},
		account{name: "locked", dialect: plainDialect, login: map[string]string{"password": "not-the-password"}},
		account{name: "gone", dialect: plainDialect, dead: true},
	)
	r.seat(addr).live()
	r.seat(addr).live()
	r.enqueue(plain, size.many/10) // so that both runs find everything warm
	r.until("the workers to be warm", r.completed)

	run := func() time.Duration {
		start := time.Now()
		r.enqueue(plain, size.many)
		r.until("the healthy account's campaign", r.completed)
		return time.Since(start)
	}
	alone := run()
	var waiting []campaign
	for _, via := range []string{"locked", "gone"} {
		waiting = append(waiting, r.enqueue(via, size.many))
	}
	r.jobs, r.open = r.jobs[:len(r.jobs)-len(waiting)], len(waiting)
	locked := r.accounts[1].at.byWay[&well]
	r.until("the wrong login to be refused", func() bool { return locked.Stats().Requests > 0 })
	beside := run()
	t.Logf("alone %v, beside accounts in trouble %v: %.2f times as long", alone.Round(time.Millisecond), beside.Round(time.Millisecond),
		beside.Seconds()/alone.Seconds())

	r.steady(r.books())
	if n := locked.Stats(); n.Taken != 0 || n.Requests > 40 {
		t.Errorf("the gateway that refuses the login: %+v", n)
	}
	for _, c := range waiting {
		if n := r.Status(c.id).Counts; n.Queued+n.Sending != n.Total {
			t.Errorf("an account in trouble burns its recipients: %+v", n)
		}
	}
	r.stop()
	r.recorded()
}
