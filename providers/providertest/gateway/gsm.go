package gateway

import "unicode/utf16"

// The GSM 7-bit default alphabet and its extension, 3GPP TS 23.038, 6.2.1.
const (
	gsmBasic     = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtension = "\f^{}\\[~]|€"
)

var septets = func() map[rune]int {
	m := make(map[rune]int, 140)
	for _, r := range gsmBasic {
		m[r] = 1
	}
	for _, r := range gsmExtension {
		m[r] = 2
	}
	return m
}()

// Septets returns the length of text in GSM-7 septets, and false when a character is not in that alphabet.
func Septets(text string) (int, bool) {
	n := 0
	for _, r := range text {
		if r >= 'a' && r <= 'z' {
			n++
			continue
		}
		s := septets[r]
		if s == 0 {
			return 0, false
		}
		n += s
	}
	return n, true
}

// Segments returns how many segments a text makes, in GSM-7 when it can be and UCS-2 otherwise: 160 septets or 70 units
// alone, 153 or 67 each when joined. A pair that falls on a segment's edge is not looked at.
func Segments(text string) (n int, gsm7 bool) {
	single, joined := 160, 153
	units, gsm7 := Septets(text)
	if !gsm7 {
		single, joined = 70, 67
		units = len(utf16.Encode([]rune(text)))
	}
	if units <= single {
		return 1, gsm7
	}
	return (units + joined - 1) / joined, gsm7
}
