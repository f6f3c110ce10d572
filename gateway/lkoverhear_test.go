package gateway

import (
	"context"
	"testing"
	"time"

	"earshot/gateway/protocol"
	"earshot/sfu/record/format"
)

// TestLiveKitIsRecorded: what a client of LiveKit publishes once it is in is
// recorded, and nothing of it while a moderator mutes it.
func TestLiveKitIsRecorded(t *testing.T) {
	n, dir := recordingNode(t)
	ada := n.livekit("ada", nil)
	ada.speak()
	in := n.plaza()
	s := in.live.Load().byID[ada.id()]
	if _, err := in.record("test", format.Selection{}); err != nil {
		t.Fatal(err)
	}
	bob := n.livekit("bob", nil) // who publishes while it is recorded
	bob.speak()
	eventually(t, "bob's microphone", func() bool { return in.live.Load().byID[bob.id()].microphone() != nil })
	late := watchLateness(t)
	says := func() {
		t.Helper()
		of, other := ada.sent.Load(), bob.sent.Load()
		eventually(t, "what is said", func() bool { return ada.sent.Load() > of+45 && bob.sent.Load() > other+45 })
		pause(100 * time.Millisecond) // until it is there
	}
	says()
	act := func(action string) {
		if err := in.moderate(&protocol.Moderate{Action: action, Participant: s.participant}, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	act(protocol.ActionMute)
	from := time.Now()
	says()
	to := time.Now()
	act(protocol.ActionUnmute)
	says()
	m, err := n.deps.Recordings.Stop(context.Background(), "in_plaza", "test")
	if err != nil {
		t.Fatal(err)
	}
	before, after := 0, 0
	for _, at := range sentAt(t, dir, m, lkBot, ada.id()) {
		switch {
		case at.Before(from):
			before++
		case at.After(to.Add(-50*time.Millisecond - late.allowance())):
			after++
		default:
			t.Fatalf("a packet sent %v after the order is recorded", at.Sub(from))
		}
	}
	if other := len(sentAt(t, dir, m, lkBot, bob.id())); before < 20 || after < 20 || other < 60 {
		t.Errorf("%d packets of ada before, %d after, %d of bob", before, after, other)
	}
}

// TestLiveKitIsJudged: where voices are judged, so is that of a client of
// LiveKit, also when it is published anew.
func TestLiveKitIsJudged(t *testing.T) {
	t.Parallel()
	n := startEars(t, nil)
	ada := n.livekit("ada", nil)
	s := n.plaza().live.Load().byID[ada.id()]
	judged := func(want int) func() bool {
		return func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(s.judged) == want && (want == 0 || s.judged[0].publication == s.microphone())
		}
	}
	eventually(t, "an ear", judged(1))
	sender := ada.pc.GetSenders()[0]
	if err := ada.pc.RemoveTrack(sender); err != nil {
		t.Fatal(err)
	}
	ada.offer(nil)
	eventually(t, "no ear for a track that is gone", judged(0))
	ada.publish()
	eventually(t, "an ear for the next", judged(1))
	ada.close()
	s.end(protocol.ReasonLeft, nil)
	eventually(t, "no ear for who left", judged(0))
}
