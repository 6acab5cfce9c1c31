package gatewayapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/volleysms/volley/internal/httpc"
	"github.com/volleysms/volley/providers"
)

// shown is a message object as the gateway shows it.
type shown struct {
	ID         json.RawMessage  `json:"id"`
	UserRef    text             `json:"userref"`
	Recipients []shownRecipient `json:"recipients"`
}

// shownRecipient is what the gateway knows of one recipient.
type shownRecipient struct {
	MSISDN msisdn   `json:"msisdn"`
	Status text     `json:"dsnstatus"`
	Time   unixTime `json:"dsntime"`
	Error  text     `json:"dsnerror"`
	Code   text     `json:"dsnerrorcode"`
}

// Poll asks what became of the recipients of a message object, which one request tells of all of them. A gateway that has
// not stored the message yet says 404; it does so for some time after sending.
func (a *Adapter) Poll(ctx context.Context, id string) ([]providers.Report, error) {
	resp, failed := a.about(ctx, http.MethodGet, id)
	switch {
	case failed != nil:
		return nil, harmless(failed)
	case resp.Status == http.StatusNotFound:
		return nil, nil
	case resp.Status/100 != 2:
		return nil, harmless(a.refused(resp))
	}
	reports, ok := parseShown(id, resp.Body)
	if !ok {
		return nil, fail(providers.Unavailable, strconv.Itoa(resp.Status), "the answer cannot be read; is this GatewayAPI?")
	}
	return reports, nil
}

// parseShown reads the answer about the message object id.
func parseShown(id string, body []byte) ([]providers.Report, bool) {
	var objects []shown
	if err := json.Unmarshal(body, &objects); err != nil || objects == nil {
		return nil, false
	}
	var out []providers.Report
	for i := range objects {
		o := &objects[i]
		if own := plainID(o.ID); own != "" && own != id {
			continue
		}
		for _, r := range o.Recipients {
			if r.Status == "" {
				continue // nothing is known of it yet
			}
			out = append(out, newReport(id, reference(o.UserRef), r.MSISDN, r.Status, r.Code, r.Error, r.Time))
		}
	}
	return out, true
}

// Cancel takes back a message object that was sent with a time in the future. The gateway says 410 when it is too late, and
// 404 for what it does not know or has not stored yet.
func (a *Adapter) Cancel(ctx context.Context, id string) (bool, error) {
	resp, failed := a.about(ctx, http.MethodDelete, id)
	switch {
	case failed != nil:
		return false, failed
	case resp.Status/100 == 2:
		return true, nil
	case resp.Status == http.StatusGone || resp.Status == http.StatusNotFound:
		return false, nil
	}
	return false, a.refused(resp)
}

// about makes a request about one message object.
func (a *Adapter) about(ctx context.Context, method, id string) (*httpc.Response, *providers.Error) {
	if !plausibleID(id) {
		return nil, fail(providers.Invalid, "", "the identifier is none of GatewayAPI's")
	}
	req, err := httpc.NewGET(ctx, a.opts.BaseURL+"/rest/mtsms/"+id)
	if err != nil {
		return nil, badAddress(err)
	}
	req.Method = method
	return a.do(ctx, req)
}

// refused is the error of an answer that is not 2xx, to a request that names no recipients.
func (a *Adapter) refused(resp *httpc.Response) *providers.Error {
	f, code := readFailure(resp)
	return refusal(resp, f, code, a.credentials)
}
