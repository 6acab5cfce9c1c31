package gateway

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// gatewayAPIPrices is the public price list, cut to two countries.
const gatewayAPIPrices = `{
  "premium": [
    {"country": "AD", "country_name": "Andorra", "dkk": 0.33000, "eur": 0.04430, "prefix": 376},
    {"country": "DK", "country_name": "Denmark", "dkk": 0.25000, "eur": 0.03350, "prefix": 45}
  ],
  "standard": [
    {"country": "AD", "country_name": "Andorra", "dkk": 0.31000, "eur": 0.04160, "prefix": 376},
    {"country": "DK", "country_name": "Denmark", "dkk": 0.15000, "eur": 0.02010, "prefix": 45}
  ]
}`

// gatewayAPIUsage is what was sent under one label in one class.
type gatewayAPIUsage struct {
	Amount   int     `json:"amount"`
	Cost     float64 `json:"cost"`
	Country  string  `json:"country"`
	Currency string  `json:"currency"`
	Label    *string `json:"label"`
	Class    string  `json:"messageclass_id"`
}

// gatewayAPIPrice is what every message costs here, in DKK.
const gatewayAPIPrice = 0.15

// usage answers with what was sent between two days, by label and class.
func (d GatewayAPI) usage(r *http.Request, body []byte, ask *Ask) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		ask.Violate("Content-Type "+r.Header.Get("Content-Type"), JSON(http.StatusUnsupportedMediaType, `{}`))
		return
	}
	asked := map[string]string{}
	s := &scanner{b: body}
	s.object(func(k []byte) { asked[string(k)] = string(s.str()) })
	from, err1 := time.Parse(time.DateOnly, asked["from"])
	to, err2 := time.Parse(time.DateOnly, asked["to"])
	label, one := asked["label"]
	known := 2
	if one {
		known = 3
	}
	if !s.end() || err1 != nil || err2 != nil || to.Before(from) || len(asked) != known || one && label == "" {
		ask.Violate("question about usage", gatewayAPIError(http.StatusBadRequest, "0x0220", "Invalid arguments"))
		return
	}
	list := []*gatewayAPIUsage{}
	at := map[[2]string]*gatewayAPIUsage{}
	for _, m := range ask.Taken() {
		own := m.Asked["label"]
		if m.At.Before(from) || !m.At.Before(to.AddDate(0, 0, 1)) || one && own != label {
			continue
		}
		class := m.Asked["class"]
		if class == "" {
			class = "standard"
		}
		u := at[[2]string{own, class}]
		if u == nil {
			u = &gatewayAPIUsage{Country: "DK", Currency: "DKK", Class: class}
			if own != "" {
				u.Label = &own
			}
			at[[2]string{own, class}] = u
			list = append(list, u)
		}
		u.Amount++
		u.Cost = float64(u.Amount) * gatewayAPIPrice
	}
	answer, err := json.Marshal(list)
	if err != nil {
		panic(err) // of strings and numbers
	}
	ask.Say(JSON(http.StatusOK, string(answer)))
}
