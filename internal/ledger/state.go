package ledger

// State is what is known about one recipient of one job. The zero State is Queued.
type State uint8

// The states, in the order of their stored numbers; the numbers never change.
const (
	Queued State = iota
	Sending
	Accepted
	Delivered
	Undelivered
	Rejected
	Failed
	Expired
	Cancelled
	Suppressed
	Unknown
	NumStates int = iota
)

var stateNames = [NumStates]string{
	"queued", "sending", "accepted", "delivered", "undelivered", "rejected", "failed", "expired", "cancelled",
	"suppressed", "unknown",
}

// String returns the state's word in the outward interface.
func (s State) String() string {
	if int(s) < NumStates {
		return stateNames[s]
	}
	return "invalid"
}

// Open reports whether the recipient still keeps its job from being completed.
func (s State) Open() bool { return s == Queued || s == Sending }

// ParseState returns the State with the given word.
func ParseState(word string) (State, bool) {
	for i, n := range stateNames {
		if n == word {
			return State(i), true
		}
	}
	return 0, false
}

// Counts is how many recipients are in each state.
type Counts [NumStates]int64

// Total is the sum of all states.
func (c Counts) Total() int64 {
	var n int64
	for _, v := range c {
		n += v
	}
	return n
}

// Control is a job's control word: whether its calls may be made.
type Control string

// The control words. The zero Control lets a job run.
const (
	Run       Control = ""
	Paused    Control = "paused"
	Withdrawn Control = "cancelled"
	// Moved is what only Commit returns: the job was re-routed since the batch was taken.
	Moved Control = "moved"
)
