// Package schedule is what a recurring send is, when it is due, how far it has come, and where that is kept in Redis.
// Applications meet it as enqueue.Schedules; package scheduler fires what is due. Neither gateways nor jobs are known here.
//
// A schedule is a hash with what it is, its state, and the version of both; it only ever changes by compare-and-set. All its keys
// have one hash tag; schedules are few.
//
//	volley:{schedules}:due         zset    the schedules, by when they are to be looked at again
//	volley:{schedules}:s:NAME      hash    what the schedule is, its state, and the version of both
//	volley:{schedules}:h:NAME      list    what became of its latest ticks
package schedule
