package ui

import (
	"net/url"

	"github.com/volleysms/volley/enqueue"
)

// whom says where a schedule's recipients come from.
func whom(in enqueue.ScheduleInfo) string {
	switch r := in.Recipients; {
	case r.File != nil:
		return "those of the file " + r.File.Path
	case r.Endpoint != nil:
		if u, err := url.Parse(r.Endpoint.URL); err == nil {
			return "those that " + u.Host + " names"
		}
		return "those that an endpoint names"
	default:
		return plural(int64(len(r.To)), "recipient")
	}
}

// when is a schedule's rule in a few words.
func when(in enqueue.ScheduleInfo) string {
	if in.Cron != "" {
		return in.Cron
	}
	return "every " + in.Every.String()
}
