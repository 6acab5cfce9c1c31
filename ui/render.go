package ui

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"math"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/signin"
)

//go:embed templates static
var files embed.FS

// version is in the addresses of static files, so that browsers may keep them.
var version = func() string {
	h := sha256.New()
	_ = fs.WalkDir(files, "static", func(p string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			b, _ := files.ReadFile(p) // embedded
			h.Write(b)
		}
		return err
	})
	return hex.EncodeToString(h.Sum(nil)[:6])
}()

var kinds = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

func static(w http.ResponseWriter, r *http.Request) {
	b, err := files.ReadFile("static/" + r.PathValue("file"))
	if err != nil || r.PathValue("version") != version {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kinds[path.Ext(r.PathValue("file"))])
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(b)
}

// templates are the pages by their names, each with the layout around it.
var templates = func() map[string]*template.Template {
	out := map[string]*template.Template{}
	shared := template.Must(template.New("").Funcs(words).ParseFS(files, "templates/layout.html", "templates/parts.html"))
	names, _ := fs.Glob(files, "templates/*.html")
	for _, n := range names {
		name := strings.TrimSuffix(path.Base(n), ".html")
		if name != "layout" && name != "parts" {
			out[name] = template.Must(template.Must(shared.Clone()).ParseFS(files, n))
		}
	}
	return out
}()

// view is what a page shows.
type view struct {
	// Title is the page's, Tab the entry of the menu that it is under; may be empty.
	Title, Tab string
	// Live is where what changes comes from; empty for a page that stays as it is.
	Live string
	Data any

	// What follows is filled in by render.
	User          signin.User
	Token, Flash  string
	Version, Path string
	Open          bool
}

// Acts reports whether whoever looks may act.
func (v view) Acts() bool { return v.User.Role >= signin.Operate }

func (s *Server) render(w http.ResponseWriter, r *http.Request, u signin.User, status int, name string, v view) {
	v.User, v.Version, v.Path, v.Open = u, s.o.Version, r.URL.RequestURI(), s.door.Open()
	v.Token = s.door.Token(u)
	v.Flash = takeFlash(w, r)
	var b bytes.Buffer
	if err := templates[name].ExecuteTemplate(&b, "layout", v); err != nil {
		s.log.Error("a page could not be rendered", zap.String("page", name), zap.Error(err))
		http.Error(w, "Something is wrong with this page; the log says what.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w)
}

// part renders one template of a page, for live pages.
func part(page, name string, data any) (string, error) {
	var b bytes.Buffer
	err := templates[page].ExecuteTemplate(&b, name, data)
	return b.String(), err
}

const flashCookie = "volley-said"

// flash is what the next page says at its top, once.
func (s *Server) flash(w http.ResponseWriter, text string) {
	http.SetCookie(w, &http.Cookie{
		Name: flashCookie, Value: url.QueryEscape(text), Path: "/", MaxAge: 30, HttpOnly: true, Secure: s.door.Secure(), SameSite: http.SameSiteStrictMode,
	})
}

func takeFlash(w http.ResponseWriter, r *http.Request) string {
	c, err := r.Cookie(flashCookie)
	if err != nil {
		return ""
	}
	http.SetCookie(w, &http.Cookie{Name: flashCookie, Path: "/", MaxAge: -1, HttpOnly: true})
	text, err := url.QueryUnescape(c.Value)
	if err != nil || len(text) > 500 {
		return ""
	}
	return text
}

// words are what templates can say.
var words = template.FuncMap{
	"asset":   func(file string) string { return "/static/" + version + "/" + file },
	"count":   count,
	"percent": percent,
	"clock":   clock,
	"iso":     func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"ago":     func(t time.Time) string { return ago(time.Since(t)) },
	"short":   short,
	"masked":  masked,
	"rate":    rate,
	"span":    span,
	"deref":   func(t *time.Time) time.Time { return *t },
	"number":  func(n *int64) int64 { return *n },
	"zoned":   func(t time.Time) string { return t.Format("Mon 2 Jan 2006 15:04:05 MST") },
	"plural":  plural,
	"whom":    whom,
	"when":    when,
}

// count writes a number with commas between thousands.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func plural(n int64, what string) string {
	if n != 1 {
		what += "s"
	}
	return count(n) + " " + what
}

// percent is a part of a whole, never 0 % for some nor 100 % for not all.
func percent(n, of int64) string {
	if of == 0 || n == 0 {
		return "0 %"
	}
	p := 100 * float64(n) / float64(of)
	switch {
	case n == of:
		return "100 %"
	case p < 0.1:
		return "< 0.1 %"
	case p > 99.9:
		return "> 99.9 %"
	}
	return strconv.FormatFloat(p, 'f', 1, 64) + " %"
}

func clock(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

// ago is how long something has been, in one unit.
func ago(d time.Duration) string {
	switch {
	case d < time.Second:
		return "just now"
	case d < time.Minute:
		return plural(int64(d.Seconds()), "second") + " ago"
	case d < time.Hour:
		return plural(int64(d.Minutes()), "minute") + " ago"
	case d < 48*time.Hour:
		return plural(int64(d.Hours()), "hour") + " ago"
	}
	return plural(int64(d.Hours()/24), "day") + " ago"
}

// span is a length of time in at most two units.
func span(d time.Duration) string {
	s := int64(math.Round(d.Seconds()))
	switch {
	case s < 1:
		return "< 1 s"
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d min %02d s", s/60, s%60)
	case s < 48*3600:
		return fmt.Sprintf("%d h %02d min", s/3600, s/60%60)
	}
	return fmt.Sprintf("%d d %d h", s/86400, s/3600%24)
}

// rate is how many a second.
func rate(perSecond float64) string {
	switch {
	case perSecond <= 0:
		return "0 /s"
	case perSecond < 10:
		return strconv.FormatFloat(perSecond, 'f', 1, 64) + " /s"
	}
	return count(int64(math.Round(perSecond))) + " /s"
}

// short is the end of a job's ID, by which people tell jobs apart: IDs of about one time begin alike.
func short(id string) string {
	if len(id) > 12 {
		return "…" + id[len(id)-12:]
	}
	return id
}

// masked is what pages show of a recipient: the last three characters.
func masked(to string) string {
	if to == "" {
		return "forgotten"
	}
	n := utf8.RuneCountInString(to)
	if n <= 3 {
		return "***"
	}
	for range n - 3 {
		_, size := utf8.DecodeRuneInString(to)
		to = to[size:]
	}
	return "***" + to
}
