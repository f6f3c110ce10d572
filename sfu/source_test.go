package sfu

import (
	"fmt"
	"testing"
	"time"
)

// speak writes n frames of 20 ms.
func speak(s *Source, text string, n int, dBov int8) {
	for range n {
		s.Write([]byte(text), dBov, time.Now())
		time.Sleep(frameTime)
	}
}

// hearSource makes the session of p hear a source.
func (p *person) hearSource(s *Source) bool {
	return p.session.SetVoice(time.Now(), []VoiceCandidate{{Publication: s.Publication(), ScoreDB: -30}})
}

// speech returns the packets of a listener's only voice slot that are not
// silence.
func (p *person) speech() (speech []arrival) {
	for _, a := range p.received(p.session.VoiceMIDs()[0]) {
		if a.payload != "\xf8\xff\xfe" {
			speech = append(speech, a)
		}
	}
	return speech
}

// A source speaks twice with a second of silence between: a client hears one
// continuous RTP source whose time counts the silence.
func TestSourceIsHeard(t *testing.T) {
	inWorld(t, func(w *world) {
		ear := w.join(shape{voice: 1})
		voice := w.sfu.NewSource("pa_npc")
		if !ear.hearSource(voice) {
			t.Error("SetVoice(source) = false, want true")
		}
		if level, talking := voice.Publication().Level(time.Now()); level != -127 || talking {
			t.Errorf("Level() before the first frame = %v, %v, want -127, false", level, talking)
		}
		speak(voice, "first", 50, -23)
		if level, talking := voice.Publication().Level(time.Now()); level < -25 || level > -22 || !talking {
			t.Errorf("Level() while speaking = %v, %v, want about -23, true", level, talking)
		}
		time.Sleep(time.Second)
		if _, talking := voice.Publication().Level(time.Now()); talking {
			t.Error("the source still talks after a second of silence")
		}
		speak(voice, "second", 50, -23)
		all, got := ear.received(ear.session.VoiceMIDs()[0]), ear.speech()
		if len(got) != 100 || got[49].payload != "first" || got[50].payload != "second" {
			t.Fatalf("%d packets of speech, want 50 and 50", len(got))
		}
		if lost := missing(all); len(lost) > 0 {
			t.Errorf("packets %v are missing", lost)
		}
		for i, a := range got {
			if want := i == 0 || i == 50; a.Marker != want {
				t.Errorf("packet %d has the marker: %v, want %v", i, a.Marker, want)
			}
		}
		checkClock(t, all)
		if n := ear.session.Packets(voice.Publication().ID()); n != 100 {
			t.Errorf("Packets() = %d, want 100", n)
		}
	})
}

// Within a talkspurt a late frame changes nothing; after a pause the marker is
// set and the timestamp counts it.
func TestSourceNumbersFrames(t *testing.T) {
	s := bareSource(t)
	now := time.Unix(1000, 0)
	start := s.packet
	for i, c := range []struct {
		wait    time.Duration // since the frame before
		samples uint32
		marker  bool
	}{
		{0, 960, true},
		{20 * time.Millisecond, 960, false},
		{95 * time.Millisecond, 960, false}, // 75 ms late, by a busy machine
		{0, 960, false},                     // and the frames that waited
		{0, 960, false},
		{5 * time.Millisecond, 960, false},
		{20 * time.Millisecond, 960, false},
		{120 * time.Millisecond, 7 * 960, true},
		{time.Hour, 3600 * 48000, true},
	} {
		now = now.Add(c.wait)
		before := s.packet
		s.Write([]byte("x"), -20, now)
		if s.packet.Seq != before.Seq+1 || s.packet.SSRC != start.SSRC {
			t.Errorf("frame %d: number %d of %d after %d of %d", i, s.packet.Seq, s.packet.SSRC, before.Seq, before.SSRC)
		}
		if got := s.packet.Timestamp - before.Timestamp; got != c.samples || s.packet.Marker != c.marker {
			t.Errorf("frame %d: timestamp + %d, marker %v, want + %d, %v", i, got, s.packet.Marker, c.samples, c.marker)
		}
	}
}

