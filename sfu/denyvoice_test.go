package sfu

import (
	"testing"
	"time"

	"earshot"
)

// TestAWallKeepsVoicesOnly: nothing of a voice comes through a wall, pictures
// do; and neither a wall nor a block is lifted with the other.
func TestAWallKeepsVoicesOnly(t *testing.T) {
	inWorld(t, func(w *world) {
		ear, a := w.join(shape{voice: 1, video: 1}), w.join(shape{video: 1})
		mic, camera := a.session.Microphone(), a.session.Video(SourceCamera)
		camera.SetActive(true)
		say := func(what string) uint64 {
			before := ear.session.Packets(mic.ID())
			ear.hear(a)
			a.say(what, 10, -20)
			return ear.session.Packets(mic.ID()) - before
		}
		showing := func() bool {
			ear.session.SetVideo([]*Publication{camera})
			return ear.session.VideoState(nil)[0].Publication == camera
		}
		for _, step := range []struct {
			what         string
			do           func()
			voice, video bool
		}{
			{"at first", func() {}, true, true},
			{"walled", func() { ear.session.DenyVoice(a.id, true) }, false, true},
			{"blocked too", func() { ear.session.Deny(a.id, true) }, false, false},
			{"unblocked", func() { ear.session.Deny(a.id, false) }, false, true},
			{"the wall gone", func() { ear.session.DenyVoice(a.id, false) }, true, true},
			{"both again", func() { ear.session.Deny(a.id, true); ear.session.DenyVoice(a.id, true) }, false, false},
			{"the wall gone, blocked", func() { ear.session.DenyVoice(a.id, false) }, false, false},
		} {
			step.do()
			if n := say(step.what); (n == 10) != step.voice || !step.voice && n != 0 {
				t.Errorf("%s: %d packets of the voice", step.what, n)
			}
			if got := showing(); got != step.video {
				t.Errorf("%s: the picture is shown: %v, want %v", step.what, got, step.video)
			}
		}
	})
}

// TestATapsWall: an NPC's ears have walls as well, blocks apart.
func TestATapsWall(t *testing.T) {
	inWorld(t, func(w *world) {
		voice := w.sfu.NewSource("pa_npc")
		var e ears
		tap := w.sfu.NewTap(e.handle)
		hears := func() int {
			tap.SetVoice([]*Publication{voice.Publication()})
			for range 5 {
				voice.Write([]byte("word"), -20, time.Now())
				time.Sleep(frameTime)
			}
			return len(e.take())
		}
		const npc = earshot.ParticipantID("pa_npc")
		tap.DenyVoice(npc, true)
		tap.Deny(npc, true)
		tap.Deny(npc, false)
		if n := hears(); n != 0 {
			t.Errorf("%d packets through a wall after a block was lifted, want none", n)
		}
		tap.DenyVoice(npc, false)
		if n := hears(); n != 5 {
			t.Errorf("%d packets without the wall, want 5", n)
		}
		tap.Close()
		voice.Close()
	})
}
