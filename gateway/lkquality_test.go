package gateway

import (
	"slices"
	"testing"
	"time"

	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
	"earshot/loadtest"
	"earshot/sfu"
)

// TestLiveKitQuality: a client is told how good its connection is and those of
// who is near, of either door; of one that it blocks it hears no more.
func TestLiveKitQuality(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	bot := n.talker(1)
	ada := n.livekit("ada", nil)
	ada.speak()
	late := watchLateness(t)
	of := livekit.ParticipantSID(bot.ID())
	grade := func(sid string, want wire.ConnectionQuality) func() bool {
		return func() bool {
			var last *wire.ConnectionQualityInfo
			for _, r := range ada.all {
				if r.ConnectionQuality == nil {
					continue
				}
				for _, q := range r.ConnectionQuality.Updates {
					if q.ParticipantSID == sid {
						last = q
					}
				}
			}
			if last == nil {
				return false
			}
			busy := late.allowance() > 500*time.Millisecond // no connection is as good as that
			return last.Quality == want || busy && want != wire.QualityLost && last.Quality != wire.QualityLost
		}
	}
	ada.until("its own grade", grade(ada.join.Participant.SID, wire.QualityExcellent))
	ada.until("the bot's", grade(of, wire.QualityExcellent))
	s := n.plaza().live.Load().byID[bot.ID()]
	s.OnConnection(sfu.Interrupted)
	ada.until("that the bot is lost", grade(of, wire.QualityLost))
	s.OnConnection(sfu.Connected)
	ada.until("that it is back", grade(of, wire.QualityGood))
}

// TestLiveKitStreamStates: a video that is paused for want of downlink is said to
// be, once, and so when it goes on or another takes its place.
func TestLiveKitStreamStates(t *testing.T) {
	camera := livekit.Track{Of: "pa_ada", Source: wire.SourceCamera, Tag: "x1"}
	screen := livekit.Track{Of: "pa_bob", Source: wire.SourceScreenShare, Tag: "x1"}
	l := &lkLine{}
	for i, step := range []struct {
		shown []lkShown
		want  []wire.StreamStateInfo
	}{
		{[]lkShown{{camera, false}, {screen, false}}, nil},
		{[]lkShown{{camera, true}, {screen, false}}, []wire.StreamStateInfo{{ParticipantSID: "PA_ada", TrackSID: camera.SID(), State: wire.StreamPaused}}},
		{[]lkShown{{camera, true}, {screen, false}}, nil},
		{[]lkShown{{camera, false}, {screen, true}}, []wire.StreamStateInfo{
			{ParticipantSID: "PA_ada", TrackSID: camera.SID(), State: wire.StreamActive},
			{ParticipantSID: "PA_bob", TrackSID: screen.SID(), State: wire.StreamPaused},
		}},
		{nil, nil},
		{[]lkShown{{screen, true}}, []wire.StreamStateInfo{{ParticipantSID: "PA_bob", TrackSID: screen.SID(), State: wire.StreamPaused}}},
	} {
		var out livekit.Out
		l.tellStates(step.shown, &out)
		var got []wire.StreamStateInfo
		for _, r := range out.Signals {
			for _, s := range r.StreamStateUpdate.StreamStates {
				got = append(got, *s)
			}
		}
		if !slices.Equal(got, step.want) {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
}

// TestLiveKitTrackSubscribed: a publisher learns once that somebody has a track,
// and not as long as nobody may.
func TestLiveKitTrackSubscribed(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	ada := n.livekit("ada", nil)
	told := func() (count int) {
		ada.mu.Lock()
		defer ada.mu.Unlock()
		for _, r := range ada.all {
			if r.TrackSubscribed != nil {
				count++
			}
		}
		return count
	}
	ada.send(&wire.SignalRequest{SubscriptionPermission: &wire.SubscriptionPermission{}})
	in := n.plaza()
	eventually(t, "the permission", func() bool {
		l := in.live.Load().byID[ada.id()].door
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.permits != nil
	})
	bot := n.talker(1, func(c *loadtest.Config) { c.Slots = 4 })
	pause(500 * time.Millisecond)
	if got := told(); got != 0 {
		t.Errorf("told %d times of a subscriber who may not be one", got)
	}
	ada.send(&wire.SignalRequest{SubscriptionPermission: &wire.SubscriptionPermission{AllParticipants: true}})
	eventually(t, "the first subscriber", func() bool { return told() == 1 })
	bob := n.livekit("bob", nil)
	eventually(t, "the line of the second", func() bool { return bob.boundTo(ada.id()) })
	pause(300 * time.Millisecond)
	if got := told(); got != 1 {
		t.Errorf("told %d times of subscribers, want once", got)
	}
	_ = bot.Close()
}
