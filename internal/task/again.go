package task

import (
	"context"
	"errors"
	"fmt"

	"github.com/hibiken/asynq"
)

// PutFree is Put at once, but that it tells when a task for the batch was there already and nothing was put.
func PutFree(ctx context.Context, c *asynq.Client, queue string, r Ref) (there bool, err error) {
	_, err = c.EnqueueContext(ctx, asynq.NewTask(Type, r.Payload(),
		asynq.Queue(queue), asynq.TaskID(r.ID()), asynq.MaxRetry(maxRetry), asynq.Timeout(Timeout)))
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("put batch %d on the queue %s: %w", r.Batch, queue, err)
	}
	return false, nil
}
