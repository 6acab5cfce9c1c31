package signin

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// session is what the cookie of somebody who signed in says.
type session struct {
	ID     string   `json:"i"`
	Name   string   `json:"n"`
	Groups []string `json:"g,omitempty"`
	// Ends is in seconds since 1970.
	Ends int64 `json:"e"`
	// Mark is of the password that was given; a session ends when the password is changed or taken away.
	Mark string `json:"p,omitempty"`
}

// keys sign. Each purpose has a key of its own, so that what was signed for one is nothing for another.
type keys struct{ session, flow, form []byte }

func newKeys(secret string) keys {
	of := func(purpose string) []byte {
		m := hmac.New(sha256.New, []byte(secret))
		m.Write([]byte("volley dashboard " + purpose))
		return m.Sum(nil)
	}
	return keys{of("session"), of("flow"), of("form")}
}

var text64 = base64.RawURLEncoding

func mac(key []byte, s string) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(s))
	return text64.EncodeToString(m.Sum(nil))
}

func (k keys) token(id string) string { return mac(k.form, id) }

// seal writes v so that only who has the key can have written it.
func seal(key []byte, v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	s := text64.EncodeToString(b)
	return s + "." + mac(key, s), nil
}

var errSeal = errors.New("signin: not signed here")

// open is the inverse of seal.
func open(key []byte, sealed string, v any) error {
	s, sum, _ := strings.Cut(sealed, ".")
	if !hmac.Equal([]byte(sum), []byte(mac(key, s))) {
		return errSeal
	}
	b, err := text64.DecodeString(s)
	if err != nil {
		return errSeal
	}
	return json.Unmarshal(b, v)
}

// name is a cookie's: browsers keep __Host- from being set by anybody but this very host, over https.
func (d *Door) name(s string) string {
	if d.secure {
		return "__Host-volley-" + s
	}
	return "volley-" + s
}

func (d *Door) setCookie(w http.ResponseWriter, name, value string, ttl time.Duration) {
	c := &http.Cookie{
		Name: d.name(name), Value: value, Path: "/", HttpOnly: true, Secure: d.secure, SameSite: http.SameSiteLaxMode,
		MaxAge: int(ttl.Seconds()),
	}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// admit begins a session. Only groups that are worth something here are kept.
func (d *Door) admit(w http.ResponseWriter, s session) error {
	s.ID, s.Ends = rand.Text(), d.now().Add(d.o.Session).Unix()
	s.Groups = slices.DeleteFunc(slices.Clone(s.Groups), func(g string) bool {
		return !slices.Contains(d.o.Read.Groups, g) && !slices.Contains(d.o.Operate.Groups, g)
	})
	value, err := seal(d.keys.session, s)
	if err != nil {
		return err
	}
	d.setCookie(w, "session", value, d.o.Session)
	return nil
}

// SignOut ends the caller's session in their browser.
func (d *Door) SignOut(w http.ResponseWriter) { d.setCookie(w, "session", "", 0) }

var errEnded = errors.New("signin: the session has ended")

func (d *Door) session(r *http.Request) (session, error) {
	var s session
	c, err := r.Cookie(d.name("session"))
	if err != nil {
		return s, err
	}
	if err := open(d.keys.session, c.Value, &s); err != nil {
		return s, err
	}
	if d.now().Unix() >= s.Ends {
		return s, errEnded
	}
	if s.Mark != "" {
		hash, err := d.users.hash(s.Name)
		if err != nil || !hmac.Equal([]byte(s.Mark), []byte(mark(hash))) {
			return s, errEnded
		}
	}
	return s, nil
}
