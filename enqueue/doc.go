// Package enqueue is what an application imports to send SMS through Volley: it validates a job, writes it to Redis, and
// can say afterwards what became of each recipient. Workers do the rest.
//
// It depends on go-redis and asynq and nothing heavier. Tests of applications use the enqueuetest package beside it.
package enqueue
