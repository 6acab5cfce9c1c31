package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// app is what all commands share: where they read and write, and the persistent flags.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer

	configFile string
	json       bool
	logLevel   string

	started bool // the command line was understood
	log     *zap.Logger
	tracer  tracer
}

// run executes a command line and returns the exit status: 0 done, 1 failed, 2 wrong usage or invalid input. Cancelling
// ctx ends the long-running commands in good order.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	quietRedis()
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, log: zap.NewNop()}
	root := newRoot(a)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	a.tracer.close(a.log)
	return a.exit(ctx, err)
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "volley",
		Short: "Send SMS campaigns through several gateways, and know what became of every recipient",
		Long: `Volley takes a message and a list of phone numbers, puts them on a Redis queue, and gets them out through whichever
SMS gateway you have an account with. Afterwards it can say what happened to every recipient.

Accounts, routes and the address of Redis are read from volley.yaml. Exit status: 0 done, 1 failed, 2 wrong usage or
invalid input.`,
		Example: `  volley demo                       # a sample campaign through four simulated gateways; needs nothing else
  volley worker                     # sends what is on the queue
  volley import campaign.csv --via default --from Acme --text "Hi {{name}}"
  volley status                     # the jobs enqueued last`,
		Version:                    version,
		SilenceErrors:              true,
		SilenceUsage:               true,
		SuggestionsMinimumDistance: 2,
		PersistentPreRunE:          a.start,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return fmt.Errorf("unknown command %q%s; volley --help lists them", args[0], suggest(cmd, args[0]))
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(flagErrors)
	root.SetVersionTemplate("volley {{.Version}}\n")
	f := root.PersistentFlags()
	f.StringVar(&a.configFile, "config", defaultConfigFile(), "configuration `file`; the environment's VOLLEY_CONFIG changes the default")
	f.BoolVar(&a.json, "json", false, "answer in JSON on standard output")
	f.StringVar(&a.logLevel, "log-level", "", "log `level` on standard error: debug, info, warn, error or off (default: info for roles, else off)")

	root.AddCommand(
		newDemo(a), newDev(a), newSimulate(a),
		newWorker(a), newCallbacks(a), newScheduler(a), newSchedules(a), newReschedule(a), newDue(a), newReplace(a),
		newBench(a), newHealthcheck(a),
		newSend(a), newImport(a), newLint(a), newStatus(a), newOutcomes(a), newFind(a), newWhy(a), newForget(a), newSuppress(a), newVerify(a), newInbound(a),
		newAccounts(a), newUI(a), newTop(a),
		newGatewayAPI(a), newMTTM(a), newOgangi(a), newMgageCommands(a),
		newConfig(a), newBackup(a), newSettle(a), newVersion(a),
	)
	root.AddCommand(newControls(a)...)
	return root
}

func defaultConfigFile() string {
	if f := os.Getenv("VOLLEY_CONFIG"); f != "" {
		return f
	}
	return "volley.yaml"
}

// role marks commands that run until they are stopped; they log from info on.
const role = "role"

// start runs before every command, once its flags and arguments are known to be right.
func (a *app) start(cmd *cobra.Command, _ []string) error {
	if err := errors.Join(cmd.ValidateRequiredFlags(), cmd.ValidateFlagGroups()); err != nil {
		return flagErrors(cmd, err)
	}
	level := a.logLevel
	if level == "" {
		level = "off"
		if _, ok := cmd.Annotations[role]; ok {
			level = "info"
		}
	}
	log, err := newLogger(level, a.stderr)
	if err != nil {
		return err
	}
	a.log, a.started = log, true
	return nil
}

func newLogger(level string, w io.Writer) (*zap.Logger, error) {
	if level == "off" {
		return zap.NewNop(), nil
	}
	l, err := zapcore.ParseLevel(level)
	if err != nil || l > zapcore.ErrorLevel {
		return nil, fmt.Errorf("--log-level is debug, info, warn, error or off, and not %q", level)
	}
	enc := zap.NewProductionEncoderConfig()
	enc.EncodeTime = zapcore.ISO8601TimeEncoder
	enc.EncodeDuration = zapcore.StringDurationEncoder
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(enc), zapcore.Lock(zapcore.AddSync(w)), l)), nil
}

// quietRedis keeps go-redis from writing lines of its own to standard error: whoever calls it gets the error.
var quietRedis = sync.OnceFunc(func() { redis.SetLogger(noLog{}) })

type noLog struct{}

func (noLog) Printf(context.Context, string, ...any) {}

// noArgs and oneArg are for commands with a fixed number of arguments; what names the missing one.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("%s takes no argument, and got %q%s", nameOf(cmd), args[0], suggest(cmd, args[0]))
}

func oneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch len(args) {
		case 0:
			return fmt.Errorf("%s needs %s; see %s --help", nameOf(cmd), what, cmd.CommandPath())
		case 1:
			return nil
		}
		return fmt.Errorf("%s takes one argument, and got %d", nameOf(cmd), len(args))
	}
}

func atMostOneArg(cmd *cobra.Command, args []string) error {
	if len(args) <= 1 {
		return nil
	}
	return fmt.Errorf("%s takes one argument at most, and got %d", nameOf(cmd), len(args))
}

// nameOf is a command's name without the program's.
func nameOf(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
}

func suggest(cmd *cobra.Command, word string) string {
	cmd.SuggestionsMinimumDistance = 2
	if s := cmd.SuggestionsFor(word); len(s) > 0 {
		return "; did you mean " + strings.Join(s, " or ") + "?"
	}
	return ""
}
