package gateway

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"earshot"
	"earshot/presence/docket"
	"earshot/presence/store"
	"earshot/presence/store/servertest"
)

// Three nodes with a real server: how long after a moderator asked for it a mute
// is in force on the other two, and how large what is written down is. The figures
// of docs/moderation.md:
//
//	EARSHOT_CONVERGENCE_ACTS=300 go test ./gateway -run '^TestModerationConvergence$' -v
func TestModerationConvergence(t *testing.T) {
	acts := 10
	if text := os.Getenv("EARSHOT_CONVERGENCE_ACTS"); text != "" {
		var err error
		if acts, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	server := servertest.Start(t)
	cfg := store.DefaultConfig()
	cfg.Addresses = []string{server.Address}
	shared, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shared.Close() })
	nodes := moderatedNodes(t, shared, 3)
	m := nodes[0].moderator("mod")
	var answered, known []time.Duration
	for i := range acts {
		who := earshot.ParticipantID(fmt.Sprint("pa_", i))
		asked := time.Now()
		if status := m.call("POST", "/v1/moderation/people/"+string(who)+"/act", map[string]any{"action": "mute", "for_s": 600, "reason": "x"}, nil); status != http.StatusOK {
			t.Fatalf("act = %d", status)
		}
		answered = append(answered, time.Since(asked))
		for _, n := range nodes[1:] {
			for len(n.pipeline.Standing("plaza", who).InForce) == 0 {
				if time.Since(asked) > patience {
					t.Fatalf("%s is not muted on another node", who)
				}
				<-time.After(time.Millisecond)
			}
			known = append(known, time.Since(asked))
		}
	}
	size, head, entries := 0, docket.Head{}, 0
	for {
		p, err := shared.ReadDocket(t.Context(), commonDocket, head)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range p.Entries {
			size, entries = size+len(e.Data), entries+1
		}
		if head = p.Head; !p.More {
			break
		}
	}
	if entries != acts {
		t.Fatalf("%d entries of %d acts", entries, acts)
	}
	at := func(list []time.Duration, share float64) time.Duration {
		slices.Sort(list)
		return list[min(len(list)-1, int(share*float64(len(list))))].Round(100 * time.Microsecond)
	}
	t.Logf("%d mutes: answered after p50 %v, p99 %v; known on another node p50 %v, p95 %v, p99 %v, longest %v; %d bytes each",
		acts, at(answered, 0.5), at(answered, 0.99), at(known, 0.5), at(known, 0.95), at(known, 0.99), at(known, 1), size/entries)
}
