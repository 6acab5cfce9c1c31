// Package gateway holds simulated SMS gateways: HTTP servers that are as strict as the real ones, remember what they
// took, and misbehave when told to.
//
// A Gateway is the frame, the same for every provider: it counts, records, and applies Faults. What differs between
// providers is a Dialect. The conformance suite, `volley simulate` and `volley demo` use the same gateways. A Dialect
// is written from the provider's document and shares no code with the adapter, so that an error in one shows.
package gateway