func bareSource(t testing.TB) *Source {
	m, err := newMetrics(nil)
	if err != nil {
		t.Fatal(err)
	}
	return (&SFU{cfg: DefaultConfig(), metrics: m}).NewSource("pa_npc")
}

// A source is muted, denied and closed in mid-speech: from the moment that the
// call returns, a client gets none of its packets.
func TestSourceStopsAtOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		ear := w.join(shape{voice: 1})
		voice := w.sfu.NewSource("pa_npc")
		track := voice.Publication().ID()
		ear.hearSource(voice)
		for _, step := range []struct {
			name     string
			on, off  func()
			reported bool
		}{
			{"muted", func() { voice.Publication().SetMuted(true) }, func() { voice.Publication().SetMuted(false) }, false},
			{"denied", func() { ear.session.Deny("pa_npc", true) }, func() { ear.session.Deny("pa_npc", false) }, true},
			{"closed", voice.Close, func() {}, true},
		} {
			speak(voice, "heard", 25, -20)
			before := ear.session.Packets(track)
			step.on()
			speak(voice, step.name, 25, -20)
			if n := ear.session.Packets(track); n != before || n == 0 {
				t.Errorf("%s: %d packets sent, want the %d from before", step.name, n, before)
			}
			if got := ear.session.SetVoice(time.Now(), nil); got != true {
				t.Errorf("%s: SetVoice reports %v, want true", step.name, got)
			}
			step.off()
			ear.hearSource(voice)
		}
		voice.Close()
		for _, a := range ear.speech() {
			if a.payload != "heard" {
				t.Fatalf("the listener got %q", a.payload)
			}
		}
	})
}

// A client and a source talk in turns in one slot.
func TestSourceSharesASlot(t *testing.T) {
	inWorld(t, func(w *world) {
		ear, a := w.join(shape{voice: 1}), w.join(shape{})
		voice := w.sfu.NewSource("pa_npc")
		for range 4 {
			ear.hear(a)
			a.say(fmt.Sprint(a.id), 20, -20)
			ear.hearSource(voice)
			speak(voice, "npc", 20, -20)
		}
		got := ear.received(ear.session.VoiceMIDs()[0])
		if len(got) < 150 || len(missing(got)) > 0 {
			t.Errorf("%d packets, %d missing, want 160 without a gap", len(got), len(missing(got)))
		}
		checkClock(t, got)
		voice.Close()
	})
}

func TestSourceRefusesWhatIsNoFrame(t *testing.T) {
	s := bareSource(t)
	before := s.packet.Seq
	s.Write(nil, -20, time.Now())
	s.Write(make([]byte, maxOpusFrame+1), -20, time.Now())
	if s.packet.Seq != before {
		t.Errorf("%d frames were numbered, want none", s.packet.Seq-before)
	}
}

func TestSourceDoesNotAllocate(t *testing.T) {
	s := bareSource(t)
	out, heard := listenTo(s.Publication(), 20), 0
	tap := new(SFU).NewTap(func(*Publication, uint16, uint32, []byte) { heard++ })
	tap.SetVoice([]*Publication{s.Publication()})
	now, frame := time.Now(), make([]byte, 80)
	if n := testing.AllocsPerRun(500, func() {
		now = now.Add(frameTime)
		s.Write(frame, -23, now)
	}); n != 0 {
		t.Errorf("%v allocations a frame, want 0", n)
	}
	if out.packets != 20*501 || heard != 501 {
		t.Errorf("%d packets written, %d tapped, want %d and 501", out.packets, heard, 20*501)
	}
}

// BenchmarkSource is one frame of an NPC to 50 listeners, without SRTP and the
// network.
func BenchmarkSource(b *testing.B) {
	s := bareSource(b)
	out := listenTo(s.Publication(), 50)
	now, frame := time.Now(), make([]byte, 80)
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(frameTime)
		s.Write(frame, -23, now)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(out.packets), "ns/packet")
}
