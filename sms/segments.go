package sms

import "fmt"

// Encoding is how a message travels on the air.
type Encoding uint8

// The encodings. The zero value is GSM-7.
const (
	// GSM7 is the 7-bit default alphabet with its extension table.
	GSM7 Encoding = iota
	// UCS2 is two octets a unit; characters beyond U+FFFF take two units, as in UTF-16.
	UCS2
	// Data is 8-bit, of a Binary.
	Data
)

// String returns "gsm7", "ucs2" or "data".
func (e Encoding) String() string {
	switch e {
	case GSM7:
		return "gsm7"
	case UCS2:
		return "ucs2"
	case Data:
		return "data"
	}
	return fmt.Sprintf("encoding(%d)", uint8(e))
}

// MaxSegments is the most segments that can be joined to one message. Source: 3GPP TS 23.040 section 9.2.3.24.1, the count
// is one octet.
const MaxSegments = 255

// What a segment holds: alone, and joined, where a header of 6 octets with an 8-bit reference takes its part. Source: 3GPP
// TS 23.040 sections 9.2.3.16 (140 octets of user data) and 9.2.3.24.1.
const (
	septetsAlone, septetsJoined = 160, 153
	unitsAlone, unitsJoined     = 70, 67
	octetsAlone, octetsJoined   = 140, 134
)

// Size is what a message costs on the air.
type Size struct {
	Encoding Encoding
	// Units are septets for GSM-7, UTF-16 code units for UCS-2, octets for Data. What is left unused at the end of a
	// segment is not counted.
	Units int
	// Segments is at least 1, also for an empty text. It may be more than MaxSegments.
	Segments int
}

// Measure returns what text costs: as GSM-7 when all of it is in that alphabet, as UCS-2 otherwise. A character of two
// units is never divided between segments. A byte that is not UTF-8 counts as U+FFFD. It doesn't allocate.
func Measure(text string) Size {
	p := packer{joined: septetsJoined}
	for _, r := range text {
		n := septets(r)
		if n == 0 {
			return measureUCS2(text)
		}
		p.add(n)
	}
	return p.size(GSM7, septetsAlone)
}

func measureUCS2(text string) Size {
	p := packer{joined: unitsJoined}
	for _, r := range text {
		if r > 0xFFFF {
			p.add(2)
		} else {
			p.add(1)
		}
	}
	return p.size(UCS2, unitsAlone)
}

// packer fills joined segments with characters, one after the other.
type packer struct {
	joined   int // units a joined segment holds
	units    int // in all
	full     int // segments before the current one
	occupied int // units of the current segment
}

// add puts a character of n units into the current segment, or into a new one when it doesn't fit.
func (p *packer) add(n int) {
	p.units += n
	p.occupied += n
	if p.occupied > p.joined {
		p.full++
		p.occupied = n
	}
}

func (p *packer) size(e Encoding, alone int) Size {
	if p.units <= alone {
		return Size{e, p.units, 1}
	}
	return Size{e, p.units, p.full + 1}
}
