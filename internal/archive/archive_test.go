package archive_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/archive"
	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/pgtest"
	"github.com/volleysms/volley/sms"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// rig is a ledger, a record, and what carries from one to the other.
type rig struct {
	*testing.T
	rdb     *redis.Client
	ledger  *ledger.Ledger
	client  *enqueue.Client
	url     string
	store   *archive.Store
	carrier *archive.Carrier
	sql     *pgx.Conn
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{T: t, url: pgtest.URL(t)}
	r.rdb = redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	t.Cleanup(func() { r.rdb.Close() })
	r.ledger = ledger.New(r.rdb)
	var err error
	if r.client, err = enqueue.NewFromRedis(r.rdb, enqueue.Options{Accounts: []string{"first"}, BatchSize: 10}); err != nil {
		t.Fatal(err)
	}
	r.sql = pgtest.Connect(t, r.url)
	r.store = r.open(r.url)
	r.carrier = archive.NewCarrier(r.rdb, r.store, nil, nil)
	return r
}

func (r *rig) open(url string) *archive.Store {
	r.Helper()
	s, err := archive.Open(url)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(s.Close)
	return s
}

// enqueue makes a job of n recipients, and of one that is refused.
func (r *rig) enqueue(n int) ledger.Job {
	r.Helper()
	job := enqueue.Job{Via: "first", From: "Acme", Text: "Hi {{name}}", Fields: []string{"name"}, Label: "spring"}
	for i := range n {
		job.Recipients = append(job.Recipients, enqueue.Recipient{To: fmt.Sprintf("45000%05d", i), Ref: fmt.Sprint("r", i), Values: []string{"Ann"}})
	}
	job.Recipients = append(job.Recipients, enqueue.Recipient{To: "abc", Values: []string{"Bob"}})
	receipt, err := r.client.Enqueue(r.Context(), job)
	if err != nil {
		r.Fatal(err)
	}
	return r.job(receipt.JobID)
}

func (r *rig) job(id string) ledger.Job {
	r.Helper()
	j, err := r.ledger.Job(r.Context(), id)
	if err != nil {
		r.Fatal(err)
	}
	return j
}

// settle gives what is queued in a batch an outcome.
func (r *rig) settle(job ledger.Job, batch int, to ledger.State, note ledger.Note) {
	r.Helper()
	h, err := r.ledger.Take(r.Context(), job.Spec.ID, batch, "w/1", "")
	if err != nil {
		r.Fatal(err)
	}
	c := ledger.Commit{Seq: 1, Via: -1, Release: true}
	for i, rec := range h.Records {
		if rec.State == ledger.Queued {
			rec.State, rec.At, rec.Attempts, rec.Note, rec.ID = to, time.Now().UnixMilli(), 1, h.Side.Note(note), h.Side.ID(uuid.NewString())
			c.Records.Set(i, ledger.Queued, rec)
		}
	}
	c.SideAt, c.Side = h.Side.Take()
	if _, _, err := r.ledger.Commit(r.Context(), &h, &c); err != nil {
		r.Fatal(err)
	}
	if _, err := r.ledger.Finish(r.Context(), job.Spec.ID, batch, time.Now()); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) report(job ledger.Job, batch, position int, state ledger.State) {
	r.Helper()
	b := []*ledger.BatchReports{{Job: job.Spec.ID, Batch: batch, Reports: []ledger.Report{
		{Position: position, Round: -1, Account: "first", State: state, Note: ledger.Note{Code: "8"}, At: time.Now().UnixMilli()},
	}}}
	if err := ledger.NewReporter(r.ledger).Apply(r.Context(), b); err != nil || b[0].Verdicts[0] != ledger.Applied {
		r.Fatal(b[0].Verdicts, err)
	}
}

// whole carries all there is of jobs, and reports whether nothing is missing.
func (r *rig) whole(jobs ...string) bool {
	r.Helper()
	got, err := r.carrier.Settle(r.Context(), jobs)
	if err != nil {
		r.Fatal(err)
	}
	return len(got) == len(jobs)
}

func (r *rig) count(where string, args ...any) (n int) {
	r.Helper()
	if err := r.sql.QueryRow(r.Context(), "select count(*) from "+where, args...).Scan(&n); err != nil {
		r.Fatal(where, err)
	}
	return n
}

