package config

import (
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"gopkg.in/yaml.v3"

	httpapi "github.com/volleysms/volley/providers/http"
)

// The kinds of gateway, as they stand under provider.
const (
	Mgage      = "mgage"
	Ogangi     = "ogangi"
	GatewayAPI = "gatewayapi"
	MTTM       = "mttm"
	HTTP       = "http"
)

var providerNames = []string{Mgage, Ogangi, GatewayAPI, MTTM, HTTP}

// Account is a login at a gateway. Which of the fields that depend on the provider it has, kinds tells; the others are zero.
type Account struct {
	Name string
	// Provider is Mgage, Ogangi, GatewayAPI, MTTM or HTTP.
	Provider string

	// BaseURL is http or https; empty is the adapter's own default, and never so for Ogangi.
	BaseURL       string
	Username      string // Mgage, MTTM
	Password      Secret // Mgage, MTTM
	ProgramID     string // Mgage
	Region        string // Mgage: "us" or "uk", which stands for BaseURL; empty is the adapter's default
	Code1         string // Mgage: "rejected" or "retry"; empty is rejected
	GSMOnly       bool   // Mgage
	Token         Secret // GatewayAPI
	WebhookSecret Secret // GatewayAPI; zero is none
	Class         string // GatewayAPI: "standard", "premium" or "secret"; empty is the gateway's choice
	UrgentClass   string // GatewayAPI: the class of urgent messages; empty is Class
	// RequireSignature takes what is pushed without a signature for forged. GatewayAPI; needs WebhookSecret.
	RequireSignature bool
	// API is which of the gateway's interfaces is spoken: "rest" or "messaging" with GatewayAPI, "rest" or "url" with MTTM;
	// empty is rest.
	API         string
	InstanceID  string // Ogangi
	Carrier     string // Ogangi; empty lets the platform choose
	PublicKey   string // Ogangi
	PrivateKey  Secret // Ogangi
	Flags       string // Ogangi; of sendMT
	EmptyFilter string // Ogangi; empty is the adapter's default
	// StatusError is what the answer ERROR means: "unknown", "rejected" or "retry"; empty is unknown. Ogangi.
	StatusError string
	// Timezone is the zone of the times that are named without one; empty is not known. Ogangi, and MTTM for an absolute
	// ScheduleFormat.
	Timezone string
	// Post are the operations that are called by POST, and Quirks the ways in which the platform differs. Ogangi.
	Post, Quirks []string
	// Operation is one of the provider's own, or empty for the adapter's choice: "sendSMS" or "sendMT" with Ogangi,
	// "send" or "sendbatch" with MTTM.
	Operation      string
	Method         string // MTTM's URL API: "post" or "get"; empty is post
	Tags           string // MTTM
	ScheduleFormat string // MTTM's sendbatch: "relative" or "absolute"; empty is relative
	// MaxSegments is the most segments of one text; 0 is the adapter's default. MTTM, which cuts off what is longer.
	MaxSegments int
	// MaxRecipients is the most recipients of one call; 0 is the adapter's default. Not Ogangi, which takes one.
	MaxRecipients int
	// MaxBytes is the longest URL or body of a call; 0 is the adapter's default. Not HTTP, and not MTTM's URL API.
	MaxBytes int
	// BasicAuth sends the token as the user name of Basic authentication. GatewayAPI.
	BasicAuth bool
	// Gateway is what an account of HTTP says about its gateway, with the fields above that HTTP has in it; the adapter has
	// found nothing wrong with it. It is nil for others.
	Gateway *httpapi.Options

	// Concurrency is how many calls may be in flight in one worker process, 1 to 1,000.
	Concurrency int
	// Rate is how many calls all worker processes together may make; zero is no limit.
	Rate Rate
	// Recipients and Segments are how many all worker processes together may send to and of; zero is no limit.
	Recipients, Segments Rate
	// InFlight is how many calls may be in flight in all worker processes together; 0 is no limit.
	InFlight int
	// ResendUnknown makes of what may have been sent what was not.
	ResendUnknown bool
	// Timeout bounds one call, 1 s to 10 min.
	Timeout time.Duration
	// StopWords and StartWords are messages from handsets that are opt-outs, and that take one back; nil StopWords are the
	// usual ones. StopList is where opt-outs are put: "account", or "all" or empty for all accounts.
	StopWords, StartWords []string
	StopList              string
	// Shards is how many queues the account has for each priority, 1 to 64; 0 is 1.
	Shards int
	// Quiet are hours at which the account calls nobody, as window.Parse reads them; empty is none.
	Quiet string
	// Price is what a segment costs, for estimates; nil is not known.
	Price *Price
}

