package faults_test

import (
	"slices"
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
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

// TestUrgentBesideACampaign sends urgent messages, one at a time, while a campaign uses all of the same account. Each is
// taken long before the campaign ends; how soon is told and not asserted.
func TestUrgentBesideACampaign(t *testing.T) {
	t.Parallel()
	addr := redistest.Start(t)
	r := newRig(t, "redis://"+addr+"/0")
	r.seat(addr).live()
	r.seat(addr).live()
	r.enqueue(plain, size.rows)
	r.sent(size.call)
	var delays []time.Duration
	for range size.urgent {
		if r.numbers-r.judge.sum() < size.rows/2 {
			r.enqueue(plain, size.rows) // so that there is a campaign beside it, however long it takes
		}
		time.Sleep(r.rng.between(10*time.Millisecond, 60*time.Millisecond))
		c := campaign{from: r.numbers, to: r.numbers + 1}
		r.numbers++
		began := time.Now()
		receipt, err := r.producer.Enqueue(t.Context(), enqueue.Job{
			Via: plain, From: sender, Text: text, Priority: enqueue.Urgent, Recipients: []enqueue.Recipient{{To: number(c.from).String()}},
		})
		if err != nil {
			t.Fatal(err)
		}
		c.id = receipt.JobID
		r.jobs = append(r.jobs, c)
		for !r.judge.has(number(c.from)) {
			if r.judge.sum() == r.numbers-1 {
				t.Fatal("the campaign ended before the urgent message was taken")
			}
			time.Sleep(time.Millisecond)
		}
		delays = append(delays, time.Since(began))
	}
	slices.Sort(delays)
	t.Logf("from Enqueue to when the gateway had taken it, which takes it 20 to 50 ms: p50 %v, p99 %v, at most %v",
		delays[len(delays)/2], delays[len(delays)*99/100], delays[len(delays)-1])
	r.steady(r.books())
	r.stop()
}
