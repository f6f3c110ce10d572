package store

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"earshot"
)

func TestMiniredis(t *testing.T) {
	conform(t, func(t testing.TB) subject {
		server := miniredis.RunT(t)
		v, err := OpenValkey(t.Context(), "redis://"+server.Addr(), DefaultPrefix)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { v.Close() })
		return subject{v, func(d time.Duration) {
			server.FastForward(d)
			server.SetTime(time.Now().Add(d))
		}}
	})
}

// TestRealServer runs the suite over a real server: the one that
// EARSHOT_TEST_VALKEY names (its keys begin with {earshot-test-...}), or one
// that it starts.
func TestRealServer(t *testing.T) {
	address := realServer(t)
	var n atomic.Int64
	conform(t, func(t testing.TB) subject {
		prefix := fmt.Sprintf("{earshot-test-%d-%d}:", os.Getpid(), n.Add(1))
		v, err := OpenValkey(t.Context(), address, prefix)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			for _, name := range []string{"keys", "expiry", "revision"} {
				v.client.Do(context.Background(), v.client.B().Del().Key(prefix+name).Build())
			}
			v.Close()
		})
		return subject{v, realTime}
	})
}

// realTime waits: a real server has a clock of its own.
func realTime(d time.Duration) { <-time.After(d + d/10) }

// realServer returns the address of a server.
func realServer(t *testing.T) string {
	t.Helper()
	if address := os.Getenv("EARSHOT_TEST_VALKEY"); address != "" {
		return address
	}
	for _, name := range []string{"valkey-server", "redis-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return startServer(t, path, "")
		}
	}
	t.Skip("NOT RUN against a real server: install valkey-server or redis-server, or set EARSHOT_TEST_VALKEY")
	return ""
}

// startServer starts one on a socket of its own and ends it with the test.
func startServer(t *testing.T, path, password string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "earshot") // t.TempDir is too long for the path of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	args := []string{"--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", dir}
	if password != "" {
		args = append(args, "--requirepass", password)
	}
	cmd := exec.Command(path, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	deadline := time.Now().Add(20 * time.Second)
	for {
		c, err := net.Dial("unix", socket)
		if err == nil {
			c.Close()
			return "unix://" + socket
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not listen: %v", path, err)
		}
		<-time.After(10 * time.Millisecond)
	}
}

func TestValkeyUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	_, err = OpenValkey(t.Context(), "redis://user:sesame@"+address, DefaultPrefix)
	wantCode(t, err, earshot.CodeUnavailable, "nobody there")
	if err != nil && (strings.Contains(err.Error(), "sesame") || !strings.Contains(err.Error(), address)) {
		t.Errorf("error %q: want the address, not the password", err)
	}
	_, err = OpenValkey(t.Context(), "http://:sesame@x", DefaultPrefix)
	wantCode(t, err, earshot.CodeInvalidArgument, "no address")
	if strings.Contains(err.Error(), "sesame") {
		t.Errorf("error %q shows the password", err)
	}
}

func TestValkeyStops(t *testing.T) {
	server := miniredis.RunT(t)
	v, err := OpenValkey(t.Context(), "redis://"+server.Addr(), DefaultPrefix)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	server.SetError("ERR not now")
	_, err = v.Get(t.Context(), "k")
	wantCode(t, err, earshot.CodeUnavailable, "Get")
	v.patience = 50 * time.Millisecond
	server.SetError("LOADING not yet") // the client asks again and again
	_, err = v.Get(t.Context(), "k")
	if code := earshot.CodeOf(err); code != earshot.CodeDeadlineExceeded && code != earshot.CodeUnavailable {
		t.Errorf("Get of a server that starts: %v", err)
	}
	server.SetError("ERR not now")
	v.patience = patience
	_, err = v.Put(t.Context(), "k", nil, 0, 0)
	wantCode(t, err, earshot.CodeUnavailable, "Put")
	server.SetError("")
	mustPut(t, v, "k", "x", 0, 0)
}

func TestPassword(t *testing.T) {
	server := miniredis.RunT(t)
	server.RequireAuth("sesame")
	file := t.TempDir() + "/password"
	if err := os.WriteFile(file, []byte("sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, kind, err := Open(t.Context(), Config{Valkey: "redis://" + server.Addr(), PasswordFile: file})
	if err != nil || kind != KindValkey {
		t.Fatal(kind, err)
	}
	defer s.Close()
	mustPut(t, s, "k", "x", 0, 0)
	_, _, err = Open(t.Context(), Config{Valkey: "redis://:wrong@" + server.Addr()})
	wantCode(t, err, earshot.CodeUnavailable, "a wrong password")
}

// What is over does not stay in the sets of keys for ever.
func TestValkeyIndexShrinks(t *testing.T) {
	server := miniredis.RunT(t)
	v, err := OpenValkey(t.Context(), "redis://"+server.Addr(), DefaultPrefix)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for i := range 100 {
		mustPut(t, v, fmt.Sprintf("k/%d", i), "x", 0, time.Second)
	}
	server.FastForward(time.Minute)
	server.SetTime(time.Now().Add(time.Minute))
	for i := range 20 {
		mustPut(t, v, fmt.Sprintf("l/%d", i), "x", 0, 0)
	}
	for _, set := range []string{"keys", "expiry"} {
		members, _ := server.ZMembers(DefaultPrefix + set)
		if want := map[string]int{"keys": 20, "expiry": 0}[set]; len(members) != want {
			t.Errorf("%s has %d members, want %d", set, len(members), want)
		}
	}
}
