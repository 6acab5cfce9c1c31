package config

import (
	"net/netip"
	"net/url"
	"path/filepath"
	"time"

	"gopkg.in/yaml.v3"
)

// UI is the dashboard that `volley ui` serves.
type UI struct {
	// Listen is the address it serves, "127.0.0.1:8090" unless set.
	Listen string
	// PublicURL is how browsers reach it, without a path; empty is by whatever they call it. It is https, but for the loopback.
	PublicURL string
	// Secret signs sessions, of at least 16 bytes. Zero is one that each process makes for itself.
	Secret Secret
	// Session is how long a sign-in lasts, 12 h unless set.
	Session time.Duration
	// Passwords is the file with users and what their passwords are known by; empty is none.
	Passwords string
	OIDC      OIDC
	Proxy     Proxy
	// Trusted are the networks of reverse proxies, whose word is taken for who calls.
	Trusted []netip.Prefix
	// Read and Operate say who may look, and who may also act.
	Read, Operate People
}

// OIDC is an identity provider. One without an Issuer is none.
type OIDC struct {
	Issuer, ClientID string
	ClientSecret     Secret
	// Scopes are asked for beside openid; "profile" and "email" unless set.
	Scopes []string
	// NameClaim and GroupsClaim say who somebody is, and of which groups; "email" and "groups" unless set.
	NameClaim, GroupsClaim string
}

// Proxy is a reverse proxy that signs people in. One without a UserHeader is none.
type Proxy struct {
	// UserHeader has the name of who calls, GroupsHeader the groups with commas between them; may be empty.
	UserHeader, GroupsHeader string
}

// People are users and groups by their names; the user "*" is everybody who signed in.
type People struct{ Users, Groups []string }

// SignsIn reports whether there is a way to sign in.
func (u *UI) SignsIn() bool {
	return u.Passwords != "" || u.OIDC.Issuer != "" || u.Proxy.UserHeader != ""
}

func (r *reader) ui(top *section) UI {
	s := top.sub("ui", "listen", "public_url", "secret", "secret"+fileSuffix, "session", "passwords", "oidc", "proxy", "trusted", "read", "operate")
	u := UI{
		Listen:    s.address("listen", "127.0.0.1:8090"),
		PublicURL: s.webURL("public_url"),
		Secret:    s.signing("secret"),
		Session:   s.duration("session", 12*time.Hour, time.Minute, 30*24*time.Hour),
		Passwords: s.text("passwords"),
		Trusted:   s.prefixes("trusted"),
		OIDC:      s.oidc(),
		Proxy:     s.proxy(),
		Read:      s.people("read"),
		Operate:   s.people("operate"),
	}
	if u.Passwords != "" && !filepath.IsAbs(u.Passwords) {
		u.Passwords = filepath.Join(filepath.Dir(r.file), u.Passwords)
	}
	if p, err := url.Parse(u.PublicURL); err == nil && u.PublicURL != "" {
		switch {
		case p.Scheme == "http" && !isLoopback(p.Hostname()):
			s.complain("public_url", "must begin with https://: whoever reads a session on the way can use it")
		case p.Path != "":
			s.complain("public_url", "must have no path; the dashboard is served at the top of its host")
		}
	}
	if u.OIDC.Issuer != "" && u.PublicURL == "" {
		s.complain("public_url", "is needed by oidc: the issuer sends people back to it")
	}
	if u.Proxy.UserHeader != "" && len(u.Trusted) == 0 {
		s.complain("trusted", "is needed by proxy: anybody can send a header; name the networks of the proxies, such as [10.0.0.0/8]")
	}
	if u.SignsIn() && len(u.Read.Users)+len(u.Read.Groups)+len(u.Operate.Users)+len(u.Operate.Groups) == 0 {
		s.complain("operate", "and read are missing, so that nobody who signs in may do anything; name users or groups")
	}
	return u
}

func (s *section) oidc() OIDC {
	n, line := s.child("oidc")
	if n == nil {
		return OIDC{}
	}
	o := s.section(n, line, under(s.path, "oidc"), "oidc", []string{
		"issuer", "client_id", "client_secret", "client_secret" + fileSuffix, "scopes", "name_claim", "groups_claim",
	})
	o.require("issuer", false)
	o.require("client_id", false)
	out := OIDC{
		Issuer: o.text("issuer"), ClientID: o.text("client_id"), ClientSecret: o.secret("client_secret"), Scopes: o.strings("scopes"),
		NameClaim: o.text("name_claim"), GroupsClaim: o.text("groups_claim"),
	}
	// The issuer's own name is taken as it is: some end with a slash.
	if u, err := url.Parse(o.webURL("issuer")); err == nil && u.Scheme == "http" && !isLoopback(u.Hostname()) {
		o.complain("issuer", "must begin with https://")
	}
	if out.Scopes == nil {
		out.Scopes = []string{"profile", "email"}
	}
	if out.NameClaim == "" {
		out.NameClaim = "email"
	}
	if out.GroupsClaim == "" {
		out.GroupsClaim = "groups"
	}
	return out
}

func (s *section) proxy() Proxy {
	n, line := s.child("proxy")
	if n == nil {
		return Proxy{}
	}
	p := s.section(n, line, under(s.path, "proxy"), "proxy", []string{"user_header", "groups_header"})
	p.require("user_header", false)
	return Proxy{UserHeader: p.text("user_header"), GroupsHeader: p.text("groups_header")}
}

func (s *section) people(key string) People {
	n, line := s.child(key)
	if n == nil {
		return People{}
	}
	p := s.section(n, line, under(s.path, key), key, []string{"users", "groups"})
	return People{Users: p.strings("users"), Groups: p.strings("groups")}
}

// strings returns a list of values, nil when there is none.
func (s *section) strings(key string) []string {
	n, line := s.child(key)
	if n == nil {
		return nil
	}
	list := resolve(n)
	if list.Kind != yaml.SequenceNode {
		s.problem(line, under(s.path, key), "must be a list, such as [one, two]")
		return nil
	}
	out := []string{}
	for _, item := range list.Content {
		if text, _, ok := s.scalar(item, item.Line, under(s.path, key)); ok && text != "" {
			out = append(out, text)
		}
	}
	return out
}

// prefixes returns a list of networks.
func (s *section) prefixes(key string) []netip.Prefix {
	const want = "must be a list of networks, such as [10.0.0.0/8, 127.0.0.1/32]"
	n, line := s.child(key)
	if n == nil {
		return nil
	}
	path := under(s.path, key)
	list := resolve(n)
	if list.Kind != yaml.SequenceNode {
		s.problem(line, path, want)
		return nil
	}
	var out []netip.Prefix
	for _, item := range list.Content {
		text, _, ok := s.scalar(item, item.Line, path)
		if !ok {
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			s.problem(item.Line, path, want)
			continue
		}
		out = append(out, p.Masked())
	}
	return out
}