// equal fails the test unless the rows of a job are what the ledger has.
func (r *rig) equal(job ledger.Job) {
	r.Helper()
	want := map[string]ledger.Outcome{}
	for o, err := range r.ledger.Outcomes(r.Context(), job) {
		if err != nil {
			r.Fatal(err)
		}
		want[fmt.Sprint(o.Row)] = o
	}
	rows, err := r.sql.Query(r.Context(), `select row_no, msisdn, coalesce(ref, ''), status, coalesce(account, ''),
coalesce(provider_message_id, ''), coalesce(code, ''), coalesce(detail, ''), attempts, updated_at from volley_outcomes where job_id = $1`, job.Spec.ID)
	if err != nil {
		r.Fatal(err)
	}
	n := 0
	var row int64
	var to, ref, status, account, id, code, detail string
	var attempts int
	var updated time.Time
	_, err = pgx.ForEachRow(rows, []any{&row, &to, &ref, &status, &account, &id, &code, &detail, &attempts, &updated}, func() error {
		n++
		w := want[fmt.Sprint(row)]
		got := ledger.Outcome{To: to, Row: uint64(row), Ref: ref, State: w.State, Account: account, ID: id, Code: code, Detail: detail, Attempts: attempts, At: updated.UnixMilli()}
		if w.History = nil; fmt.Sprint(got) != fmt.Sprint(w) || status != w.State.String() {
			r.Errorf("row %d: %+v and %s, the ledger has %+v", row, got, status, w)
		}
		return nil
	})
	if err != nil || n != len(want) {
		r.Errorf("%d rows, the ledger has %d; %v", n, len(want), err)
	}
}

func TestCarrier(t *testing.T) {
	t.Run("what is finished is there once, however often it is carried", func(t *testing.T) {
		r := newRig(t)
		job := r.enqueue(25)
		r.settle(job, 0, ledger.Accepted, ledger.Note{})
		if r.whole(job.Spec.ID) {
			t.Error("a job with batches to send counts as carried")
		}
		if n := r.count("volley_outcomes"); n != 10 {
			t.Errorf("%d rows of the one batch that is finished", n)
		}
		if n := r.count("volley_jobs where completed_at is null and label = 'spring' and total = 26 and refused = 1"); n != 1 {
			t.Error("the job is not as it is")
		}
		r.settle(job, 1, ledger.Failed, ledger.Note{Code: "7", Detail: "busy\x00 tone"})
		r.settle(job, 2, ledger.Accepted, ledger.Note{})
		for range 3 {
			if !r.whole(job.Spec.ID) {
				t.Error("something is missing")
			}
		}
		if n := r.count("volley_outcomes"); n != 26 {
			t.Errorf("%d rows", n)
		}
		if n := r.count("volley_outcomes where status = 'failed' and code = '7' and detail = 'busy tone'"); n != 10 {
			t.Errorf("%d failed with the reason", n)
		}
		if n := r.count("volley_jobs where state = 'completed' and completed_at is not null"); n != 1 {
			t.Error("the job is not completed")
		}
	})
	t.Run("a later report updates its row and no other", func(t *testing.T) {
		r := newRig(t)
		job := r.enqueue(20)
		for b := range job.Batches {
			r.settle(job, b, ledger.Accepted, ledger.Note{})
		}
		r.whole(job.Spec.ID)
		r.report(job, 1, 3, ledger.Delivered)
		r.whole(job.Spec.ID)
		r.equal(job)
		if n := r.count("volley_outcomes where version > 0"); n != 1 {
			t.Errorf("%d rows were written again", n)
		}
	})
	t.Run("who is sent to again has the last outcome", func(t *testing.T) {
		r := newRig(t)
		job := r.enqueue(10)
		r.settle(job, 0, ledger.Failed, ledger.Note{Code: "7"})
		if job.Batches > 1 {
			r.settle(job, 1, ledger.Failed, ledger.Note{})
		}
		r.whole(job.Spec.ID)
		if _, _, err := r.ledger.Reopen(t.Context(), r.job(job.Spec.ID), ledger.Failed); err != nil {
			t.Fatal(err)
		}
		if r.whole(job.Spec.ID) {
			t.Error("a job that is sent again counts as carried")
		}
		if n := r.count("volley_outcomes where status = 'failed'"); n != 10 {
			t.Errorf("%d failed while it is not known better", n)
		}
		r.settle(job, 0, ledger.Accepted, ledger.Note{})
		if !r.whole(job.Spec.ID) {
			t.Error("something is missing")
		}
		r.equal(job)
	})
	t.Run("several carry at once", func(t *testing.T) {
		r := newRig(t)
		var jobs []string
		for range 5 {
			job := r.enqueue(35)
			for b := range job.Batches {
				r.settle(job, b, ledger.Accepted, ledger.Note{})
			}
			jobs = append(jobs, job.Spec.ID)
		}
		var all sync.WaitGroup
		for range 3 {
			c := archive.NewCarrier(r.rdb, r.open(r.url), nil, nil)
			all.Go(func() {
				if got, err := c.Settle(t.Context(), jobs); err != nil || len(got) != len(jobs) {
					t.Errorf("%d jobs, %v", len(got), err)
				}
			})
		}
		all.Wait()
		if n := r.count("volley_outcomes"); n != 5*36 {
			t.Errorf("%d rows", n)
		}
	})
	t.Run("a batch that can't be read keeps no other", func(t *testing.T) {
		r := newRig(t)
		job, other := r.enqueue(10), r.enqueue(9)
		r.settle(job, 0, ledger.Accepted, ledger.Note{})
		r.settle(other, 0, ledger.Accepted, ledger.Note{})
		r.rdb.Set(t.Context(), "volley:{"+job.Spec.ID+".0}:r0", "rubbish", 0)
		if r.whole(job.Spec.ID, other.Spec.ID) {
			t.Error("the damaged one counts as carried")
		}
		if !r.whole(other.Spec.ID) || r.count("volley_outcomes") != 10 {
			t.Error("the other is not there")
		}
	})
}

