package faults_test

import (
	"crypto/sha1" //nolint:gosec // Redis names scripts so
	"encoding/hex"
	"os"
	"strconv"
	"strings"
	"testing"
)

// point is a place on a batch's way at which a worker may die.
type point string

const (
	afterTake    point = "a batch was taken, and the worker does not know yet"
	afterClaim   point = "a call was claimed, and the worker does not know yet"
	beforeTaken  point = "the request is on the wire"
	afterTaken   point = "the gateway took the call, and has not answered yet"
	beforeRecord point = "the answer is there, and not recorded"
	afterRecord  point = "the answer is recorded, and the worker does not know yet"
	beforeFinish point = "all of a batch is recorded, and it is not noted as finished"
	afterFinish  point = "a batch is noted as finished, and the worker does not know yet"
	beforeFed    point = "further batches are on the queue, and the cursor was not moved"
	beforeDone   point = "a batch is finished, and asynq not told"
	afterFire    point = "a claim that was drafted is made, and the worker does not know yet"
	beforeJot    point = "the answer to a drafted call is there, and not jotted down"
	afterJot     point = "the answer to a drafted call is jotted down, and the worker does not know yet"
	beforeEnd    point = "the answer to a drafted call is jotted down, and not recorded"
	anywhere     point = "any moment"
	// anothers is not a point to die at: a batch was handed out that another worker has.
	anothers point = "a batch is another's"
)

// points are those that have a name.
var points = []point{
	afterTake, afterClaim, beforeTaken, afterTaken, beforeRecord, afterRecord, beforeFinish, afterFinish, beforeFed, beforeDone,
}

// pointsOfDrafts are those on the way of jobs that are due at once, and of no others.
var pointsOfDrafts = []point{afterFire, beforeJot, afterJot, beforeEnd}

// scripts are the ledger's by the name under which Redis knows them, and by their text.
func scripts(t *testing.T) map[string]string {
	t.Helper()
	names := map[string]string{}
	for _, name := range []string{"take", "draft", "commit", "finish", "fed"} {
		text, err := os.ReadFile("../../internal/ledger/lua/" + name + ".lua")
		if err != nil {
			t.Fatal(err)
		}
		sum := sha1.Sum(text) //nolint:gosec // Redis names scripts so
		names[hex.EncodeToString(sum[:])], names[string(text)] = name, name
	}
	return names
}

// command is one that a worker sends to Redis.
type command struct {
	args []string
	// script is the ledger's that it runs, "fire" and "jot" for its commands about a draft, or "done" for asynq's acknowledgement;
	// empty for anything else.
	script     string
	keys, argv []string
	// refused, when set, is the error that it gets for an answer without reaching Redis.
	refused string
}

func newCommand(args []string, scripts map[string]string) *command {
	c := &command{args: args}
	switch {
	case len(args) == 4 && strings.EqualFold(args[0], "hincrby") && strings.HasPrefix(args[2], "fired:"):
		c.script, c.keys, c.argv = "fire", args[1:2], args[2:]
		return c
	case len(args) > 4 && strings.EqualFold(args[0], "hset") && args[2] == "jot":
		c.script, c.keys, c.argv = "jot", args[1:2], args[2:]
		return c
	}
	if len(args) < 3 || !strings.EqualFold(args[0], "evalsha") && !strings.EqualFold(args[0], "eval") {
		return c
	}
	n, err := strconv.Atoi(args[2])
	if err != nil || n < 0 || n+3 > len(args) {
		return c
	}
	c.keys, c.argv = args[3:3+n], args[3+n:]
	c.script = scripts[args[1]]
	if n == 5 && strings.HasPrefix(c.keys[0], "asynq:") && strings.HasSuffix(c.keys[0], ":active") && strings.Contains(c.keys[2], ":t:") {
		c.script = "done"
	}
	return c
}

// change is what a commit does to the number of recipients on the wire: by its records, and by its claims if they are
// granted.
func (c *command) change() (records, claims int) {
	if c.script != "commit" || len(c.argv) < 10 {
		return 0, 0
	}
	n, _ := strconv.Atoi(c.argv[9])
	alone, both := c.argv[10:10+2*n], c.argv[10+2*n:]
	records = sending(alone)
	if c.argv[8] != "" { // there are claims
		claims = sending(both) - records
	}
	return records, claims
}

// ends reports whether a commit is the end of a draft.
func (c *command) ends() bool { return c.script == "commit" && strings.HasPrefix(c.argv[2], "d") }

// sending is the change of that counter among pairs of a name and a change.
func sending(changes []string) (sum int) {
	for i := 0; i+1 < len(changes); i += 2 {
		if changes[i] == "sending" {
			n, _ := strconv.Atoi(changes[i+1])
			sum += n
		}
	}
	return sum
}

// before is the point at which a worker is that sends c.
func (c *command) before() point {
	switch c.script {
	case "commit":
		switch records, _ := c.change(); {
		case c.ends():
			return beforeEnd
		case records < 0:
			return beforeRecord
		}
	case "jot":
		return beforeJot
	case "finish":
		return beforeFinish
	case "fed":
		return beforeFed
	case "done":
		return beforeDone
	}
	return ""
}

// after is the point at which a worker is to whom c is being answered.
func (c *command) after(reply []byte) point {
	switch records, claims := c.change(); {
	case c.script == "take" && strings.HasPrefix(string(reply), "*2\r\n:0\r\n"):
		return anothers
	case c.script == "take" && reply[0] == '*':
		return afterTake
	case claims > 0 && granted(reply):
		return afterClaim
	case records < 0 && reply[0] == '*':
		return afterRecord
	case c.script == "fire" && fired(reply):
		return afterFire
	case c.script == "jot" && reply[0] == ':':
		return afterJot
	case c.script == "finish":
		return afterFinish
	}
	return ""
}

// granted reports whether a commit's reply grants its claims.
func granted(reply []byte) bool { return strings.HasPrefix(string(reply), "*2\r\n:1\r\n") }

// fired reports whether a reply says that a draft was there to be claimed.
func fired(reply []byte) bool { return reply[0] == ':' && len(reply) > len(":1000000") }

// lost reports whether a commit's reply says that nothing was done.
func lost(reply []byte) bool {
	return strings.HasPrefix(string(reply), "*2\r\n:-") || reply[0] == '-'
}
