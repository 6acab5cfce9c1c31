package signin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"
)

// Bounds of a password. bcrypt looks at 72 bytes and no more.
const (
	minPassword = 10
	maxPassword = 72
	maxUserName = 64
)

// cost is how much work a password takes; tests have less time.
var cost = 12

// Line returns the line of a password file for a user, without a line break.
func Line(name, password string) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	switch n := utf8.RuneCountInString(password); {
	case n < minPassword:
		return "", fmt.Errorf("the password has %d characters; %d are the least", n, minPassword)
	case len(password) > maxPassword:
		return "", fmt.Errorf("the password has %d bytes; %d are the most", len(password), maxPassword)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		return "", fmt.Errorf("signin: %w", err)
	}
	return name + ":" + string(hash), nil
}

func checkName(name string) error {
	bad := strings.ContainsFunc(name, func(r rune) bool { return r == ':' || r == '#' || unicode.IsSpace(r) || !unicode.IsPrint(r) })
	if name == "" || name == "*" || len(name) > maxUserName || !utf8.ValidString(name) || bad {
		return fmt.Errorf("a user's name is 1 to %d characters without spaces, colons and #", maxUserName)
	}
	return nil
}

// ParseUsers reads a password file: a line NAME:HASH for each user, as Line makes them. Empty lines and those that begin
// with # count for nothing. An error names the line, and nothing that is in it.
func ParseUsers(b []byte) (map[string]string, error) {
	out := map[string]string{}
	for i, line := range bytes.Split(b, []byte("\n")) {
		s := strings.TrimSpace(string(line))
		if s == "" || s[0] == '#' {
			continue
		}
		name, hash, _ := strings.Cut(s, ":")
		if err := checkName(name); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		if _, err := bcrypt.Cost([]byte(hash)); err != nil {
			return nil, fmt.Errorf("line %d is not NAME:HASH; make one by: volley ui passwd NAME", i+1)
		}
		if _, twice := out[name]; twice {
			return nil, fmt.Errorf("line %d: the user is there twice", i+1)
		}
		out[name] = hash
	}
	return out, nil
}

// users are those of a file, which is read again when it has changed.
type users struct {
	path string

	mu   sync.Mutex
	at   time.Time
	size int64
	all  map[string]string
}

func (u *users) load() (map[string]string, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	info, err := os.Stat(u.path)
	if err != nil {
		return nil, fmt.Errorf("the password file: %w", err)
	}
	if u.all != nil && info.ModTime().Equal(u.at) && info.Size() == u.size {
		return u.all, nil
	}
	b, err := os.ReadFile(u.path)
	if err != nil {
		return nil, fmt.Errorf("the password file: %w", err)
	}
	all, err := ParseUsers(b)
	if err != nil {
		return nil, fmt.Errorf("the password file %s: %w", u.path, err)
	}
	u.all, u.at, u.size = all, info.ModTime(), info.Size()
	return all, nil
}

func (u *users) hash(name string) (string, error) {
	all, err := u.load()
	if err != nil {
		return "", err
	}
	h, ok := all[name]
	if !ok {
		return "", ErrWrong
	}
	return h, nil
}

// mark tells one hash from another, and nothing about it.
func mark(hash string) string {
	sum := sha256.Sum256([]byte(hash))
	return text64.EncodeToString(sum[:9])
}

// nobodys is a hash that no password has, so that a name that is not there takes as long as one that is.
var nobodys = sync.OnceValue(func() []byte {
	h, _ := bcrypt.GenerateFromPassword([]byte("nobody has this one"), cost) // of a password that is short enough
	return h
})

// comparing bounds how many passwords are looked at a time: each takes a processor a quarter of a second.
var comparing = make(chan struct{}, 2)

// Password signs somebody in: ErrWrong, ErrTooMany, or another error when it can't be found out. from is where they are.
func (d *Door) Password(ctx context.Context, w http.ResponseWriter, from, name, password string) error {
	if !d.HasPasswords() {
		return ErrWrong
	}
	if err := d.tries.count(ctx, d.now(), from, name); err != nil {
		return err
	}
	select {
	case comparing <- struct{}{}:
		defer func() { <-comparing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	hash, err := d.users.hash(name)
	if errors.Is(err, ErrWrong) {
		_ = bcrypt.CompareHashAndPassword(nobodys(), []byte(password)) // only for the time that it takes
		return ErrWrong
	}
	if err != nil {
		return err
	}
	if bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) != nil {
		return ErrWrong
	}
	if err := d.tries.forget(ctx, d.now(), from, name); err != nil {
		return err
	}
	return d.admit(w, session{Name: name, Mark: mark(hash)})
}
