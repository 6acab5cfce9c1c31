package config

import (
	"net"
	"net/url"
	"time"
)

// Callbacks are where gateways push reports. The zero value is none.
type Callbacks struct {
	// Listen is the address that `volley callbacks` serves, ":8080" unless set.
	Listen string
	// PublicURL is how gateways reach it; empty is not told to them. It is https, but for the loopback.
	PublicURL string
	// Secret signs the addresses that gateways are given, of at least 16 bytes.
	Secret Secret
	// PreviousSecret is what Secret was before: addresses that it signed are still valid. Zero is none.
	PreviousSecret Secret
}

// Reports says how long and how often a message is asked after that was not reported about.
type Reports struct {
	// GiveUp is how long reports are waited for, and a report for its recipient's outcome; 72 h unless set.
	GiveUp time.Duration
	// Poll is how long after it was accepted a message is asked after where the gateway can be asked, and about the shortest
	// pause between two looks at a job; 1 min unless set, 0 never asks.
	Poll time.Duration
}

// Inbound is what is done with messages from handsets.
type Inbound struct {
	// Poll is how often gateways that keep such messages are asked for them; 0, unless set, is not at all.
	Poll time.Duration
	// Hook is an address to which each is posted; empty is none. It is https unless AllowPrivate.
	Hook string
	// Secret signs what is posted there.
	Secret Secret
	// AllowPrivate lets Hook be in a private network.
	AllowPrivate bool
}

// minSecret is the least a signing secret has, in bytes: as much as the signatures.
const minSecret = 16

func (r *reader) callbacks(top *section) Callbacks {
	s := top.sub("callbacks", "listen", "public_url", "secret", "secret"+fileSuffix, "previous_secret", "previous_secret"+fileSuffix)
	if len(s.entries) == 0 {
		return Callbacks{}
	}
	s.require("secret", true)
	c := Callbacks{
		Listen:         s.address("listen", ":8080"),
		PublicURL:      s.webURL("public_url"),
		Secret:         s.signing("secret"),
		PreviousSecret: s.signing("previous_secret"),
	}
	if u, err := url.Parse(c.PublicURL); err == nil && u.Scheme == "http" && !isLoopback(u.Hostname()) {
		s.complain("public_url", "must begin with https://: whoever reads an address on the way can forge reports")
	}
	return c
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// signing returns a secret that is long enough to sign with.
func (s *section) signing(key string) Secret {
	v := s.secret(key)
	if v.value != "" && len(v.value) < minSecret {
		s.complain(key, "is shorter than %d bytes; make one by: openssl rand -hex 32", minSecret)
	}
	return v
}

func (r *reader) reports(top *section) Reports {
	s := top.sub("reports", "give_up", "poll")
	return Reports{
		GiveUp: s.duration("give_up", 72*time.Hour, time.Hour, 30*24*time.Hour),
		Poll:   s.duration("poll", time.Minute, 0, 24*time.Hour),
	}
}

func (r *reader) inbound(top *section) Inbound {
	s := top.sub("inbound", "poll", "hook", "secret", "secret"+fileSuffix, "allow_private")
	in := Inbound{
		Poll:         s.duration("poll", 0, 0, 24*time.Hour),
		Hook:         s.webURL("hook"),
		Secret:       s.signing("secret"),
		AllowPrivate: s.oneOf("allow_private", "true", "false") == "true",
	}
	if in.Hook == "" {
		return in
	}
	s.require("secret", true)
	if u, err := url.Parse(in.Hook); err == nil && u.Scheme != "https" && !in.AllowPrivate {
		s.complain("hook", "must begin with https://, unless allow_private is true")
	}
	return in
}
