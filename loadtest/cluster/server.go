package cluster

import (
	"context"
	"net"
	"os/exec"
	"strconv"

	"earshot"
	"earshot/loadtest/child"
)

// server is the store: a process of ours, or somebody else's.
type server struct {
	address string // HOST:PORT
	program string // empty: not ours
	dir     string
	process *child.Process
}

// FindStore returns the path of a Valkey or Redis server that is installed.
func FindStore() (string, error) {
	for _, name := range []string{"valkey-server", "redis-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", earshot.Errorf(earshot.CodeFailedPrecondition, "there is no valkey-server and no redis-server in PATH: install one, name one with -server PATH, or give the address of one that runs with -store HOST:PORT")
}

func startServer(ctx context.Context, program, dir string) (*server, error) {
	port, err := child.FreePort()
	if err != nil {
		return nil, err
	}
	s := &server{address: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), program: program, dir: dir}
	return s, s.start(ctx)
}

// start starts the server, which remembers nothing, and returns when it listens.
func (s *server) start(ctx context.Context) (err error) {
	_, port, _ := net.SplitHostPort(s.address)
	s.process, err = child.Run(child.Command{
		Name: "store", Dir: s.dir,
		Argv: []string{s.program, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", s.dir},
	})
	if err != nil {
		return err
	}
	return s.process.Ready(ctx, func(ctx context.Context) error {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.address)
		if err == nil {
			c.Close()
		}
		return err
	})
}

// stop ends the server, if it is ours.
func (s *server) stop() {
	if s.process != nil {
		s.process.Kill()
	}
}
