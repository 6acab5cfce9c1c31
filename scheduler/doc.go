// Package scheduler sends again and again: a schedule says when (a cron expression in a time zone, or an interval), what
// (a template of a job), and to whom (a stored list, a file, or what an HTTPS endpoint answers at that moment).
//
// enqueue.Schedules keeps schedules in Redis, for applications, operators and files of declarations alike. A Scheduler fires
// them; any number may run, and each tick fires once.
//
// # How a tick fires once
//
// A schedule has a state, which only ever changes by compare-and-set, and in it a cursor: every tick up to it is done
// with. Whoever finds a tick due notes it as pending, asks for its recipients, writes them down under a name that nobody
// else uses, and makes that list, together with the job's template, the tick's by another compare-and-set: from then on
// every scheduler sends the same to the same. The job is enqueued with a key made of the schedule and the tick, so that
// it is the same job however often that happens, and only then the cursor moves. Wherever a scheduler dies, another
// continues at the last of these steps.
//
// Time is Redis' own, so that a scheduler with a wrong clock fires nothing early.
//
// # Keys
//
// Beside those of the schedules themselves, which internal/schedule lists:
//
//	volley:{schedules}:l:NAME      string  who looks after a schedule at the moment; saves work, and decides nothing
//	volley:{schedules.LIST}:to     list    recipients of a tick that is being fired
package scheduler
