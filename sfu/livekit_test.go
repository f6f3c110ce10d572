package sfu

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"earshot"

	"github.com/pion/transport/v4/vnet"
	"github.com/pion/webrtc/v4"
)

// A client begins with data channels alone and adds lines one offer after the
// other; one who was there before goes on as before.
func TestLiveKitGrowsByOffers(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.joinKit(0, 0), w.joinKit(0, 0)
		if n := len(a.session.VoiceMIDs()) + len(a.session.Publications()); n != 0 {
			t.Fatalf("%d slots and publications before any line", n)
		}
		a.mic = a.publish(webrtc.MimeTypeOpus, 48000)
		a.negotiate(false)
		b.receive(webrtc.RTPCodecTypeAudio, 1)
		b.negotiate(false)
		b.hear(a.person)
		if got := a.speak(25, b); got != allCame {
			t.Errorf("one line: %s", got)
		}
		first := b.received(b.session.VoiceMIDs()[0])

		b.receive(webrtc.RTPCodecTypeAudio, 2)
		b.receive(webrtc.RTPCodecTypeVideo, 1)
		b.mic = b.publish(webrtc.MimeTypeOpus, 48000)
		b.negotiate(false)
		a.receive(webrtc.RTPCodecTypeAudio, 1)
		a.negotiate(true) // and restarts ICE on the way
		a.hear(b.person)
		b.hear(a.person)
		if len(b.session.VoiceMIDs()) != 3 || len(b.session.VideoMIDs()) != 1 {
			t.Errorf("%v, %v are slots, want 3 and 1", b.session.VoiceMIDs(), b.session.VideoMIDs())
		}
		if got := a.speak(25, b); got != allCame {
			t.Errorf("a after growth: %s", got)
		}
		if got := b.speak(25, a); got != allCame {
			t.Errorf("b after growth: %s", got)
		}
		a.speak(25, b)
		if later := b.received(b.session.VoiceMIDs()[0]); later[0].SSRC != first[0].SSRC {
			t.Errorf("slot 0 went from SSRC %d to %d", first[0].SSRC, later[0].SSRC)
		}
		if got := a.session.ICE(); got != 2 {
			t.Errorf("ICE() = %d after one restart, want 2", got)
		}
		a.note(func() {
			if len(a.states) == 0 || a.states[0] != Connected {
				t.Errorf("states %v", a.states)
			}
		})
	})
}

func TestLiveKitData(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.newKit()
		k.openSession(Offer{Subscribe: true})
		check(t, k.session.SendData(Reliable, []byte("before the first offer")))
		if err := k.session.SendData(Lossy, []byte("lost")); err != ErrSlow {
			t.Errorf("SendData(Lossy) without a channel = %v, want %v", err, ErrSlow)
		}
		k.openLabelled("_unknown", nil)
		k.negotiate(false)
		k.connected()
		time.Sleep(time.Second)
		for c := range channelsOfLiveKit {
			check(t, k.session.SendData(c, []byte("down "+c.String())))
			check(t, k.labelled[c.String()].Send([]byte("up "+c.String())))
		}
		large := strings.Repeat("x", maxMessage)
		check(t, k.session.SendData(Reliable, []byte(large)))
		for range 40 { // 2.5 MiB at once: slowed down, and nothing of it is lost
			check(t, k.labelled["_reliable"].Send([]byte(large[:maxMessage-1])))
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		k.note(func() {
			if got := k.came["_reliable"]; len(got) != 3 || got[0] != "before the first offer" || got[1] != "down _reliable" || got[2] != large {
				t.Errorf("the client got %d reliable messages", len(got))
			}
			if got := k.data[Reliable]; len(got) != 41 || got[0] != "up _reliable" {
				t.Errorf("the server got %d reliable messages, want 41", len(got))
			}
			for _, c := range []Channel{Lossy, DataTrack} {
				if len(k.came[c.String()]) != 1 || len(k.data[c]) != 1 {
					t.Errorf("%s: %d down, %d up, want 1 each", c, len(k.came[c.String()]), len(k.data[c]))
				}
			}
			if len(k.got)+len(k.poses)+k.opens != 0 {
				t.Error("control or poses were reported")
			}
		})
		if got := k.labelled["_unknown"].ReadyState(); got != webrtc.DataChannelStateClosed {
			t.Errorf("the channel that nobody knows is %s, want closed", got)
		}
		if err := k.session.SendData(Reliable, make([]byte, maxMessage+1)); earshot.CodeOf(err) != earshot.CodeInvalidArgument {
			t.Errorf("a message too long: %v", err)
		}
		if err := k.session.SendControl([]byte("x")); err != ErrNoChannels {
			t.Errorf("SendControl = %v, want %v", err, ErrNoChannels)
		}
		check(t, k.pc.GracefulClose())
		time.Sleep(time.Second)
		if err := k.session.SendData(Reliable, nil); err != ErrClosed {
			t.Errorf("SendData after the client closed = %v, want %v", err, ErrClosed)
		}
	})
}

