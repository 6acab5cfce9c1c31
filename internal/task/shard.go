package task

import (
	"strconv"
	"sync"

	"github.com/volleysms/volley/internal/ledger"
)

// MaxShards is the most queues that an account may have for each priority.
const MaxShards = 64

// Queues are the queues of an account's jobs of a priority. asynq keeps a queue in one hash slot of a Redis Cluster, and so
// on one node: the names of the shards are such that their slots lie as far apart as they can, however many there are.
// A shard's name does not depend on how many there are beside it; shard 0 is what Queue returns.
func Queues(account string, priority, shards int) []string {
	out := make([]string, max(1, min(shards, MaxShards)))
	for i := range out {
		out[i] = shard(Queue(account, priority), i)
	}
	return out
}

// QueueFor is the queue of a job's batch at an account.
func QueueFor(spec *ledger.Spec, account string, batch int) string {
	return shard(Queue(account, spec.Priority), spec.Shard(account, batch))
}

// slots is how many hash slots a Redis Cluster has.
const slots = 16384

var shardNames sync.Map // of shardName, the name

type shardName struct {
	queue string
	n     int
}

// shard is the name of a queue's nth shard. It is looked for near where the slot should be: n's bits in reverse order, so
// that each further shard goes between those there are.
func shard(queue string, n int) string {
	if n == 0 {
		return queue
	}
	if name, ok := shardNames.Load(shardName{queue, n}); ok {
		return name.(string)
	}
	part := 0
	for bit, way := n, slots/2; bit > 0; bit, way = bit>>1, way/2 {
		part += bit & 1 * way
	}
	want := (slotOf(queue) + part) % slots
	const near = slots / MaxShards / 4
	for i := 0; ; i++ {
		name := queue + ".s" + strconv.Itoa(n) + "-" + strconv.Itoa(i)
		if off := (slotOf(name) - want + slots) % slots; off < near || off > slots-near {
			shardNames.Store(shardName{queue, n}, name)
			return name
		}
	}
}

// slotOf is the hash slot of asynq's keys of a queue, which have its name as their hash tag: CRC-16/XMODEM, as the Redis
// Cluster specification has it.
func slotOf(queue string) int {
	var crc uint16
	for _, b := range []byte(queue) {
		crc ^= uint16(b) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return int(crc % slots)
}
