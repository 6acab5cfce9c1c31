package ledger

import "strconv"

// Hook is where a producer is told about its job.
type Hook struct {
	// URL may have a secret in it.
	URL string `json:"url"`
	// Secret names one of the schedulers' signing secrets; empty is the one without a name.
	Secret string `json:"secret,omitempty"`
	// At are what is told beside the job's completion.
	At []Threshold `json:"at,omitempty"`
}

// Threshold is reached when as many of a job's recipients are in a state as it says.
type Threshold struct {
	// State is the word of one.
	State string `json:"state"`
	// Count is how many recipients they are; when it is 0, PerMille says it in thousandths of all of the job's.
	Count    int64 `json:"count,omitempty"`
	PerMille int64 `json:"per_mille,omitempty"`
}

// String returns it as people write it: failed=5%, undelivered=0.5%, unknown=100.
func (t Threshold) String() string {
	if t.Count > 0 {
		return t.State + "=" + strconv.FormatInt(t.Count, 10)
	}
	s := t.State + "=" + strconv.FormatInt(t.PerMille/10, 10)
	if d := t.PerMille % 10; d != 0 {
		s += "." + strconv.FormatInt(d, 10)
	}
	return s + "%"
}

// Reached reports whether a job with these counts has reached t.
func (t Threshold) Reached(c Counts) bool {
	s, ok := ParseState(t.State)
	if !ok {
		return false
	}
	if t.Count > 0 {
		return c[s] >= t.Count
	}
	return c[s] > 0 && c[s]*1000 >= t.PerMille*c.Total()
}

// eventsKey has what a job's producer is told, and how far that has come.
func eventsKey(job string) string { return "volley:{" + job + "}:hooks" }