// What was denied before an offer is denied after it, for publications and slots
// that the offer brought, and so is what was muted.
func TestLiveKitDenialHoldsAcrossOffers(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b, c := w.joinKit(0, 0), w.joinKit(1, 0), w.joinKit(1, 0)
		b.session.Deny(a.id, true)
		a.mic = a.publish(webrtc.MimeTypeOpus, 48000)
		a.negotiate(false)
		both := func(want, what string) {
			t.Helper()
			b.hear(a.person)
			c.hear(a.person)
			if got := a.speak(20, b, c); got != want {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
		}
		both(noneCame+", "+allCame, "denied before it published")
		b.receive(webrtc.RTPCodecTypeAudio, 2)
		b.negotiate(false)
		both(noneCame+", "+allCame, "denied, with new slots")
		b.negotiate(true)
		both(noneCame+", "+allCame, "denied, with ICE restarted")
		a.session.Microphone().SetMuted(true)
		a.receive(webrtc.RTPCodecTypeAudio, 1)
		a.negotiate(true)
		both(noneCame+", "+noneCame, "muted, with another offer")
		a.session.Microphone().SetMuted(false)
		b.session.Deny(a.id, false)
		both(allCame+", "+allCame, "allowed")
		a.session.Retire()
		a.publish(webrtc.MimeTypeOpus, 48000)
		a.negotiate(false)
		for _, p := range a.session.Publications() {
			p.SetMuted(false)
			for _, l := range []*kit{b, c} {
				l.session.SetVoice(time.Now(), []VoiceCandidate{{Publication: p, ScoreDB: -30}})
			}
		}
		if got := a.speak(20, b, c); got != noneCame+", "+noneCame {
			t.Errorf("retired: %s", got)
		}
	})
}

// Receive lines carry nothing before they are named, and pinned ones only what
// they are named for.
func TestLiveKitPinnedLines(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.joinKit(0, 0), w.joinKit(0, 0)
		for _, k := range []*kit{a, b} {
			k.mic = k.publish(webrtc.MimeTypeOpus, 48000)
			k.negotiate(false)
		}
		l := w.newKit()
		l.receive(webrtc.RTPCodecTypeAudio, 2)
		names := map[int]LineName{}
		l.name = func(r ReceiveLine) LineName { return names[r.Slot] }
		l.openSession(Offer{Subscribe: true, Pinned: true})
		l.negotiate(false)
		l.connected()
		mids := l.session.VoiceMIDs()
		expect := func(what, fromA, fromB string) {
			t.Helper()
			l.hear(a.person, b.person)
			if got := a.speak(20, l); got != fromA {
				t.Errorf("%s: of a came %s, want %s", what, got, fromA)
			}
			if got := b.speak(20, l); got != fromB {
				t.Errorf("%s: of b came %s, want %s", what, got, fromB)
			}
		}
		if line := l.line(mids[0]); !strings.Contains(line, "a=inactive") || strings.Contains(line, "a=msid") || strings.Contains(line, "a=ssrc") {
			t.Errorf("a line without a name is answered\n%s", line)
		}
		expect("no names", noneCame, noneCame)
		names[1] = LineName{Stream: "PA_a|TR_a", Track: "TR_a", Publication: a.session.Microphone()}
		l.negotiate(false)
		if line := l.line(mids[1]); !strings.Contains(line, "a=sendonly") || !strings.Contains(line, "a=msid:PA_a|TR_a TR_a\r\n") {
			t.Errorf("a line with a name is answered\n%s", line)
		}
		expect("one name", allCame, noneCame)
		if st := l.session.Voice(nil); st[0].Publication != nil || st[1].Publication != a.session.Microphone() {
			t.Errorf("slots are %+v", st)
		}
		names[0] = LineName{Stream: "PA_b|TR_b", Track: "TR_b", Publication: b.session.Microphone()}
		l.negotiate(false)
		expect("two names", allCame, allCame)
		l.session.Deny(a.id, true)
		expect("a denied", noneCame, allCame)
		l.session.Deny(a.id, false)
		expect("a allowed", allCame, allCame)
		delete(names, 1)
		l.negotiate(false)
		expect("a's line without a name", noneCame, allCame)
		l.hear() // the mixer's word goes before the pins
		if got := b.speak(20, l); got != noneCame {
			t.Errorf("nobody is to be heard, and of b came %s", got)
		}
	})
}

