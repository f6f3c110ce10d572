package sfu

import (
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
)

// A line that is stopped loses its publication, one that is used again gets
// another, and several publish side by side.
func TestLiveKitPublications(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.joinKit(0, 0), w.joinKit(2, 1)
		a.source = func(l SendLine) string {
			switch {
			case l.Video:
				return SourceScreen
			case len(a.published) == 0:
				return SourceMicrophone
			}
			return SourceScreenAudio
		}
		a.mic = a.publish(webrtc.MimeTypeOpus, 48000)
		a.negotiate(false)
		microphone := a.session.Microphone()
		screen := a.publish(webrtc.MimeTypeVP8, 90000)
		sound := a.publish(webrtc.MimeTypeOpus, 48000)
		a.negotiate(false)
		if got := a.session.Microphone(); got != microphone || got.Participant() != a.id {
			t.Errorf("the microphone changed: %v, %v", microphone, got)
		}
		if n := len(a.session.Publications()); n != 3 || a.session.Video(SourceScreen) == nil {
			t.Errorf("%d publications, want 3, one a screen", n)
		}
		if got := a.sent[2]; got.Track != "opus" || got.Stream != "p" || a.published[2].MID() != got.MID || a.published[2].Source() != SourceScreenAudio {
			t.Errorf("the third line is %+v", got)
		}
		_, _ = screen, sound
		b.hear(a.person)
		if got := a.speak(25, b); got != allCame {
			t.Errorf("before the stop: %s", got)
		}

		var sender *webrtc.RTPSender
		for _, tr := range a.pc.GetTransceivers() {
			if tr.Mid() == microphone.MID() {
				sender = tr.Sender()
			}
		}
		check(t, a.pc.RemoveTrack(sender))
		a.negotiate(false)
		if len(a.unpublished) != 1 || a.unpublished[0] != microphone || a.session.Microphone() != nil {
			t.Fatalf("%d publications ended, want the microphone", len(a.unpublished))
		}
		if b.hear(); b.session.Voice(nil)[0].Publication != nil {
			t.Error("the ended microphone is in a slot")
		}
		if !strings.Contains(a.line(microphone.MID()), "a=inactive") {
			t.Errorf("the stopped line is answered\n%s", a.line(microphone.MID()))
		}

		a.source = func(SendLine) string { return SourceMicrophone }
		again := a.track(webrtc.MimeTypeOpus, 48000)
		added, err := a.pc.AddTrack(again)
		check(t, err)
		go drainSender(added)
		a.mic = again
		a.negotiate(false)
		p := a.session.Microphone()
		if p == nil || p == microphone || p.ID() == microphone.ID() || p.MID() != microphone.MID() {
			t.Fatalf("the line used again has %v, want another publication on line %s", p, microphone.MID())
		}
		b.hear(a.person)
		if got := a.speak(25, b); got != allCame {
			t.Errorf("on the line used again: %s", got)
		}
	})
}

// A client that stops a line for good may put another in its place.
func TestLiveKitLinesAreReplaced(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.newKit()
		k.openSession(Offer{PublishAudio: true, Subscribe: true})
		exchange := func(lines ...string) {
			t.Helper()
			text := compose(append([]string{testChannels}, lines...)...)
			if strings.HasPrefix(lines[0], "m=audio 0") {
				text = strings.Replace(text, "BUNDLE d 0 1", "BUNDLE d", 1)
			}
			var err error
			k.answer, err = k.session.Renegotiate(w.ctx, text)
			check(t, err)
			if n := strings.Count(k.answer, "\nm="); n != 1+len(lines) {
				t.Fatalf("%d lines are answered, want %d:\n%s", n, 1+len(lines), k.answer)
			}
		}
		send, take := audio("0", "sendonly")+"a=ssrc:5 cname:x\r\n", audio("1", "recvonly")
		exchange(send, take)
		exchange(rejected(send), rejected(take))
		if len(k.unpublished) != 1 || len(k.session.Publications()) != 0 || !k.session.voice[0].closed {
			t.Errorf("%d ended, %d are left, slot closed %v", len(k.unpublished), len(k.session.Publications()), k.session.voice[0].closed)
		}
		for _, mid := range []string{"0", "1"} {
			if !strings.HasPrefix(k.line(mid), "audio 0 ") {
				t.Errorf("line %s is answered\n%s", mid, k.line(mid))
			}
		}
		exchange(audio("2", "recvonly"), audio("3", "sendonly")+"a=ssrc:6 cname:x\r\n")
		if st := k.session.voice; len(st) != 2 || !st[0].closed || st[1].closed {
			t.Errorf("%d slots, want the one of before closed and another open", len(st))
		}
		if p := k.session.Microphone(); p == nil || p.MID() != "3" {
			t.Errorf("the microphone is %v, want that of line 3", p)
		}
	})
}

// A camera in layers, announced by an offer of a session that goes on.
func TestLiveKitSimulcast(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.joinKit(0, 0), w.joinKit(0, 1)
		c := &layered{p: a.person}
		for round, publish := range []func(){func() { c.publish("q", "h", "f") }, func() {
			for _, tr := range a.pc.GetTransceivers() {
				check(t, a.pc.RemoveTrack(tr.Sender()))
			}
			a.negotiate(false)
			c.publish("q", "h", "f")
		}} {
			publish()
			a.negotiate(false)
			p := a.session.Video(SourceCamera)
			if p == nil || strings.Join(p.Layers(), " ") != "q h f" {
				t.Fatalf("round %d: the camera is %v", round, p)
			}
			b.clear()
			b.session.SetVideo([]*Publication{p})
			c.frames(90)
			time.Sleep(100 * time.Millisecond)
			if n := len(b.received(b.session.VideoMIDs()[0])); n < 60 {
				t.Errorf("round %d: %d frames came, want about 90", round, n)
			}
		}
	})
}

// A client may stop and publish as often as it likes: what it stopped makes room
// for what it begins.
func TestLiveKitPublishesAgainAndAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.joinKit(0, 0), w.joinKit(1, 0)
		for round := range 2 * mostSources {
			a.mic = a.track(webrtc.MimeTypeOpus, 48000)
			sender, err := a.pc.AddTrack(a.mic)
			check(t, err)
			go drainSender(sender)
			a.negotiate(false)
			b.hear(a.person)
			if got := a.speak(10, b); got != allCame {
				t.Fatalf("round %d: %s", round, got)
			}
			check(t, a.pc.RemoveTrack(sender))
			a.negotiate(false)
			time.Sleep(time.Second)
		}
		if n := strings.Count(a.answer, "m=audio"); n != 1 {
			t.Errorf("%d lines of voice, want one that was used again and again", n)
		}
	})
}

// TestLiveKitStereo looks at what answers say of it.
func TestLiveKitStereo(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.joinKit(1, 1)
		if strings.Contains(k.answer, "stereo") {
			t.Errorf("stereo is answered to one who did not offer it:\n%s", k.answer)
		}
		k.stereo = true
		k.mic = k.publish(webrtc.MimeTypeOpus, 48000)
		k.reoffer("audio", func(line string) string {
			return strings.ReplaceAll(line, "minptime=10;useinbandfec=1", "minptime=10;useinbandfec=1;stereo=1")
		})
		if line := k.line(k.session.VoiceMIDs()[0]); !strings.Contains(line, ";sprop-stereo=1\r\n") {
			t.Errorf("a receive line is answered\n%s", line)
		}
		if line := k.line(k.session.Microphone().MID()); !strings.Contains(line, ";sprop-stereo=1;stereo=1\r\n") {
			t.Errorf("the line of a voice in stereo is answered\n%s", line)
		}
	})
}
