package gateway

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MTTMURL is the dialect of the Message To The Moon gateway's URL API: /send by GET or by POST of a form, and GET /ping. Keys
// are written with "-" alone, and one that is not known is an error. A refused number has no route.
type MTTMURL struct {
	mttmPushes

	// Username and Password are the account; empty is MTTMUsername and MTTMPassword.
	Username, Password string
}

// Provider returns "mttm".
func (MTTMURL) Provider() string { return MTTM{}.Provider() }

// Account returns the user name and the password, and which API it is.
func (d MTTMURL) Account() map[string]string {
	a := MTTM{Username: d.Username, Password: d.Password}.Account()
	a["api"] = "url"
	return a
}

// Denied returns the 403.
func (d MTTMURL) Denied() Reply {
	return d.refuse(http.StatusForbidden, "Authentication failure for username:"+d.Account()["username"])
}

func (MTTMURL) refuse(status int, text string) Reply {
	return Reply{Status: status, Type: "text/plain", Body: []byte(`Error "` + text + `"`)}
}

func (MTTMURL) success(b []byte, id string) Reply {
	b = append(b, `Success "`...)
	b = append(b, id...)
	return Reply{Type: "text/plain", Body: append(b, '"')}
}

// Read checks a request.
func (d MTTMURL) Read(r *http.Request, body []byte, ask *Ask) {
	if r.Method+" "+r.URL.Path == "GET /ping" {
		ask.Say(Reply{Type: "text/plain", Body: []byte("Jasmin/PONG")})
		return
	}
	if r.URL.Path != "/send" {
		ask.Violate(r.Method+" "+r.URL.Path, Reply{Status: http.StatusNotFound, Type: "text/html", Body: []byte("<h1>No Such Resource</h1>")})
		return
	}
	ask.Send = true
	text := r.URL.RawQuery
	switch {
	case r.Method == http.MethodPost && text != "":
		ask.Violate("a query beside a form", d.refuse(http.StatusBadRequest, "Mandatory arguments not found, please refer to the HTTPAPI specifications."))
		return
	case r.Method == http.MethodPost && r.Header.Get("Content-Type") != "application/x-www-form-urlencoded":
		ask.Violate("Content-Type "+r.Header.Get("Content-Type"), d.refuse(http.StatusBadRequest, "Mandatory arguments not found, please refer to the HTTPAPI specifications."))
		return
	case r.Method == http.MethodPost && (r.ContentLength < 0 || r.TransferEncoding != nil):
		ask.Violate("no Content-Length", d.refuse(http.StatusBadRequest, "Mandatory arguments not found, please refer to the HTTPAPI specifications."))
		return
	case r.Method == http.MethodPost:
		text = string(body)
	case r.Method != http.MethodGet || len(body) > 0:
		ask.Violate(r.Method+" with a body of "+strconv.Itoa(len(body))+" bytes", Reply{Status: http.StatusMethodNotAllowed})
		return
	}
	d.readForm(text, ask)
}

func (d MTTMURL) readForm(text string, ask *Ask) {
	form, err := url.ParseQuery(text)
	if err != nil || !utf8.ValidString(strings.Join(form["content"], "")) {
		ask.Violate("a form that cannot be read", d.refuse(http.StatusBadRequest, "Argument [content] has an invalid value: []."))
		return
	}
	f := newMTTMFields()
	for key, values := range form {
		if len(values) > 1 {
			ask.Violate("key "+key+" twice", d.refuse(http.StatusBadRequest, "Argument ["+key+"] has an invalid value: []."))
		}
		if key != "username" && key != "password" {
			f.set(key, values[0])
		}
	}
	account := d.Account()
	for _, key := range []string{"username", "password"} {
		switch v := form.Get(key); {
		case f.unknown != "": // comes first
		case v == "":
			ask.Violate("no "+key, d.refuse(http.StatusBadRequest, "Mandatory argument ["+key+"] is not found."))
		case v != account[key] && len(v) > mttmMaxName:
			ask.Violate(key+" too long", d.refuse(http.StatusBadRequest, "Argument ["+key+"] has an invalid value: ["+v+"]."))
		case v != account[key]:
			ask.Violate("credentials", d.Denied())
		}
	}
	f.add(ask, mttmAnswers{refuse: d.refuse, silent: d.success(nil, MTTM{}.id(0))})
}

// Answer accepts the call; a refused number finds no route.
func (d MTTMURL) Answer(ask *Ask, buf []byte) Reply {
	m := &ask.Messages[0]
	if m.Refused {
		return d.refuse(http.StatusPreconditionFailed, "No route found")
	}
	m.ID = MTTM{}.id(ask.N)
	return d.success(buf, m.ID)
}
