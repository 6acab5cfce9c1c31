package worker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/volleysms/volley/internal/ledger"
	"github.com/volleysms/volley/internal/redisx"
	"github.com/volleysms/volley/internal/restore"
	"github.com/volleysms/volley/internal/standing"
	"github.com/volleysms/volley/internal/suppress"
	"github.com/volleysms/volley/internal/sweep"
	"github.com/volleysms/volley/internal/task"
	"github.com/volleysms/volley/internal/tracing"
)

// Worker sends batches. Make one with New, and Run it once.
type Worker struct {
	id       string
	opts     Options
	log      *zap.Logger
	metrics  *metrics
	tracer   trace.Tracer          // nil when nothing is traced
	plain    redis.UniversalClient // the connections of rdb
	rdb      redis.UniversalClient // everything but asynq's servers
	srvPlain redis.UniversalClient // the connections of srvRdb
	srvRdb   redis.UniversalClient // asynq's servers and nothing else
	ledger   *ledger.Ledger
	book     *standing.Book
	optOuts  *suppress.Follower
	queue    *asynq.Client
	feeder   feeder
	jobs     jobCache
	accounts []*account

	errands  sync.WaitGroup // what is told to Redis beside the way of a batch
	peers    atomic.Int64   // workers that live, this one included
	clock    clock
	tokens   atomic.Uint64
	prepared prepared
	crew     crew
	holds    sync.Map // tokens of the batches that are in this process
	deaths   deaths
	stopCtx  context.Context // done when stopping is closed
	stop     context.CancelFunc
	hard     context.Context // done when what is not recorded by now must be left
	abort    context.CancelFunc
}

// New returns a Worker on the Redis that r describes. It does not connect.
func New(r *redis.UniversalOptions, o Options) (*Worker, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	own := *r
	lanes := 0
	for _, a := range o.Accounts {
		lanes += a.Concurrency
	}
	own.PoolSize = max(own.PoolSize, 16, min(lanes, 256))
	// A script that was cut off is repeated by those who know whether it may be.
	own.MaxRetries = -1
	own.Protocol = 2 // nothing of the newer one is used, and it looks for pushed messages before each answer
	srv := *r
	srv.PoolSize = max(srv.PoolSize, 8*len(o.Accounts))
	srv.Protocol = 2
	w := &Worker{id: uuid.NewString()[:13], opts: o, log: o.Logger, metrics: newMetrics(o.Metrics), plain: redis.NewUniversalClient(&own)}
	if o.Spans != nil {
		w.tracer = o.Spans.Tracer(tracing.Scope)
	}
	w.rdb = join(w.plain)
	w.srvPlain = redis.NewUniversalClient(&srv)
	w.srvRdb = reviveAcks{join(w.srvPlain)}
	w.ledger, w.book = ledger.New(w.rdb), standing.New(w.rdb)
	w.optOuts = suppress.Follow(w.rdb, w.id)
	w.peers.Store(1)
	w.queue = asynq.NewClientFromRedisClient(w.rdb)
	w.stopCtx, w.stop = context.WithCancel(context.Background())
	w.hard, w.abort = context.WithCancel(context.Background())
	w.crew = newCrew(w.hard)
	for _, a := range o.Accounts {
		w.accounts = append(w.accounts, newAccount(w, a))
	}
	return w, nil
}

const (
	heartbeatEvery = 2 * time.Second
	heartbeatTTL   = 8 * time.Second
	// drainMargin is what is left for recording after the last call has ended.
	drainMargin = 10 * time.Second
)

// Run serves the accounts until ctx ends, once what is in Redis is settled if it was restored from a backup; then it starts no further call, waits for those that are on the wire, records
// them, and returns nil. It returns early, with an error, only when Redis is not fit for use at the start.
func (w *Worker) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, w.srvPlain.Close(), w.plain.Close()) }()
	defer w.stop()
	defer w.abort()
	if err := redisx.Check(ctx, w.plain); err != nil {
		return err
	}
	if err := restore.Await(ctx, w.ledger, w.log); err != nil {
		return nil // ctx has ended
	}
	if err := w.announce(ctx); err != nil {
		return err
	}
	if err := w.heartbeat(ctx); err != nil {
		return err
	}
	if err := ledger.New(w.plain).Load(ctx); err != nil && ctx.Err() == nil {
		w.log.Warn("Redis does not take the scripts beforehand; they are sent when they are needed", zap.Error(err))
	}
	var beats sync.WaitGroup
	beats.Go(w.beat)
	beats.Go(w.stand)
	beats.Go(w.tell)
	w.followOptOuts(ctx, &beats)
	beats.Go(func() { sweep.New(w.rdb, w.log.Named("sweep")).Run(w.stopCtx) })
	started := 0
	for _, a := range w.accounts {
		if err = a.start(); err != nil {
			err = fmt.Errorf("worker: account %s: %w", a.name, err)
			break
		}
		started++
	}
	if err == nil {
		w.log.Info("worker is ready", zap.String("worker", w.id), zap.Int("accounts", started))
		<-ctx.Done()
		w.log.Info("worker stops: it finishes the calls that are on the wire", zap.String("worker", w.id))
	}
	w.stop()
	var all sync.WaitGroup
	for _, a := range w.accounts[:started] {
		all.Go(a.drain)
	}
	limit := time.AfterFunc(w.drainTime(), w.abort)
	all.Wait()
	limit.Stop()
	w.abort()
	beats.Wait()
	w.errands.Wait()
	bye, cancel := context.WithTimeout(context.Background(), ackTimeout)
	defer cancel()
	if e := w.ledger.Gone(bye, w.id); e != nil {
		w.log.Warn("could not sign off; the heartbeat ends by itself", zap.Error(e))
	}
	return err
}

