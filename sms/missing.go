package sms

// MissingPolicy says what becomes of a recipient without a value for a field that a template asks for and gives no default. A value
// is missing when it is empty or only white space. The zero value is RefuseMissing.
type MissingPolicy string

// What may be done about a missing value. Where the template has a default, as in {{name|there}}, that is taken always.
const (
	// RefuseMissing refuses the recipient, with the field's name as the reason.
	RefuseMissing MissingPolicy = "refuse"
	// EmptyMissing leaves the place in the text empty.
	EmptyMissing MissingPolicy = "empty"
	// DefaultMissing lets a job in only if its text has a default for each of its fields, so that nobody is refused for
	// a missing value and no place stays empty.
	DefaultMissing MissingPolicy = "default"
)
