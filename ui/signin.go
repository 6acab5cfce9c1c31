package ui

import (
	"errors"
	"net/http"
	"net/url"

	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/signin"
	"github.com/volleysms/volley/internal/trail"
)

// signInView is the page to sign in on.
type signInView struct {
	Passwords, OIDC bool
	Next, Name      string
	Error           string
}

func (s *Server) signInPage(w http.ResponseWriter, r *http.Request, status int, v signInView) {
	v.Passwords, v.OIDC = s.door.HasPasswords(), s.door.HasOIDC()
	s.render(w, r, signin.User{}, status, "signin", view{Title: "Sign in", Data: v})
}

func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	next := signin.Local(r.URL.Query().Get("next"))
	if u, ok := s.door.User(r); ok && u.Role > signin.Nobody {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return
	}
	s.signInPage(w, r, http.StatusOK, signInView{Next: next})
}

func (s *Server) trySignIn(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		s.fail(w, r, signin.User{}, errForm)
		return
	}
	v := signInView{Next: signin.Local(r.PostForm.Get("next")), Name: r.PostForm.Get("name")}
	err := s.door.Password(r.Context(), w, s.door.From(r), v.Name, r.PostForm.Get("password"))
	switch {
	case err == nil:
		s.note(r, signin.User{Name: v.Name}, "sign in", "", trail.Done)
		http.Redirect(w, r, v.Next, http.StatusSeeOther)
	case errors.Is(err, signin.ErrWrong):
		// What was typed as the name may be a password, and is nowhere.
		s.log.Warn("a sign-in failed", zap.String("from", s.door.From(r)))
		v.Error = "The name or the password is wrong."
		s.signInPage(w, r, http.StatusUnauthorized, v)
	case errors.Is(err, signin.ErrTooMany):
		s.log.Warn("a sign-in was not tried: too many have failed", zap.String("from", s.door.From(r)))
		v.Error = "Too many attempts have failed. Try again in a quarter of an hour."
		s.signInPage(w, r, http.StatusTooManyRequests, v)
	default:
		s.log.Error("nobody can sign in", zap.Error(err))
		v.Error = "Nobody can sign in just now, and the log says why."
		s.signInPage(w, r, http.StatusServiceUnavailable, v)
	}
}

// leave sends a browser to the identity provider.
func (s *Server) leave(w http.ResponseWriter, r *http.Request) {
	if !s.door.HasOIDC() {
		s.fail(w, r, signin.User{}, errNoPage)
		return
	}
	to, err := s.door.Leave(w, r.URL.Query().Get("next"))
	if err != nil {
		s.log.Error("nobody can sign in at the identity provider", zap.Error(err))
		s.signInPage(w, r, http.StatusServiceUnavailable, signInView{Next: "/", Error: "The identity provider does not answer. Try again in a moment."})
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// comeBack takes a browser back from the identity provider.
func (s *Server) comeBack(w http.ResponseWriter, r *http.Request) {
	if !s.door.HasOIDC() {
		s.fail(w, r, signin.User{}, errNoPage)
		return
	}
	name, next, err := s.door.Return(w, r)
	if err != nil {
		s.log.Warn("a sign-in at the identity provider failed", zap.String("from", s.door.From(r)), zap.Error(err))
		s.signInPage(w, r, http.StatusUnauthorized, signInView{Next: "/", Error: "You could not be signed in: begin again. If that does not help, the log says why."})
		return
	}
	s.note(r, signin.User{Name: name}, "sign in", "", trail.Done)
	http.Redirect(w, r, next, http.StatusSeeOther)
}

func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	u, ok := s.door.User(r)
	if ok {
		if err := r.ParseForm(); err != nil || !s.door.Admits(u, r.PostForm.Get("token")) {
			s.fail(w, r, u, errForm)
			return
		}
		s.door.SignOut(w)
		s.note(r, u, "sign out", "", trail.Done)
	}
	http.Redirect(w, r, "/signin?next="+url.QueryEscape("/"), http.StatusSeeOther)
}
