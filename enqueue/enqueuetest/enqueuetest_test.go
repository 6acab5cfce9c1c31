package enqueuetest_test

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/enqueue/enqueuetest"
	"github.com/volleysms/volley/sms"
)

func TestFake_JobsShowsWhatAWorkerWouldFind(t *testing.T) {
	fake := enqueuetest.New(t, enqueue.Options{BatchSize: 2})
	at := time.Now().Add(time.Hour).Truncate(time.Millisecond).UTC()
	jobs := []enqueue.Job{
		{
			Via: "dk", From: "Acme", Text: "Hi {{name}}", Fields: []string{"name"}, Label: "first", At: at,
			Recipients: []enqueue.Recipient{
				{To: "+45 00 00 00 01", Ref: "a", Values: []string{"Ada"}},
				{To: "nobody", Values: []string{"-"}},
				{To: "0045 00000002", Values: []string{"Bo"}},
				{To: "4500000001", Values: []string{"Ada again"}},
				{To: "4500000003", Ref: "c", Values: []string{"Cy"}},
			},
		},
		{Via: "moon", Binary: &sms.Binary{UDH: []byte{5, 0}, Payload: []byte{1}}, Recipients: []enqueue.Recipient{{To: "4500000004"}}},
	}
	var ids []string
	for _, j := range jobs {
		r, err := fake.Client.Enqueue(t.Context(), j)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.JobID)
	}
	got, want := fake.Jobs(), []enqueuetest.Enqueued{
		{
			JobID: ids[0], Via: "dk", From: "Acme", Text: "Hi {{name}}", Fields: []string{"name"}, Label: "first", At: at,
			Recipients: []enqueue.Recipient{
				{To: "4500000001", Ref: "a", Values: []string{"Ada"}},
				{To: "4500000002", Values: []string{"Bo"}},
				{To: "4500000003", Ref: "c", Values: []string{"Cy"}},
			},
		},
		{
			JobID: ids[1], Via: "moon", Binary: &sms.Binary{UDH: []byte{5, 0}, Payload: []byte{1}},
			Recipients: []enqueue.Recipient{{To: "4500000004"}},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestFake_JobsAreInTheOrderOfEnqueueing(t *testing.T) {
	fake := enqueuetest.New(t, enqueue.Options{})
	for i := range 20 {
		enqueueOne(t, fake, fmt.Sprint(i))
	}
	for i, j := range fake.Jobs() {
		if got, want := j.Label, fmt.Sprint(i); got != want {
			t.Fatalf("job %d: got label %q, want %q", i, got, want)
		}
	}
}

func TestFake_HasTheRulesOfTheRealClient(t *testing.T) {
	fake := enqueuetest.New(t, enqueue.Options{Accounts: []string{"dk"}})
	_, err := fake.Client.Enqueue(t.Context(), enqueue.Job{Via: "nowhere", Text: "x", Recipients: []enqueue.Recipient{{To: "4500000001"}}})
	var invalid *enqueue.InvalidError
	if !errors.As(err, &invalid) || invalid.Field != "via" {
		t.Errorf("got error %v, want one about via", err)
	}
	fake.RequireNone(t)
}

func TestFake_Only(t *testing.T) {
	for jobs, fails := range []bool{true, false, true} {
		t.Run(fmt.Sprintf("WithJobs%d", jobs), func(t *testing.T) {
			fake := enqueuetest.New(t, enqueue.Options{})
			for i := range jobs {
				enqueueOne(t, fake, fmt.Sprint(i))
			}
			said := failure(t, func(tb testing.TB) { fake.Only(tb) })
			if (said != "") != fails {
				t.Errorf("said %q, want failure %t", said, fails)
			}
			if fails && !strings.Contains(said, fmt.Sprintf("%d jobs were enqueued", jobs)) {
				t.Errorf("said %q, want the number of jobs", said)
			}
		})
	}
}

func TestFake_RequireNone(t *testing.T) {
	fake := enqueuetest.New(t, enqueue.Options{})
	if said := failure(t, fake.RequireNone); said != "" {
		t.Errorf("without a job it said %q", said)
	}
	enqueueOne(t, fake, "spring")
	if said := failure(t, fake.RequireNone); !strings.Contains(said, `label "spring"`) {
		t.Errorf("with a job it said %q, want it named", said)
	}
}

func TestNew_FailsTheTestWhenTheOptionsAreInvalid(t *testing.T) {
	said := failure(t, func(tb testing.TB) { enqueuetest.New(tb, enqueue.Options{BatchSize: -1}) })
	if !strings.Contains(said, "BatchSize") {
		t.Errorf("said %q, want BatchSize named", said)
	}
}

func enqueueOne(t *testing.T, fake *enqueuetest.Fake, label string) {
	t.Helper()
	if _, err := fake.Client.Enqueue(t.Context(), enqueue.Job{
		Via: "dk", Text: "x", Label: label, Recipients: []enqueue.Recipient{{To: "4500000001"}},
	}); err != nil {
		t.Fatal(err)
	}
}

// failing is a test that says how it failed, instead of failing.
type failing struct {
	testing.TB
	said string
}

func (f *failing) Helper() {}

func (f *failing) Fatal(args ...any) {
	f.said = fmt.Sprint(args...)
	runtime.Goexit()
}

func (f *failing) Fatalf(format string, args ...any) { f.Fatal(fmt.Sprintf(format, args...)) }

// failure returns what do fails with; "" when it doesn't.
func failure(t *testing.T, do func(testing.TB)) string {
	t.Helper()
	f := &failing{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		do(f)
	}()
	<-done
	return f.said
}
