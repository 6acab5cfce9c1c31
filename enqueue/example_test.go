package enqueue_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log"
	"strings"

	"github.com/alicebob/miniredis/v2"

	"github.com/volleysms/volley/enqueue"
)

// redisURL is a Redis for the examples.
var redisURL = func() string {
	mr, err := miniredis.Run()
	if err != nil {
		log.Fatal(err)
	}
	return "redis://" + mr.Addr() + "/0"
}()

func ExampleClient_Enqueue() {
	client, err := enqueue.Open(redisURL, enqueue.Options{Accounts: []string{"dk"}})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	receipt, err := client.Enqueue(context.Background(), enqueue.Job{
		Via:  "dk",
		From: "Acme",
		Text: "We are open until eight today.",
		Recipients: []enqueue.Recipient{
			{To: "+45 00 00 00 01"},
			{To: "0045 00000002"},
			{To: "45-00000001"}, // the first again
			{To: "not-a-number"},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("queued:", receipt.Queued, "duplicates:", receipt.Duplicates, "state:", receipt.State)
	for _, r := range receipt.Refused {
		fmt.Printf("row %d was refused: %s\n", r.Row, r.Reason)
	}
	// Output:
	// queued: 2 duplicates: 1 state: queued
	// row 4 was refused: has letters; write it in digits
}

func ExampleClient_Enqueue_invalid() {
	client, err := enqueue.Open(redisURL, enqueue.Options{Accounts: []string{"dk"}})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	_, err = client.Enqueue(context.Background(), enqueue.Job{
		Via: "dk", Text: "Hi {{name}}", Recipients: []enqueue.Recipient{{To: "4500000001"}},
	})
	var invalid *enqueue.InvalidError
	if errors.As(err, &invalid) {
		fmt.Println("field:", invalid.Field)
		fmt.Println("reason:", invalid.Reason)
	}
	// Output:
	// field: text
	// reason: asks for the field "name"; the recipients have no fields
}

func ExampleClient_Enqueue_personal() {
	client, err := enqueue.Open(redisURL, enqueue.Options{Accounts: []string{"dk"}})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	receipt, err := client.Enqueue(context.Background(), enqueue.Job{
		Via:    "dk",
		From:   "Acme",
		Text:   "Hi {{name}}, your table is ready at {{time}}.",
		Fields: []string{"name", "time"},
		Recipients: []enqueue.Recipient{
			{To: "4500000001", Ref: "booking-17", Values: []string{"Ada", "19:00"}},
			{To: "4500000002", Ref: "booking-18", Values: []string{"Bo"}}, // lacks the time
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("queued:", receipt.Queued)
	fmt.Println("refused:", receipt.Refused[0].Reason)
	// Output:
	// queued: 1
	// refused: it has 1 values for 2 fields
}

func ExampleClient_Enqueue_idempotencyKey() {
	client, err := enqueue.Open(redisURL, enqueue.Options{Accounts: []string{"dk"}})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	job := enqueue.Job{
		Via: "dk", From: "Acme", Text: "Your order is on its way.", Key: "shipped/order-7",
		Recipients: []enqueue.Recipient{{To: "4500000001"}},
	}
	first, err := client.Enqueue(context.Background(), job)
	if err != nil {
		log.Fatal(err)
	}
	// Whoever doesn't know whether the call got through makes it again.
	again, err := client.Enqueue(context.Background(), job)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the same job:", again.JobID == first.JobID, "duplicate:", again.Duplicate)

	job.Text = "Something else."
	_, err = client.Enqueue(context.Background(), job)
	fmt.Println("conflict:", errors.Is(err, enqueue.ErrKeyConflict))
	// Output:
	// the same job: true duplicate: true
	// conflict: true
}

func ExampleClient_EnqueueStream() {
	client, err := enqueue.Open(redisURL, enqueue.Options{Accounts: []string{"dk"}})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	// Where they come from, a database or a file, may fail on the way: yield the error, and nothing is sent.
	customers := []string{"4500000001,Ada", "4500000002,Bo", "4500000003,Cy"}
	var recipients iter.Seq2[enqueue.Recipient, error] = func(yield func(enqueue.Recipient, error) bool) {
		for _, line := range customers {
			number, name, ok := strings.Cut(line, ",")
			if !ok {
				yield(enqueue.Recipient{}, errors.New("a line has no name"))
				return
			}
			if !yield(enqueue.Recipient{To: number, Values: []string{name}}, nil) {
				return
			}
		}
	}
	job := enqueue.Job{
		Via: "dk", From: "Acme", Text: "Hi {{name}}, the spring sale is on.", Fields: []string{"name"}, Key: "spring sale", Label: "spring",
	}
	receipt, err := client.EnqueueStream(context.Background(), job, recipients)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("queued:", receipt.Queued, "batches:", receipt.Batches)
	// Output:
	// queued: 3 batches: 1
}

func ExampleClient_Status() {
	client, err := enqueue.Open(redisURL, enqueue.Options{Accounts: []string{"dk"}})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	receipt, err := client.Enqueue(context.Background(), enqueue.Job{
		Via: "dk", Text: "Good morning.", Recipients: []enqueue.Recipient{{To: "4500000001"}, {To: "4500000002"}, {To: "123"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	status, err := client.Status(context.Background(), receipt.JobID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(status.State)
	fmt.Println("total:", status.Counts.Total, "queued:", status.Counts.Queued, "rejected:", status.Counts.Rejected)
	// Output:
	// queued
	// total: 3 queued: 2 rejected: 1
}

func ExampleClient_Outcomes() {
	client, err := enqueue.Open(redisURL, enqueue.Options{Accounts: []string{"dk"}})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	receipt, err := client.Enqueue(context.Background(), enqueue.Job{
		Via: "dk", Text: "Good morning.",
		Recipients: []enqueue.Recipient{{To: "4500000001", Ref: "ada"}, {To: "123", Ref: "bo"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	for o, err := range client.Outcomes(context.Background(), receipt.JobID) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %s is %s %q\n", o.Ref, o.To, o.Status, o.Detail)
	}
	// Output:
	// ada: 4500000001 is queued ""
	// bo: 123 is rejected "3 digits; a number with country code has 7 to 15"
}
