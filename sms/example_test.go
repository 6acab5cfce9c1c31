package sms_test

import (
	"fmt"

	"github.com/volleysms/volley/sms"
)

func ExampleParseMSISDN() {
	for _, typed := range []string{"+45 20 12 34 56", "0045 20123456", "020 12 34", "not-a-number"} {
		to, err := sms.ParseMSISDN(typed)
		if err != nil {
			fmt.Println("refused:", err)
			continue
		}
		fmt.Println(to)
	}
	// Output:
	// 4520123456
	// 4520123456
	// refused: starts with 0: write it with its country code
	// refused: has letters; write it in digits
}

func ExampleMSISDN_Masked() {
	fmt.Println(sms.MSISDN(4520123456).Masked())
	// Output: ***456
}

func ExampleParseSenderID() {
	for _, s := range []string{"Acme", "+4520123456", "Acme Shoes Ltd"} {
		from, err := sms.ParseSenderID(s)
		fmt.Printf("%q %v\n", from, err)
	}
	// Output:
	// "Acme" <nil>
	// "4520123456" <nil>
	// "" sender ID has 14 characters; at most 11 are allowed with letters
}

func ExampleMeasure() {
	for _, text := range []string{"Only 5 € today", "Only 5 € today 😀"} {
		size := sms.Measure(text)
		fmt.Println(size.Encoding, size.Units, size.Segments)
	}
	// Output:
	// gsm7 15 1
	// ucs2 17 1
}

func ExampleFirstNonGSM7() {
	if r, found := sms.FirstNonGSM7("It’s ready"); found {
		fmt.Printf("%q makes it UCS-2\n", r)
	}
	// Output: '’' makes it UCS-2
}

func ExampleMessage_Validate() {
	fmt.Println(sms.Message{Text: "Your parcel is here."}.Validate())
	fmt.Println(sms.Message{Text: "  "}.Validate())
	// Output:
	// <nil>
	// text is empty
}

func ExampleTemplate() {
	t, err := sms.ParseTemplate("Hi {{name}}, your code is {{ code }}.")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(t.Fields())
	fmt.Println(string(t.Render(nil, []string{"Ann", "1234"})))
	fmt.Println(t.Merge([]string{"%1%", "%2%"}))
	// Output:
	// [name code]
	// Hi Ann, your code is 1234.
	// Hi %1%, your code is %2%.
}
