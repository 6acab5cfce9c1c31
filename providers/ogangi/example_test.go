package ogangi_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/providers/ogangi"
	"github.com/volleysms/volley/providers/providertest/gateway"
)

// platform stands in for the real one: a simulated platform and a client of it.
func platform(o gateway.Options) (*gateway.Gateway, *ogangi.Client) {
	g := gateway.New(gateway.Ogangi{}, o)
	if err := g.Start(""); err != nil {
		log.Fatal(err)
	}
	client, err := ogangi.NewClient(ogangi.ClientOptions{
		BaseURL:    g.URL(), // such as "https://flow.example.com/mmc"
		InstanceID: gateway.OgangiInstanceID,
		PublicKey:  gateway.OgangiPublicKey,
		PrivateKey: gateway.OgangiPrivateKey,
	})
	if err != nil {
		log.Fatal(err)
	}
	return g, client
}

func ExampleClient_SendSMS() {
	g, client := platform(gateway.Options{Reports: gateway.ReportPlan{On: true}})
	defer g.Close()

	m, err := client.SendSMS(context.Background(), ogangi.SMS{
		Carrier: "Movistar", From: "2020", To: 13055550100, Text: "Doors open at nine",
	})
	if err != nil {
		log.Fatal(err) // providers.KindOf(err) says whether it may have been sent
	}
	fmt.Println(m.Status)

	later, err := client.Message(context.Background(), m.ID)
	fmt.Println(later.Fate() == providers.Delivered, err)
	// Output:
	// SENT_TO_CARRIER
	// true <nil>
}

func ExampleClient_SendMT() {
	g, client := platform(gateway.Options{})
	defer g.Close()

	_, err := client.SendMT(context.Background(), ogangi.MT{From: "2020", To: 13055550100, Text: "Doors open at nine"})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_SendPIN() {
	g, client := platform(gateway.Options{})
	defer g.Close()

	pin, err := client.SendPIN(context.Background(), ogangi.PINRequest{
		Carrier: "Movistar", From: "2020", To: 13055550100, Text: "Your code is", Length: 6,
	})
	if err != nil {
		log.Fatal(err) // do not call again by yourself: see SendPIN
	}
	fmt.Println("logs see", pin)
	fmt.Println("the code has", len(pin.Reveal()), "characters")
	// Output:
	// logs see ***
	// the code has 6 characters
}

func ExampleClient_FireMessage() {
	g, client := platform(gateway.Options{})
	defer g.Close()

	_, err := client.FireMessage(context.Background(), ogangi.MO{From: 13055550100, Text: "JOIN club"})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_PostFireMessage() {
	g, client := platform(gateway.Options{})
	defer g.Close()

	fired, err := client.PostFireMessage(context.Background(),
		ogangi.MO{From: 13055550100, To: "2020", Text: "JOIN club"}, ogangi.EventFields{})
	fmt.Println(fired.Text, err)
	// Output: JOIN club <nil>
}

func ExampleClient_MOMessages() {
	g, client := platform(gateway.Options{})
	defer g.Close()
	at := time.Date(2030, 5, 17, 12, 0, 0, 0, time.UTC)
	g.Write(gateway.MO{From: 13055550100, To: "2020", Text: "JOIN club", At: at})
	g.Write(gateway.MO{From: 13055550101, To: "2020", Text: "STOP", At: at.Add(time.Minute)})

	inbox, err := client.MOMessages(context.Background(), 0, 50, ogangi.Filter{Keyword: "^STOP", Order: ogangi.NewestFirst})
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range inbox.Messages {
		fmt.Println(m.At(time.UTC).Format(time.TimeOnly), m.Text)
	}
	fmt.Println(inbox.Records, "in all")
	// Output:
	// 12:01:00 STOP
	// 1 in all
}
