package gateway

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/volleysms/volley/providers"
)

var (
	_ Pusher        = Ogangi{}
	_ InboundPusher = Ogangi{}
)

// ogangiMaxPage is the most inbound messages of a page; who asks for more gets as many.
const ogangiMaxPage = 100

// readMessage reads instance, message ID, and shows the message. The platform answers an unknown one with OK and nothing.
func (d Ogangi) readMessage(p []string, ask *Ask) {
	id, err := url.PathUnescape(p[1])
	if err != nil {
		ask.Violate("message ID", d.failure("getMessage"))
		return
	}
	found := ask.Find(id)
	if len(found) == 0 {
		ask.Say(d.say(nil, "getMessage", "OK", "Completed", ""))
		return
	}
	ask.Say(d.say(nil, "getMessage", "OK", "Completed", d.message(&found[0], d.status(&found[0], time.Now()))))
}

// status is the message's word at a time: one of those on the way, and then one that is final. Which of the final ones is a
// pure function of the number.
func (d Ogangi) status(m *Message, now time.Time) string {
	age := now.Sub(m.At)
	final := []string{"DELIVERED_TO_DEVICE", "DELIVRD", "READ"}
	if m.Fate == providers.Undelivered {
		final = []string{"UNREACHABLE", "EXPIRED", "UNDELIVERED", "REJECTD", "BAD_ADDRESS"}
	}
	switch {
	case age < d.Settle/2, m.Fate == providers.Pending:
		return "SENT_TO_CARRIER"
	case age < d.Settle:
		return "DELIVERED_TO_CARRIER"
	default:
		return final[mix(uint64(m.To)^0x0a9a)%uint64(len(final))] // independent of the shares of a ReportPlan
	}
}

// ogangiFilter is what getMOMessages narrows by.
type ogangiFilter struct {
	from, to, carrier []string
	keyword           *regexp.Regexp
	newestFirst       bool
}

// parseOgangiFilter reads "order=desc&to=1,2"; "null" is none.
func parseOgangiFilter(s string) (f ogangiFilter, ok bool) {
	if s == "null" {
		return f, true
	}
	seen := map[string]bool{}
	for field := range strings.SplitSeq(s, "&") {
		name, value, _ := strings.Cut(field, "=")
		var values []string
		for v := range strings.SplitSeq(value, ",") {
			plain, err := url.PathUnescape(v)
			if err != nil || plain == "" {
				return f, false
			}
			values = append(values, plain)
		}
		if seen[name] {
			return f, false
		}
		seen[name] = true
		switch name {
		case "from":
			f.from = values
		case "to":
			f.to = values
		case "carrier":
			f.carrier = values
		case "keyword":
			var err error
			if f.keyword, err = regexp.Compile(values[0]); err != nil || len(values) > 1 {
				return f, false
			}
		case "order":
			f.newestFirst = value == "desc"
			if value != "asc" && value != "desc" {
				return f, false
			}
		default:
			return f, false
		}
	}
	return f, true
}

func (f ogangiFilter) takes(mo MO, carrier string) bool {
	in := func(list []string, v string) bool { return len(list) == 0 || slices.Contains(list, v) }
	return in(f.from, mo.From.String()) && in(f.to, mo.To) && in(f.carrier, carrier) && (f.keyword == nil || f.keyword.MatchString(mo.Text))
}

// readMO reads instance, page, results a page, filter, and answers with the page.
func (d Ogangi) readMO(p []string, ask *Ask) {
	page, err1 := strconv.Atoi(p[1])
	size, err2 := strconv.Atoi(p[2])
	filter, ok := parseOgangiFilter(p[3])
	switch {
	case err1 != nil || err2 != nil || page < 0 || size < 1:
		ask.Violate("page", d.failure("getMOMessages"))
		return
	case !ok:
		ask.Violate("filter", d.failure("getMOMessages"))
		return
	case page < d.FirstPage:
		ask.Say(d.failure("getMOMessages"))
		return
	}
	var all []MO
	for _, mo := range ask.Inbox() {
		if filter.takes(mo, d.Carrier) {
			all = append(all, mo)
		}
	}
	slices.SortStableFunc(all, func(a, b MO) int { return a.At.Compare(b.At) })
	if filter.newestFirst {
		slices.Reverse(all)
	}
	size = min(size, ogangiMaxPage)
	start := min((page-d.FirstPage)*size, len(all))
	var b strings.Builder
	b.WriteString("<MOMessageList> <records>" + strconv.Itoa(len(all)) + "</records> <MessageList> ")
	for _, mo := range all[start:min(start+size, len(all))] {
		b.WriteString("<MOMessage> <text>" + html.EscapeString(mo.Text) + "</text> <from>" + mo.From.String() + "</from> <to>" + mo.To +
			"</to> <encoding>UTF-8</encoding> <keyword>.*</keyword> <carrier>" + html.EscapeString(d.Carrier) + "</carrier> <sendDate>" +
			mo.At.UTC().Format("2006-01-02 15:04:05.000") + "</sendDate> </MOMessage> ")
	}
	b.WriteString("</MessageList> <MOMessageList>") // an opening tag, as in the platform's document
	ask.Say(d.say(nil, "getMOMessages", "OK", "Completed", b.String()))
}

// Push returns nothing: the platform pushes no reports.
func (d Ogangi) Push(*Message, Event) []PushRequest { return nil }

// Acked reports whether a status is below 300.
func (d Ogangi) Acked(status int, _ []byte) bool { return status/100 == 2 }

// Pauses are invented: the platform documents none.
func (d Ogangi) Pauses() []time.Duration { return []time.Duration{time.Minute, 10 * time.Minute} }

// PushInbound returns a form with the handset and the text, and no more.
func (d Ogangi) PushInbound(mo MO, webhook string) PushRequest {
	form := url.Values{"mobile": {mo.From.String()}, "mo": {mo.Text}}
	return PushRequest{
		Method: http.MethodPost, URL: webhook,
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: []byte(form.Encode()),
	}
}
