// Package worker takes batches from the queue and gets them out: plan, pace, claim, send, record.
//
// A worker serves accounts. Each has an asynq queue and server, lanes (the calls that may be in flight), a limiter and a
// gate of its own, so that one gateway's trouble never delays another. An application may embed a worker, with adapters
// of its own.
package worker
