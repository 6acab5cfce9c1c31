package mttm

import (
	"errors"
	"net/http"
	"testing"

	"github.com/volleysms/volley/providers"
)

const inboundID = "2b2f4a10-0000-4000-8000-000000000001"

func TestReceive_Inbound(t *testing.T) {
	const head = "id=" + inboundID + "&from=%2B31612345678&to=2020&origin-connector=smsc1&priority=1"
	for _, tt := range []struct{ name, fields, text string }{
		{"Text", "&coding=0&content=STOP+it&binary=53544f50206974", "STOP it"},
		{"OctetsAlone", "&coding=0&binary=53544f50", "STOP"},
		{"ContentAlone", "&content=caf%C3%A9", "café"},
		{"UCS2", "&coding=8&content=%00S%00t%26%3A&binary=00530074263a", "St☺"},
		{"UCS2OutsideTheFirstPlane", "&coding=8&content=x&binary=d83edd23", "🤣"},
		{"UCS2AsText", "&coding=8&content=%E2%98%BA", "☺"},
		{"Latin1", "&coding=3&content=caf%E9&binary=636166e9", "café"},
		{"BytesThatAreNoText", "&coding=0&content=caf%E9&binary=636166e9", "caf\uFFFD"},
		{"Empty", "&coding=0&content=&binary=", ""},
	} {
		for _, method := range []string{http.MethodPost, http.MethodGet} {
			t.Run(tt.name+"/"+method, func(t *testing.T) {
				got, err := pushes{}.Receive(pushOf(t, method, head+tt.fields))
				want := providers.Inbound{ID: inboundID, From: 31612345678, To: "2020", Text: tt.text}
				if err != nil || len(got.Inbound) != 1 || got.Inbound[0] != want || got.Reports != nil {
					t.Errorf("got %+v, %v, want %+v", got, err, want)
				}
			})
		}
	}
}

func TestReceive_InboundThatCannotBeRead(t *testing.T) {
	for name, fields := range map[string]string{
		"NoNumber": "id=a&from=Acme&to=2020&content=x",
		"NoSender": "id=a&to=2020&origin-connector=c&content=x",
		"NoID":     "from=31612345678&to=2020&content=x",
		"OddID":    "id=a+b&from=31612345678&to=2020&content=x",
		"NoText":   "id=a&from=31612345678&to=2020&origin-connector=c",
		"NoHex":    "id=a&from=31612345678&to=2020&content=x&binary=zz",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := pushes{}.Receive(pushOf(t, http.MethodPost, fields))
			if !errors.Is(err, providers.ErrMalformed) || len(got.Inbound) != 0 {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}
