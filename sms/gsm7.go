package sms

// The GSM-7 alphabet. Source: 3GPP TS 23.038 sections 6.2.1 (basic table, in order of position; 0x1B is the escape and no
// character) and 6.2.1.1 (extension table, reached by an escape). National language tables are not used.
const (
	basicChars = "@£$¥èéùìòÇ\nØø\rÅå" +
		"Δ_ΦΓΛΩΠΨΣΘΞÆæßÉ" +
		" !\"#¤%&'()*+,-./" +
		"0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNO" +
		"PQRSTUVWXYZÄÖÑÜ§" +
		"¿abcdefghijklmno" +
		"pqrstuvwxyzäöñüà"
	extensionChars = "\f^{}\\[~]|€"
)

// euro is the one character of the alphabet that lies beyond septetTable.
const euro = '€'

// septetTable has the septets of each character up to the highest Greek letter of the alphabet: 1, 2, or 0 when it is not
// in the alphabet.
var septetTable = func() (t [0x3AA]uint8) {
	for _, r := range basicChars {
		t[r] = 1
	}
	for _, r := range extensionChars {
		if r != euro {
			t[r] = 2
		}
	}
	return t
}()

// septets returns what r costs in GSM-7, and 0 when r is not in the alphabet.
func septets(r rune) int {
	if uint32(r) < uint32(len(septetTable)) {
		return int(septetTable[r])
	}
	if r == euro {
		return 2
	}
	return 0
}

// IsGSM7 reports whether every character of text is in the GSM-7 basic or extension table, so that text need not be sent as
// UCS-2.
func IsGSM7(text string) bool {
	_, found := FirstNonGSM7(text)
	return !found
}

// FirstNonGSM7 returns the first character that makes text a UCS-2 one, and false when there is none. For a byte that is
// not UTF-8 it returns U+FFFD.
func FirstNonGSM7(text string) (rune, bool) {
	for _, r := range text {
		if septets(r) == 0 {
			return r, true
		}
	}
	return 0, false
}
