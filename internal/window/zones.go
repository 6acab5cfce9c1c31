package window

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// Zones are the time zones in which somebody may be; there is at least one. Equal sets are the same pointer.
type Zones struct {
	names string
	locs  []*time.Location
}

// String returns the zones' names with commas between.
func (z *Zones) String() string { return z.names }

// In returns the moment at which the last of the zones shows the time; see Wall.In.
func (z *Zones) In(w Wall) time.Time {
	var last time.Time
	for _, loc := range z.locs {
		if t := w.In(loc); t.After(last) {
			last = t
		}
	}
	return last
}

var interned struct {
	sync.RWMutex
	sets map[string]*Zones
}

// ZonesOf returns the set of zones with these names, in any order. The error is for a name that is none, and when there are
// no names.
func ZonesOf(names ...string) (*Zones, error) {
	if len(names) != 1 {
		names = slices.Compact(slices.Sorted(slices.Values(names)))
	}
	key := strings.Join(names, ",")
	interned.RLock()
	z := interned.sets[key]
	interned.RUnlock()
	if z != nil {
		return z, nil
	}
	z = &Zones{names: key}
	if len(names) == 0 {
		names = []string{""}
	}
	for _, n := range names {
		loc, err := Load(n)
		if err != nil {
			return nil, err
		}
		z.locs = append(z.locs, loc)
	}
	interned.Lock()
	defer interned.Unlock()
	if have := interned.sets[key]; have != nil {
		return have, nil
	}
	if interned.sets == nil {
		interned.sets = map[string]*Zones{}
	}
	interned.sets[key] = z
	return z, nil
}

// UTC is the set of that zone alone.
var UTC = &Zones{names: "UTC", locs: []*time.Location{time.UTC}}
