package gateway

import (
	"context"
	"encoding/json"
	"testing"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/moderation"
	"earshot/moderation/journal"
	"earshot/moderation/policy"
)

// TestEncryptedJoins lists what each world says to a join with and without a
// key, and what everybody is told of one who has joined.
func TestEncryptedJoins(t *testing.T) {
	t.Parallel()
	n := startNode(t, func(c *Config) {
		for _, policy := range []string{protocol.E2EEAllowed, protocol.E2EERequired, protocol.E2EERefused} {
			w := DefaultWorld()
			w.E2EE = policy
			c.Worlds[policy] = w
		}
	})
	good := offer(t)
	stream := n.streamToken("stream", func(k *Claims) { k.World = protocol.E2EERequired })
	if status, body, _ := n.do("POST", "/v1/whip/required", stream, typeSDP, []byte(good)); status != 412 {
		t.Errorf("a stream where encryption is required = %d %s, want 412", status, body)
	}
	for _, c := range []struct {
		world, query string
		status       int
	}{
		{protocol.E2EEAllowed, "", 201}, {protocol.E2EEAllowed, "?e2ee=1", 201},
		{protocol.E2EERequired, "", 412}, {protocol.E2EERequired, "?e2ee=0", 412}, {protocol.E2EERequired, "?e2ee=1", 201},
		{protocol.E2EERefused, "", 201}, {protocol.E2EERefused, "?e2ee=1", 412},
	} {
		t.Run(c.world+c.query, func(t *testing.T) {
			watcher := n.guest("watcher", func(k *Claims) { k.World = c.world })
			if watcher.me.World.E2EE != c.world || watcher.me.You.Encrypted {
				t.Errorf("welcome says %q, encrypted %v", watcher.me.World.E2EE, watcher.me.You.Encrypted)
			}
			token := n.token(func(k *Claims) { k.World, k.Subject = c.world, "joins"+c.query })
			status, body, header := n.do("POST", "/v1/join"+c.query, token, typeSDP, []byte(good))
			if status != c.status {
				t.Fatalf("POST /v1/join%s = %d %s, want %d", c.query, status, body, c.status)
			}
			if status != 201 {
				if e := wireErrorOf(t, body); e.Code != earshot.CodeFailedPrecondition {
					t.Errorf("code %s, want failed_precondition", e.Code)
				}
				return
			}
			in := n.running()
			for _, i := range in {
				for _, s := range i.live.Load().all {
					if s.media == nil {
						continue
					}
					want := c.query == "?e2ee=1"
					if i.world == c.world && (s.describe().Encrypted != want || s.microphone().Encrypted() != want) {
						t.Errorf("described as %v, microphone %v, want %v", s.describe().Encrypted, s.microphone().Encrypted(), want)
					}
				}
			}
			n.do("DELETE", header.Get("Location"), token, "", nil)
			n.idle(c.world)
		})
	}
}

// idle waits until nobody with media is in a world.
func (n *node) idle(world string) {
	n.t.Helper()
	eventually(n.t, "nobody in "+world, func() bool {
		for _, in := range n.running() {
			for _, s := range in.live.Load().all {
				if in.world == world && s.media != nil {
					return false
				}
			}
		}
		return true
	})
}

// Where voices are judged, one must not get out of it by a key: unless the world
// is for encrypted voices only, and says that they are not judged.
func TestModeratedVoicesAreNotEncrypted(t *testing.T) {
	t.Parallel()
	n := startEars(t, func(c *Config) {
		w := c.Worlds["plaza"]
		c.Worlds["plaza"] = w
		w.E2EE = protocol.E2EERequired
		c.Worlds["closed"] = w
	})
	status, body, _ := n.do("GET", "/v1/worlds", "", "", nil)
	var list worldList
	if err := json.Unmarshal(body, &list); err != nil || status != 200 {
		t.Fatal(status, err)
	}
	want := map[string]worldEntry{
		"plaza":  {VoiceModeration: true, E2EE: protocol.E2EERefused},
		"closed": {VoiceModeration: false, E2EE: protocol.E2EERequired},
	}
	for _, w := range list.Worlds {
		if x := want[w.Name]; w.VoiceModeration != x.VoiceModeration || w.E2EE != x.E2EE {
			t.Errorf("%s: voices moderated %v, e2ee %s, want %v, %s", w.Name, w.VoiceModeration, w.E2EE, x.VoiceModeration, x.E2EE)
		}
	}
	if status, body, _ = n.do("POST", "/v1/join?e2ee=1", n.token(nil), typeSDP, []byte(offer(t))); status != 412 {
		t.Errorf("a join with a key where voices are judged = %d %s, want 412", status, body)
	}
	closed := n.token(func(c *Claims) { c.World = "closed" })
	if status, body, _ = n.do("POST", "/v1/join?e2ee=1", closed, typeSDP, []byte(offer(t))); status != 201 {
		t.Fatalf("a join with a key where one is required = %d %s, want 201", status, body)
	}
	for _, in := range n.running() {
		for _, s := range in.live.Load().all {
			if in.world == "closed" && len(s.judged) > 0 {
				t.Error("an encrypted voice is given to moderation")
			}
		}
	}
}

func TestE2EESettings(t *testing.T) {
	w := DefaultWorld()
	w.E2EE = "sometimes"
	if err := w.validate("worlds.plaza"); earshot.CodeOf(err) != earshot.CodeInvalidArgument {
		t.Errorf("validate = %v, want invalid_argument", err)
	}
}

// deaf takes all sound, and finds nothing in it.
type deaf struct{}

var _ moderation.Classifier = deaf{}

func (deaf) Takes(string) bool { return true }

func (deaf) Classify(context.Context, string, []moderation.Packet) (policy.Scores, error) {
	return policy.Scores{}, nil
}

// startEars starts a node that judges voices in plaza and closed.
func startEars(t *testing.T, change func(*Config)) *node {
	t.Helper()
	j, err := journal.NewMemory(journal.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	cfg := moderation.DefaultConfig()
	cfg.Worlds = map[string]moderation.WorldConfig{"plaza": {Voice: true}, "closed": {Voice: true}}
	return startNodeWith(t, change, nil, func(d *Deps) {
		d.Moderation = Moderation{Config: cfg, Journal: j, Kept: "memory", Classifier: deaf{}}
	})
}