func TestCarrier_Run(t *testing.T) {
	r := newRig(t)
	d := newDoor(t, r.url)
	c := archive.NewCarrier(r.rdb, r.open(d.url), nil, nil)
	ctx, cancel := context.WithCancel(t.Context())
	first := r.enqueue(9)
	r.settle(first, 0, ledger.Accepted, ledger.Note{})
	var run sync.WaitGroup
	run.Go(func() { c.Run(ctx) })
	defer run.Wait()
	defer cancel()
	eventually(t, "the first job", func() bool { return d.reached() && r.tables() && r.count("volley_outcomes") == 10 })
	d.close()
	second := r.enqueue(9)
	r.settle(second, 0, ledger.Accepted, ledger.Note{}) // nobody waits for PostgreSQL
	look := func() { r.rdb.ZAdd(t.Context(), ledger.CarryAgenda, redis.Z{Score: 1, Member: second.Spec.ID}) }
	look()
	d.open()
	eventually(t, "the job of the outage", func() bool { return r.count("volley_outcomes") == 20 })
	r.report(second, 0, 2, ledger.Undelivered)
	look()
	eventually(t, "the report", func() bool { return r.count("volley_outcomes where status = 'undelivered'") == 1 })
	r.equal(first)
	r.equal(second)
}

func TestStore(t *testing.T) {
	t.Run("a number is found and forgotten", func(t *testing.T) {
		r := newRig(t)
		one, two := r.enqueue(5), r.enqueue(3)
		r.settle(one, 0, ledger.Accepted, ledger.Note{})
		r.settle(two, 0, ledger.Failed, ledger.Note{Code: "7"})
		r.whole(one.Spec.ID, two.Spec.ID)
		find := func() (rows []archive.Row) {
			t.Helper()
			err := r.store.Find(t.Context(), 4500000002, func(row *archive.Row) error {
				rows = append(rows, *row)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return rows
		}
		rows := find()
		if len(rows) != 2 || rows[0].Job != two.Spec.ID || rows[0].Status != "failed" || rows[1].Outcome.Ref != "r2" || rows[1].Label != "spring" {
			t.Errorf("got %+v", rows)
		}
		if n, err := r.store.ForgetNumber(t.Context(), 4500000002); n != 2 || err != nil {
			t.Errorf("forgotten in %d rows, %v", n, err)
		}
		if rows := find(); len(rows) != 0 {
			t.Errorf("it is still found: %+v", rows)
		}
		if n := r.count("volley_outcomes where msisdn is null and ref is null and provider_message_id is null"); n != 2 {
			t.Errorf("of %d rows is left that there was somebody", n)
		}
	})
	t.Run("a job is forgotten", func(t *testing.T) {
		r := newRig(t)
		one, two := r.enqueue(5), r.enqueue(3)
		r.settle(one, 0, ledger.Accepted, ledger.Note{})
		r.settle(two, 0, ledger.Accepted, ledger.Note{})
		r.whole(one.Spec.ID, two.Spec.ID)
		if err := r.ledger.Remove(t.Context(), one.Spec.ID); err != nil {
			t.Fatal(err)
		}
		if n, found, err := r.store.ForgetJob(t.Context(), one.Spec.ID); n != 6 || !found || err != nil {
			t.Errorf("%d rows, %v, %v", n, found, err)
		}
		r.whole(one.Spec.ID, two.Spec.ID)
		if n, m, k := r.count("volley_outcomes"), r.count("volley_jobs"), r.count("volley_batches"); n != 4 || m != 1 || k != 1 {
			t.Errorf("%d rows, %d jobs and %d batches are left", n, m, k)
		}
		if _, found, err := r.store.ForgetJob(t.Context(), one.Spec.ID); found || err != nil {
			t.Errorf("it is found again: %v", err)
		}
	})
	t.Run("old jobs go", func(t *testing.T) {
		r := newRig(t)
		job := r.enqueue(5)
		r.settle(job, 0, ledger.Accepted, ledger.Note{})
		r.whole(job.Spec.ID)
		if n, err := r.store.DeleteBefore(t.Context(), time.Now().Add(-time.Hour)); n != 0 || err != nil {
			t.Errorf("%d jobs of the last hour are deleted, %v", n, err)
		}
		if n, err := r.store.DeleteBefore(t.Context(), time.Now().Add(time.Hour)); n != 1 || err != nil || r.count("volley_outcomes") != 0 {
			t.Errorf("%d jobs are deleted, %v", n, err)
		}
	})
	t.Run("tables of a newer program are left alone", func(t *testing.T) {
		r := newRig(t)
		if err := r.store.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := r.sql.Exec(t.Context(), "insert into volley_schema (version) values (99)"); err != nil {
			t.Fatal(err)
		}
		if err := r.open(r.url).Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "newer") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("an address is never told", func(t *testing.T) {
		for _, address := range []string{"postgres://user:hunter2@127.0.0.1:1/db?connect_timeout=1", "postgres://user:hunter2@[/x"} {
			s, err := archive.Open(address)
			if err == nil {
				defer s.Close()
				err = s.Find(t.Context(), sms.MSISDN(4500000000), nil)
			}
			if err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "127.0.0.1") {
				t.Errorf("got %v", err)
			}
		}
	})
}

func (r *rig) tables() (there bool) {
	if err := r.sql.QueryRow(r.Context(), "select to_regclass('volley_outcomes') is not null").Scan(&there); err != nil {
		r.Fatal(err)
	}
	return there
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 30 s", what)
		}
	}
}

