// Package report takes what gateways say about messages later from where it comes in to the outcomes.
//
// A Signer makes the addresses that gateways are given, and reads them when something comes in there. Entries are what is
// kept of a push, in a stream (Log) from which any number of Appliers take it.
package report
