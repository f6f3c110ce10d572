package sfu

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"earshot"
	"earshot/sfu/forward"
)

// carrying is who is in a bed.
func carrying(who ...earshot.ParticipantID) []earshot.ParticipantID { return who }

// TestABedIsDeniedWithWhomItCarries: whoever is denied one of those in a bed,
// by a block or a wall, before or after they are in it, gets no packet of it;
// nor does one who is in it themselves. Others go on.
func TestABedIsDeniedWithWhomItCarries(t *testing.T) {
	inWorld(t, func(w *world) {
		ear, other := w.join(shape{voice: 1}), w.join(shape{voice: 1})
		bed := w.sfu.NewBed()
		bed.Publication().SetCarried(carrying("pa_a", "pa_b"))
		for _, step := range []struct {
			what  string
			do    func()
			heard bool
		}{
			{"at first", func() {}, true},
			{"one in it denied", func() { ear.session.Deny("pa_b", true) }, false},
			{"they leave the bed", func() { bed.Publication().SetCarried(carrying("pa_a")) }, true},
			{"they come back", func() { bed.Publication().SetCarried(carrying("pa_a", "pa_b")) }, false},
			{"allowed again", func() { ear.session.Deny("pa_b", false) }, true},
			{"a wall before one in it", func() { ear.session.DenyVoice("pa_a", true) }, false},
			{"denied too, the wall gone", func() { ear.session.Deny("pa_a", true); ear.session.DenyVoice("pa_a", false) }, false},
			{"allowed", func() { ear.session.Deny("pa_a", false) }, true},
			{"the listener in it", func() { bed.Publication().SetCarried(carrying("pa_a", ear.id)) }, false},
			{"nobody in it", func() { bed.Publication().SetCarried(nil) }, true},
		} {
			ear.hearSource(bed)
			other.hearSource(bed)
			step.do()
			before, others := ear.session.Packets(bed.Publication().ID()), other.session.Packets(bed.Publication().ID())
			speak(bed, step.what, 5, -20) // nothing since the order says who is in the slot
			if n := ear.session.Packets(bed.Publication().ID()) - before; !step.heard && n != 0 {
				t.Errorf("%s: %d packets", step.what, n)
			}
			if n := other.session.Packets(bed.Publication().ID()) - others; n != 5 {
				t.Errorf("%s: the other got %d packets, want 5", step.what, n)
			}
			ear.hearSource(bed)
			before = ear.session.Packets(bed.Publication().ID())
			speak(bed, step.what, 5, -20)
			if n := ear.session.Packets(bed.Publication().ID()) - before; (n == 5) != step.heard || !step.heard && n != 0 {
				t.Errorf("%s, chosen again: %d packets", step.what, n)
			}
		}
		bed.Close()
	})
}

// TestABedIsNotRepeated: no packet of a bed holds an earlier one, and none is
// sent again: somebody in it may have been forbidden since.
func TestABedIsNotRepeated(t *testing.T) {
	p, s, w, now := protectedSlot(t, 2)
	p.source = SourceBed
	k := &talk{t: t, p: p, now: now}
	k.say("crowd", 5)
	for i, packet := range w.packets[1000] {
		if got := frames(t, packet); len(got) != 1 {
			t.Errorf("packet %d brings %q, want one frame", i, got)
		}
	}
	last := w.packets[1000][4].SequenceNumber
	if s.resend(last, nil) {
		t.Error("a packet of a bed was sent again")
	}
}

// TestInterrupt: the packets of a bed before and after are those of two talks,
// as they are after a mute.
func TestInterrupt(t *testing.T) {
	inWorld(t, func(w *world) {
		ear := w.join(shape{voice: 1})
		bed := w.sfu.NewBed()
		ear.hearSource(bed)
		speak(bed, "before", 5, -20)
		bed.Interrupt()
		speak(bed, "after", 5, -20)
		got := ear.speech()
		if len(got) != 10 || got[4].payload != "before" || got[5].payload != "after" || !got[5].Marker {
			t.Errorf("%d packets came, want five and five with a marker between", len(got))
		}
		bed.Close()
	})
}

// TestBedsInARace: however SetVoice, SetCarried and Deny meet, a session that is
// denied somebody does not have a bed that carries them.
func TestBedsInARace(t *testing.T) {
	p, _ := newFanOut(t, forward.Opus, 0)
	p.source = SourceBed
	s := listening(&SFU{cfg: DefaultConfig(), metrics: p.metrics}, &offer{})
	s.denied, s.counters = map[earshot.ParticipantID]struct{}{}, map[earshot.TrackID]*atomic.Uint64{}
	s.seats = forward.NewSlots[*Publication](1)
	sl := newSlot(s, "1", forward.Audio, 0)
	s.voice = []*slot{sl}
	for i := range 2000 {
		who := earshot.ParticipantID(fmt.Sprintf("pa_%d", i))
		p.SetCarried(carrying("pa_else"))
		var all sync.WaitGroup
		all.Go(func() { s.SetVoice(time.Now(), []VoiceCandidate{{Publication: p}}) })
		all.Go(func() { p.SetCarried(carrying("pa_else", who)) })
		all.Go(func() { s.Deny(who, true) })
		all.Wait()
		if sl.shows(p) {
			t.Fatalf("round %d: a session hears a bed with somebody in it whom it is denied", i)
		}
		s.Deny(who, false)
	}
}

// TestATapOfABed: taps are denied what sessions are.
func TestATapOfABed(t *testing.T) {
	inWorld(t, func(w *world) {
		bed := w.sfu.NewBed()
		var e ears
		tap := w.sfu.NewTap(e.handle)
		hears := func() int {
			tap.SetVoice([]*Publication{bed.Publication()})
			speak(bed, "word", 5, -20)
			return len(e.take())
		}
		bed.Publication().SetCarried(carrying("pa_a"))
		tap.Deny("pa_b", true)
		if n := hears(); n != 5 {
			t.Errorf("%d packets, want 5", n)
		}
		bed.Publication().SetCarried(carrying("pa_a", "pa_b"))
		if n := hears(); n != 0 {
			t.Errorf("%d packets with one in it who is denied, want none", n)
		}
		tap.Close()
		bed.Close()
	})
}
