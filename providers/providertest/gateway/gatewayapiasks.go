package gateway

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/volleysms/volley/providers"
)

// gatewayAPIMaxPage is the most inbound messages of a page.
const gatewayAPIMaxPage = 200

// readOther answers the operations that send nothing; false is another one.
func (d GatewayAPI) readOther(r *http.Request, body []byte, ask *Ask) bool {
	id, one := strings.CutPrefix(r.URL.Path, "/rest/mtsms/")
	switch {
	case r.URL.Path == "/rest/me" && r.Method == http.MethodGet:
		ask.Say(JSON(http.StatusOK, `{"credit":12.5,"currency":"DKK","id":1}`))
	case r.URL.Path == "/rest/mosms" && r.Method == http.MethodGet:
		d.inbox(r, ask)
	case r.URL.Path == "/api/usage/labels" && r.Method == http.MethodPost:
		d.usage(r, body, ask)
	case one && r.Method == http.MethodGet && decimal(id):
		d.show(id, ask)
	case one && r.Method == http.MethodDelete && decimal(id):
		switch known, done := ask.Cancel(id); {
		case done:
			ask.Say(Reply{Status: http.StatusNoContent})
		case known:
			ask.Say(gatewayAPIError(http.StatusGone, "0x0301", "Message is already gone"))
		default:
			ask.Say(gatewayAPIError(http.StatusNotFound, "0x0302", "Message not found"))
		}
	default:
		return false
	}
	return true
}

func decimal(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// gatewayAPIShown is a recipient in the answer to GET /rest/mtsms/{id}.
type gatewayAPIShown struct {
	Country      string   `json:"country"`
	CSMS         int      `json:"csms"`
	DSNError     *string  `json:"dsnerror"`
	DSNErrorCode *string  `json:"dsnerrorcode"`
	DSNStatus    string   `json:"dsnstatus"`
	DSNTime      *float64 `json:"dsntime"`
	MCC          int      `json:"mcc"`
	MNC          int      `json:"mnc"`
	MSISDN       uint64   `json:"msisdn"`
	SentTime     *float64 `json:"senttime"`
}

// show answers with the message object and its recipients' states.
func (d GatewayAPI) show(id string, ask *Ask) {
	found := ask.Find(id)
	if len(found) == 0 {
		ask.Say(gatewayAPIError(http.StatusNotFound, "0x0302", "Message not found"))
		return
	}
	var recipients []gatewayAPIShown
	for i := range found {
		m := &found[i]
		status, code, why := gatewayAPIStatus(m, Event{Fate: m.Fate, Cancelled: m.Cancelled})
		if m.Due.After(time.Now()) && !m.Cancelled {
			status, code, why = "SCHEDULED", "", ""
		}
		segments, _ := Segments(m.Text)
		sent := float64(m.At.Unix())
		shown := gatewayAPIShown{Country: "DK", CSMS: max(segments, 1), DSNStatus: status, MCC: 238, MNC: 1, MSISDN: uint64(m.To), SentTime: &sent}
		if code != "" {
			shown.DSNErrorCode, shown.DSNError = &code, &why
		}
		if m.Fate != providers.Pending {
			shown.DSNTime = &sent
		}
		recipients = append(recipients, shown)
	}
	number, _ := strconv.ParseInt(id, 10, 64)
	body, err := json.Marshal([]map[string]any{{
		"id": number, "class": "standard", "message": found[0].Text, "sender": found[0].From, "userref": found[0].Reference,
		"payload": nil, "udh": nil, "tags": nil, "recipients": recipients,
	}})
	if err != nil {
		panic(err) // of strings and numbers
	}
	ask.Say(JSON(http.StatusOK, string(body)))
}

// gatewayAPIStatus is how the gateway calls what e says about m: a share of the numbers has each of its words.
func gatewayAPIStatus(m *Message, e Event) (status, code, why string) {
	n := mix(uint64(m.To) ^ 0x57a7) // independent of the shares of a ReportPlan
	switch {
	case e.Cancelled:
		return "DELETED", "", ""
	case e.Fate == providers.Delivered && n%16 == 0:
		return "ACCEPTED", "", ""
	case e.Fate == providers.Delivered:
		return "DELIVERED", "", ""
	case e.Fate == providers.Undelivered:
		switch n % 4 {
		case 0:
			return "EXPIRED", "", ""
		case 1:
			return "UNDELIVERABLE", "0x1010", "Unknown subscriber"
		case 2:
			return "SKIPPED", "0x1904", "Filtered by content"
		default:
			return "REJECTED", "0x1093", "Invalid recipient number"
		}
	case n%4 == 0:
		return "BUFFERED", "", ""
	default:
		return "ENROUTE", "", ""
	}
}

// inbox answers with a page of what handsets wrote between two days.
func (d GatewayAPI) inbox(r *http.Request, ask *Ask) {
	q := r.URL.Query()
	from, err1 := time.Parse(time.DateOnly, q.Get("from"))
	to, err2 := time.Parse(time.DateOnly, q.Get("to"))
	page, size := gatewayAPINumber(q.Get("page"), 1), gatewayAPINumber(q.Get("per_page"), 50)
	if err1 != nil || err2 != nil || to.Before(from) || page < 1 || size < 1 || size > gatewayAPIMaxPage {
		ask.Violate("query of mosms", gatewayAPIError(http.StatusBadRequest, "0x0220", "Invalid arguments"))
		return
	}
	list := []map[string]any{}
	total := 0
	for _, mo := range ask.Inbox() {
		if mo.At.Before(from) || !mo.At.Before(to.AddDate(0, 0, 1)) {
			continue
		}
		total++
		if total <= (page-1)*size || total > page*size {
			continue
		}
		id, _ := strconv.ParseInt(mo.ID, 10, 64)
		receiver, _ := strconv.ParseInt(mo.To, 10, 64)
		list = append(list, map[string]any{
			"anonymized": nil, "encoding": nil, "message": mo.Text, "mosms_id": id, "msisdn": uint64(mo.From),
			"receiver": receiver, "sender": nil, "senttime": float64(mo.At.Unix()), "webhook": "example",
		})
	}
	body, err := json.Marshal(map[string]any{
		"messages": list, "page": page, "pages": (total + size - 1) / size, "per_page": size, "results": total,
	})
	if err != nil {
		panic(err) // of strings and numbers
	}
	ask.Say(JSON(http.StatusOK, string(body)))
}

func gatewayAPINumber(s string, usual int) int {
	if s == "" {
		return usual
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}