// drainTime bounds how long a stop may take.
func (w *Worker) drainTime() time.Duration {
	var longest time.Duration
	for _, a := range w.accounts {
		longest = max(longest, a.timeout)
	}
	return longest + drainMargin
}

// announce tells producers what the worker serves.
func (w *Worker) announce(ctx context.Context) error {
	accounts := map[string]string{}
	for _, a := range w.opts.Accounts {
		accounts[a.Name] = a.Provider
	}
	if err := w.ledger.Announce(ctx, accounts, w.opts.Routes); err != nil {
		return err
	}
	shards := map[string]int{}
	for _, a := range w.opts.Accounts {
		shards[a.Name] = a.Shards
	}
	serve, err := w.ledger.AnnounceShards(ctx, shards)
	for _, a := range w.accounts {
		a.shards = serve[a.name]
	}
	return err
}

// beat keeps the worker on the list of the living until everything it holds is given back.
func (w *Worker) beat() {
	t := time.NewTicker(heartbeatEvery)
	defer t.Stop()
	for {
		select {
		case <-w.hard.Done():
			return
		case <-t.C:
			ctx, cancel := context.WithTimeout(w.hard, heartbeatEvery)
			if err := w.heartbeat(ctx); err != nil && w.hard.Err() == nil {
				w.log.Warn("Redis does not take the heartbeat", zap.Error(err))
			}
			cancel()
		}
	}
}

func (w *Worker) heartbeat(ctx context.Context) error {
	before := time.Now()
	n, now, err := w.ledger.Heartbeat(ctx, w.id, heartbeatTTL)
	if err == nil {
		w.peers.Store(int64(max(1, n)))
		w.setClock(now, before)
	}
	return err
}

// token makes a mark of ownership that no other batch or worker has.
func (w *Worker) token() string { return w.id + "/" + strconv.FormatUint(w.tokens.Add(1), 10) }

// mine reports whether this process made the token.
func (w *Worker) mine(token string) bool { return strings.HasPrefix(token, w.id+"/") }

// newerPause is how long a batch is left alone that is for a newer worker. Newer workers may be there beside this one, so that
// it must not stay here.
const newerPause = time.Second

func (w *Worker) stopped() bool { return w.stopCtx.Err() != nil }

// handle is what asynq calls for a task on the queue of a.
func (w *Worker) handle(a *account, t *asynq.Task) error {
	ref, err := task.Parse(t.Payload())
	if err != nil {
		w.log.Error("a task can't be read; a newer worker may be able to", zap.String("account", a.name), zap.Error(err))
		return &backError{time.Minute}
	}
	if w.stopped() {
		return &backError{}
	}
	pause, err := a.attend(ref)
	if err == nil {
		return nil
	}
	return a.verdict(ref, pause, err)
}

// verdict is what becomes of the task of a batch whose stay ended with an error: none is needed any more when it is nil.
func (a *account) verdict(ref task.Ref, pause time.Duration, err error) error {
	w := a.w
	var wait *waitError
	switch {
	case errors.As(err, &wait):
		return wait
	case errors.Is(err, errBack):
		return &backError{pause}
	case errors.Is(err, ledger.ErrNotFound):
		w.log.Warn("a batch is gone from the ledger", zap.String("job", ref.Job), zap.Int("batch", ref.Batch))
		return nil
	case errors.Is(err, ledger.ErrNewer):
		w.log.Error("a batch is left to a newer worker", zap.String("account", a.name), zap.String("job", ref.Job), zap.Error(err))
		return &backError{newerPause}
	}
	w.log.Error("a batch goes back to the queue", zap.String("account", a.name), zap.String("job", ref.Job),
		zap.Int("batch", ref.Batch), zap.Error(err))
	return &backError{max(pause, 2*time.Second)}
}
