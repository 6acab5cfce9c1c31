// Package countries tells from a number which country it is of.
package countries

import (
	"sync"

	"github.com/nyaruka/phonenumbers"

	"github.com/volleysms/volley/sms"
)

// Of returns the country of a number as two letters of ISO 3166, such as DK; empty for what belongs to none. Numbers of
// countries that share a calling code are told apart as far as their first seven digits do. It is safe for concurrent use.
//
// Source: Google's libphonenumber, as github.com/nyaruka/phonenumbers has it.
func Of(to sms.MSISDN) string {
	m := uint64(to)
	for m >= 1000 {
		m /= 10
	}
	// No calling code is the beginning of another.
	for _, code := range [...]uint64{m / 100, m / 10, m} {
		if code == 0 {
			continue
		}
		switch region := codes.of(code, func() string { return regionOf(int(code)) }); region {
		case noCode:
		case shared:
			return beginnings.of(first(to), func() string { return work(to, int(code)) })
		default:
			return region
		}
	}
	return ""
}

// What is remembered of what is no calling code, and of a code that several countries share.
const (
	noCode = "-"
	shared = "+"
)

// What the library answers for what is of no country, and for what it does not know.
const (
	world   = "001"
	unknown = "ZZ"
)

// regionOf returns what a calling code says by itself.
func regionOf(code int) string {
	switch all := phonenumbers.GetRegionCodesForCountryCode(code); {
	case len(all) == 0 || all[0] == unknown:
		return noCode
	case len(all) > 1:
		return shared
	case all[0] == world:
		return ""
	default:
		return all[0]
	}
}

// work works out the country of a number whose calling code several share.
func work(to sms.MSISDN, code int) string {
	if n, err := phonenumbers.Parse("+"+to.String(), ""); err == nil {
		if r := phonenumbers.GetRegionCodeForNumber(n); len(r) == 2 && r != unknown {
			return r
		}
	}
	return phonenumbers.GetRegionCodeForCountryCode(code)
}

// first returns the first seven digits.
func first(to sms.MSISDN) uint64 {
	n := uint64(to)
	for n >= 1e7 {
		n /= 10
	}
	return n
}

// codes and beginnings remember what was worked out, for the library takes its time.
var codes, beginnings memory

// memory is what the beginnings of numbers stand for.
type memory struct {
	mu    sync.RWMutex
	known map[uint64]string
}

// maxKnown bounds it.
const maxKnown = 1 << 16

func (m *memory) of(key uint64, work func() string) string {
	m.mu.RLock()
	s, ok := m.known[key]
	m.mu.RUnlock()
	if ok {
		return s
	}
	s = work()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil || len(m.known) >= maxKnown {
		m.known = map[uint64]string{}
	}
	m.known[key] = s
	return s
}
