package signin

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"golang.org/x/crypto/bcrypt"
)

func init() { cost = bcrypt.MinCost }

// line is a password file's, with a hash that is quick to make.
func line(t *testing.T, name, password string) string {
	t.Helper()
	h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return name + ":" + string(h) + "\n"
}

func newDoor(t *testing.T, o Options) *Door {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	t.Cleanup(func() { rdb.Close() })
	d, err := New(rdb, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// withUsers is a door with a password file.
func withUsers(t *testing.T, o Options, lines ...string) (*Door, string) {
	t.Helper()
	o.Passwords = filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(o.Passwords, []byte("# people\n\n"+strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	return newDoor(t, o), o.Passwords
}

// cookies are a request with what a response set.
func cookies(w *httptest.ResponseRecorder) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	return r
}

func TestDoor_Password(t *testing.T) {
	d, file := withUsers(t, Options{
		Operate: People{Users: []string{"ann"}}, Read: People{Users: []string{"bob"}}, PublicURL: "https://volley.example.com",
	}, line(t, "ann", "correct horse"), line(t, "bob", "battery staple"), line(t, "cat", "no role at all"))
	try := func(from, name, password string) (*httptest.ResponseRecorder, error) {
		w := httptest.NewRecorder()
		return w, d.Password(t.Context(), w, from, name, password)
	}

	t.Run("RolesAreTheConfigurations", func(t *testing.T) {
		for name, want := range map[string]struct {
			password string
			role     Role
		}{"ann": {"correct horse", Operate}, "bob": {"battery staple", Read}, "cat": {"no role at all", Nobody}} {
			w, err := try("10.0.0.1", name, want.password)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if u, ok := d.User(cookies(w)); !ok || u.Name != name || u.Role != want.role || !u.Leaves {
				t.Errorf("%s: %+v, %v", name, u, ok)
			}
		}
	})
	t.Run("TheCookieIsForThisHostAndNoScript", func(t *testing.T) {
		w, err := try("10.0.0.1", "ann", "correct horse")
		if err != nil {
			t.Fatal(err)
		}
		c := w.Result().Cookies()[0]
		if c.Name != "__Host-volley-session" || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
			t.Errorf("%+v", c)
		}
	})
	t.Run("WrongOnes", func(t *testing.T) {
		for _, c := range [][2]string{{"ann", "battery staple"}, {"nobody", "correct horse"}, {"", ""}, {"ann", ""}} {
			if w, err := try("10.0.0.2", c[0], c[1]); !errors.Is(err, ErrWrong) || len(w.Result().Cookies()) > 0 {
				t.Errorf("%q: %v", c, err)
			}
		}
	})
	t.Run("AForgedOrOldSessionIsNone", func(t *testing.T) {
		w, err := try("10.0.0.1", "bob", "battery staple")
		if err != nil {
			t.Fatal(err)
		}
		r := cookies(w)
		c, _ := r.Cookie("__Host-volley-session")
		body, sum, _ := strings.Cut(c.Value, ".")
		ann, _ := seal(newKeys("guessed").session, session{Name: "ann", Ends: time.Now().Add(time.Hour).Unix()})
		flow, _ := seal(d.keys.flow, session{Name: "ann", Ends: time.Now().Add(time.Hour).Unix()})
		for _, value := range []string{"", body, body + ".", "x" + body + "." + sum, ann, flow} {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.AddCookie(&http.Cookie{Name: "__Host-volley-session", Value: value})
			if u, ok := d.User(r); ok {
				t.Errorf("%q: %+v", value, u)
			}
		}
		d.now = func() time.Time { return time.Now().Add(12 * time.Hour) }
		defer func() { d.now = time.Now }()
		if u, ok := d.User(r); ok {
			t.Errorf("after its end: %+v", u)
		}
	})
	t.Run("AChangedPasswordEndsSessions", func(t *testing.T) {
		w, err := try("10.0.0.1", "ann", "correct horse")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(line(t, "ann", "another one now")), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, time.Time{}, time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if u, ok := d.User(cookies(w)); ok {
			t.Errorf("%+v", u)
		}
		if _, err := try("10.0.0.1", "ann", "another one now"); err != nil {
			t.Error(err)
		}
	})
}

func TestDoor_LimitsAttempts(t *testing.T) {
	d, _ := withUsers(t, Options{Operate: People{Users: []string{"*"}}}, line(t, "ann", "correct horse"), line(t, "bob", "battery staple"))
	try := func(from, name, password string) error {
		return d.Password(t.Context(), httptest.NewRecorder(), from, name, password)
	}
	for range maxPair {
		if err := try("10.0.0.1", "ann", "wrong"); !errors.Is(err, ErrWrong) {
			t.Fatal(err)
		}
	}
	if err := try("10.0.0.1", "ann", "correct horse"); !errors.Is(err, ErrTooMany) {
		t.Errorf("the right password after too many wrong ones: %v", err)
	}
	if err := try("10.0.0.1", "bob", "battery staple"); err != nil {
		t.Errorf("another name from there: %v", err)
	}
	if err := try("10.0.0.9", "ann", "correct horse"); err != nil {
		t.Errorf("the name from elsewhere: %v", err)
	}
	for i := range maxPlace {
		_ = try("10.0.0.2", string(rune('A'+i)), "wrong")
	}
	if err := try("10.0.0.2", "bob", "battery staple"); !errors.Is(err, ErrTooMany) {
		t.Errorf("after many names from one place: %v", err)
	}
	d.now = func() time.Time { return time.Now().Add(window) }
	if err := try("10.0.0.1", "ann", "correct horse"); err != nil {
		t.Errorf("a quarter of an hour later: %v", err)
	}
}

func TestDoor_Proxy(t *testing.T) {
	d := newDoor(t, Options{
		UserHeader: "X-User", GroupsHeader: "X-Groups", Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		Operate: People{Groups: []string{"ops"}}, Read: People{Users: []string{"*"}},
	})
	ask := func(peer string, header ...string) *http.Request {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = peer
		for i := 0; i < len(header); i += 2 {
			r.Header.Add(header[i], header[i+1])
		}
		return r
	}
	t.Run("IsBelieved", func(t *testing.T) {
		u, ok := d.User(ask("10.1.2.3:5", "X-User", "ann", "X-Groups", "all, ops"))
		if !ok || u.Name != "ann" || u.Role != Operate {
			t.Errorf("%+v, %v", u, ok)
		}
		if u, ok := d.User(ask("10.1.2.3:5", "X-User", "bob")); !ok || u.Role != Read {
			t.Errorf("%+v, %v", u, ok)
		}
	})
	t.Run("OthersAreNot", func(t *testing.T) {
		for name, r := range map[string]*http.Request{
			"another network": ask("192.0.2.1:5", "X-User", "ann", "X-Groups", "ops"),
			"no header":       ask("10.1.2.3:5"),
			"an empty one":    ask("10.1.2.3:5", "X-User", " "),
			"two of them":     ask("10.1.2.3:5", "X-User", "ann", "X-User", "eve"),
		} {
			if u, ok := d.User(r); ok {
				t.Errorf("%s: %+v", name, u)
			}
		}
	})
	t.Run("WhereACallerIs", func(t *testing.T) {
		for want, r := range map[string]*http.Request{
			"198.51.100.7": ask("10.1.2.3:5", "X-Forwarded-For", "203.0.113.9, 198.51.100.7, 10.9.9.9"),
			"192.0.2.1":    ask("192.0.2.1:5", "X-Forwarded-For", "198.51.100.7"),
			"10.1.2.3":     ask("10.1.2.3:5", "X-Forwarded-For", "nonsense"),
		} {
			if got := d.From(r); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
	})
}

func TestDoor_OpenIsForThisMachine(t *testing.T) {
	d := newDoor(t, Options{})
	for host, want := range map[string]bool{
		"localhost:8090": true, "127.0.0.1:8090": true, "[::1]:8090": true, "localhost": true,
		"rebound.example:8090": false, "192.0.2.1": false, "localhost.evil.example": false, "": false,
	} {
		if got := d.Knows(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}

func TestLocal(t *testing.T) {
	for next, want := range map[string]string{
		"/jobs?page=2": "/jobs?page=2", "": "/", "jobs": "/", "//evil.example/": "/", "https://evil.example": "/",
		`/\evil.example`: "/", "/a\nb": "/", "javascript:alert(1)": "/",
	} {
		if got := Local(next); got != want {
			t.Errorf("%q: %q, want %q", next, got, want)
		}
	}
}

func TestLine(t *testing.T) {
	l, err := Line("ann", "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	users, err := ParseUsers([]byte(l + "\n"))
	if err != nil || bcrypt.CompareHashAndPassword([]byte(users["ann"]), []byte("correct horse")) != nil {
		t.Errorf("%v, %v", users, err)
	}
	for _, c := range [][2]string{{"ann", "short"}, {"ann", strings.Repeat("x", 73)}, {"", "correct horse"}, {"a b", "correct horse"}, {"a:b", "correct horse"}, {"*", "correct horse"}} {
		if _, err := Line(c[0], c[1]); err == nil {
			t.Errorf("%q is taken", c)
		}
	}
}

func TestParseUsers_TellsTheLineAndNoSecret(t *testing.T) {
	good := line(t, "ann", "correct horse")
	for text, want := range map[string]string{
		good + "bob:plain-secret": "line 2", good + good: "line 2", "secret": "line 1", ":x": "line 1",
	} {
		_, err := ParseUsers([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzParseUsers(f *testing.F) {
	f.Add([]byte("ann:$2a$04$abc\n# x\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		users, err := ParseUsers(b)
		for name, hash := range users {
			if err != nil || checkName(name) != nil || hash == "" {
				t.Errorf("%q: %q, %v", name, hash, err)
			}
		}
	})
}

func TestDoor_WithoutRedisNobodyGetsIn(t *testing.T) {
	d, _ := withUsers(t, Options{Operate: People{Users: []string{"*"}}}, line(t, "ann", "correct horse"))
	d.tries.rdb = redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1})
	err := d.Password(context.Background(), httptest.NewRecorder(), "x", "ann", "correct horse")
	if err == nil || errors.Is(err, ErrWrong) {
		t.Errorf("%v", err)
	}
}
