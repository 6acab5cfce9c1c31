package signin

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// issuer is an identity provider that takes everybody for who claims says.
type issuer struct {
	*httptest.Server
	key    *rsa.PrivateKey
	claims jwt.MapClaims
	// asked is what the browser was sent with, and given what the code was redeemed with.
	asked, given url.Values
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{
			"issuer": i.URL, "authorization_endpoint": i.URL + "/auth", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		text := base64.RawURLEncoding.EncodeToString
		answer(w, map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "k", "n": text(key.N.Bytes()), "e": text(big.NewInt(int64(key.E)).Bytes()),
		}}})
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		i.given = r.PostForm
		tok := jwt.NewWithClaims(jwt.SigningMethodRS256, i.claims)
		tok.Header["kid"] = "k"
		signed, err := tok.SignedString(i.key)
		if err != nil {
			t.Error(err)
		}
		answer(w, map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": signed})
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

// begin leaves for the issuer, and returns the browser that will come back.
func (i *issuer) begin(t *testing.T, d *Door, next string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	to, err := d.Leave(w, next)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil || !strings.HasPrefix(to, i.URL+"/auth?") {
		t.Fatalf("sent to %s", to)
	}
	i.asked = u.Query()
	i.claims = jwt.MapClaims{
		"iss": i.URL, "aud": "volley", "sub": "1", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(),
		"nonce": i.asked.Get("nonce"), "email": "ann@example.com", "email_verified": true, "groups": []string{"ops", "else"},
	}
	return w
}

func back(left *httptest.ResponseRecorder, query url.Values) *http.Request {
	r := cookies(left)
	r.URL.Path, r.URL.RawQuery = CallbackPath, query.Encode()
	return r
}

func TestDoor_OIDC(t *testing.T) {
	i := newIssuer(t)
	d := newDoor(t, Options{
		PublicURL: "http://127.0.0.1:8090", Operate: People{Groups: []string{"ops"}},
		OIDC: OIDC{Issuer: i.URL, ClientID: "volley", ClientSecret: "s", Scopes: []string{"email"}, NameClaim: "email", GroupsClaim: "groups"},
	})

	t.Run("SignsIn", func(t *testing.T) {
		left := i.begin(t, d, "/jobs?page=2")
		w := httptest.NewRecorder()
		name, next, err := d.Return(w, back(left, url.Values{"state": {i.asked.Get("state")}, "code": {"c"}}))
		if err != nil || name != "ann@example.com" || next != "/jobs?page=2" {
			t.Fatalf("%q, %q, %v", name, next, err)
		}
		if u, ok := d.User(cookies(w)); !ok || u.Role != Operate || u.Name != name {
			t.Errorf("%+v, %v", u, ok)
		}
		if i.asked.Get("code_challenge_method") != "S256" || i.given.Get("code_verifier") == "" || i.given.Get("code") != "c" {
			t.Errorf("asked by %v, redeemed by %v", i.asked, i.given)
		}
		if got := i.asked.Get("redirect_uri"); got != "http://127.0.0.1:8090/signin/callback" {
			t.Errorf("comes back to %s", got)
		}
	})

	refused := map[string]func(left *httptest.ResponseRecorder, q url.Values) *httptest.ResponseRecorder{
		"AnotherState": func(left *httptest.ResponseRecorder, q url.Values) *httptest.ResponseRecorder {
			q.Set("state", "x")
			return left
		},
		"ABrowserThatNeverLeft": func(_ *httptest.ResponseRecorder, _ url.Values) *httptest.ResponseRecorder {
			return httptest.NewRecorder()
		},
		"TheIssuersError": func(left *httptest.ResponseRecorder, q url.Values) *httptest.ResponseRecorder {
			q.Set("error", "access_denied")
			return left
		},
		"AnotherNonce":    claim(i, "nonce", "x"),
		"AnotherAudience": claim(i, "aud", "other"),
		"AnotherIssuer":   claim(i, "iss", "https://evil.example"),
		"AnOldToken":      claim(i, "exp", time.Now().Add(-time.Hour).Unix()),
		"NoName":          claim(i, "email", ""),
		"NotVerified":     claim(i, "email_verified", false),
	}
	for name, spoil := range refused {
		t.Run("Refuses/"+name, func(t *testing.T) {
			left := i.begin(t, d, "/")
			q := url.Values{"state": {i.asked.Get("state")}, "code": {"c"}}
			left = spoil(left, q)
			w := httptest.NewRecorder()
			if who, _, err := d.Return(w, back(left, q)); err == nil {
				t.Errorf("%s is let in", who)
			}
			if _, ok := d.User(cookies(w)); ok {
				t.Error("there is a session")
			}
		})
	}
	t.Run("Refuses/AnotherKey", func(t *testing.T) {
		left := i.begin(t, d, "/")
		own := i.key
		defer func() { i.key = own }()
		var err error
		if i.key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			t.Fatal(err)
		}
		if who, _, err := d.Return(httptest.NewRecorder(), back(left, url.Values{"state": {i.asked.Get("state")}, "code": {"c"}})); err == nil {
			t.Errorf("%s is let in", who)
		}
	})
}

// claim makes the issuer say something else.
func claim(i *issuer, name string, value any) func(*httptest.ResponseRecorder, url.Values) *httptest.ResponseRecorder {
	return func(left *httptest.ResponseRecorder, _ url.Values) *httptest.ResponseRecorder {
		i.claims[name] = value
		return left
	}
}

func TestDoor_StartsWithoutTheIssuer(t *testing.T) {
	d := newDoor(t, Options{PublicURL: "http://127.0.0.1:8090", OIDC: OIDC{Issuer: "http://127.0.0.1:1", ClientID: "volley"}})
	if _, err := d.Leave(httptest.NewRecorder(), "/"); err == nil {
		t.Error("there is no error")
	}
}