// A client that restarts ICE a minute after its network went away goes on.
func TestLiveKitComesBackLate(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.joinKit(0, 0), w.joinKit(1, 0)
		a.mic = a.publish(webrtc.MimeTypeOpus, 48000)
		a.negotiate(false)
		b.hear(a.person)
		a.speak(10, b)
		w.lose(func(vnet.Chunk) bool { return true })
		time.Sleep(time.Minute)
		b.note(func() {
			if n := len(b.states); n != 2 || b.states[1] != Interrupted {
				t.Errorf("states %v after a minute of silence, want connected, interrupted", b.states)
			}
		})
		w.lose(nil)
		for _, k := range []*kit{a, b} {
			k.negotiate(true)
		}
		time.Sleep(2 * time.Second)
		if got := a.speak(25, b); got != allCame {
			t.Errorf("after the restart: %s", got)
		}
		w.lose(func(vnet.Chunk) bool { return true })
		time.Sleep(3 * time.Minute)
		for _, k := range []*kit{a, b} {
			select {
			case <-k.session.Done():
			default:
				t.Error("a session goes on without a client")
			}
		}
	})
}

// TestLiveKitGrants has a client offer what its token does not allow.
func TestLiveKitGrants(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.newKit()
		k.mic = k.publish(webrtc.MimeTypeOpus, 48000)
		k.publish(webrtc.MimeTypeVP8, 90000)
		k.receive(webrtc.RTPCodecTypeAudio, 1)
		k.openSession(Offer{PublishVideo: true})
		k.negotiate(false)
		k.connected()
		if n := len(k.session.Publications()); n != 1 || k.session.Video(SourceCamera) == nil || k.session.Microphone() != nil || len(k.session.VoiceMIDs()) != 0 {
			t.Errorf("%d publications and slots %v, want the camera alone", n, k.session.VoiceMIDs())
		}
		if n := strings.Count(k.answer, "a=inactive"); n != 2 {
			t.Errorf("%d lines are answered as inactive, want 2:\n%s", n, k.answer)
		}
	})
}

// TestLiveKitEnds closes sessions at all stages: what they started ends.
func TestLiveKitEnds(t *testing.T) {
	inWorld(t, func(w *world) {
		idle := w.newKit()
		idle.openSession(Offer{})
		offered := w.newKit()
		offered.receive(webrtc.RTPCodecTypeVideo, 2)
		offered.openSession(Offer{Subscribe: true})
		offered.offer()
		_, err := offered.session.Renegotiate(w.ctx, offered.pc.LocalDescription().SDP)
		check(t, err)
		up := w.joinKit(1, 1)
		up.session.Close()
		if _, err := up.session.Renegotiate(w.ctx, up.pc.LocalDescription().SDP); earshot.CodeOf(err) != earshot.CodeAborted {
			t.Errorf("an offer after the end: %v, want aborted", err)
		}
		time.Sleep(w.sfu.cfg.Connect + time.Second)
		for _, k := range []*kit{idle, offered} {
			select {
			case <-k.session.Done():
			default:
				t.Error("a session that never connected goes on")
			}
		}
		if _, err := w.sfu.Open(Offer{Profile: LiveKit, Handler: idle.person}); err == nil {
			t.Error("Open took a handler that cannot name lines")
		}
		if _, _, err := w.sfu.Join(context.Background(), Offer{Profile: LiveKit, SDP: compose(testChannels), Handler: idle}); err == nil {
			t.Error("Join took the profile LiveKit")
		}
	})
}
