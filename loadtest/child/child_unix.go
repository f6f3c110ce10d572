//go:build unix

package child

import (
	"os"
	"os/exec"
	"syscall"
)

// detach gives a process a session of its own, which a Ctrl-C of the terminal
// does not reach; with sched_autogroup its share of a core is its own too.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// freeze stops a process where it is, thaw lets it go on.
func freeze(p *os.Process) error { return p.Signal(syscall.SIGSTOP) }

func thaw(p *os.Process) error { return p.Signal(syscall.SIGCONT) }

// end asks a process to end by itself.
func end(p *os.Process) error { return p.Signal(syscall.SIGTERM) }
