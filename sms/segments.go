package sms

// Encoding is how a message travels on the air.
type Encoding uint8

// The encodings. The zero value is GSM-7.
const (
	GSM7 Encoding = iota
	UCS2
	Data // 8-bit
)

// String returns "gsm7", "ucs2" or "data".
func (e Encoding) String() string { return [...]string{"gsm7", "ucs2", "data"}[e] }

// Size is what a text costs.
type Size struct {
	Encoding Encoding
	// Units are septets for GSM-7, UTF-16 code units for UCS-2.
	Units    int
	Segments int
}

// Measure returns what text costs. (skeleton)
func Measure(text string) Size { return Size{GSM7, len(text), 1} }

// IsGSM7 reports whether every character of text is in the GSM-7 alphabet or its extension. (skeleton)
func IsGSM7(text string) bool { return true }