// kind says which keys a provider's accounts have beside the common ones, which operations there are to choose from, and
// how many calls are in flight unless set.
type kind struct {
	required    []string
	optional    []string
	operations  []string
	apis        []string // what the key api may say
	concurrency int
}

var kinds = map[string]kind{
	Mgage: {
		required:    []string{"username", "password", "program_id"},
		optional:    []string{"base_url", "region", "max_recipients", "max_bytes", "code_1", "gsm_only"},
		concurrency: 4,
	},
	Ogangi: {
		required:    []string{"base_url", "instance_id", "public_key", "private_key"},
		optional:    []string{"carrier", "operation", "flags", "max_bytes", "status_error", "empty_filter", "timezone", "post", "quirks"},
		operations:  []string{"sendSMS", "sendMT"},
		concurrency: 8,
	},
	GatewayAPI: {
		required:    []string{"token"},
		optional:    []string{"base_url", "webhook_secret", "max_recipients", "max_bytes", "api", "auth", "class", "urgent_class", "require_signature"},
		apis:        []string{"rest", "messaging"},
		concurrency: 10,
	},
	MTTM: {
		required:    []string{"username", "password"},
		optional:    append([]string{"base_url", "max_segments", "api", "method", "tags"}, mttmREST...),
		operations:  []string{"send", "sendbatch"},
		apis:        []string{"rest", "url"},
		concurrency: 10,
	},
	HTTP: {
		required:    []string{"base_url", "request", "answer"},
		optional:    []string{"username", "password", "max_recipients", "max_segments", "check", "reports"},
		concurrency: 4,
	},
}

// ogangiOperations are the operations that Ogangi's platform has.
var ogangiOperations = []string{"sendSMS", "sendMT", "sendSMSPinMobileNumberConfirm", "fireMessage", "getMOMessages", "getMessage"}

// The ways in which an Ogangi platform may differ from what the adapter takes for the rule.
const (
	QuirkPaddedBase64  = "padded_base64"
	QuirkSignDecoded   = "sign_decoded"
	QuirkPlainFireText = "plain_fire_text"
	QuirkBase64PIN     = "base64_pin_number"
	QuirkBase64Fire    = "base64_fire_number"
)

// OgangiQuirks are the words of Account.Quirks.
var OgangiQuirks = []string{QuirkPaddedBase64, QuirkSignDecoded, QuirkPlainFireText, QuirkBase64PIN, QuirkBase64Fire}

// common are the keys of every account.
var common = []string{"provider", "concurrency", "rate", "recipients", "segments", "in_flight", "timeout", "on_unknown", "quiet", "shards", "price", "stop_words", "start_words", "stop_list"}

var gatewayAPIClasses = []string{"standard", "premium", "secret"}

// secrets are the keys that hide their values.
var secrets = []string{"password", "token", "webhook_secret", "private_key"}

// withFiles adds to the keys those of the files that have the secrets among them.
func withFiles(keys []string) []string {
	var out []string
	for _, k := range keys {
		out = append(out, k)
		if slices.Contains(secrets, k) {
			out = append(out, k+fileSuffix)
		}
	}
	return out
}

// maxRecipients is above what any gateway takes in one call; the adapter knows its own bound.
const maxRecipients = 10_000

// minBytes leaves room for a long text and some numbers in a call, maxBytes is more than any gateway is known to take.
const (
	minBytes = 3_000
	maxBytes = 16 << 20
)

