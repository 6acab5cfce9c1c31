package enqueue_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/schedule"
)

func weekly() enqueue.Schedule {
	return enqueue.Schedule{
		Name: "standup", Cron: "55 8 * * mon", Zone: "Europe/Copenhagen", Start: time.Date(2090, 1, 1, 0, 0, 0, 0, time.UTC),
		Overlap: enqueue.OverlapSkip, CatchUp: enqueue.CatchUpNone,
		Send:       enqueue.ScheduleTemplate{Via: "dk", From: "Acme", Text: "In 5 minutes, {{name}}"},
		Recipients: enqueue.ScheduleRecipients{To: []enqueue.ScheduleRecipient{{To: "4500000001", Values: map[string]string{"name": "Ann"}}}},
	}
}

func ExampleClient_Schedules() {
	client, err := enqueue.Open(redisURL, enqueue.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	in, err := client.Schedules().Add(context.Background(), weekly())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(in.Name, "is", in.Condition, "and fires at", in.Next[0])
	// Output:
	// standup is active and fires at 2090-01-02 08:55:00 +0100 CET
}

func TestSchedules(t *testing.T) {
	r := newRig(t, enqueue.Options{})
	s, ctx := r.client.Schedules(), t.Context()
	if all, err := s.List(ctx); err != nil || len(all) != 0 {
		t.Errorf("at first there are %v, %v", all, err)
	}
	in, err := s.Add(ctx, weekly())
	if err != nil || in.ID == "" || in.Overlap != enqueue.OverlapSkip || len(in.Next) == 0 {
		t.Fatalf("added %+v, %v", in, err)
	}
	if _, err := s.Add(ctx, weekly()); !errors.Is(err, enqueue.ErrScheduleExists) {
		t.Errorf("added again: %v", err)
	}
	if got, err := s.Get(ctx, "standup"); err != nil || got.ID != in.ID {
		t.Errorf("got %+v, %v", got, err)
	}
	if all, err := s.List(ctx); err != nil || len(all) != 1 || all[0].ID != in.ID {
		t.Errorf("there are %v, %v", all, err)
	}

	if err := s.Pause(ctx, "standup", "holidays"); err != nil {
		t.Error(err)
	}
	if got, err := s.Get(ctx, "standup"); err != nil || got.Note != "holidays" || got.PausedAt == nil || len(got.Next) != 0 {
		t.Errorf("paused: %+v, %v", got, err)
	}
	if err := s.Resume(ctx, "standup"); err != nil {
		t.Error(err)
	}
	request, err := s.RunNow(ctx, "standup")
	if err != nil || request == "" {
		t.Errorf("asked to run: %q, %v", request, err)
	}
	if _, err := s.RunNow(ctx, "standup"); !errors.Is(err, enqueue.ErrScheduleAsked) {
		t.Errorf("asked again: %v", err)
	}
	if f, err := s.Asked(ctx, "standup", request); err != nil || f != nil {
		t.Errorf("nobody fires it, and yet %+v, %v", f, err)
	}
	if h, err := s.History(ctx, "standup", 10); err != nil || len(h) != 0 {
		t.Errorf("history %+v, %v", h, err)
	}

	changed := weekly()
	changed.Zone = "Europe/Lisbon"
	changes, err := s.Apply(ctx, []enqueue.Schedule{changed}, enqueue.ApplyOptions{})
	if err != nil || len(changes) != 1 || len(changes[0].Differences) != 1 || changes[0].Differences[0].Field != "zone" {
		t.Errorf("applied: %+v, %v", changes, err)
	}
	if err := s.Remove(ctx, "standup"); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"get": func() error { _, err := s.Get(ctx, "standup"); return err }(), "remove": s.Remove(ctx, "standup"),
		"pause": s.Pause(ctx, "standup", ""), "resume": s.Resume(ctx, "standup"),
	} {
		if !errors.Is(err, enqueue.ErrNoSchedule) {
			t.Errorf("%s of one that is gone: %v", name, err)
		}
	}
}

func TestSchedules_Refuses(t *testing.T) {
	r := newRig(t, enqueue.Options{})
	s := r.client.Schedules()
	bad := weekly()
	bad.Cron, bad.Send.Via = "at nine", ""
	var in *enqueue.InvalidScheduleError
	if _, err := s.Add(t.Context(), bad); !errors.As(err, &in) {
		t.Errorf("got %v", err)
	}
	if keys := r.mr.Keys(); len(keys) > 0 {
		t.Errorf("it wrote %v", keys)
	}
	r.mr.Close()
	if _, err := s.Add(t.Context(), weekly()); !errors.Is(err, enqueue.ErrUnreachable) {
		t.Errorf("without Redis: %v", err)
	}
}

// What a schedule takes, a job takes.
func TestSchedules_BoundsAreAJobs(t *testing.T) {
	if schedule.MaxFields != enqueue.MaxFields || schedule.MaxLabel != enqueue.MaxLabel {
		t.Errorf("fields %d and %d, label %d and %d", schedule.MaxFields, enqueue.MaxFields, schedule.MaxLabel, enqueue.MaxLabel)
	}
}
