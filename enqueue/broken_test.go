package enqueue_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"reflect"
	"testing"
	"time"

	"github.com/volleysms/volley/enqueue"
)

var errBroken = errors.New("the file ends in the middle")

// breaks are the ways in which a stream comes to an end too early. Each returns the error that the call is to have.
var breaks = map[string]func(t *testing.T, r *rig, j enqueue.Job, rs []enqueue.Recipient, at int) (got error, want error){
	"IteratorError": func(t *testing.T, r *rig, j enqueue.Job, rs []enqueue.Recipient, at int) (error, error) {
		_, err := r.client.EnqueueStream(t.Context(), j, breakingOff(rs, at, nil, errBroken))
		return err, errBroken
	},
	"ContextCancelled": func(t *testing.T, r *rig, j enqueue.Job, rs []enqueue.Recipient, at int) (error, error) {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := r.client.EnqueueStream(ctx, j, breakingOff(rs, at, cancel, nil))
		return err, context.Canceled
	},
	"RedisGone": func(t *testing.T, r *rig, j enqueue.Job, rs []enqueue.Recipient, at int) (error, error) {
		_, err := r.client.EnqueueStream(t.Context(), j, breakingOff(rs, at, r.mr.Close, nil))
		if e := r.mr.Restart(); e != nil {
			t.Fatal(e)
		}
		return err, enqueue.ErrUnreachable
	},
}

