package redistest_test

import (
	"context"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/internal/redistest"
)

func TestStart(t *testing.T) {
	ctx := context.Background()

	t.Run("TheServerAnswersAndEndsWithTheTest", func(t *testing.T) {
		var rdb *redis.Client
		inner := t.Run("Inner", func(t *testing.T) {
			rdb = redis.NewClient(&redis.Options{Addr: redistest.Start(t), MaxRetries: -1})
			if err := rdb.Set(ctx, "a", "b", 0).Err(); err != nil {
				t.Fatal(err)
			}
		})
		if !inner {
			return
		}
		defer rdb.Close()
		if err := rdb.Ping(ctx).Err(); err == nil {
			t.Error("the server lives on")
		}
	})

	t.Run("ArgumentsReachTheServer", func(t *testing.T) {
		rdb := redis.NewClient(&redis.Options{Addr: redistest.Start(t, "--databases", "3")})
		defer rdb.Close()
		got, err := rdb.ConfigGet(ctx, "databases").Result()
		if err != nil || got["databases"] != "3" {
			t.Errorf("got %v, %v", got, err)
		}
	})

	t.Run("TwoServersAreApart", func(t *testing.T) {
		if a, b := redistest.Start(t), redistest.Start(t); a == b {
			t.Errorf("both are at %s", a)
		}
	})
}

func TestServer(t *testing.T) {
	ctx := context.Background()

	t.Run("WhatIsInTheLogOfWritesIsThereAfterAKill", func(t *testing.T) {
		s := redistest.New(t, "--appendonly", "yes", "--appendfsync", "always")
		rdb := redis.NewClient(&redis.Options{Addr: s.Addr, MaxRetries: -1})
		defer rdb.Close()
		if err := rdb.Set(ctx, "a", "b", 0).Err(); err != nil {
			t.Fatal(err)
		}
		s.Kill()
		if err := rdb.Ping(ctx).Err(); err == nil {
			t.Error("the server outlives its kill")
		}
		s.Restart()
		if got, err := rdb.Get(ctx, "a").Result(); err != nil || got != "b" {
			t.Errorf("got %q, %v", got, err)
		}
	})

	t.Run("AFrozenOneAnswersOnceItThaws", func(t *testing.T) {
		s := redistest.New(t)
		rdb := redis.NewClient(&redis.Options{Addr: s.Addr})
		defer rdb.Close()
		s.Freeze()
		answer := make(chan error, 1)
		go func() { answer <- rdb.Ping(ctx).Err() }()
		select {
		case err := <-answer:
			t.Errorf("it answered while frozen: %v", err)
		default:
		}
		s.Thaw()
		if err := <-answer; err != nil {
			t.Error(err)
		}
	})
}

func TestStartWatched(t *testing.T) {
	ctx := context.Background()
	w := redistest.StartWatched(t)
	rdb := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: redistest.MasterName, SentinelAddrs: []string{w.Sentinels[0].Addr}})
	defer rdb.Close()
	if err := rdb.Set(ctx, "a", "b", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if n, err := rdb.Wait(ctx, 1, 0).Result(); err != nil || n != 1 {
		t.Fatalf("%d replicas have it, %v", n, err)
	}
	if got, err := redis.NewClient(&redis.Options{Addr: w.Replica.Addr}).Get(ctx, "a").Result(); err != nil || got != "b" {
		t.Errorf("the replica has %q, %v", got, err)
	}
}

func TestCluster_Move(t *testing.T) {
	ctx := context.Background()
	c := redistest.StartCluster(t)
	rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{c.Nodes[0].Addr}})
	defer rdb.Close()
	if err := rdb.Set(ctx, "a", "b", 0).Err(); err != nil {
		t.Fatal(err)
	}
	slot, err := rdb.ClusterKeySlot(ctx, "a").Result()
	if err != nil {
		t.Fatal(err)
	}
	var had string
	for range len(c.Nodes) + 1 { // all the way round
		if err := c.Move(int(slot)); err != nil {
			t.Fatal(err)
		}
		if got, err := rdb.Get(ctx, "a").Result(); err != nil || got != "b" {
			t.Errorf("got %q, %v", got, err)
		}
		var have []string
		for _, s := range c.Nodes {
			node := redis.NewClient(&redis.Options{Addr: s.Addr})
			if err := node.Get(ctx, "a").Err(); err == nil {
				have = append(have, s.Addr)
			}
			_ = node.Close()
		}
		if len(have) != 1 || have[0] == had {
			t.Fatalf("%v have the key, after %s had it", have, had)
		}
		had = have[0]
	}
}
