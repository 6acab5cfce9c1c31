package sms

import (
	"bytes"
	"strings"
	"testing"
)

func octets(n int) []byte { return bytes.Repeat([]byte{0xA5}, n) }

// udh returns a header of one information element, n octets in all.
func udh(n int) []byte { return append([]byte{0x70, byte(n - 2)}, octets(n-2)...) }

func TestValidateText(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     error
	}{
		{"Text", "Hej Søren", nil},
		{"Emoji", "😀", nil},
		{"255SegmentsOfGSM7", strings.Repeat("é", 255*153), nil},
		{"255SegmentsOfUCS2", strings.Repeat("中", 255*67), nil},
		{"LineBreaksAndTabs", "a\r\n\tb", nil},
		{"Empty", "", InvalidError("text is empty")},
		{"OnlySpace", " \u00a0\r\n\t", InvalidError("text is empty")},
		{"NotUTF8", "Hej S\xf8ren", InvalidError("text is not valid UTF-8: save it in that encoding")},
		{"EncodedSurrogate", "a\xed\xa0\x80", InvalidError("text is not valid UTF-8: save it in that encoding")},
		{"NUL", "a\x00b", InvalidError("text has a NUL character: take it out")},
		{"OneByteTooMany", strings.Repeat("a", 78031), InvalidError("text has 78031 bytes; at most 78030 are allowed")},
		{"256SegmentsOfGSM7", strings.Repeat("a", 255*153+1), InvalidError("text needs 256 segments; at most 255 can be joined")},
		{"256SegmentsOfUCS2", strings.Repeat("ж", 255*67+1), InvalidError("text needs 256 segments; at most 255 can be joined")},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := ValidateText(c.in); got != c.want { //nolint:errorlint // the error is exactly this value
				t.Errorf("got %v, want %v", got, c.want)
			}
			if got := (Message{Text: c.in}).Validate(); got != c.want { //nolint:errorlint // as above
				t.Errorf("as message: got %v, want %v", got, c.want)
			}
		})
	}
}

func TestMessage_Validate(t *testing.T) {
	const badUDH InvalidError = "UDH is not a row of information elements: write each as identifier, length and data, without the UDHL octet"
	for _, c := range []struct {
		name string
		in   Message
		want error
	}{
		{"ZeroValue", Message{}, InvalidError("text is empty")},
		{"Both", Message{Text: "a", Binary: &Binary{Payload: octets(1)}}, InvalidError("message has a text and a binary part: leave one out")},
		{"Payload", Message{Binary: &Binary{Payload: octets(1)}}, nil},
		{"UDHAlone", Message{Binary: &Binary{UDH: udh(4)}}, nil},
		{"UDHAndPayload", Message{Binary: &Binary{UDH: []byte{0x05, 0x04, 0x0B, 0x84, 0x23, 0xF0}, Payload: octets(10)}}, nil},
		{"TwoElements", Message{Binary: &Binary{UDH: append(udh(4), udh(6)...), Payload: octets(10)}}, nil},
		{"EmptyBinary", Message{Binary: &Binary{}}, InvalidError("binary message is empty")},
		{"LengthOctetBeforeUDH", Message{Binary: &Binary{UDH: []byte{0x05, 0x00, 0x03, 0xCC, 0x02, 0x01}}}, badUDH},
		{"UDHOfOneOctet", Message{Binary: &Binary{UDH: octets(1), Payload: octets(1)}}, badUDH},
		{"UDHCutShort", Message{Binary: &Binary{UDH: udh(6)[:5], Payload: octets(1)}}, badUDH},
		{"LongestUDH", Message{Binary: &Binary{UDH: udh(133), Payload: octets(255)}}, nil},
		{"UDHTooLong", Message{Binary: &Binary{UDH: udh(134)}}, InvalidError("UDH has 134 octets; at most 133 are allowed")},
		{"LongestPayload", Message{Binary: &Binary{Payload: octets(MaxBinary)}}, nil},
		{"PayloadTooLong", Message{Binary: &Binary{Payload: octets(MaxBinary + 1)}}, InvalidError("payload has 34171 octets; at most 34170 are allowed")},
		{
			"UDHTakesRoomFromEachSegment",
			Message{Binary: &Binary{UDH: udh(133), Payload: octets(256)}},
			InvalidError("binary message needs 256 segments; at most 255 can be joined"),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.in.Validate(); got != c.want { //nolint:errorlint // the error is exactly this value
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestBinary_Size(t *testing.T) {
	for _, c := range []struct {
		name         string
		udh, payload []byte
		want         Size
	}{
		{"140OctetsAlone", nil, octets(140), Size{Data, 140, 1}},
		{"141OctetsAreJoined", nil, octets(141), Size{Data, 141, 2}},
		{"268OctetsAreTwo", nil, octets(268), Size{Data, 268, 2}},
		{"269OctetsAreThree", nil, octets(269), Size{Data, 269, 3}},
		{"UDHCountsWithItsLengthOctet", udh(6), octets(133), Size{Data, 140, 1}},
		{"UDHAndOneMoreAreJoined", udh(6), octets(134), Size{Data, 141, 2}},
		{"UDHIsInEachSegment", udh(6), octets(2 * 128), Size{Data, 263, 2}},
		{"UDHIsInEachSegmentAndOneMore", udh(6), octets(2*128 + 1), Size{Data, 264, 3}},
		{"Empty", nil, nil, Size{Data, 0, 1}},
		{"UDHThatLeavesNoRoom", udh(200), octets(3), Size{Data, 204, 3}},
		{"UDHTooLongForItself", udh(200), nil, Size{Data, 201, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &Binary{UDH: c.udh, Payload: c.payload}
			if got := b.Size(); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestMessage_Size(t *testing.T) {
	if got, want := (Message{Text: "5 €"}).Size(), (Size{GSM7, 4, 1}); got != want {
		t.Errorf("text: got %+v, want %+v", got, want)
	}
	if got, want := (Message{Binary: &Binary{Payload: octets(141)}}).Size(), (Size{Data, 141, 2}); got != want {
		t.Errorf("binary: got %+v, want %+v", got, want)
	}
}

func FuzzMessageValidate(f *testing.F) {
	f.Add("Hej", []byte(nil), []byte(nil))
	f.Add("", []byte{5, 0, 3, 1, 2, 1}, []byte("x"))
	f.Fuzz(func(t *testing.T, text string, header, payload []byte) {
		m := Message{Text: text}
		if len(header)+len(payload) > 0 {
			m.Binary = &Binary{UDH: header, Payload: payload}
		}
		if s := m.Size(); m.Validate() == nil && (s.Segments < 1 || s.Segments > MaxSegments || s.Units < 1) {
			t.Fatalf("valid, but %+v", s)
		}
	})
}
