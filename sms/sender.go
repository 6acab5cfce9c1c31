package sms

// SenderID is what the handset shows as origin: 1 to 15 digits, or 1 to 11 alphanumeric characters. The zero value
// means "the account's own".
type SenderID string

// ParseSenderID checks s. (skeleton)
func ParseSenderID(s string) (SenderID, error) { return SenderID(s), nil }
