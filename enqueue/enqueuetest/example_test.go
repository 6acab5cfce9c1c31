package enqueuetest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/enqueue/enqueuetest"
)

// shop is an application that sends SMS.
type shop struct{ sms *enqueue.Client }

func (s *shop) shipped(ctx context.Context, order, customer, to string) error {
	_, err := s.sms.Enqueue(ctx, enqueue.Job{
		Via: "default", From: "Shop", Text: "Hi {{name}}, your order {{order}} is on its way.",
		Fields:     []string{"name", "order"},
		Recipients: []enqueue.Recipient{{To: to, Ref: order, Values: []string{customer, order}}},
		Key:        "shipped/" + order,
	})
	return err
}

func Example() {
	t := &testing.T{} // in a test it is the test's own

	fake := enqueuetest.New(t, enqueue.Options{Routes: map[string][]string{"default": {"dk", "moon"}}})
	s := &shop{sms: fake.Client}

	if err := s.shipped(context.Background(), "A-1", "Ada", "+45 00 00 00 01"); err != nil {
		t.Fatal(err)
	}
	// A repeat has the same key, and enqueues nothing more.
	if err := s.shipped(context.Background(), "A-1", "Ada", "+45 00 00 00 01"); err != nil {
		t.Fatal(err)
	}

	job := fake.Only(t)
	fmt.Println(job.Via, job.From)
	fmt.Println(job.Text)
	fmt.Println(job.Recipients[0].To, job.Recipients[0].Ref, job.Recipients[0].Values)
	// Output:
	// default Shop
	// Hi {{name}}, your order {{order}} is on its way.
	// 4500000001 A-1 [Ada A-1]
}
