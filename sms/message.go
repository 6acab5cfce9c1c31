package sms

// Binary is an 8-bit message.
type Binary struct {
	// UDH is the user data header, without its length byte's padding; may be empty.
	UDH []byte
	// Payload are the octets after the header.
	Payload []byte
}