// door stands before PostgreSQL and can be closed.
type door struct {
	url, to string
	l       net.Listener
	mu      sync.Mutex
	shut    bool
	conns   []net.Conn
	ever    bool
}

func newDoor(t *testing.T, address string) *door {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	d := &door{to: u.Host}
	if d.l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	u.Host = d.l.Addr().String()
	d.url = u.String()
	t.Cleanup(func() { d.l.Close(); d.close() })
	go func() {
		for {
			in, err := d.l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", d.to)
			d.mu.Lock()
			if err != nil || d.shut {
				in.Close()
			} else {
				d.ever = true
				d.conns = append(d.conns, in, out)
				go func() { _, _ = copyAll(out, in) }()
				go func() { _, _ = copyAll(in, out) }()
			}
			d.mu.Unlock()
		}
	}()
	return d
}

func copyAll(to, from net.Conn) (int64, error) {
	defer to.Close()
	return from.(*net.TCPConn).WriteTo(to)
}

func (d *door) reached() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ever
}

func (d *door) open() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shut = false
}

func (d *door) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shut = true
	for _, c := range d.conns {
		c.Close()
	}
	d.conns = nil
}

func TestCarrier_History(t *testing.T) {
	r := newRig(t)
	job := r.enqueue(3)
	if !r.looked(job.Spec.ID) {
		t.Fatal("it is not carried")
	}
	if _, err := r.client.Pause(t.Context(), job.Spec.ID, enqueue.Ask{By: "ann", Reason: "wrong price"}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.client.Resume(t.Context(), job.Spec.ID, enqueue.Ask{By: "bob"}); err != nil {
		t.Fatal(err)
	}
	if !r.looked(job.Spec.ID) {
		t.Fatal("it is not carried again")
	}
	var got string
	err := r.sql.QueryRow(t.Context(), `select string_agg(concat_ws(' ', e->>'action', e->>'by', e->>'reason', e->>'changed'), ', ')
from volley_jobs, jsonb_array_elements(history) as e where job_id = $1`, job.Spec.ID).Scan(&got)
	if want := "pause ann wrong price 3, resume bob 3"; err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

// looked carries what there is of an unfinished job, and reports whether its row is there.
func (r *rig) looked(job string) bool {
	r.Helper()
	if r.whole(job) {
		r.Fatal("the job is not complete")
	}
	return r.count("volley_jobs where job_id = '"+job+"'") == 1
}
