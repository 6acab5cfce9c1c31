package gateway

import (
	"slices"
	"strconv"
	"time"
)

// gatewayAPIWords are the words that a message object's fields may have. Source: rest.rst, "Advanced usage".
var gatewayAPIWords = map[string][]string{
	"class":         {"standard", "premium", "secret"},
	"priority":      {"BULK", "NORMAL", "URGENT", "VERY_URGENT"},
	"destaddr":      {"MOBILE", "DISPLAY", "SIMCARD", "EXTUNIT"},
	"extra_details": {"recipients_usage"},
}

const (
	gatewayAPIMaxLabel    = 255
	gatewayAPIMinValidity = 60 // seconds; less is taken for as much
)

func (m *gatewayAPIMessage) ask(key string, value []byte) {
	if m.asked == nil {
		m.asked = map[string]string{}
	}
	m.asked[key] = string(value)
}

// checkWishes looks at the fields that most messages do without.
func (m *gatewayAPIMessage) checkWishes(ask *Ask) {
	for key, value := range m.asked {
		if words, ok := gatewayAPIWords[key]; ok && !slices.Contains(words, value) {
			code := "0x0300"
			switch key {
			case "class":
				code = "0x0218"
			case "priority":
				code = "0x0311"
			}
			invalid(ask, code, key+" "+value)
		}
	}
	urgent := m.asked["priority"] == "URGENT" || m.asked["priority"] == "VERY_URGENT"
	if class := m.asked["class"]; urgent && class != "premium" && class != "secret" {
		invalid(ask, "0x0311", "an urgent priority needs the class premium")
	}
	if label, ok := m.asked["label"]; ok && (label == "" || len(label) > gatewayAPIMaxLabel) {
		invalid(ask, "0x0300", "label")
	}
	if text, ok := m.asked["validity_period"]; ok {
		if n, err := strconv.Atoi(text); err != nil || n < gatewayAPIMinValidity {
			invalid(ask, "0x0300", "validity_period")
		}
	}
	if text, ok := m.asked["max_parts"]; ok {
		if n, err := strconv.Atoi(text); err != nil || n < 1 || n > gatewayAPIMaxSegments || m.tags != nil || m.hasPayload {
			invalid(ask, "0x0300", "max_parts")
		}
	}
	if text, ok := m.asked["sendtime"]; ok {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1_000_000_000 || n > 99_999_999_999 {
			invalid(ask, "0x0300", "sendtime")
		}
		m.due = time.Unix(n, 0)
	}
}
