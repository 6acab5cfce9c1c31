// Package zones tells from a number in which time zones its owner may be.
package zones

import (
	"sync"

	"github.com/nyaruka/phonenumbers"

	"github.com/volleysms/volley/internal/window"
	"github.com/volleysms/volley/sms"
)

// Of returns the time zones in which a number's owner may be, nil when nothing is known of that: satellite and other
// numbers that belong to no country.
//
// A number with an area code is where its area is. A mobile number of a country with several zones may be in any of them,
// and so may one that nobody has given out. It is safe for concurrent use.
//
// Source: Google's libphonenumber, its mapping of prefixes to time zones, as github.com/nyaruka/phonenumbers has it.
func Of(to sms.MSISDN) *window.Zones {
	c := countryOf(to)
	switch {
	case c == nil:
		return nil
	case !c.several:
		return c.zones
	}
	exchange, ok := exchangeOf(to)
	if !ok {
		return c.work(to)
	}
	exchanges.RLock()
	z := exchanges.zones[exchange]
	exchanges.RUnlock()
	if z != nil {
		return z
	}
	z = c.work(to)
	exchanges.Lock()
	defer exchanges.Unlock()
	if exchanges.zones == nil || len(exchanges.zones) >= maxExchanges {
		exchanges.zones = map[uint64]*window.Zones{}
	}
	exchanges.zones[exchange] = z
	return z
}

// exchanges remembers what was worked out for numbers of North America, whose area code and exchange decide: the library
// takes its time.
var exchanges struct {
	sync.RWMutex
	zones map[uint64]*window.Zones
}

const maxExchanges = 1 << 16

// exchangeOf returns calling code, area code and exchange of a number of North America.
func exchangeOf(to sms.MSISDN) (uint64, bool) {
	if to < 1_000_000_0000 || to >= 2_000_000_0000 {
		return 0, false
	}
	return uint64(to) / 10_000, true
}

// work works out the zones of a number in a country that has several.
func (c *country) work(to sms.MSISDN) *window.Zones {
	n, err := phonenumbers.Parse("+"+to.String(), "")
	if err != nil || !tied(n) {
		return c.zones
	}
	if z := lookup(to.String()); z != nil {
		return z
	}
	return c.zones
}

// tied reports whether a number belongs to an area.
func tied(n *phonenumbers.PhoneNumber) bool {
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.FIXED_LINE, phonenumbers.FIXED_LINE_OR_MOBILE:
		return true
	case phonenumbers.MOBILE:
		return phonenumbers.GEO_MOBILE_COUNTRIES[n.GetCountryCode()]
	}
	return false
}

// country is what a calling code says by itself.
type country struct {
	zones   *window.Zones // nil: not known
	several bool
}

var countries struct {
	sync.RWMutex
	byCode map[uint64]*country
}

// countryOf returns what the number's calling code says; nil when it begins with none.
func countryOf(to sms.MSISDN) *country {
	// No calling code is the beginning of another.
	m := uint64(to)
	for m >= 1000 {
		m /= 10
	}
	for _, code := range [...]uint64{m / 100, m / 10, m} {
		if code == 0 {
			continue
		}
		countries.RLock()
		c, ok := countries.byCode[code]
		countries.RUnlock()
		if !ok {
			c = load(code)
		}
		if c != nil {
			return c
		}
	}
	return nil
}

// unknownRegion is what the library answers for what is no calling code.
const unknownRegion = "ZZ"

func load(code uint64) *country {
	var c *country
	if phonenumbers.GetRegionCodeForCountryCode(int(code)) != unknownRegion {
		digits := sms.MSISDN(code).String()
		c = &country{zones: lookup(digits), several: len(namesOf(digits)) > 1}
	}
	countries.Lock()
	defer countries.Unlock()
	if countries.byCode == nil {
		countries.byCode = map[uint64]*country{}
	}
	countries.byCode[code] = c
	return c
}

// lookup returns the zones of the longest prefix that is known; nil when none is, or when a zone is not known here.
func lookup(digits string) *window.Zones {
	names := namesOf(digits)
	if len(names) == 0 {
		return nil
	}
	lists.RLock()
	z, ok := lists.zones[&names[0]]
	lists.RUnlock()
	if ok {
		return z
	}
	z, err := window.ZonesOf(names...)
	if err != nil {
		z = nil
	}
	lists.Lock()
	defer lists.Unlock()
	if lists.zones == nil {
		lists.zones = map[*string]*window.Zones{}
	}
	lists.zones[&names[0]] = z
	return z
}

// lists are the sets of the library's own lists, which it makes once.
var lists struct {
	sync.RWMutex
	zones map[*string]*window.Zones
}

func namesOf(digits string) []string {
	names, err := phonenumbers.GetTimezonesForPrefix(digits)
	if err != nil || len(names) == 1 && names[0] == phonenumbers.UNKNOWN_TIMEZONE {
		return nil
	}
	return names
}
