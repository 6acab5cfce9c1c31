package ledger

import (
	"hash/fnv"
	"strings"

	"github.com/volleysms/volley/sms"
)

// Leg is the part of a job's accounts that serves the numbers with a prefix.
type Leg struct {
	// Prefix is the beginning of the MSISDNs; empty is any.
	Prefix string `json:"prefix,omitempty"`
	// N is how many of the job's accounts are the leg's.
	N int `json:"n"`
}

// First returns the index of the first account for a number: that of the leg with the longest prefix. False when no leg
// takes it.
func (s *Spec) First(to sms.MSISDN) (via int, ok bool) {
	if len(s.Legs) == 0 {
		return 0, true
	}
	digits := to.String()
	at, best := 0, -1
	for _, l := range s.Legs {
		if len(l.Prefix) > best && strings.HasPrefix(digits, l.Prefix) {
			via, best = at, len(l.Prefix)
		}
		at += l.N
	}
	return via, best >= 0
}

// Next returns the index of the account that follows via on its leg, -1 when it is the last.
func (s *Spec) Next(via int) int {
	end := len(s.Accounts)
	if len(s.Legs) > 0 {
		end = 0
		for _, l := range s.Legs {
			if end += l.N; via < end {
				break
			}
		}
	}
	if via+1 < end {
		return via + 1
	}
	return -1
}

// Begin returns the index of the first account on the leg of via.
func (s *Spec) Begin(via int) int {
	at := 0
	for _, l := range s.Legs {
		if via < at+l.N {
			return at
		}
		at += l.N
	}
	return 0
}

// Account returns the name at an index, that of the last account for one that is too high.
func (s *Spec) Account(via int) string { return s.Accounts[min(via, len(s.Accounts)-1)] }

// Shard is which of an account's queues a batch is on, from 0 on. A job's batches take turns, and jobs begin at different ones.
func (s *Spec) Shard(account string, batch int) int {
	n := s.Shards[account]
	if n < 2 {
		return 0
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(s.ID)) // it never fails
	return (int(h.Sum32()>>1) + batch) % n
}