// account reads one account. ok is false when its provider is not known, so that nothing else could be read.
func (r *reader) account(name string, n *yaml.Node, line int) (a Account, ok bool) {
	path := under("accounts", name)
	provider, ok := r.provider(n, line, path)
	if !ok {
		return a, false
	}
	k := kinds[provider]
	s := r.section(n, line, path, provider, withFiles(slices.Concat(common, k.required, k.optional)))
	for _, key := range k.required {
		s.require(key, slices.Contains(secrets, key))
	}
	a = Account{
		Name:          name,
		Provider:      provider,
		BaseURL:       s.webURL("base_url"),
		Username:      s.text("username"),
		Password:      s.secret("password"),
		ProgramID:     s.text("program_id"),
		Token:         s.secret("token"),
		WebhookSecret: s.secret("webhook_secret"),
		API:           s.api(k.apis),
		Class:         s.oneOf("class", gatewayAPIClasses...),
		UrgentClass:   s.oneOf("urgent_class", gatewayAPIClasses...),
		Region:        s.oneOf("region", "us", "uk"),
		Code1:         s.oneOf("code_1", "rejected", "retry"),
		GSMOnly:       s.oneOf("gsm_only", "true", "false") == "true",
		InstanceID:    s.text("instance_id"),
		Flags:         s.text("flags"),
		EmptyFilter:   s.text("empty_filter"),
		StatusError:   s.oneOf("status_error", "unknown", "rejected", "retry"),
		Timezone:      s.zone("timezone"),
		Post:          s.words("post", ogangiOperations...),
		Quirks:        s.words("quirks", OgangiQuirks...),
		Carrier:       s.text("carrier"),
		PublicKey:     s.text("public_key"),
		PrivateKey:    s.secret("private_key"),
		Operation:     s.oneOf("operation", k.operations...),
		MaxSegments:   s.integer("max_segments", 0, 1, 255),
		MaxRecipients: s.integer("max_recipients", 0, 1, maxRecipients),
		MaxBytes:      s.integer("max_bytes", 0, minBytes, maxBytes),
		BasicAuth:     s.oneOf("auth", "token", "basic") == "basic",
		Concurrency:   s.integer("concurrency", k.concurrency, 1, 1000),
		Rate:          s.rate("rate"),
		Recipients:    s.rate("recipients"),
		Segments:      s.rate("segments"),
		InFlight:      s.integer("in_flight", 0, 1, 100_000),
		ResendUnknown: s.oneOf("on_unknown", "hold", "resend") == "resend",
		Timeout:       s.duration("timeout", 30*time.Second, time.Second, 10*time.Minute),
		Shards:        s.integer("shards", 0, 1, 64),
		Quiet:         s.quietHours("quiet"),
		Price:         s.price("price"),
		StopWords:     s.messages("stop_words"),
		StartWords:    s.messages("start_words"),
		StopList:      s.oneOf("stop_list", "all", "account"),

		RequireSignature: s.signed("require_signature"),
	}
	switch provider {
	case MTTM:
		s.mttm(&a)
	case HTTP:
		a.Gateway = r.http(s, a)
	}
	return a, true
}

// api returns the key api. The Messaging API has no classes, and asks for a signature by itself wherever there is a secret.
func (s *section) api(words []string) string {
	api := s.oneOf("api", words...)
	if api == "messaging" {
		for _, key := range []string{"auth", "class", "urgent_class", "require_signature"} {
			if s.has(key) {
				s.complain(key, "is for api: rest; take it out")
			}
		}
	}
	return api
}

// signed returns whether a key is true, which needs the secret that a signature is verified by.
func (s *section) signed(key string) bool {
	if s.oneOf(key, "true", "false") != "true" {
		return false
	}
	if !s.has("webhook_secret") && !s.has("webhook_secret"+fileSuffix) {
		s.complain(key, "needs webhook_secret, by which a signature is verified")
	}
	return true
}

