package store

import (
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"earshot/presence/store/servertest"
)

func openTest(t testing.TB, change func(*Config), addresses ...string) *Valkey {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Addresses, cfg.Patience = addresses, 10*time.Second // the machine is busy
	if change != nil {
		change(&cfg)
	}
	v, err := OpenValkey(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

func TestMiniredis(t *testing.T) {
	conform(t, func(t *testing.T) subject {
		server := miniredis.RunT(t)
		at := time.Now()
		server.SetTime(at)
		return subject{openTest(t, nil, server.Addr()), func(d time.Duration) {
			at = at.Add(d)
			server.FastForward(d)
			server.SetTime(at)
		}}
	})
}

// TestRealServer runs the suite over the server that EARSHOT_TEST_VALKEY names
// (HOST:PORT; its keys begin with earshot-test-), or one that it starts.
func TestRealServer(t *testing.T) {
	t.Parallel()
	address := realServer(t)
	conform(t, func(t *testing.T) subject {
		return subject{openTest(t, prefixed(), address), func(d time.Duration) { <-time.After(d + d/20) }}
	})
}

var prefixes atomic.Int64

// prefixed keeps tests on one server apart.
func prefixed() func(*Config) {
	prefix := fmt.Sprintf("earshot-test-%d-%d:", os.Getpid(), prefixes.Add(1))
	return func(c *Config) { c.Prefix = prefix }
}

func realServer(t testing.TB) string {
	t.Helper()
	if address := os.Getenv("EARSHOT_TEST_VALKEY"); address != "" {
		return address
	}
	return servertest.Start(t).Address
}
