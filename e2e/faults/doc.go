// Package faults holds tests that kill workers and Redis servers, cut connections and let gateways misbehave while
// campaigns run, and then count: the simulated gateways' own record says what was taken, the ledger says what is known.
//
// Everything that is chosen at random comes from one seed, which is printed first; VOLLEY_FAULT_SEED=N repeats it. How
// large the scenarios are is in a table; VOLLEY_FAULTS=full chooses the large row.
package faults
