package enqueue_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
)

// The shapes that scripts outside this repository read.
func TestJSON(t *testing.T) {
	at := time.Date(2030, 1, 31, 9, 30, 0, 0, time.UTC)
	tests := map[string]struct {
		value any
		want  string
	}{
		"Receipt": {
			enqueue.Receipt{
				JobID: "J", Total: 3, Queued: 2, Refused: []enqueue.Refused{{To: "abc", Row: 2, Reason: "R"}}, RefusedCount: 1,
				Duplicates: 1, Batches: 1, State: enqueue.Queued,
			},
			`{"job_id":"J","total":3,"queued":2,"refused":[{"to":"abc","row":2,"reason":"R"}],"refused_count":1,"duplicates":1,"batches":1,
			"state":"queued","schedule_at":null,"duplicate_of_key":false}`,
		},
		"Receipt/Scheduled": {
			enqueue.Receipt{JobID: "J", Refused: []enqueue.Refused{}, State: enqueue.Scheduled, ScheduleAt: &at, Duplicate: true},
			`{"job_id":"J","total":0,"queued":0,"refused":[],"refused_count":0,"duplicates":0,"batches":0,
			"state":"scheduled","schedule_at":"2030-01-31T09:30:00Z","duplicate_of_key":true}`,
		},
		"Status": {
			enqueue.Status{
				JobID: "J", Via: "dk", State: enqueue.Completed, CreatedAt: at, CompletedAt: &at,
				Counts: enqueue.Counts{
					Total: 66, Queued: 1, Sending: 2, Accepted: 3, Delivered: 4, Undelivered: 5, Rejected: 6, Failed: 7, Expired: 8,
					Cancelled: 9, Suppressed: 10, Unknown: 11,
				},
			},
			`{"job_id":"J","via":"dk","state":"completed","created_at":"2030-01-31T09:30:00Z","schedule_at":null,"completed_at":"2030-01-31T09:30:00Z",
			"counts":{"total":66,"queued":1,"sending":2,"accepted":3,"delivered":4,"undelivered":5,"rejected":6,"failed":7,"expired":8,
			"cancelled":9,"suppressed":10,"unknown":11}}`,
		},
		"Status/Labelled": {
			enqueue.Status{JobID: "J", Via: "dk", Label: "spring", State: enqueue.Running, CreatedAt: at},
			`{"job_id":"J","via":"dk","label":"spring","state":"running","created_at":"2030-01-31T09:30:00Z","schedule_at":null,"completed_at":null,
			"counts":{"total":0,"queued":0,"sending":0,"accepted":0,"delivered":0,"undelivered":0,"rejected":0,"failed":0,"expired":0,
			"cancelled":0,"suppressed":0,"unknown":0}}`,
		},
		"Outcome": {
			enqueue.Outcome{
				To: "4500000001", Status: "accepted", Account: "dk", ProviderMessageID: "P", Code: "C", Detail: "D", Attempts: 1, UpdatedAt: at,
				Ref: "F", Row: 7,
			},
			`{"to":"4500000001","status":"accepted","account":"dk","provider_message_id":"P","code":"C","detail":"D","attempts":1,
			"updated_at":"2030-01-31T09:30:00Z","ref":"F","row":7}`,
		},
		"Outcome/Untouched": {
			enqueue.Outcome{To: "4500000001", Status: "queued", UpdatedAt: at},
			`{"to":"4500000001","status":"queued","account":"","provider_message_id":"","code":"","detail":"","attempts":0,
			"updated_at":"2030-01-31T09:30:00Z","ref":"","row":0}`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := json.Marshal(tt.value)
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.NewReplacer("\n", "", "\t", "").Replace(tt.want); string(got) != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestReceipt_RefusedIsAnEmptyListAndNotNull(t *testing.T) {
	r := newRig(t, enqueue.Options{})
	for _, what := range []string{"first", "repeat"} {
		receipt, err := r.client.Enqueue(t.Context(), job("k", to("4500000001")...))
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := json.Marshal(receipt); !strings.Contains(string(b), `"refused":[]`) {
			t.Errorf("%s: got %s", what, b)
		}
	}
}
