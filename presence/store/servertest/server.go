// Package servertest starts Valkey or Redis servers for tests: on a free port of
// the loopback, with nothing kept, ended with the test. Tests of presence/store
// and presence/directory call it; nothing else does.
package servertest

import (
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"earshot/loadtest/child"
)

// Server is a server of the test's own.
type Server struct {
	Address string   // HOST:PORT
	Args    []string // the program and its arguments, for the next Restart
	cmd     *exec.Cmd
}

// Start starts a server with further arguments. Where none is installed the test
// is skipped, and says so.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	path := program()
	if path == "" {
		t.Skip("NOT RUN against a real server: install valkey-server or redis-server, or set EARSHOT_TEST_VALKEY")
	}
	dir, err := os.MkdirTemp("", "earshot")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	port := FreePort(t)
	s := &Server{Address: net.JoinHostPort("127.0.0.1", port)}
	s.Args = append([]string{path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", dir}, args...)
	s.Restart(t)
	t.Cleanup(s.Kill)
	return s
}

func program() string {
	for _, name := range []string{"valkey-server", "redis-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// Restart starts the server again, which has forgotten everything, and returns
// when it listens.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.cmd = exec.Command(s.Args[0], s.Args[1:]...)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		c, err := net.Dial("tcp", s.Address)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not listen: %v", s.Args[0], err)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// Kill ends the server as kill -9 does.
func (s *Server) Kill() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// FreePort returns a port that nobody has now.
func FreePort(t testing.TB) string {
	t.Helper()
	port, err := child.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(port)
}
