package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"

	"github.com/volleysms/volley/enqueue"
)

// notOptions are flags that change nothing about what is imported.
var notOptions = map[string]bool{
	"again": true, "by": true, "config": true, "dry-run": true, "json": true, "key": true, "log-level": true, "refused": true,
}

// contentKey names an import by the file's content and the options it was given. What can be read only once has none.
func contentKey(name string, flags *pflag.FlagSet) (string, error) {
	if info, err := os.Stat(name); name == "-" || err != nil || !info.Mode().IsRegular() {
		return "", nil //nolint:nilerr // whoever opens the file tells what is wrong with it
	}
	f, err := os.Open(name)
	if err != nil {
		return "", fileError(name, err)
	}
	defer f.Close()
	h := sha256.New()
	flags.Visit(func(f *pflag.Flag) {
		if !notOptions[f.Name] {
			fmt.Fprintf(h, "%q %q\n", f.Name, f.Value.String())
		}
	})
	if _, err := io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{f}, make([]byte, 256<<10)); err != nil {
		return "", fileError(name, err)
	}
	return "import:" + hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// turn decides which import of a file this one is, and returns its key. The first has the file's own key, and each that is
// asked for by again one that is numbered. One that was cut off goes on, whoever asks. before is the last that was
// completed, the zero KeyState when there was none, and continued is true when one that was cut off goes on.
func turn(ctx context.Context, c *enqueue.Client, key string, again bool) (use string, before enqueue.KeyState, continued bool, err error) {
	last := key
	for n := 1; ; n++ {
		use = key
		if n > 1 {
			use = fmt.Sprintf("%s:%d", key, n)
		}
		state, err := c.LookupKey(ctx, use)
		switch {
		case errors.Is(err, enqueue.ErrNotFound):
			if before.JobID != "" && !again {
				use = last
			}
			return use, before, false, nil
		case err != nil:
			return "", before, false, err
		case !state.Complete:
			return use, before, true, nil
		}
		before, last = state, use
	}
}
