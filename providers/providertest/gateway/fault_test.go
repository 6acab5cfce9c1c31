package gateway_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/volleysms/volley/providers/providertest/gateway"
)

func TestParseFault(t *testing.T) {
	tests := []struct {
		in   string
		want gateway.Fault
	}{
		{"503", gateway.Fault{Kind: gateway.Status, Status: 503}},
		{"503@2", gateway.Fault{Kind: gateway.Status, Status: 503, When: gateway.When{From: 2, To: 2}}},
		{"500-after", gateway.Fault{Kind: gateway.Status, Status: 500, After: true}},
		{"429:3s@1-5", gateway.Fault{Kind: gateway.Status, Status: 429, Delay: 3 * time.Second, When: gateway.When{From: 1, To: 5}}},
		{"latency:50ms", gateway.Fault{Kind: gateway.Latency, Delay: 50 * time.Millisecond}},
		{"latency:1.5s~0.1", gateway.Fault{Kind: gateway.Latency, Delay: 1500 * time.Millisecond, When: gateway.When{Share: 0.1}}},
		{"cut-after%10", gateway.Fault{Kind: gateway.CutAfter, When: gateway.When{Every: 10}}},
		{"cut-before", gateway.Fault{Kind: gateway.CutBefore}},
		{"garbage@3-", gateway.Fault{Kind: gateway.Garbage, When: gateway.When{From: 3}}},
		{"slow", gateway.Fault{Kind: gateway.Slow}},
		{"slow:1s", gateway.Fault{Kind: gateway.Slow, Delay: time.Second}},
		{"huge", gateway.Fault{Kind: gateway.Huge}},
		{"redirect", gateway.Fault{Kind: gateway.Redirect}},
		{"auth@1", gateway.Fault{Kind: gateway.Auth, When: gateway.When{From: 1, To: 1}}},
		{"refuse:9901", gateway.Fault{Kind: gateway.Refuse, Suffix: "9901"}},
		{"refuse:4512349901", gateway.Fault{Kind: gateway.Refuse, Suffix: "4512349901"}},
		{"mttm/503@2", gateway.Fault{Provider: "mttm", Kind: gateway.Status, Status: 503, When: gateway.When{From: 2, To: 2}}},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			got, err := gateway.ParseFault(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			if got.String() != tt.in {
				t.Errorf("written again it is %q", got.String())
			}
		})
	}
}

func TestParseFault_Refuses(t *testing.T) {
	for _, s := range []string{
		"", "nonsense", "200", "399", "600", "5030", "+503", "503-", "503-before", "503:", "503:3", "503:1500ms", "503:-1s",
		"latency", "latency:", "latency:fast", "latency:-1s", "latency:0s", "slow:", "slow:0s",
		"refuse", "refuse:", "refuse:12a", "refuse:1234567890123456", "cut", "cut-after:1s", "garbage:1", "huge:1", "auth:x", "redirect:1",
		"503@", "503@0", "503@-1", "503@a", "503@5-2", "503@1-0", "503@1-5-7", "503%", "503%0", "503~", "503~0", "503~1.1", "503~NaN", "503~-1",
		"503@1%2", "/503", "MTTM/503", "a b/503", "mttm/", "status",
	} {
		if f, err := gateway.ParseFault(s); err == nil {
			t.Errorf("%q is read as %+v", s, f)
		}
	}
}

func FuzzParseFault(f *testing.F) {
	for _, s := range []string{"503@2", "429:3s@1-5", "latency:50ms", "cut-after%10", "mttm/refuse:9901", "slow~0.5", "500-after@3-", "503~1e-05"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		fault, err := gateway.ParseFault(s)
		if err != nil {
			return
		}
		again, err := gateway.ParseFault(fault.String())
		if err != nil || again != fault {
			t.Errorf("%q: %+v is written as %q and read as %+v, %v", s, fault, fault.String(), again, err)
		}
	})
}

func ExampleParseFault() {
	f, err := gateway.ParseFault("mttm/429:3s@1-5")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Provider, f.Status, f.Delay, f.When)
	_, err = gateway.ParseFault("429:fast")
	fmt.Println(err)
	// Output:
	// mttm 429 3s @1-5
	// fault "429:fast": want a time such as 50ms or 3s after ":"
}
