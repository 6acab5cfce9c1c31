package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"github.com/volleysms/volley/internal/inbound"
)

// followWait is how long the stream is waited at before it is looked whether the command was stopped.
const followWait = time.Second

func newInbound(a *app) *cobra.Command {
	var follow bool
	var limit int64
	cmd := &cobra.Command{
		Use:   "inbound",
		Short: "Show messages from handsets",
		Long: `Show the messages that handsets sent, the oldest first: those that gateways pushed to volley callbacks, and those that
volley scheduler fetched. About 100,000 are kept.`,
		Example: `  volley inbound
  volley inbound --limit 1000 --json | jq -r 'select(.text == "STOP") | .from'
  volley inbound --follow`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 0 || limit > inbound.Kept {
				return invalid("--limit is 0 to %d, and not %d", inbound.Kept, limit)
			}
			cfg, err := a.config()
			if err != nil {
				return err
			}
			o, err := redisOptions(cfg.Redis.URL.Reveal())
			if err != nil {
				return err
			}
			if err := checkRedis(cmd.Context(), o); err != nil {
				return err
			}
			o.ContextTimeoutEnabled = true
			rdb := redis.NewUniversalClient(o)
			defer rdb.Close()
			return a.showMessages(cmd.Context(), inbound.NewStream(rdb), limit, follow)
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&follow, "follow", "f", false, "go on with what comes in, until stopped")
	f.Int64Var(&limit, "limit", 20, "how many of those that are there are shown")
	return cmd
}

func (a *app) showMessages(ctx context.Context, s *inbound.Stream, limit int64, follow bool) error {
	place, err := s.End(ctx)
	if err != nil {
		return err
	}
	var some []inbound.Message
	if limit > 0 {
		if some, err = s.Last(ctx, limit); err != nil {
			return err
		}
	}
	if len(some) > 0 {
		place = some[len(some)-1].ID
	} else if !follow && !a.json {
		fmt.Fprintln(a.stdout, "No message has come in yet.")
	}
	for {
		for i := range some {
			if err := a.printMessage(&some[i]); err != nil {
				return err
			}
			place = some[i].ID
		}
		if !follow {
			return nil
		}
		some, err = s.After(ctx, place, followWait)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, context.DeadlineExceeded):
			some = nil
		case err != nil:
			return err
		}
	}
}

func (a *app) printMessage(m *inbound.Message) error {
	if a.json {
		return writeJSON(a.stdout, m)
	}
	_, err := fmt.Fprintf(a.stdout, "%s  %s  %s → %s  %s\n", clock(&m.ReceivedAt), m.Account, m.From, m.To, oneLine(m.Text))
	return err
}

// oneLine shows a text from outside on a line, without what a terminal might obey.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case r < ' ' || r >= 0x7f && r < 0xa0:
			return -1
		}
		return r
	}, s)
}
