package sfu

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/transport/v4/vnet"
	"github.com/pion/webrtc/v4"
)

// TestSlotIsOneSource lets three talkers take turns in one slot, in pauses and
// in mid-speech, and checks that the listener got one continuous RTP source
// whose time keeps to the clock.
func TestSlotIsOneSource(t *testing.T) {
	inWorld(t, func(w *world) {
		ear := w.join(shape{voice: 1})
		talkers := []*person{w.join(shape{}), w.join(shape{}), w.join(shape{})}
		for round := range 12 {
			p := talkers[round%3]
			ear.hear(p)
			for _, o := range talkers {
				if o != p { // the others talk too, unheard
					o.sayFrame("unheard", -30)
				}
			}
			p.say(fmt.Sprint(p.id), 20+round, -30)
			if round%4 == 0 {
				ear.hear()
				time.Sleep(700 * time.Millisecond)
			}
		}
		got := ear.received(ear.session.VoiceMIDs()[0])
		if len(got) < 12*20 {
			t.Fatalf("%d packets, want at least %d", len(got), 12*20)
		}
		changes := 0
		for i, a := range got[1:] {
			before := got[i]
			if a.SequenceNumber != before.SequenceNumber+1 || a.SSRC != before.SSRC || a.PayloadType != before.PayloadType {
				t.Errorf("packet %d: %d of %d after %d of %d", i+1, a.SequenceNumber, a.SSRC, before.SequenceNumber, before.SSRC)
			}
			if a.payload == "unheard" {
				t.Errorf("packet %d is of somebody who should not be heard", i+1)
			}
			if a.Marker {
				changes++
			}
		}
		checkClock(t, got)
		if changes < 11 {
			t.Errorf("%d packets have the marker, want one at each change of talker", changes)
		}
	})
}

// checkClock checks that speech never repeats or skips by more than 40 ms:
// RTP time against time of arrival, silence frames apart.
func checkClock(t *testing.T, got []arrival) {
	t.Helper()
	var last *arrival
	for i := range got {
		a := &got[i]
		if a.payload == "\xf8\xff\xfe" {
			continue
		}
		if last != nil {
			rtp := time.Duration(int32(a.Timestamp-last.Timestamp)) * time.Second / 48000
			if d := rtp - a.at.Sub(last.at); d > 40*time.Millisecond || d < -40*time.Millisecond {
				t.Errorf("packet %d: RTP time went on by %v, the clock by %v", i, rtp, a.at.Sub(last.at))
			}
		}
		last = a
	}
}

func TestTailEndsTalkspurt(t *testing.T) {
	inWorld(t, func(w *world) {
		ear, a := w.join(shape{voice: 1}), w.join(shape{})
		ear.hear(a)
		a.say("some speech", 10, -30)
		time.Sleep(time.Second)
		got := ear.received(ear.session.VoiceMIDs()[0])
		if len(got) != 13 {
			t.Fatalf("%d packets, want 10 of speech and 3 of silence", len(got))
		}
		for i, a := range got[10:] {
			if a.payload != "\xf8\xff\xfe" || a.SequenceNumber != got[9].SequenceNumber+uint16(i)+1 {
				t.Errorf("tail %d is %x with number %d", i, a.payload, a.SequenceNumber)
			}
		}
		if n := ear.session.Packets(a.session.Microphone().ID()); n != 10 {
			t.Errorf("Packets() = %d, want 10: silence is not of the talker", n)
		}
	})
}

// TestEmptiedSlotsAreReported takes slots away without SetVoice and SetVideo:
// the next of them reports it, so that the listener is told.
func TestEmptiedSlotsAreReported(t *testing.T) {
	for name, empty := range map[string]func(ear, a *person){
		"denied": func(ear, a *person) { ear.session.Deny(a.id, true) },
		"walled": func(ear, a *person) { ear.session.DenyVoice(a.id, true) },
		"left":   func(_, a *person) { a.session.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				ear, a := w.join(shape{voice: 1}), w.join(shape{})
				voice := []VoiceCandidate{{Publication: a.session.Microphone(), ScoreDB: -20}}
				if !ear.session.SetVoice(time.Now(), voice) || ear.session.SetVoice(time.Now(), voice) {
					t.Fatal("SetVoice reports not just the first change")
				}
				empty(ear, a)
				if !ear.session.SetVoice(time.Now(), nil) {
					t.Error("SetVoice = false after a slot was emptied, want true")
				}
				if ear.session.SetVoice(time.Now(), nil) || ear.session.SetVideo(nil) {
					t.Error("the emptied slot is reported twice")
				}
			})
		})
	}
}

func TestDenyStopsAtOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		ear, a, b := w.join(shape{voice: 2}), w.join(shape{}), w.join(shape{})
		track := a.session.Microphone().ID()

		ear.session.Deny(a.id, true)
		ear.hear(a, b)
		a.say("denied from the first", 25, -20)
		if n := ear.session.Packets(track); n != 0 {
			t.Errorf("denied before: %d packets sent, want 0", n)
		}
		ear.session.Deny(a.id, false)
		ear.hear(a, b)
		a.say("heard", 25, -20)
		before := ear.session.Packets(track)
		if before != 25 {
			t.Errorf("allowed: %d packets sent, want 25", before)
		}
		ear.session.Deny(a.id, true)
		a.say("denied again", 25, -20)
		ear.hear(a, b)
		a.say("denied again", 25, -20)
		if n := ear.session.Packets(track); n != before {
			t.Errorf("denied after: %d packets sent, want %d", n, before)
		}
		for _, mid := range ear.session.VoiceMIDs() {
			for _, packet := range ear.received(mid) {
				if packet.payload != "heard" && packet.payload != "\xf8\xff\xfe" {
					t.Fatalf("the listener got %q", packet.payload)
				}
			}
		}
	})
}

func TestMuteStopsAtOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		ear, a := w.join(shape{voice: 1}), w.join(shape{})
		mic := a.session.Microphone()
		ear.hear(a)
		a.say("open", 20, -20)
		mic.SetMuted(true)
		a.say("muted", 20, -20)
		if level, talking := mic.Level(time.Now()); level != -127 || talking {
			t.Errorf("Level() while muted = %v, %v, want -127, false", level, talking)
		}
		mic.SetMuted(false)
		a.say("open", 20, -20)
		got := ear.received(ear.session.VoiceMIDs()[0])
		for _, packet := range got {
			if packet.payload == "muted" {
				t.Fatal("a muted packet was forwarded")
			}
		}
		if n := ear.session.Packets(mic.ID()); n != 40 {
			t.Errorf("Packets() = %d, want 40", n)
		}
		checkClock(t, got)
	})
}

// TestBrokenPackets sends what no codec was agreed for, and floods: neither
// ends the publication, and the flood is thinned out.
func TestBrokenPackets(t *testing.T) {
	inWorld(t, func(w *world) {
		ear, a := w.join(shape{voice: 1}), w.join(shape{})
		ear.hear(a)
		a.say("before", 10, -20)
		for i := range 20 {
			_, err := a.mic.out.WriteRTP(&rtp.Header{
				Version: 2, PayloadType: uint8(i), SSRC: uint32(a.mic.ssrc), SequenceNumber: a.micSeq + 1 + uint16(i),
			}, []byte("broken"))
			check(t, err)
		}
		a.micSeq += 20
		a.say("after", 10, -20)
		for range 2000 {
			a.sayFrame("flood", -20)
		}
		time.Sleep(time.Second)
		n := 0
		for _, packet := range ear.received(ear.session.VoiceMIDs()[0]) {
			if packet.payload == "after" {
				n++
			}
		}
		if n != 10 {
			t.Errorf("%d packets after the broken ones, want 10", n)
		}
		if sent := ear.session.Packets(a.session.Microphone().ID()); sent > 300 {
			t.Errorf("%d packets sent of a flood, want at most 300", sent)
		}
	})
}

func TestLeavingEmptiesSlots(t *testing.T) {
	inWorld(t, func(w *world) {
		ear, a := w.join(shape{voice: 2, video: 1}), w.join(shape{video: 1})
		ear.hear(a)
		a.session.Video(SourceCamera).SetActive(true)
		if !ear.session.SetVideo([]*Publication{a.session.Video(SourceCamera), nil, a.session.Microphone()}) {
			t.Error("SetVideo() = false, want true")
		}
		a.session.Close()
		for _, s := range append(ear.session.Voice(nil), ear.session.VideoState(nil)...) {
			if s.Publication != nil {
				t.Errorf("slot %d still shows %s", s.Slot, s.Publication.ID())
			}
		}
		if ear.hear(a) {
			ear.say("", 1, -127)
		}
	})
}

// TestICERestart loses a client's address for longer than an interruption,
// lets it restart ICE, and checks that everything goes on.
func TestICERestart(t *testing.T) {
	inWorld(t, func(w *world) {
		ear, a := w.join(shape{voice: 1}), w.join(shape{})
		ear.hear(a)
		a.say("before", 20, -20)
		restart := func(p *person) {
			offer, err := p.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
			check(t, err)
			check(t, p.pc.SetLocalDescription(offer))
			answer, err := p.session.Restart(context.Background(), p.pc.LocalDescription().SDP)
			check(t, err)
			check(t, p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}))
		}
		restart(ear)
		restart(a)
		time.Sleep(3 * time.Second)
		a.say("after", 20, -20)
		check(t, ear.control.SendText("still here"))
		check(t, ear.session.SendControl([]byte("so am I")))
		time.Sleep(time.Second)
		got := ear.received(ear.session.VoiceMIDs()[0])
		last := got[len(got)-4]
		if last.payload != "after" || last.SSRC != got[0].SSRC {
			t.Errorf("after the restarts the last packet is %q of SSRC %d, want %q of %d", last.payload, last.SSRC, "after", got[0].SSRC)
		}
		ear.note(func() {
			if len(ear.got) != 1 || len(ear.heard) != 1 {
				t.Errorf("channels carried %q up, %q down, want a message each", ear.got, ear.heard)
			}
			if ear.states[len(ear.states)-1] != Connected {
				t.Errorf("states = %v, want the last to be connected", ear.states)
			}
		})
	})
}

