package gateway

import (
	"testing"
	"time"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
	"earshot/gateway/protocol"
)

// TestNamesChange: a name that a client of LiveKit or an administrator changes is
// seen at both doors, by newcomers too, and one must have the right to.
func TestNamesChange(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	a := n.admin()
	guest := n.guest("guest", nil)
	ada := n.livekit("ada", func(c *livekit.Claims) { yes := true; c.Video.CanUpdateOwnMetadata = &yes })
	bob := n.livekit("bob", nil)
	bob.until("ada", func() bool { return bob.people["ada"] != nil })
	ada.send(&wire.SignalRequest{UpdateMetadata: &wire.UpdateMetadata{Name: "Ada\x00 Lovelace", RequestID: 7}})
	if r := expect[*protocol.Renamed](guest); r.Participant != ada.id() || r.Name != "Ada Lovelace" {
		t.Errorf("our own client was told %+v", r)
	}
	bob.until("the name", func() bool { return bob.people["ada"].Name == "Ada Lovelace" })
	ada.until("its own name", func() bool { me := ada.people["ada"]; return me != nil && me.Name == "Ada Lovelace" })

	answer := func(id uint32) (reason wire.RequestReason, there bool) {
		bob.mu.Lock()
		defer bob.mu.Unlock()
		for _, r := range bob.all {
			if r.RequestResponse != nil && r.RequestResponse.RequestID == id {
				return r.RequestResponse.Reason, true
			}
		}
		return 0, false
	}
	bob.send(&wire.SignalRequest{UpdateMetadata: &wire.UpdateMetadata{Name: "Robert", RequestID: 8}})
	eventually(t, "the answer", func() bool { _, there := answer(8); return there })
	if reason, _ := answer(8); reason != wire.RequestNotAllowed {
		t.Errorf("renaming without the grant was answered %d", reason)
	}
	p := must[wire.ParticipantInfo](a, "UpdateParticipant", &wire.UpdateParticipantRequest{Room: "plaza", Identity: string(guest.id()), Name: "Grete"})
	if p.Name != "Grete" {
		t.Errorf("renamed to %q", p.Name)
	}
	if r := expect[*protocol.Renamed](guest); r.Participant != guest.id() || r.Name != "Grete" {
		t.Errorf("one's own name: %+v", r)
	}
	bob.until("the name of our own client", func() bool { return bob.people[string(guest.id())].Name == "Grete" })
	late := n.livekit("late", nil)
	late.until("the names as they are now", func() bool {
		one, two := late.people["ada"], late.people[string(guest.id())]
		return one != nil && two != nil && one.Name == "Ada Lovelace" && two.Name == "Grete"
	})
	must[wire.ParticipantInfo](a, "UpdateParticipant", &wire.UpdateParticipantRequest{Room: "plaza", Identity: string(guest.id()), Name: "Grete"}) // which is no news
}

// TestNamesAreJudged: what moderation takes from a line of chat, it does from a
// name, and who may not write may not take another.
func TestNamesAreJudged(t *testing.T) {
	t.Parallel()
	n := startModerated(t, nil)
	guest := n.guest("guest", nil)
	ada := n.livekit("ada", func(c *livekit.Claims) { yes := true; c.Video.CanUpdateOwnMetadata = &yes })
	ada.send(&wire.SignalRequest{UpdateMetadata: &wire.UpdateMetadata{Name: insult}})
	if r := expect[*protocol.Renamed](guest); r.Name != "Guest" {
		t.Errorf("an insult as a name is shown as %q", r.Name)
	}
	in := n.plaza()
	s := in.live.Load().byID[ada.id()]
	in.mu.Lock()
	s.sanctions.muted = true
	in.mu.Unlock()
	if err := s.mayRename("Ada", time.Now().Add(time.Minute)); earshot.CodeOf(err) != earshot.CodePermissionDenied {
		t.Errorf("a new name for one who is muted: %v", err)
	}
	if err := s.mayRename("", time.Now()); err != nil {
		t.Errorf("no new name: %v", err)
	}
}
