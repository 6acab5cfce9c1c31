package task_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/uuid"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/volleysms/volley/internal/task"
)

func TestRef_RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) task.Ref {
			id := uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, label+" job"))
			return task.Ref{Job: id.String(), Batch: rapid.IntRange(0, 1<<31).Draw(t, label+" batch")}
		}
		a, b := draw("first"), draw("second")
		if rapid.Bool().Draw(t, "same job") {
			b.Job = a.Job
		}
		got, err := task.Parse(a.Payload())
		if err != nil || got != a {
			t.Fatalf("got %+v, %v, want %+v", got, err, a)
		}
		if (a.ID() == b.ID()) != (a == b) {
			t.Fatalf("%+v is %q, %+v is %q", a, a.ID(), b, b.ID())
		}
		if !strings.Contains(a.ID(), a.Job) {
			t.Fatalf("the ID %q does not name the job", a.ID())
		}
	})
}

func TestParse_Refuses(t *testing.T) {
	for name, payload := range map[string]string{
		"Empty":          "",
		"OnlyAVersion":   "1",
		"AnotherVersion": "2 job 0",
		"NoBatch":        "1 job",
		"EmptyBatch":     "1 job ",
		"NoJob":          "1  0",
		"NegativeBatch":  "1 job -1",
		"NoNumber":       "1 job x",
		"TooLargeABatch": "1 job 99999999999999999999",
		"MoreBehind":     "1 job 0 1",
		"TooLongAJob":    "1 " + strings.Repeat("j", 65) + " 0",
		"JSON":           `{"job":"job","batch":0}`,
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := task.Parse([]byte(payload)); err == nil {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("1 0190a0b1-c2d3-7e4f-8a9b-0c1d2e3f4a5b 17"))
	f.Add([]byte("1 job +0"))
	f.Add([]byte("2 job 1"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		got, err := task.Parse(payload)
		if err != nil {
			if got != (task.Ref{}) {
				t.Fatalf("got %+v beside %v", got, err)
			}
			return
		}
		if again, err := task.Parse(got.Payload()); err != nil || again != got {
			t.Fatalf("got %+v, and again %+v, %v", got, again, err)
		}
		if got.Batch < 0 || got.Job == "" || len(got.Job) > 64 {
			t.Fatalf("got %+v", got)
		}
	})
}

// queues returns a client and an inspector on a Redis of their own.
func queues(t *testing.T) (*asynq.Client, *asynq.Inspector) {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	t.Cleanup(func() { rdb.Close() })
	return asynq.NewClientFromRedisClient(rdb), asynq.NewInspectorFromRedisClient(rdb)
}

func TestPut(t *testing.T) {
	const account = "acoustic"
	ref := task.Ref{Job: "job", Batch: 3}
	put := func(t *testing.T, c *asynq.Client, ref task.Ref, at time.Time) {
		t.Helper()
		if err := task.Put(t.Context(), c, task.Queue(account, 0), ref, at); err != nil {
			t.Fatal(err)
		}
	}
	info := func(t *testing.T, i *asynq.Inspector, ref task.Ref) *asynq.TaskInfo {
		t.Helper()
		got, err := i.GetTaskInfo(task.Queue(account, 0), ref.ID())
		if err != nil {
			t.Fatal(err)
		}
		return got
	}

	t.Run("AtOnce", func(t *testing.T) {
		c, i := queues(t)
		put(t, c, ref, time.Time{})
		got := info(t, i, ref)
		if got.State != asynq.TaskStatePending || got.Type != task.Type || got.Queue != task.Queue(account, 0) || got.Timeout != task.Timeout {
			t.Errorf("got %+v", got)
		}
		if r, err := task.Parse(got.Payload); err != nil || r != ref {
			t.Errorf("the payload reads as %+v, %v", r, err)
		}
		if got.MaxRetry < 1_000_000 {
			t.Errorf("asynq would archive the batch after %d retries", got.MaxRetry)
		}
	})
	t.Run("Scheduled", func(t *testing.T) {
		c, i := queues(t)
		at := time.Now().Add(24 * time.Hour).Truncate(time.Second)
		put(t, c, ref, at)
		if got := info(t, i, ref); got.State != asynq.TaskStateScheduled || !got.NextProcessAt.Equal(at) {
			t.Errorf("got %v at %v, want scheduled at %v", got.State, got.NextProcessAt, at)
		}
	})
	t.Run("ATimeThatHasPassedIsAtOnce", func(t *testing.T) {
		c, i := queues(t)
		put(t, c, ref, time.Now().Add(-time.Hour))
		if got := info(t, i, ref); got.State != asynq.TaskStatePending {
			t.Errorf("got %v", got.State)
		}
	})
	t.Run("AgainIsNoErrorAndNoSecondTask", func(t *testing.T) {
		c, i := queues(t)
		put(t, c, ref, time.Now().Add(time.Hour))
		for range 3 {
			put(t, c, ref, time.Time{})
		}
		q, err := i.GetQueueInfo(task.Queue(account, 0))
		if err != nil || q.Size != 1 || q.Scheduled != 1 {
			t.Errorf("got %+v, %v, want the first task alone", q, err)
		}
	})
	t.Run("ManyAtOnceAreOneTaskABatch", func(t *testing.T) {
		c, i := queues(t)
		var wg sync.WaitGroup
		for n := range 40 {
			wg.Go(func() {
				if err := task.Put(t.Context(), c, task.Queue(account, 0), task.Ref{Job: "job", Batch: n % 4}, time.Time{}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if q, err := i.GetQueueInfo(task.Queue(account, 0)); err != nil || q.Pending != 4 {
			t.Errorf("got %+v, %v, want 4 tasks", q, err)
		}
	})
	t.Run("EachAccountHasItsQueue", func(t *testing.T) {
		c, i := queues(t)
		for _, name := range []string{"a", "b"} {
			if err := task.Put(t.Context(), c, task.Queue(name, 0), task.Ref{Job: "job-" + name}, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range []string{"a", "b"} {
			tasks, err := i.ListPendingTasks(task.Queue(name, 0))
			if err != nil || len(tasks) != 1 || tasks[0].ID != (task.Ref{Job: "job-" + name}).ID() {
				t.Errorf("queue of %s: got %v, %v", name, tasks, err)
			}
		}
	})
	t.Run("AnErrorOfRedisNamesTheQueueAndTheBatch", func(t *testing.T) {
		srv := miniredis.RunT(t)
		rdb := redis.NewClient(&redis.Options{Addr: srv.Addr(), MaxRetries: -1})
		defer rdb.Close()
		srv.Close()
		err := task.Put(t.Context(), asynq.NewClientFromRedisClient(rdb), task.Queue(account, 0), ref, time.Time{})
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("batch %d", ref.Batch)) || !strings.Contains(err.Error(), account) {
			t.Errorf("got %v", err)
		}
	})
}

func TestPutBeside_IsASecondTaskOncePerMark(t *testing.T) {
	c, i := queues(t)
	ref := task.Ref{Job: "job", Batch: 3}
	if err := task.Put(t.Context(), c, task.Queue("acoustic", 0), ref, time.Time{}); err != nil {
		t.Fatal(err)
	}
	for _, mark := range []string{"a", "a", "b"} {
		if err := task.PutBeside(t.Context(), c, task.Queue("acoustic", 0), ref, mark); err != nil {
			t.Fatal(err)
		}
	}
	tasks, err := i.ListPendingTasks(task.Queue("acoustic", 0))
	if err != nil || len(tasks) != 3 {
		t.Fatalf("got %d tasks, %v, want 3", len(tasks), err)
	}
	for _, got := range tasks {
		if r, err := task.Parse(got.Payload); err != nil || r != ref {
			t.Errorf("task %s asks for %+v, %v", got.ID, r, err)
		}
	}
}

// TestStates_Drop reads and removes tasks where asynq itself put them.
func TestStates_Drop(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	defer rdb.Close()
	c, i := asynq.NewClientFromRedisClient(rdb), asynq.NewInspectorFromRedisClient(rdb)
	refs := []task.Ref{{Job: "job", Batch: 0}, {Job: "job", Batch: 1}, {Job: "job", Batch: 2}, {Job: "job", Batch: 3}}
	on := []string{task.Queue("a", 0), task.Queue("a", 0), task.Queue("b", 0), task.Queue("b", 0)}
	for n, at := range []time.Time{{}, time.Now().Add(time.Hour), {}} {
		if err := task.Put(t.Context(), c, on[n], refs[n], at); err != nil {
			t.Fatal(err)
		}
	}
	if err := i.ArchiveTask(task.Queue("b", 0), refs[2].ID()); err != nil {
		t.Fatal(err)
	}
	states := func() []string {
		t.Helper()
		got, err := task.States(t.Context(), rdb, on, refs)
		if err != nil {
			t.Fatal(err)
		}
		words := make([]string, len(got))
		for i, s := range got {
			if words[i] = s.Word; s.GivenUp() != (s.Word == "archived") || s.Active() || s.Waits() || s.Lease != 0 {
				t.Errorf("state %+v", s)
			}
		}
		return words
	}
	if got, want := states(), []string{"pending", "scheduled", "archived", ""}; !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for range 2 {
		if err := task.Drop(i, task.Queue("b", 0), refs[2]); err != nil {
			t.Fatal(err)
		}
	}
	if got := states()[2]; got != "" {
		t.Errorf("the dropped task is %q", got)
	}
	if err := task.Drop(i, task.Queue("nobody", 0), refs[0]); err != nil {
		t.Errorf("a queue that there is not: %v", err)
	}
	if err := task.Put(t.Context(), c, task.Queue("b", 0), refs[2], time.Time{}); err != nil || states()[2] != "pending" {
		t.Errorf("put again: %v, %q", err, states()[2])
	}
}
