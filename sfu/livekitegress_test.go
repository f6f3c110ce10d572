//go:build linux

package sfu

import (
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
)

// Slots that come with a later offer send in batches like those before, and
// Deny means the same for them.
func TestLiveKitLeavesInBatches(t *testing.T) {
	w := onLoopback(t)
	active := func(s *webrtc.SettingEngine) { check(t, s.SetAnsweringDTLSRole(webrtc.DTLSRoleClient)) }
	all := Offer{PublishAudio: true, PublishVideo: true, Subscribe: true}
	a, b := newKit(w.newSocketClient(nil)), newKit(w.newSocketClient(nil))
	for _, k := range []*kit{a, b} {
		k.openSession(all)
		k.gathered()
	}
	d := newDual(w.newSocketClient(nil), w.newSocketClient(active), all)
	d.take(Down{})
	w.until("both ends are connected", func() bool {
		up := true
		for _, p := range []*person{a.person, b.person, d.person} {
			p.note(func() { up = up && len(p.states) > 0 })
		}
		return up
	})
	a.mic = a.publish(webrtc.MimeTypeOpus, 48000)
	a.gathered()
	b.receive(webrtc.RTPCodecTypeAudio, 1)
	b.gathered()
	d.take(Down{Voice: 1})
	heard := func(p *person, s *Session) int { return p.arrivals(s.VoiceMIDs()[0]) }
	for _, s := range []*Session{b.session, d.session} {
		if s.out.byPion() {
			t.Fatal("a session is served by pion")
		}
		s.SetVoice(time.Now(), []VoiceCandidate{{Publication: a.session.Microphone(), ScoreDB: -30}})
	}
	before := w.sfu.sender.Counters().Packets
	talk := func() { a.sayFrame("text", -20) }
	w.until("both listeners hear", func() bool {
		talk()
		return heard(b.person, b.session) > 5 && heard(d.down, d.session) > 5
	})
	if n := w.sfu.sender.Counters().Packets - before; n < 10 {
		t.Errorf("%d packets left in batches", n)
	}
	for _, s := range []*Session{b.session, d.session} {
		s.Deny(a.id, true)
	}
	sent := b.session.Packets(a.session.Microphone().ID()) + d.session.Packets(a.session.Microphone().ID())
	left := w.sfu.sender.Counters().Packets
	for range 20 {
		talk()
	}
	b.gathered()
	for range 20 {
		talk()
	}
	w.until("all was read", func() bool {
		level, _ := a.session.Microphone().Level(time.Now())
		return level > -60
	})
	if n := b.session.Packets(a.session.Microphone().ID()) + d.session.Packets(a.session.Microphone().ID()); n != sent || w.sfu.sender.Counters().Packets > left+8 { // ends of talkspurts
		t.Errorf("%d packets after Deny, %d left in all", n-sent, w.sfu.sender.Counters().Packets-left)
	}
}

// gathered is negotiate for real sockets, whose candidates come later.
func (k *kit) gathered() {
	k.w.t.Helper()
	k.gather(nil)
	var err error
	k.answer, err = k.session.Renegotiate(k.w.ctx, k.pc.LocalDescription().SDP)
	check(k.w.t, err)
	check(k.w.t, k.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: k.answer}))
}
