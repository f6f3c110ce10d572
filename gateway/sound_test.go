package gateway

import (
	"testing"
	"time"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
	"earshot/gateway/protocol"
	"earshot/loadtest"
	"earshot/spatialaudio/zone"
)

// TestSoundOfAScreen: it is heard beside its owner's voice, at both doors, and
// whatever forbids the voice to be heard forbids it too, when the order returns;
// a mute of the microphone by its owner does not.
func TestSoundOfAScreen(t *testing.T) {
	t.Parallel()
	const screen = lkBot + 1
	n := startNode(t, nil)
	a := n.admin()
	bot := n.talker(1, func(c *loadtest.Config) { c.Slots = 4 })
	ada, bob := n.livekit("ada", nil), n.livekit("bob", nil)
	eve := n.livekit("eve", func(c *livekit.Claims) { c.Attributes = map[string]string{"earshot.audio": "binaural"} })
	ada.speak()
	ada.sound(ada.publishAudio("sound", wire.SourceScreenShareAudio), screen)
	in := n.plaza()
	s := in.live.Load().byID[ada.id()]
	track := func() *wire.TrackInfo { return trackOf(a.seen("ada"), wire.SourceScreenShareAudio) }
	eventually(t, "both at our own door", func() bool { return bot.Heard()[lkBot] > 5 && bot.Heard()[screen] > 5 })
	ada.until("the track among ada's", func() bool { return len(ada.people) > 0 || track() != nil })
	stream := livekit.ParticipantSID(ada.id()) + "|" + track().SID
	heard := func() int64 {
		bob.mu.Lock()
		defer bob.mu.Unlock()
		if count := bob.heard[stream]; count != nil {
			return count.Load()
		}
		return 0
	}
	eventually(t, "the sound at a LiveKit client", func() bool { return heard() > 5 })
	mixed := in.live.Load().byID[eve.id()]
	eventually(t, "a mix", func() bool { l := mixed.ears.mix.Load(); return l != nil && l.Ready() })

	flows := func() (voice, sound int) {
		pause(500 * time.Millisecond) // what was under way, and waits to be read
		v, x := bot.Heard()[lkBot], bot.Heard()[screen]
		y := heard()
		pause(300 * time.Millisecond)
		return bot.Heard()[lkBot] - v, bot.Heard()[screen] - x + int(heard()-y)
	}
	mic := trackOf(a.seen("ada"), wire.SourceMicrophone)
	ada.send(&wire.SignalRequest{Mute: &wire.MuteTrack{SID: mic.SID, Muted: true}})
	eventually(t, "the mute", func() bool { return !s.microphone().Active() })
	eventually(t, "the screen with the microphone muted by its owner", func() bool {
		voice, sound := flows()
		if voice != 0 {
			t.Fatalf("with the microphone muted by its owner: %d of the voice, %d of the screen", voice, sound)
		}
		return sound >= 10
	})
	ada.send(&wire.SignalRequest{Mute: &wire.MuteTrack{SID: mic.SID}})
	eventually(t, "the voice", s.microphone().Active)
	moderate := func(action string) func() {
		return func() {
			if err := in.moderate(&protocol.Moderate{Participant: ada.id(), Action: action}, time.Now()); err != nil {
				t.Error(err)
			}
		}
	}
	order := func(muted bool) func() {
		sid := track().SID
		return func() {
			must[wire.MuteRoomTrackResponse](a, "MutePublishedTrack", &wire.MuteRoomTrackRequest{Room: "plaza", Identity: "ada", TrackSID: sid, Muted: muted})
		}
	}
	quiet := roundZone("quiet", zone.KindQuiet, 0, 0, 30)
	quiet.Speak = &zone.Speak{Who: zone.SpeakListed, Participants: []earshot.ParticipantID{bot.ID()}}
	for name, c := range map[string]struct {
		forbid, allow func()
		shut          bool // for everybody
		only          bool // not the voice
	}{
		"a moderator":      {moderate(protocol.ActionMute), moderate(protocol.ActionUnmute), true, false},
		"an administrator": {order(true), order(false), true, true},
		"a quiet zone":     {func() { in.rebuildWalls(zone.List{quiet}) }, func() { in.rebuildWalls(nil) }, true, false},
		"the owner": {func() {
			ada.send(&wire.SignalRequest{Mute: &wire.MuteTrack{SID: track().SID, Muted: true}})
			eventually(t, "the owner's mute", func() bool { return !s.sound().Active() })
		}, func() { ada.send(&wire.SignalRequest{Mute: &wire.MuteTrack{SID: track().SID}}) }, true, true},
		"blocks": {func() {
			for _, who := range []earshot.ParticipantID{bot.ID(), bob.id()} {
				if err := in.block(in.live.Load().byID[who], ada.id(), true); err != nil {
					t.Error(err)
				}
			}
		}, func() {
			for _, who := range []earshot.ParticipantID{bot.ID(), bob.id()} {
				_ = in.block(in.live.Load().byID[who], ada.id(), false)
			}
		}, false, false},
	} {
		c.forbid()
		if c.shut && (s.sound().Active() || !c.only && s.microphone().Active()) {
			t.Errorf("%s: the order returned and the screen is forwarded: %t, the voice: %t", name, s.sound().Active(), s.microphone().Active())
		}
		if c.shut && !c.only {
			ada.send(&wire.SignalRequest{Mute: &wire.MuteTrack{SID: track().SID}}) // which does not help
		}
		if voice, sound := flows(); sound != 0 || voice != 0 && !c.only {
			t.Errorf("%s: %d packets of the screen and %d of the voice came", name, sound, voice)
		}
		c.allow()
		before := bot.Heard()[screen]
		eventually(t, name+" no more: the screen", func() bool { return bot.Heard()[screen] > before+5 })
	}
}

// TestSoundBehindAWall: a sealed wall keeps the sound of a screen as it keeps
// voices.
func TestSoundBehindAWall(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	bob, ada := n.livekit("bob", nil), n.livekit("ada", nil)
	ada.sound(ada.publishAudio("sound", wire.SourceScreenShareAudio), lkBot+1)
	eventually(t, "the sound", func() bool { return bob.packets(ada.id()) > 5 })
	in := n.plaza()
	at, _ := in.space.Pose(ada.id())
	room := roundZone("room", zone.KindRoom, float64(at.Root.X), float64(at.Root.Z), 0.2)
	room.Sealed = true
	in.rebuildWalls(zone.List{room})
	pause(400 * time.Millisecond)
	if got := bob.flows(ada.id()); got != 0 {
		t.Errorf("%d packets came through a sealed wall", got)
	}
	in.rebuildWalls(nil)
	eventually(t, "the sound again", func() bool { return bob.flows(ada.id()) > 5 })
}
