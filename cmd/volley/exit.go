package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/volleysms/volley/enqueue"
)

// The exit statuses.
const (
	exitDone    = 0
	exitFailed  = 1
	exitInvalid = 2
)

// inputError is an error in what the caller gave: a flag, an argument, a file.
type inputError struct{ err error }

func (e *inputError) Error() string { return e.err.Error() }
func (e *inputError) Unwrap() error { return e.err }

// invalid returns an inputError.
func invalid(format string, args ...any) error { return &inputError{fmt.Errorf(format, args...)} }

// errSaid ends a command with status 1 after it has answered by itself.
var errSaid = errors.New("the answer says it")

// exit tells an error on standard error, in one line, and returns the exit status.
func (a *app) exit(ctx context.Context, err error) int {
	if err == nil {
		return exitDone
	}
	code := a.status(err)
	switch {
	case errors.Is(err, errSaid):
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(a.stderr, "volley: interrupted before the end")
	default:
		fmt.Fprintln(a.stderr, "volley: "+sentence(err))
	}
	return code
}

func (a *app) status(err error) int {
	var in *inputError
	var job *enqueue.InvalidError
	switch {
	case !a.started: // flags, arguments, an unknown command
	case errors.As(err, &in), errors.As(err, &job):
	case errors.Is(err, enqueue.ErrNoRecipients), errors.Is(err, enqueue.ErrKeyConflict):
	default:
		return exitFailed
	}
	return exitInvalid
}

// sentence is an error as people read it: on one line, with the names of flags, and with what to do.
func sentence(err error) string {
	if errors.Is(err, enqueue.ErrKeyConflict) {
		return "--key was used before for another job: choose another key, or repeat the first job as it was"
	}
	var parts []string
	for _, e := range flatten(err) {
		var in *enqueue.InvalidError
		if errors.As(e, &in) {
			e = errors.New(flagOf(in.Field) + in.Reason)
		}
		parts = append(parts, strings.ReplaceAll(strings.TrimSpace(e.Error()), "\n", "; "))
	}
	return strings.Join(parts, "; ")
}

// flatten takes joined errors apart.
func flatten(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // only the outermost is taken apart
	if !ok {
		return []error{err}
	}
	var out []error
	var texts []string
	for _, e := range joined.Unwrap() {
		out = append(out, flatten(e)...)
		texts = append(texts, e.Error())
	}
	if strings.Join(texts, "\n") != err.Error() {
		return []error{err} // wrapped with words of its own
	}
	return out
}

// flagOf is how a part of a job is called on the command line.
func flagOf(field string) string {
	switch field {
	case "via", "from", "text", "missing", "key", "label", "at", "delay", "account", "reason":
		return "--" + field + " "
	case "fields":
		return "--text "
	}
	return field + ": "
}

// flagErrors adds to an error of the command line where help is.
func flagErrors(cmd *cobra.Command, err error) error {
	return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
}
