package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/volleysms/volley/internal/bench"
)

func newBench(a *app) *cobra.Command {
	var o bench.Options
	var scheduled bool
	var spread int
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure the whole pipeline on this machine, against a bare loop that posts the same calls",
		Long: `Measure the whole pipeline on this machine: enqueue, queue, plan, call, record, through the real adapters, against a
gateway in the same process that answers at once. A bare loop makes the same requests in the same run: it writes
each body from the recipients' numbers, posts it with net/http at its defaults, reads the answer, and records nothing.
So it shows what is the network's and the gateway's share. "The adapter alone" is the same with Volley's own adapter.

Without --redis a redis-server of its own is started, with AOF, and removed afterwards. With it, what the benchmark
writes is removed again; the address in the configuration is never used.`,
		Example: `  volley bench                                           # 100,000 recipients, 250 a call
  volley bench --recipients 1000000 --json
  volley bench --per-call 1                              # a gateway that takes one recipient a call
  volley bench --latency 20ms --redis redis://10.0.0.5:6379/9
  volley bench --urgent 200                              # and the delay of single messages on an idle system
  volley bench --scheduled --recipients 1000000          # how late scheduled messages are`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			told := cmd.Flags().Changed("concurrency")
			if !told && o.PerCall == 1 {
				o.Concurrency = manyLanes
			}
			switch {
			case o.Recipients < 1 || o.Recipients > 100_000_000:
				return invalid("--recipients is 1 to 100,000,000, and not %d", o.Recipients)
			case o.PerCall < 1 || o.PerCall > 1000:
				return invalid("--per-call is 1 to 1000, and not %d", o.PerCall)
			case o.Concurrency < 1 || o.Concurrency > 40 && o.PerCall > 1 || o.Concurrency > 1000:
				return invalid("--concurrency is 1 to 40, or to 1000 with --per-call 1, and not %d", o.Concurrency)
			case o.Latency < 0 || o.Latency > time.Minute:
				return invalid("--latency is 0s to 1m, and not %v", o.Latency)
			case o.Urgent < 0 || o.Urgent > 100_000:
				return invalid("--urgent is 0 to 100,000, and not %d", o.Urgent)
			}
			if !a.json {
				o.Step = func(s string) { fmt.Fprintf(a.stderr, "%s ...\n", s) }
			}
			if scheduled {
				if !told {
					o.Concurrency = manyLanes
				}
				return a.benchScheduled(cmd.Context(), o, spread)
			}
			if o.RedisURL == "" {
				url, stop, err := bench.PrivateRedis(cmd.Context())
				if err != nil {
					return err
				}
				defer stop()
				o.RedisURL = url
			}
			r, err := bench.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.stdout, r)
			}
			a.showBench(r)
			return nil
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.Recipients, "recipients", 100_000, "`number` of recipients to send to")
	f.StringVar(&o.RedisURL, "redis", "", "`URL` of the Redis to use; empty starts one")
	f.IntVar(&o.PerCall, "per-call", 250, "`number` of recipients in one call")
	f.DurationVar(&o.Latency, "latency", 0, "`time` the gateway takes for a call, such as 20ms")
	f.IntVar(&o.Concurrency, "concurrency", 32, "`number` of calls in flight (256 with --per-call 1 and with --scheduled)")
	f.BoolVar(&scheduled, "scheduled", false, "measure instead how late scheduled messages are: 10,000 jobs due at the same instant, and in the same second, and --recipients with times of their own")
	f.IntVar(&spread, "spread", 60, "over how many `seconds` the recipients' own times are spread, with --scheduled")
	f.IntVar(&o.Urgent, "urgent", 0, "`number` of single messages to send on the idle system as well, and tell their delay")
	return cmd
}

func (a *app) showBench(r bench.Result) {
	t := a.newTable(fmt.Sprintf("%s recipients, %d a call, %d in flight, gateway %v", count(int64(r.Recipients)), r.PerCall, r.Concurrency,
		time.Duration(r.LatencyMS*float64(time.Millisecond))), "")
	rightAligned(t, 2)
	row := func(name, format string, args ...any) { t.AppendRow([]any{name, fmt.Sprintf(format, args...)}) }
	row("sent and recorded, recipients/s", "%s", count(int64(r.PerSecond)))
	row("enqueued, recipients/s", "%s", count(int64(r.EnqueuePerSecond)))
	row("both together, recipients/s", "%s", count(int64(r.WholePerSecond)))
	row("bare loop, recipients/s", "%s", count(int64(r.BarePerSecond)))
	row("sent and recorded : bare loop", "%.2f", r.Ratio)
	row("both together : bare loop", "%.2f", r.WholeRatio)
	row("the adapter alone, recipients/s", "%s", count(int64(r.AdapterPerSecond)))
	row("sent and recorded : the adapter alone", "%.2f", r.AdapterRatio)
	row("CPU seconds per 1,000 recipients", "%.5f", r.CPU)
	row("  and of Redis", "%.5f", r.RedisCPU)
	if r.BytesQueued >= 0 {
		row("Redis bytes per recipient, queued", "%.1f", r.BytesQueued)
		row("  and when finished", "%.1f", r.BytesDone)
	}
	row("Go memory in use at most, MiB", "%.0f", r.PeakHeap)
	if r.UrgentP50 > 0 {
		row("single message on the idle system, p50 ms", "%.1f", r.UrgentP50)
		row("  and p99 ms", "%.1f", r.UrgentP99)
	}
	t.Render()
}
