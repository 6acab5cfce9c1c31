package config_test

import (
	"net/netip"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/internal/config"
)

func TestParse_UI(t *testing.T) {
	c := mustParse(t, minimal+`ui:
  listen: ":8443"
  public_url: https://volley.example.com
  secret: sixteen-bytes-or-more
  session: 8h
  passwords: /etc/volley/users
  oidc: {issuer: "https://login.example.com/", client_id: volley, client_secret: s, scopes: [email], groups_claim: roles}
  proxy: {user_header: X-User, groups_header: X-Groups}
  trusted: [10.0.0.0/8]
  read: {users: ["*"]}
  operate: {users: [ann], groups: [ops]}
`, env())
	want := config.UI{
		Listen: ":8443", PublicURL: "https://volley.example.com", Secret: config.NewSecret("sixteen-bytes-or-more"), Session: 8 * time.Hour,
		Passwords: "/etc/volley/users",
		OIDC: config.OIDC{
			Issuer: "https://login.example.com/", ClientID: "volley", ClientSecret: config.NewSecret("s"), Scopes: []string{"email"},
			NameClaim: "email", GroupsClaim: "roles",
		},
		Proxy: config.Proxy{UserHeader: "X-User", GroupsHeader: "X-Groups"}, Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		Read: config.People{Users: []string{"*"}}, Operate: config.People{Users: []string{"ann"}, Groups: []string{"ops"}},
	}
	if !reflect.DeepEqual(c.UI, want) || !c.UI.SignsIn() {
		t.Errorf("\n got %+v\nwant %+v", c.UI, want)
	}
	if c := mustParse(t, minimal+"ui: {passwords: users, read: {users: [a]}}\n", env()); c.UI.Passwords != filepath.Join(filepath.Dir("volley.yaml"), "users") {
		t.Errorf("the file is %s", c.UI.Passwords)
	}
}

func TestParse_UIRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"{lisen: x}":                                    "did you mean listen?",
		"{public_url: http://v.example.com}":            "must begin with https://",
		"{public_url: https://v.example.com/x}":         "must have no path",
		"{secret: short}":                               "shorter than 16 bytes",
		"{passwords: u}":                                "nobody who signs in may do anything",
		"{proxy: {user_header: X}, read: {users: [a]}}": "anybody can send a header",
		"{oidc: {issuer: https://i.example.com, client_id: v}, read: {users: [a]}}":                                   "is needed by oidc",
		"{oidc: {issuer: http://i.example.com, client_id: v}, public_url: https://v.example.com, read: {users: [a]}}": "must begin with https://",
		"{trusted: [x]}":      "list of networks",
		"{read: {user: [a]}}": "did you mean users?",
		"{session: 1s}":       "must be a time from 1m",
	} {
		_, err := config.Parse("volley.yaml", []byte(minimal+"ui: "+text+"\n"), env())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
