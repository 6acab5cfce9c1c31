package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/volleysms/volley/enqueue"
)

// whoShown is how many recipients a dry run shows; volley outcomes has them all.
const whoShown = 100

// firstIn returns the first recipients of a job that are in one of the states, but for those who were refused at the door.
func firstIn(ctx context.Context, c *enqueue.Client, job string, states []string) ([]enqueue.Outcome, error) {
	who := []enqueue.Outcome{}
	for o, err := range c.Outcomes(ctx, job) {
		if err != nil {
			return nil, err
		}
		if o.Account != "" && slices.Contains(states, o.Status) {
			who = append(who, o)
		}
		if len(who) == whoShown {
			break
		}
	}
	return who, nil
}

// showWho shows those whom a command would change.
func (a *app) showWho(e effect, job string) {
	if len(e.who) == 0 {
		return
	}
	t := a.newTable("To", "State", "Account", "Attempts", "Ref", "Reason")
	rightAligned(t, 4)
	for _, o := range e.who {
		t.AppendRow(table.Row{o.To, o.Status, o.Account, o.Attempts, o.Ref, strings.TrimSpace(o.Code + " " + o.Detail)})
	}
	t.Render()
	if more := e.changed - int64(len(e.who)); more > 0 {
		fmt.Fprintf(a.stdout, "And %s more; volley outcomes %s --status STATE has them all.\n", count(more), job)
	}
}
