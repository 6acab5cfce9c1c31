// Package signin says who calls the dashboard, and what they may do: by a password file, an identity provider (OIDC), or the
// word of a reverse proxy.
package signin

import (
	"crypto/hmac"
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

// Role is what somebody may do. The zero Role may do nothing.
type Role int

// The roles, each of which may do what the one before may.
const (
	Nobody Role = iota
	Read
	Operate
)

// String returns "nobody", "read" or "operate".
func (r Role) String() string { return [...]string{"nobody", "read", "operate"}[r] }

// User is who calls.
type User struct {
	Name string
	Role Role
	// Leaves is true for a session that SignOut can end.
	Leaves bool
	id     string
}

// People are users and groups by their names; the user "*" is everybody who signed in.
type People struct{ Users, Groups []string }

func (p People) has(name string, groups []string) bool {
	return slices.Contains(p.Users, "*") || slices.Contains(p.Users, name) ||
		slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(p.Groups, g) })
}

// Options of a Door. One without Passwords, OIDC.Issuer and UserHeader is open: whoever reaches it may operate, as long as
// they call it by a name of this machine.
type Options struct {
	// PublicURL is how browsers reach the dashboard; may be empty.
	PublicURL string
	// Secret signs sessions; empty is one that this Door makes for itself, so that its sessions end with it.
	Secret string
	// Session is how long a sign-in lasts; 0 is 12 h.
	Session time.Duration
	// Passwords is a file as ParseUsers reads it; it is read again when it has changed.
	Passwords string
	OIDC      OIDC
	// UserHeader and GroupsHeader are taken from callers in Trusted networks only.
	UserHeader, GroupsHeader string
	Trusted                  []netip.Prefix
	Read, Operate            People
	// Logger is told about what only an operator can put right; nil is silent.
	Logger *zap.Logger
}

// Door lets people in. It is safe for concurrent use.
type Door struct {
	o      Options
	keys   keys
	tries  tries
	users  users
	oidc   provider
	secure bool // browsers come by https
	now    func() time.Time
}

// New returns a Door that counts attempts in rdb, which it does not own.
func New(rdb redis.UniversalClient, o Options) (*Door, error) {
	if o.Session == 0 {
		o.Session = 12 * time.Hour
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	secret := o.Secret
	if secret == "" {
		secret = rand.Text()
	}
	d := &Door{
		o: o, keys: newKeys(secret), tries: tries{rdb}, users: users{path: o.Passwords}, now: time.Now,
		secure: strings.HasPrefix(o.PublicURL, "https://"),
	}
	d.oidc.o, d.oidc.redirect = o.OIDC, o.PublicURL+CallbackPath
	if o.Passwords != "" {
		if _, err := d.users.load(); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// Open reports whether nobody has to sign in.
func (d *Door) Open() bool { return !d.HasPasswords() && !d.HasOIDC() && d.o.UserHeader == "" }

// HasPasswords reports whether people may sign in by a password.
func (d *Door) HasPasswords() bool { return d.o.Passwords != "" }

// HasOIDC reports whether people may sign in at an identity provider.
func (d *Door) HasOIDC() bool { return d.o.OIDC.Issuer != "" }

// Secure reports whether browsers come by https.
func (d *Door) Secure() bool { return d.secure }

// openUser is who calls a Door that is open.
const openUser = "this machine"

// User returns who calls; false when they have to sign in first. Somebody who has may be Nobody all the same.
func (d *Door) User(r *http.Request) (User, bool) {
	if d.Open() {
		return User{Name: openUser, Role: Operate, id: "open"}, true
	}
	if name, groups, ok := d.proxied(r); ok {
		return User{Name: name, Role: d.role(name, groups), id: "proxy " + name}, true
	}
	s, err := d.session(r)
	if err != nil {
		return User{}, false
	}
	return User{Name: s.Name, Role: d.role(s.Name, s.Groups), Leaves: true, id: s.ID}, true
}

func (d *Door) role(name string, groups []string) Role {
	switch {
	case d.o.Operate.has(name, groups):
		return Operate
	case d.o.Read.has(name, groups):
		return Read
	}
	return Nobody
}

// proxied returns whom a reverse proxy says the caller is.
func (d *Door) proxied(r *http.Request) (name string, groups []string, ok bool) {
	if d.o.UserHeader == "" || !d.trusts(peer(r)) {
		return "", nil, false
	}
	names := r.Header.Values(d.o.UserHeader)
	if len(names) != 1 || strings.TrimSpace(names[0]) == "" {
		return "", nil, false
	}
	if d.o.GroupsHeader != "" {
		for g := range strings.SplitSeq(strings.Join(r.Header.Values(d.o.GroupsHeader), ","), ",") {
			if g = strings.TrimSpace(g); g != "" {
				groups = append(groups, g)
			}
		}
	}
	return strings.TrimSpace(names[0]), groups, true
}

func (d *Door) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(d.o.Trusted, func(p netip.Prefix) bool { return p.Contains(a) })
}

// peer is the other end of the connection.
func peer(r *http.Request) netip.Addr {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap()
}

// From is where a caller is: the other end of the connection, or whom a trusted proxy says it speaks for.
func (d *Door) From(r *http.Request) string {
	at := peer(r)
	chain := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(chain) {
		if !d.trusts(at) {
			break
		}
		next, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		at = next.Unmap()
	}
	return at.String()
}

// Knows reports whether a request calls the dashboard by a name that it has. An open Door has those of this machine only:
// else any page could make up a name for 127.0.0.1, and so read what is there.
func (d *Door) Knows(host string) bool {
	if !d.Open() {
		return true
	}
	if u, err := url.Parse(d.o.PublicURL); err == nil && d.o.PublicURL != "" && host == u.Host {
		return true
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.Unmap().IsLoopback()
}

// Token is what each of a user's forms has in it, so that no other site can send one in their name.
func (d *Door) Token(u User) string { return d.keys.token(u.id) }

// Admits reports whether token is the user's.
func (d *Door) Admits(u User, token string) bool {
	return hmac.Equal([]byte(token), []byte(d.Token(u)))
}

// Local returns where a person goes after signing in: a path of the dashboard, "/" when next is none.
func Local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}

// Errors of signing in, to be told apart with errors.Is.
var (
	// ErrWrong: the name or the password is wrong.
	ErrWrong = errors.New("the name or the password is wrong")
	// ErrTooMany: too many were wrong lately.
	ErrTooMany = errors.New("too many attempts failed; try again in a quarter of an hour")
)
