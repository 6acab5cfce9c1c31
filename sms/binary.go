package sms

import "fmt"

// MaxBinary is the most octets of a Binary's Payload, which fill MaxSegments when there is no UDH.
const MaxBinary = MaxSegments * octetsJoined

// maxUDH leaves one octet of a joined segment for the payload.
const maxUDH = octetsJoined - 1

// Binary is an 8-bit message.
type Binary struct {
	// UDH are the information elements of the user data header, without the length octet (UDHL) that precedes them on
	// the air; may be empty. Each segment of a longer message has all of them, and the one that joins it besides.
	UDH []byte
	// Payload are the octets after the header.
	Payload []byte
}

// Size returns what the message costs. A UDH counts with its length octet.
func (b *Binary) Size() Size {
	units := len(b.Payload)
	if len(b.UDH) > 0 {
		units += 1 + len(b.UDH)
	}
	if units <= octetsAlone {
		return Size{Data, units, 1}
	}
	room := max(octetsJoined-len(b.UDH), 1)
	return Size{Data, units, max((len(b.Payload)+room-1)/room, 1)}
}

// validate refuses what no gateway can send.
func (b *Binary) validate() error {
	switch {
	case len(b.UDH) == 0 && len(b.Payload) == 0:
		return InvalidError("binary message is empty")
	case len(b.UDH) > maxUDH:
		return InvalidError(fmt.Sprintf("UDH has %d octets; at most %d are allowed", len(b.UDH), maxUDH))
	case !wellFormedUDH(b.UDH):
		return InvalidError("UDH is not a row of information elements: write each as identifier, length and data, without the UDHL octet")
	case len(b.Payload) > MaxBinary:
		return InvalidError(fmt.Sprintf("payload has %d octets; at most %d are allowed", len(b.Payload), MaxBinary))
	}
	if n := b.Size().Segments; n > MaxSegments {
		return InvalidError(fmt.Sprintf("binary message needs %d segments; at most %d can be joined", n, MaxSegments))
	}
	return nil
}

// wellFormedUDH reports whether h is made of elements whose lengths add up. Source: 3GPP TS 23.040 section 9.2.3.24.
func wellFormedUDH(h []byte) bool {
	for len(h) > 0 {
		if len(h) < 2 || len(h) < 2+int(h[1]) {
			return false
		}
		h = h[2+int(h[1]):]
	}
	return true
}
