package gateway

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strings"
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
		t.Fatal("Chromium is missing: run make tools")
	}
	late := watchLateness(t)
	list := nodesOf(t, store.NewMemory(), 2, func(c *Config) {
		c.Fleet.Drain = 20 * time.Second
		w := c.Worlds["plaza"]
		w.NPCs = nil
		c.Worlds["plaza"] = w
	})
	owner, other := ownerOf(t, list, "in_plaza")
	var heard loadtest.Arrivals
	bot := walks(t, owner, 1, func(c *loadtest.Config) {
		hear := c.Hear
		c.Hear = func(slot int, at time.Time, r *loadtest.Received) { heard.Note(at); hear(slot, at, r) }
	})
	bot.also = heard.Note

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
			gap, most := heard.Longest(began, time.Now()), 300*time.Millisecond+late.allowance()
			t.Logf("the bot heard nothing of the browser for %v at most", gap.Round(time.Millisecond))
			if gap > most {
				t.Errorf("the bot heard nothing of the browser for %v, want at most %v", gap, most)
			}
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("node e2e/handoff.mjs: %v", err)
	}
}
