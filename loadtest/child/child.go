// Package child runs the servers that load tests start themselves: it waits
// until one answers, keeps what it printed, and ends it.
//
// It does not own what they are or how they are configured: loadtest/cluster and
// loadtest/peer, its callers, do. The methods of a Process may be called from any
// goroutine.
package child

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	// startFor is how long a process may take to answer.
	startFor = 30 * time.Second
	// askEvery is how often it is asked whether it does.
	askEvery = 20 * time.Millisecond
	tailSize = 2000 // bytes of a log that an error shows
)

// Command is a program to run.
type Command struct {
	Name string   // in errors, and of its log
	Argv []string // the program and its arguments
	Env  []string // all that is in its environment; nil is ours
	Dir  string   // where it runs, and NAME.log has what it printed

	// Start starts it, where it takes more than calling start; nil is that.
	Start func(start func() error) error
}

// Process is a program that we started, in a session of its own.
type Process struct {
	name  string
	cmd   *exec.Cmd
	log   string
	ended chan struct{}
	err   error // after ended
}

// Run starts a program, whose path is from where we are, or a name in PATH. What it
// prints goes to the end of its log.
func Run(c Command) (*Process, error) {
	p := &Process{name: c.Name, log: filepath.Join(c.Dir, c.Name+".log"), ended: make(chan struct{})}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	program := c.Argv[0]
	if strings.ContainsRune(program, filepath.Separator) { // from where we are, and not from Dir
		if program, err = filepath.Abs(program); err != nil {
			return nil, fmt.Errorf("start %s: %w", c.Name, err)
		}
	}
	p.cmd = exec.Command(program, c.Argv[1:]...)
	p.cmd.Dir, p.cmd.Env = c.Dir, c.Env
	p.cmd.Stdout, p.cmd.Stderr = out, out
	detach(p.cmd)
	if c.Start != nil {
		err = c.Start(p.cmd.Start)
	} else {
		err = p.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// PID returns the process's id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Ready returns when check succeeds. The error is that the process ended, or did
// not answer within half a minute, with the last it printed.
func (p *Process) Ready(ctx context.Context, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startFor)
	defer cancel()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return p.Err()
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w\n%s", p.name, err, p.Tail())
		case <-time.After(askEvery):
		}
	}
}

// Ended is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Err returns how the process ended, with the last it printed. Call it after
// Ended.
func (p *Process) Err() error { return fmt.Errorf("%s ended: %v\n%s", p.name, p.err, p.Tail()) }

// Running reports whether the process has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// Kill ends the process as kill -9 does, and returns when it has ended. It may
// be called again.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
}

// Freeze stops the process where it is, Thaw lets it go on.
func (p *Process) Freeze() error { return freeze(p.cmd.Process) }

// Thaw undoes Freeze.
func (p *Process) Thaw() error { return thaw(p.cmd.Process) }

// Terminate asks the process to end, and returns when it has. The error is that
// it took longer than limit, and was killed.
func (p *Process) Terminate(limit time.Duration) error {
	if err := end(p.cmd.Process); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.Kill()
		return err
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(limit):
		p.Kill()
		return fmt.Errorf("%s did not end within %v", p.name, limit)
	}
}

// Tail is the end of what the process printed.
func (p *Process) Tail() string {
	data, err := os.ReadFile(p.log)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data[max(0, len(data)-tailSize):]))
}
