package gateway

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"earshot/loadtest"
	"earshot/presence/store"
)

// A Chromium with the shipped client and a bot that talks without a pause are on
// a node that is emptied. Both follow to the other, and neither hears the other
// stop.
func TestE2EHandoff(t *testing.T) {
	if os.Getenv("EARSHOT_E2E") != "1" {
		t.Skip("=== THE BROWSER TEST DID NOT RUN: set EARSHOT_E2E=1, or make e2e ===")
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium")
	}
	list := nodesOf(t, store.NewMemory(), 2, func(c *Config) {
		c.Fleet.Drain = 20 * time.Second
		w := c.Worlds["plaza"]
		w.NPCs = nil
		c.Worlds["plaza"] = w
	})
	owner, other := ownerOf(t, list, "in_plaza")
	var heard arrivals
	bot := walks(t, owner, 1, func(c *loadtest.Config) {
		hear := c.Hear
		c.Hear = func(slot int, at time.Time, r *loadtest.Received) { heard.note(at); hear(slot, at, r) }
	})
	bot.also = heard.note

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "e2e/handoff.mjs")
	cmd.Dir = "web/test"
	cmd.Env = append(os.Environ(), "EARSHOT_URL="+owner.url, "EARSHOT_ADMIN="+owner.adm, "EARSHOT_OTHER="+other.url, "EARSHOT_CHROMIUM="+chromium,
		"EARSHOT_TOKEN="+owner.token(func(c *Claims) { c.Subject, c.Name = "walker", "walker" }))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var began time.Time
	for lines := bufio.NewScanner(out); lines.Scan(); {
		t.Log(lines.Text())
		if strings.Contains(lines.Text(), "ready:") {
			began = time.Now()
			go owner.drains()
		}
		if strings.Contains(lines.Text(), "phases") {
			if gap := heard.longest(began, time.Now()); gap > 300*time.Millisecond {
				t.Errorf("the bot heard nothing of the browser for %v", gap)
			} else {
				t.Logf("the bot heard nothing of the browser for %v at most", gap.Round(time.Millisecond))
			}
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("node e2e/handoff.mjs: %v", err)
	}
}

// arrivals are times of packets.
type arrivals struct {
	mu sync.Mutex
	at []time.Time
}

func (a *arrivals) note(at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at = append(a.at, at)
}

func (a *arrivals) longest(from, to time.Time) (gap time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	last := from
	for _, at := range a.at {
		if at.After(from) && at.Before(to) {
			gap, last = max(gap, at.Sub(last)), at
		}
	}
	return max(gap, to.Sub(last))
}
