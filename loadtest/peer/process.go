package peer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// process is a server that we started.
type process struct {
	cmd   *exec.Cmd
	log   string // path of what it printed
	ended chan struct{}
	err   error // after ended
}

// startProcess runs argv in dir on core, all if core is negative, in a session
// of its own, with only these variables in its environment.
func startProcess(argv, env []string, dir string, core int) (*process, error) {
	p := &process{log: filepath.Join(dir, "server.log"), ended: make(chan struct{})}
	out, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p.cmd = exec.Command(argv[0], argv[1:]...)
	p.cmd.Dir, p.cmd.Env = dir, env
	p.cmd.Stdout, p.cmd.Stderr = out, out
	detach(p.cmd)
	if err := onCore(core, p.cmd.Start); err != nil {
		return nil, fmt.Errorf("start %s: %w", argv[0], err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// ready polls until check succeeds.
func (p *process) ready(ctx context.Context, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("the server ended: %v\n%s", p.err, p.tail())
		case <-ctx.Done():
			return fmt.Errorf("the server does not answer: %w\n%s", err, p.tail())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// tail is the end of what the server printed.
func (p *process) tail() string {
	data, err := os.ReadFile(p.log)
	if err != nil {
		return ""
	}
	if len(data) > 2000 {
		data = data[len(data)-2000:]
	}
	return strings.TrimSpace(string(data))
}

// stopFor is how long a server may take to end: LiveKit needs seconds, in
// which it holds its ports.
const stopFor = 15 * time.Second

// stop ends the process and waits until it has ended.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(stopFor):
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.ended
	return nil
}
