package worker_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/task"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/worker"
)

// TestWorker_Shards raises an account's number of queues in the middle of a campaign: that goes on where it is, and new jobs
// use all of them. With the number lowered again the worker still serves what is there.
func TestWorker_Shards(t *testing.T) {
	g := &gateway{limits: providers.Limits{Recipients: 100}}
	with := func(s *system, shards int) (stop func()) {
		s.opts.Accounts = []worker.Account{{Name: "a", Adapter: g, Concurrency: 16, Shards: shards}}
		return s.start()
	}
	s := newSystem(t, worker.Account{Name: "a", Adapter: g})
	stopOne := with(s, 1)
	first := s.enqueue(enqueue.Job{Via: "a", Text: "One", Recipients: numbers(20_000)})
	s.until(first.JobID, "sent in part", func(st enqueue.Status) bool { return st.Counts.Accepted > 0 })

	stopFour := with(s, 4)
	stopOne()
	s.completed(first.JobID)

	// A producer of its own, which has not heard another number.
	client, err := enqueue.New(s.redis, enqueue.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var second []string
	for some := range slices.Chunk(numbers(20_000), 400) {
		r, err := client.Enqueue(t.Context(), enqueue.Job{Via: "a", Text: "Two", Recipients: some})
		if err != nil {
			t.Fatal(err)
		}
		second = append(second, r.JobID)
	}
	for _, job := range second {
		s.completed(job)
	}
	used, err := asynq.NewInspectorFromRedisClient(s.plain(t)).Queues()
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range task.Queues("a", 0, 4) {
		if !slices.Contains(used, q) {
			t.Errorf("nothing was ever on %s; there are %s", q, strings.Join(used, ", "))
		}
	}
	stopFour()

	third, err := client.Enqueue(t.Context(), enqueue.Job{Via: "a", Text: "Three", Recipients: numbers(5000)})
	if err != nil {
		t.Fatal(err)
	}
	with(s, 1)
	s.completed(third.JobID)
	for to, n := range g.taken {
		if n != 3 && n != 2 {
			t.Fatalf("%s was taken %d times", to, n)
		}
	}
	if len(g.taken) != 20_000 {
		t.Errorf("%d numbers were taken", len(g.taken))
	}
}

// plain is a connection to the system's Redis.
func (s *system) plain(t *testing.T) redis.UniversalClient {
	rdb := redis.NewUniversalClient(s.redis)
	t.Cleanup(func() { _ = rdb.Close() })
	if err := rdb.Ping(context.Background()).Err(); err != nil {
		t.Fatal(err)
	}
	return rdb
}