// provider returns the provider of an account's mapping, before its other keys are looked at.
func (r *reader) provider(n *yaml.Node, line int, path string) (string, bool) {
	m := resolve(n)
	if m.Kind != yaml.MappingNode {
		r.problem(line, path, "must have keys and values below it, such as provider: gatewayapi")
		return "", false
	}
	path = under(path, "provider")
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value != "provider" {
			continue
		}
		line = m.Content[i].Line
		text, fromEnv, ok := r.scalar(m.Content[i+1], line, path)
		switch {
		case !ok:
			return "", false
		case slices.Contains(providerNames, text):
			return text, true
		case fromEnv || !nameOK(text):
			r.problem(line, path, "must be one of %s", strings.Join(providerNames, ", "))
		default:
			r.problem(line, path, "%s is unknown%s it is one of %s",
				text, orSemicolon(didYouMean(text, providerNames)), strings.Join(providerNames, ", "))
		}
		return "", false
	}
	r.problem(line, path, "is missing; it is one of %s", strings.Join(providerNames, ", "))
	return "", false
}

// webURL returns an http or https address, without the slash at its end.
func (s *section) webURL(key string) string {
	text, _, ok := s.value(key)
	if !ok || text == "" {
		return ""
	}
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		s.complain(key, "must be an address such as https://sms.example.com")
	case u.User != nil:
		s.complain(key, "must have no user name and password in it; there are keys for them")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		s.complain(key, "must end with the path, without ? or #")
	}
	return strings.TrimRight(text, "/")
}

// oneOf returns one of the words, or "" when the key is absent.
func (s *section) oneOf(key string, words ...string) string {
	text, _, ok := s.value(key)
	if ok && text != "" && !slices.Contains(words, text) {
		s.complain(key, "must be one of %s", strings.Join(words, ", "))
	}
	return text
}

// words returns a list of words out of those that are known, nil when the key is absent.
func (s *section) words(key string, known ...string) []string {
	n, line := s.child(key)
	if n == nil {
		return nil
	}
	var out []string
	list := resolve(n)
	if list.Kind != yaml.SequenceNode {
		s.complain(key, "must be a list, such as [%s]", known[0])
		return nil
	}
	for _, item := range list.Content {
		text, _, ok := s.scalar(item, line, under(s.path, key))
		switch {
		case !ok:
		case !slices.Contains(known, text):
			s.complain(key, "may have %s, and nothing else", strings.Join(known, ", "))
		case !slices.Contains(out, text):
			out = append(out, text)
		}
	}
	return out
}

// The most messages of a list, and bytes of one.
const (
	maxMessages = 100
	maxMessage  = 100
)

// messages returns a list of short texts, nil when the key is absent.
func (s *section) messages(key string) []string {
	n, line := s.child(key)
	if n == nil {
		return nil
	}
	list := resolve(n)
	if list.Kind != yaml.SequenceNode || len(list.Content) > maxMessages {
		s.complain(key, "must be a list of at most %d words, such as [STOP, END]", maxMessages)
		return nil
	}
	out := []string{}
	for _, item := range list.Content {
		text, _, ok := s.scalar(item, line, under(s.path, key))
		if ok && (!strings.ContainsFunc(text, unicode.IsLetter) || len(text) > maxMessage) {
			s.complain(key, "has a word without a letter, or of more than %d bytes", maxMessage)
		}
		out = append(out, text)
	}
	return out
}

// zone returns the name of a time zone, "" when the key is absent.
func (s *section) zone(key string) string {
	text, _, ok := s.value(key)
	if !ok || text == "" {
		return ""
	}
	if _, err := time.LoadLocation(text); err != nil || text == "Local" {
		s.complain(key, "must be a time zone such as America/Caracas or UTC")
	}
	return text
}

// rate returns a rate, zero when the key is absent.
func (s *section) rate(key string) Rate {
	text, _, ok := s.value(key)
	if !ok || text == "" {
		return Rate{}
	}
	r, err := ParseRate(text)
	if err != nil {
		s.complain(key, "%v", err)
	}
	return r
}
