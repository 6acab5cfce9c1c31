// Package suppress keeps the lists of those who opted out: one for all accounts, and one for each account that has any.
//
// Keys, all in one hash slot, so that one script writes what belongs together:
//
//	volley:{suppress}:list          hash: bucket of the list for all accounts -> its entries
//	volley:{suppress}:list:ACCOUNT  the same for an account
//	volley:{suppress}:meta          hash: version -> how often anything changed, n:ACCOUNT -> how many numbers a list has
//	volley:{suppress}:why           hash: source and reason, a tab between them -> the byte that stands for them
//	volley:{suppress}:seen          hash: worker -> the version that it has read
//	volley:{suppress}:log           stream: the last changes, with the version that they made as their identifiers
//
// A list is cut into 4,096 buckets by the low 12 bits of the number. An entry takes 10 bytes: the rest of the number in 5,
// when it came in seconds since 1970 in 4, and why in 1, all of them big endian. That is some 11 bytes a number in Redis,
// from some hundred thousand numbers on.
//
// Workers keep the numbers, 5 bytes each, in a Follower, which asks for changes several times a second. So looking a number
// up costs no round trip, and an opt-out counts everywhere within a second.
package suppress