// breakingOff yields recipients until at, when do, if any, is done, and err, if any, ends it.
func breakingOff(rs []enqueue.Recipient, at int, do func(), err error) iter.Seq2[enqueue.Recipient, error] {
	return func(yield func(enqueue.Recipient, error) bool) {
		for i, r := range rs {
			if i == at && do != nil {
				do()
			}
			if i == at && err != nil {
				yield(enqueue.Recipient{}, err)
				return
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// mixed are n recipients, of whom some are refused and some come twice, with refs.
func mixed(n int) []enqueue.Recipient {
	rs := numbered(n)
	for i := range rs {
		rs[i].Ref = fmt.Sprint("ref ", i)
		switch i % 10 {
		case 3:
			rs[i].To = "12"
		case 7:
			rs[i].To = rs[i-1].To
		}
	}
	return rs
}

func TestEnqueueStream_BrokenOffIsContinuedWithItsKey(t *testing.T) {
	for name, breakOff := range breaks {
		for _, at := range []int{0, 4, 55, 99} {
			t.Run(fmt.Sprint(name, "/At", at), func(t *testing.T) {
				r := newRig(t, enqueue.Options{BatchSize: 10})
				rs := mixed(100)
				if got, want := breakOff(t, r, job("k"), rs, at); !errors.Is(got, want) {
					t.Fatalf("got error %v, want %v", got, want)
				}
				r.requireNoJob(t)

				other := mixed(100)
				other[0].To = "4599999999"
				if at >= 55 { // something of it has been written
					if _, err := r.client.EnqueueStream(t.Context(), job("k"), stream(other)); !errors.Is(err, enqueue.ErrKeyConflict) {
						t.Errorf("with other recipients: got error %v, want ErrKeyConflict", err)
					}
					if _, err := r.client.Enqueue(t.Context(), job("k", to("x")...)); !errors.Is(err, enqueue.ErrKeyConflict) {
						t.Errorf("with none that is valid: got error %v, want ErrKeyConflict", err)
					}
					r.requireNoJob(t)
				}

				got, err := r.client.EnqueueStream(t.Context(), job("k"), stream(rs))
				if err != nil {
					t.Fatal(err)
				}
				if got.Duplicate || got.Queued != 80 || got.RefusedCount != 10 || got.Duplicates != 10 {
					t.Errorf("got %+v, want 80 queued, 10 refused, 10 duplicates", got)
				}
				requireRecipients(t, r, got.JobID, rs)
				if n := len(r.tasks(t, "dk")); n != 1 {
					t.Errorf("there are %d tasks, want 1", n)
				}
				if c := r.counts(t, got.JobID); c != (enqueue.Counts{Total: 90, Queued: 80, Rejected: 10}) {
					t.Errorf("got counts %+v", c)
				}
				if again, err := r.client.EnqueueStream(t.Context(), job("k"), stream(rs)); err != nil || !again.Duplicate {
					t.Errorf("once more: got %+v, %v; want a duplicate", again, err)
				}
			})
		}
	}
}

// requireRecipients fails unless the job has exactly those of mixed, each once and in order.
func requireRecipients(t *testing.T, r *rig, id string, rs []enqueue.Recipient) {
	t.Helper()
	type place struct {
		to, ref string
		row     uint64
	}
	var got, want []place
	for _, to := range r.recipients(t, id) {
		got = append(got, place{to.To.String(), to.Ref, to.Row})
	}
	for i, to := range rs {
		if i%10 != 3 && i%10 != 7 {
			want = append(want, place{to.To, to.Ref, uint64(i + 1)})
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the job has %v\nwant %v", got, want)
	}
}

func TestEnqueueStream_BrokenOffWithoutKeyLeavesNothing(t *testing.T) {
	for _, name := range []string{"IteratorError", "ContextCancelled"} {
		for _, at := range []int{0, 4, 55, 99} {
			t.Run(fmt.Sprint(name, "/At", at), func(t *testing.T) {
				r := newRig(t, enqueue.Options{BatchSize: 10})
				if got, want := breaks[name](t, r, job(""), mixed(100), at); !errors.Is(got, want) {
					t.Fatalf("got error %v, want %v", got, want)
				}
				r.requireNoKeys(t)
			})
		}
	}
	t.Run("RedisGone", func(t *testing.T) {
		r := newRig(t, enqueue.Options{BatchSize: 10})
		if got, want := breaks["RedisGone"](t, r, job(""), mixed(100), 55); !errors.Is(got, want) {
			t.Fatalf("got error %v, want %v", got, want)
		}
		r.requireNoJob(t)
	})
}

func TestEnqueueStream_TooManyRecipientsLeavesNothing(t *testing.T) {
	r := newRig(t, enqueue.Options{BatchSize: 10, MaxRecipients: 55})
	_, err := r.client.EnqueueStream(t.Context(), job(""), stream(numbered(56)))
	requireInvalid(t, err, "recipients", "are more than 55")
	r.requireNoKeys(t)
	if _, err := r.client.EnqueueStream(t.Context(), job(""), stream(numbered(55))); err != nil {
		t.Errorf("with as many as are allowed: %v", err)
	}
}

func TestEnqueueStream_ARecipientMayBeWrittenOver(t *testing.T) {
	r := newRig(t, enqueue.Options{BatchSize: 3})
	j := job("")
	j.Fields = []string{"name"}
	values := make([]string, 1)
	got, err := r.client.EnqueueStream(t.Context(), j, func(yield func(enqueue.Recipient, error) bool) {
		for i := range 10 {
			values[0] = fmt.Sprint("name ", i)
			if !yield(enqueue.Recipient{To: fmt.Sprint(4500000000 + i), Values: values}, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, to := range r.recipients(t, got.JobID) {
		if want := fmt.Sprint("name ", i); to.Values[0] != want {
			t.Errorf("recipient %d has %q, want %q", i, to.Values[0], want)
		}
	}
}

func TestClient_RedisThatDoesNotAnswerIsErrUnreachable(t *testing.T) {
	for _, o := range []enqueue.Options{{}, {Accounts: []string{"dk"}}} {
		for name, used := range map[string]bool{"FromTheStart": false, "AfterUse": true} {
			t.Run(fmt.Sprint(name, "/Accounts", len(o.Accounts)), func(t *testing.T) {
				r := newRig(t, o)
				if used {
					if _, err := r.client.Enqueue(t.Context(), job("", to("4500000001")...)); err != nil {
						t.Fatal(err)
					}
				}
				r.mr.Close()
				_, err := r.client.Enqueue(t.Context(), job("", to("4500000001")...))
				requireUnreachable(t, "Enqueue", err)
				_, err = r.client.Enqueue(t.Context(), job("k", to("4500000001")...))
				requireUnreachable(t, "Enqueue with a key", err)
				_, err = r.client.Status(t.Context(), "J")
				requireUnreachable(t, "Status", err)
				_, err = r.client.Recent(t.Context(), 1)
				requireUnreachable(t, "Recent", err)
				for _, err := range r.client.Outcomes(t.Context(), "J") {
					requireUnreachable(t, "Outcomes", err)
				}
			})
		}
	}
}

func requireUnreachable(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, enqueue.ErrUnreachable) {
		t.Errorf("%s: got error %v, want ErrUnreachable", what, err)
	}
}

func TestClient_WhatIsNotRedisFaultIsNotErrUnreachable(t *testing.T) {
	t.Run("StreamEndsInEOF", func(t *testing.T) {
		r := newRig(t, enqueue.Options{})
		_, err := r.client.EnqueueStream(t.Context(), job(""), breakingOff(numbered(3), 2, nil, io.ErrUnexpectedEOF))
		if !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, enqueue.ErrUnreachable) {
			t.Errorf("got error %v", err)
		}
	})
	for name, end := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"ContextCancelled": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx, cancel
		},
		"ContextTimedOut": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithDeadline(ctx, time.Now().Add(-time.Second))
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, enqueue.Options{})
			if err := r.client.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := end(t.Context())
			defer cancel()
			_, err := r.client.Enqueue(ctx, job("k", to("4500000001")...))
			if !errors.Is(err, ctx.Err()) || errors.Is(err, enqueue.ErrUnreachable) {
				t.Errorf("got error %v, want %v", err, ctx.Err())
			}
		})
	}
	t.Run("NoRoomInRedis", func(t *testing.T) {
		r := newRig(t, enqueue.Options{})
		if err := r.client.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.mr.SetError("OOM command not allowed")
		_, err := r.client.Enqueue(t.Context(), job("", to("4500000001")...))
		if !errors.Is(err, enqueue.ErrFull) || errors.Is(err, enqueue.ErrUnreachable) {
			t.Errorf("got error %v", err)
		}
	})
}
