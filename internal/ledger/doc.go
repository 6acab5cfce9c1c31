// Package ledger is the durable record of every job and every recipient's outcome, in Redis.
//
// It, and not the queue, decides what may be sent: a worker takes a batch (and so becomes its only owner), claims
// recipients before each call and records what the call established. Each step is one script and one round trip for a
// whole call; the counters of a job move in the same script as the outcomes that they count, so the two can't drift.
//
// # Keys
//
// A job's batches are spread over Shards hash slots; whatever one script touches has one hash tag.
//
//	volley:{JOB}:job        hash    what the job is (JSON) and how far it has come
//	volley:{JOB}:done       bitmap  finished batches
//	volley:{JOB}:wait       zset    batches that wait, and for what, by the moment until which they do; for people
//	volley:{JOB}:history    hash    who asked what to be done to it, by number; bounded
//	volley:{JOB}:hooks      hash    what its producer is told, and how far that has come
//	volley:{JOB.S}:n        hash    counters of shard S, the job's control word, and from which account on it is sent
//	volley:{JOB.S}:rB       string  recipients of batch B, written once (see BatchBuilder)
//	volley:{JOB.S}:oB       string  outcomes of batch B, a log (see Record); absent while all are queued
//	volley:{JOB.S}:xB       string  identifiers and texts that the outcomes point at
//	volley:{JOB.S}:dB       string  what gateways reported later about batch B (see Reporter); goes over the outcomes
//	volley:{JOB.S}:bB       hash    who holds batch B, who lost it, which account it is with, its draft; absent when it is as put
//	volley:jobs             zset    all jobs by time of creation
//	volley:live             zset    jobs that have not completed
//	volley:polls            zset    jobs by when gateways are next asked about their messages (see Polls)
//	volley:carry            zset    jobs by when their outcomes are next carried to PostgreSQL (see Agenda)
//	volley:vitals           zset    jobs by when is next looked at who waits in them (see Oldest)
//	volley:unknown:ACCOUNT  zset    jobs in which somebody is unknown, by since when; volley:unreported:ACCOUNT likewise
//	volley:hooks            zset    jobs by when is next seen what their producers are to be told
//	volley:label:{HASH}     zset    the newest jobs with a label, by time of creation
//	volley:shards           hash    how many queues new jobs of an account use; volley:shards:most, how many it ever had
//	volley:backup           hash    a backup is being made of this server, or it was restored from one (see BeginBackup)
//	volley:key:{HASH}       string  idempotency key: the job's ID
//	volley:worker:ID        string  a living worker's heartbeat
package ledger
