package config

import "net/url"

// Tracing says where spans go.
type Tracing struct {
	// OTLP is the address of a collector that takes OTLP over HTTP, such as http://127.0.0.1:4318; empty is none, unless the
	// environment names one.
	OTLP string
}

func (r *reader) tracing(top *section) Tracing {
	s := top.sub("tracing", "otlp")
	t := Tracing{OTLP: s.text("otlp")}
	if t.OTLP == "" {
		return t
	}
	u, err := url.Parse(t.OTLP)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		s.complain("otlp", "must be an address such as http://127.0.0.1:4318; a password goes into the environment's OTEL_EXPORTER_OTLP_HEADERS")
		return Tracing{}
	}
	return t
}

// Log says what the long-running roles log.
type Log struct {
	// Calls is true when every call is logged from info on, and not only those that came to something else than accepted.
	Calls bool
}

func (r *reader) log(top *section) Log {
	s := top.sub("log", "calls")
	switch s.text("calls") {
	case "", "unusual":
		return Log{}
	case "all":
		return Log{Calls: true}
	}
	s.complain("calls", "must be unusual or all")
	return Log{}
}
