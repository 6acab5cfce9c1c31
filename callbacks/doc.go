// Package callbacks is the role that gateways push to: reports about messages, and messages from handsets.
//
// A push is answered only when what is in it is written to Redis; whoever has no address that was made here is turned away
// before anything is read. The reports are applied to the outcomes in the same role (see package report).
package callbacks
