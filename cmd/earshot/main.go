// Command earshot is the gateway of shared virtual worlds in one binary:
//
//	earshot serve      runs a node
//	earshot token      issues a token
//	earshot config     prints the configuration in force
//	earshot policy     tests a moderation policy, or replays incidents under it
//	earshot loadtest   measures a server with bots
//	earshot replay     plays a recording back into a world
//	earshot version    prints the version
//
// It reads flags, environment and files, and wires the packages together; it
// decides nothing about worlds.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"earshot"
)

// The exit codes besides 0.
const (
	exitFailed = 1 // it broke while running
	exitUsage  = 2 // what was asked for cannot be
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills at once
	p := program{env: environ(os.Environ()), out: os.Stdout, log: os.Stderr}
	os.Exit(p.run(ctx, os.Args[1:]))
}

// program is one invocation: everything it may touch of the process.
type program struct {
	env      map[string]string
	out, log io.Writer
	goodbye  time.Duration // how long a node may take for that; 0 is shutdownLimit
}

// usageError is a mistake of whoever typed the command or wrote the file.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// run executes a command line and returns the exit code. Every failure is one
// line on log.
func (p program) run(ctx context.Context, args []string) int {
	err := p.dispatch(ctx, args)
	var usage usageError
	var rules missedRules
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &usage):
		fmt.Fprintln(p.log, "earshot:", oneLine(err))
		return exitUsage
	case errors.As(err, &rules):
		fmt.Fprintln(p.log, "earshot:", oneLine(err))
		return exitRules
	}
	fmt.Fprintln(p.log, "earshot:", oneLine(err))
	return exitFailed
}

func (p program) dispatch(ctx context.Context, args []string) error {
	if len(args) == 0 {
		fmt.Fprint(p.log, helpText)
		return usagef("say what to do; earshot serve starts a world")
	}
	command, rest := args[0], args[1:]
	switch command {
	case "serve":
		return unlessEnded(ctx, p.serve(ctx, rest))
	case "token":
		return p.token(ctx, rest)
	case "config":
		return p.config(rest)
	case "policy":
		return p.policy(rest)
	case "loadtest":
		return p.loadtest(ctx, rest)
	case "replay":
		return p.replay(ctx, rest)
	case "version", "-version", "--version":
		return p.version()
	case "help", "-h", "-help", "--help":
		return p.help(ctx, rest)
	}
	return usagef("there is no command %q; there are serve, token, config, policy, loadtest, replay, version and help", command)
}

// unlessEnded returns err, unless it only says that ctx ended: a node that is told
// to end while it is still beginning did not fail.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || earshot.CodeOf(err) == earshot.CodeCanceled) {
		return nil
	}
	return err
}

func (p program) help(ctx context.Context, args []string) error {
	if len(args) == 0 || args[0] == "help" || args[0] == "version" {
		fmt.Fprint(p.out, helpText)
		return nil
	}
	return p.dispatch(ctx, []string{args[0], "-help"})
}

// flags returns an empty set for a command whose -help prints text and the
// flags. Errors come back to run instead of being printed twice.
func (p program) flags(command, text string) *flag.FlagSet {
	set := flag.NewFlagSet(command, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Usage = func() {
		fmt.Fprint(p.out, text, "\nFlags\n")
		set.SetOutput(p.out)
		set.PrintDefaults()
	}
	return set
}

// parse reads args, all of them flags, into set. A mistake names the command
// whose help explains.
func parse(set *flag.FlagSet, args []string) error {
	if err := parseFlags(set, args); err != nil || set.NArg() == 0 {
		return err
	}
	return notFlag(set, 0)
}

func notFlag(set *flag.FlagSet, i int) error {
	return usagef("%s: %q is not a flag; see earshot %s -help", set.Name(), set.Arg(i), set.Name())
}

// parseFlags reads the flags that args begin with into set.
func parseFlags(set *flag.FlagSet, args []string) error {
	usage := set.Usage
	set.Usage = func() {} // flag would print it on mistakes too
	err := set.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		usage()
		return err
	case err != nil:
		return usagef("%s: %v; see earshot %s -help", set.Name(), err, set.Name())
	}
	return nil
}

func environ(list []string) map[string]string {
	env := make(map[string]string, len(list))
	for _, item := range list {
		if name, value, ok := strings.Cut(item, "="); ok {
			env[name] = value
		}
	}
	return env
}

// message is what an error says without its wire code, which is for clients.
func message(err error) string {
	var e *earshot.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}

func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}
