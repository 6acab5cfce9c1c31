package config

// mttmREST are the keys of an MTTM account that only its REST API has.
var mttmREST = []string{"operation", "max_recipients", "max_bytes", "schedule_format", "timezone"}

// mttm reads the keys that MTTM alone has, and tells which of an account's keys the others leave without a meaning.
func (s *section) mttm(a *Account) {
	a.Method = s.oneOf("method", "post", "get")
	a.Tags = s.text("tags")
	a.ScheduleFormat = s.oneOf("schedule_format", "relative", "absolute")
	if a.API == "url" {
		for _, key := range mttmREST {
			if s.has(key) {
				s.complain(key, "is for api: rest; take it out")
			}
		}
		return
	}
	if s.has("method") {
		s.complain("method", "is for api: url; take it out")
	}
	if s.has("schedule_format") && a.Operation != "sendbatch" {
		s.complain("schedule_format", "is for operation: sendbatch; take it out")
	}
	switch absolute := a.ScheduleFormat == "absolute"; {
	case absolute && a.Timezone == "":
		s.complain("schedule_format", "absolute needs timezone, the zone of the gateway's clock, such as Europe/Amsterdam")
	case !absolute && s.has("timezone"):
		s.complain("timezone", "is for schedule_format: absolute; take it out")
	}
}
