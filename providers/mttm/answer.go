package mttm

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// answer is what the gateway says. Source: fact sheet section 3.
type answer struct {
	// success is what is said with a 200: a sentence for send.
	success string
	// batchID and count are said by sendbatch; count is -1 when it isn't there.
	batchID string
	count   int
	// balance and messages are said by balance.
	balance, messages string
	// unitRate and segments are said by rate; segments is 0 when it isn't there.
	unitRate string
	segments int
	// title is what went wrong, in the gateway's words or its own REST layer's.
	title string
	// description is beside a title of the REST layer. It may hold the account's user name and password, and the text.
	description string
}

// maxText bounds what is looked at of an answer that isn't JSON, in bytes.
const maxText = 2000

// parseAnswer reads an answer in any form it may have: JSON with junk behind it, the sentence alone, or another server's
// page. It never fails; what it can't read is empty.
func parseAnswer(body []byte) answer {
	a := answer{count: -1}
	var j struct {
		Data        json.RawMessage `json:"data"`
		Message     lenient         `json:"message"`
		Title       lenient         `json:"title"`
		Description lenient         `json:"description"`
	}
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&j); err != nil {
		text := string(bytes.TrimSpace(body[:min(len(body), maxText)]))
		a.success, a.title = text, text
		return a
	}
	a.title, a.description = string(j.Message), string(j.Description)
	if a.title == "" {
		a.title = string(j.Title)
	}
	var data struct {
		BatchID  lenient `json:"batchId"`
		Count    *int    `json:"messageCount"`
		Balance  lenient `json:"balance"`
		Messages lenient `json:"sms_count"`
		UnitRate lenient `json:"unit_rate"`
		Segments lenient `json:"submit_sm_count"`
	}
	switch {
	case len(j.Data) == 0:
	case j.Data[0] == '"':
		var s lenient
		_ = json.Unmarshal(j.Data, &s)
		a.success = string(s)
	case json.Unmarshal(j.Data, &data) == nil:
		a.batchID, a.balance, a.messages = string(data.BatchID), string(data.Balance), string(data.Messages)
		a.unitRate = string(data.UnitRate)
		a.segments, _ = strconv.Atoi(string(data.Segments))
		if data.Count != nil {
			a.count = *data.Count
		}
	}
	return a
}

// lenient is a string that a number may stand for; any other JSON leaves it empty.
type lenient string

// UnmarshalJSON never fails.
func (l *lenient) UnmarshalJSON(b []byte) error {
	switch {
	case b[0] == '"':
		var s string
		if json.Unmarshal(b, &s) == nil {
			*l = lenient(s)
		}
	case b[0] == '-' || b[0] >= '0' && b[0] <= '9':
		*l = lenient(b)
	}
	return nil
}

// maxID bounds an identifier, in bytes.
const maxID = 128

// successID returns the identifier in the sentence Success "<id>", whose closing quote the REST layer loses, and false when
// it is another sentence. Without the quote nothing but the identifier may follow on its line.
func successID(s string) (string, bool) {
	const word = "success"
	s = strings.TrimSpace(s)
	if len(s) < len(word) || !strings.EqualFold(s[:len(word)], word) {
		return "", false
	}
	s, ok := strings.CutPrefix(strings.TrimLeft(s[len(word):], " "), `"`)
	if !ok {
		return "", false
	}
	if i := strings.IndexAny(s, "\"\r\n"); i >= 0 {
		s = s[:i]
	}
	return s, isID(s)
}

// plainID reads the identifier of an answer in the very form that the gateway gives, with the closing inner quote or
// without. Every other form is left to parseAnswer.
func plainID(body []byte) (string, bool) {
	rest, ok := bytes.CutPrefix(body, []byte(`{"data": "Success \"`))
	if !ok {
		return "", false
	}
	rest = bytes.TrimRight(rest, "\r\n ")
	if rest, ok = bytes.CutSuffix(rest, []byte(`"}`)); !ok {
		return "", false
	}
	id := string(bytes.TrimSuffix(rest, []byte(`\"`)))
	return id, isID(id)
}

// isID reports whether s can be an identifier: of any form, since the gateway's generator can be replaced.
func isID(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= maxID
}
