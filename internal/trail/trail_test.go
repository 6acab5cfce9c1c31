package trail

import (
	"fmt"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestTrail(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	t.Cleanup(func() { rdb.Close() })
	core, logged := observer.New(zap.InfoLevel)
	tr, ctx := New(rdb, zap.New(core)), t.Context()
	for i := range 5 {
		tr.Add(ctx, Entry{Who: "ann", From: "127.0.0.1", Did: "pause job", To: fmt.Sprint(i), Result: Done})
	}

	t.Run("ReadInPagesTheNewestFirst", func(t *testing.T) {
		var got []string
		for next, page := "", 0; page < 3; page++ {
			list, after, err := tr.Latest(ctx, next, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range list {
				if e.Who != "ann" || e.From != "127.0.0.1" || e.Did != "pause job" || e.Result != Done || e.At.IsZero() {
					t.Errorf("%+v", e)
				}
				got = append(got, e.To)
			}
			if next = after; (next == "") != (page == 2) {
				t.Errorf("page %d goes on at %q", page, next)
			}
		}
		if s := strings.Join(got, ""); s != "43210" {
			t.Errorf("entries %s", s)
		}
	})
	t.Run("EachIsInTheLog", func(t *testing.T) {
		if n := logged.FilterField(zap.String("who", "ann")).Len(); n != 5 {
			t.Errorf("%d lines", n)
		}
	})
	t.Run("WhatRedisDoesNotTakeIsAnErrorInTheLog", func(t *testing.T) {
		gone := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1})
		t.Cleanup(func() { gone.Close() })
		New(gone, zap.New(core)).Add(ctx, Entry{Who: "bob", Did: "cancel job"})
		if logged.FilterLevelExact(zap.ErrorLevel).FilterField(zap.String("who", "bob")).Len() != 1 {
			t.Error("no line")
		}
	})
	t.Run("IsBounded", func(t *testing.T) {
		tr.Add(ctx, Entry{Who: strings.Repeat("é", 10_000)})
		list, _, err := tr.Latest(ctx, "", 1)
		if err != nil || len(list[0].Who) > maxText+8 {
			t.Errorf("%d bytes, %v", len(list[0].Who), err)
		}
		for range kept {
			rdb.XAdd(ctx, &redis.XAddArgs{Stream: key, Values: []any{"who", "x"}})
		}
		tr.Add(ctx, Entry{Who: "last"})
		if n := rdb.XLen(ctx, key).Val(); n > kept+100 {
			t.Errorf("%d entries are kept", n)
		}
	})
	t.Run("AMadeUpPlace", func(t *testing.T) {
		for _, next := range []string{"x", "1", "-", "+", "1-2-3", "1-a"} {
			if _, _, err := tr.Latest(ctx, next, 1); err == nil {
				t.Errorf("%q is taken", next)
			}
		}
	})
}
