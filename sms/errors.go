package sms

// InvalidError is why a value was refused: a short sentence that says what to do. It never holds the value itself, so
// that it may be logged, and shown beside the value where that is allowed. Every error of this package is one.
type InvalidError string

// Error returns the reason.
func (e InvalidError) Error() string { return string(e) }
