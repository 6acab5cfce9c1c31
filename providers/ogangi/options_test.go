package ogangi

import (
	"strings"
	"testing"
)

func TestNewClient_SaysWhatToChange(t *testing.T) {
	good := ClientOptions{BaseURL: "https://example.invalid", InstanceID: "43", PublicKey: "p", PrivateKey: "hunter2"}
	tests := []struct {
		name   string
		change func(*ClientOptions)
		want   string
	}{
		{"NoBaseURL", func(o *ClientOptions) { o.BaseURL = "" }, "base URL is missing"},
		{"NoScheme", func(o *ClientOptions) { o.BaseURL = "example.invalid/mmc" }, "not an http or https"},
		{"OtherScheme", func(o *ClientOptions) { o.BaseURL = "ftp://example.invalid" }, "not an http or https"},
		{"Query", func(o *ClientOptions) { o.BaseURL += "?a=b" }, "query"},
		{"User", func(o *ClientOptions) { o.BaseURL = "https://u:p@example.invalid" }, "user"},
		{"NoInstance", func(o *ClientOptions) { o.InstanceID = "" }, "instance ID is missing"},
		{"InstanceIsNoNumber", func(o *ClientOptions) { o.InstanceID = "4/3" }, "instance ID is not a number"},
		{"NoPublicKey", func(o *ClientOptions) { o.PublicKey = "" }, "public key"},
		{"PublicKeyOfDots", func(o *ClientOptions) { o.PublicKey = ".." }, "public key"},
		{"NoPrivateKey", func(o *ClientOptions) { o.PrivateKey = "" }, "private key"},
		{"NegativeURLBytes", func(o *ClientOptions) { o.MaxURLBytes = -1 }, "negative"},
		{"EmptyFilterWithASlash", func(o *ClientOptions) { o.EmptyFilter = "a/b" }, "empty filter"},
		{"EmptyFilterOfDots", func(o *ClientOptions) { o.EmptyFilter = ".." }, "empty filter"},
		{"PostOfNoOperation", func(o *ClientOptions) { o.Post = []Operation{"sendAll"} }, `no operation "sendAll"`},
		{"Base64NumbersOfAnotherOperation", func(o *ClientOptions) { o.Base64Numbers = []Operation{OpSendMT} }, "base64 numbers"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := good
			tt.change(&o)
			if _, err := NewClient(o); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	if _, err := NewClient(good); err != nil {
		t.Error(err)
	}
}