func TestRestartRefusals(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.join(shape{voice: 1}), w.newPerson(shape{voice: 2})
		for name, offer := range map[string]string{
			"not an offer":      "v=0",
			"no restart":        a.pc.LocalDescription().SDP,
			"other lines":       b.offer(),
			"other certificate": w.newPerson(shape{voice: 1}).offer(),
		} {
			if _, err := a.session.Restart(context.Background(), offer); err == nil {
				t.Errorf("%s: Restart accepted it", name)
			} else {
				t.Logf("%s: %v", name, err)
			}
		}
	})
}

func TestLostClient(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.join(shape{})
		check(t, a.pc.GracefulClose())
		time.Sleep(20 * time.Second)
		synctest.Wait()
		select {
		case <-a.session.Done():
		default:
			t.Errorf("the session of a lost client goes on, connection is %v", a.session.state())
		}
		silent := w.newPerson(shape{})
		offer := Offer{SDP: silent.offer(), Participant: silent.id, Session: "se_x", Handler: silent}
		session, _, err := w.sfu.Join(context.Background(), offer)
		check(t, err)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		select {
		case <-session.Done():
		default:
			t.Errorf("the session of a client that never came goes on, connection is %v", session.state())
		}
	})
}

// TestInterruption cuts a client off for five seconds: it is told apart from
// one that left, and goes on without a restart.
func TestInterruption(t *testing.T) {
	inWorld(t, func(w *world) {
		ear, a := w.join(shape{voice: 1}), w.join(shape{})
		ear.hear(a)
		a.say("before", 10, -20)
		cut := ear.address()
		w.lose(func(c vnet.Chunk) bool {
			return c.DestinationAddr().String() == cut || c.SourceAddr().String() == cut
		})
		a.say("lost", 250, -20)
		w.lose(nil)
		time.Sleep(5 * time.Second)
		a.say("after", 10, -20)
		time.Sleep(time.Second)
		got := ear.received(ear.session.VoiceMIDs()[0])
		if last := got[len(got)-4]; last.payload != "after" {
			t.Errorf("the last packet is %q, want %q", last.payload, "after")
		}
		ear.note(func() {
			if want := []ConnectionState{Connected, Interrupted, Connected}; fmt.Sprint(ear.states) != fmt.Sprint(want) {
				t.Errorf("states = %v, want %v", ear.states, want)
			}
		})
	})
}

// TestConference is a minute of twenty people with six voice slots each, who
// talk in turns and wander in and out of earshot.
func TestConference(t *testing.T) {
	if testing.Short() {
		t.Skip("a simulated minute")
	}
	inWorld(t, func(w *world) {
		var all []*person
		for range 20 {
			all = append(all, w.join(shape{voice: 6}))
		}
		for tick := range 60 * 50 {
			for i, p := range all {
				if (tick/150+i)%4 == 0 { // a quarter talks, three seconds each
					p.sayFrame("speech", -20-i)
				}
				if tick%10 == 0 {
					p.hearFrom(all, tick/500)
				}
			}
			time.Sleep(20 * time.Millisecond)
		}
		for _, p := range all {
			for _, mid := range p.session.VoiceMIDs() {
				got := p.received(mid)
				if lost := len(missing(got)); len(got) == 0 || lost > 0 {
					t.Errorf("%s, slot %s: %d packets, %d lost", p.id, mid, len(got), lost)
				}
				checkClock(t, got)
			}
		}
	})
}

// hearFrom lets p hear all but some, who differ from round to round, by level.
func (p *person) hearFrom(all []*person, round int) {
	var wanted []VoiceCandidate
	for i, o := range all {
		if o != p && (i+round)%5 != 0 {
			level, talking := o.session.Microphone().Level(time.Now())
			wanted = append(wanted, VoiceCandidate{o.session.Microphone(), level - float32((i*7+round*3)%20), talking})
		}
	}
	p.session.SetVoice(time.Now(), wanted)
}

func TestShutdown(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.join(shape{voice: 2}), w.join(shape{voice: 2, video: 1})
		a.hear(b)
		for _, p := range w.all {
			check(t, p.session.SendControl([]byte("bye")))
		}
		w.stop()
		for _, p := range w.all {
			p.note(func() {
				if len(p.heard) != 1 || p.states[len(p.states)-1] != Closed {
					t.Errorf("%s heard %q, states %v, want bye and closed", p.id, p.heard, p.states)
				}
			})
		}
		late := w.newPerson(shape{})
		if _, _, err := w.sfu.Join(context.Background(), Offer{SDP: late.offer(), Handler: late}); err == nil {
			t.Error("Join after the end succeeded")
		}
	})
}
