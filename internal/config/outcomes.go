package config

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/volleysms/volley/internal/hook"
)

// Outcomes say where outcomes are kept beside Redis.
type Outcomes struct {
	// Postgres is the address of the long-term record; zero is none. It may have a password in it.
	Postgres Secret
}

// Retention says how long what is kept.
type Retention struct {
	// Redis is how long a job is kept after it completed, 30 days unless set; 0 is for ever.
	Redis time.Duration
	// Postgres is how long the long-term record keeps a job, counted from when it was created; 0, unless set, is for ever.
	Postgres time.Duration
}

// Hooks are how producers are told about their jobs.
type Hooks struct {
	// Secret signs what is posted for jobs that name no other; zero is none, and nothing is posted.
	Secret Secret
	// Secrets sign by the names that jobs use.
	Secrets map[string]Secret
	// AllowPrivate lets hooks be in private networks.
	AllowPrivate bool
}

func (r *reader) outcomes(top *section) Outcomes {
	s := top.sub("outcomes", "postgres", "postgres"+fileSuffix)
	o := Outcomes{Postgres: s.secret("postgres")}
	if o.Postgres.value == "" {
		return o
	}
	u, err := url.Parse(o.Postgres.value)
	if err != nil || u.Host == "" || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		s.complain("postgres", "must be an address such as postgres://user:password@host:5432/database")
	}
	return o
}

func (r *reader) retention(top *section) Retention {
	s := top.sub("retention", "redis", "postgres")
	out := Retention{
		Redis:    s.age("redis", 30*24*time.Hour, time.Hour),
		Postgres: s.age("postgres", 0, 24*time.Hour),
	}
	if out.Postgres > 0 && (out.Redis == 0 || out.Redis > out.Postgres) {
		s.complain("postgres", "is shorter than what Redis keeps, so that what is deleted would come back; make it longer, or retention.redis shorter")
	}
	return out
}

// age returns how long something is kept, at least as long as low, in days (30d) or with another unit; 0 is for ever.
func (s *section) age(key string, def, low time.Duration) time.Duration {
	const most = 100 * 365 * 24 * time.Hour
	text, _, ok := s.value(key)
	if !ok || text == "" {
		return def
	}
	d, err := time.ParseDuration(text)
	if days, found := strings.CutSuffix(text, "d"); found {
		var n int
		n, err = strconv.Atoi(days)
		d = time.Duration(min(n, 1_000_000)) * 24 * time.Hour
		if n > 100_000 {
			d = most + 1
		}
	}
	if err != nil || d != 0 && d < low || d > most {
		s.complain(key, "must be a time such as 30d or 12h, %s at least, or 0 to keep for ever", short(low))
		return def
	}
	return d
}

func (r *reader) hooks(top *section) Hooks {
	s := top.sub("hooks", "secret", "secret"+fileSuffix, "secrets", "allow_private")
	h := Hooks{Secret: s.secret("secret"), AllowPrivate: s.oneOf("allow_private", "true", "false") == "true"}
	s.hookSecret("secret", h.Secret)
	if n, line := s.child("secrets"); n != nil {
		h.Secrets = r.secrets(n, line, "hooks.secrets")
		for name, secret := range h.Secrets {
			s.hookSecret("secrets."+name, secret)
		}
	}
	return h
}

// hookSecret tells what is wrong with a secret that is to sign.
func (s *section) hookSecret(key string, secret Secret) {
	if secret.value == "" {
		return
	}
	if _, err := hook.ParseSecret(secret.value); err != nil {
		s.complain(key, "%v", err)
	}
}
