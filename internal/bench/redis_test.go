package bench

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/volleysms/volley/internal/redistest"
)

func TestMeter_CPUIsOfAllMasters(t *testing.T) {
	cluster := redistest.StartCluster(t)
	opts, err := redis.ParseClusterURL("redis://" + cluster.Nodes[0].Addr)
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClusterClient(opts)
	defer rdb.Close()
	var before float64
	for _, n := range cluster.Nodes {
		one := redis.NewClient(&redis.Options{Addr: n.Addr})
		before += used(one.Info(t.Context(), "cpu").Val())
		one.Close()
	}
	_, got, err := (&meter{rdb: rdb}).cpu(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got < before {
		t.Errorf("%v s, and the nodes had used %v s before", got, before)
	}
}
