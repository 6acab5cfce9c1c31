package providers

// Texts says how many different texts one call may carry.
type Texts uint8

// The ways a gateway takes texts.
const (
	// OneText: every recipient of a call gets the same text.
	OneText Texts = iota
	// MergeFields: one template, merged by the gateway with each recipient's values.
	MergeFields
	// ManyTexts: each recipient may have its own text.
	ManyTexts
)

// Growth says how a text grows when it is written into a request.
type Growth uint8

// The ways a text is written.
const (
	// Plain: as its UTF-8 bytes.
	Plain Growth = iota
	// Percent: bytes outside the unreserved URL characters cost three.
	Percent
	// JSON: as a JSON string, quotes not counted.
	JSON
	// Base64: four bytes for three.
	Base64
	// Hex16: as hex of UTF-16, four characters a unit, when the text isn't GSM-7; as JSON otherwise.
	Hex16
)

// Limits is what one call may hold, as data for the planner. The zero value of a field means "no such limit", but
// Recipients must be at least 1.
type Limits struct {
	// Recipients is the most recipients of one call.
	Recipients int
	// Texts says whether the call's recipients may have different texts.
	Texts Texts
	// Segments is the most segments a text may have; longer ones are refused before sending.
	Segments int
	// Bytes is the budget for the request's URL or body.
	Bytes int
	// BaseBytes is what a request costs before the first recipient and text.
	BaseBytes int
	// RecipientBytes is what a recipient costs beside its text or values.
	RecipientBytes int
	// ValueBytes is what each merged value costs beside its own bytes.
	ValueBytes int
	// Schedules is true when the gateway can be told to send later: Options.At is only set for such.
	Schedules bool
	// TextGrowth is how texts and values grow when written.
	TextGrowth Growth
}
