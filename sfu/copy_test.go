package sfu

import (
	"sync"
	"testing"
	"time"

	"earshot/sfu/forward"
)

// wirePair is a link without a network: what a Copy takes, a Remote gets.
type wirePair struct {
	mu       sync.Mutex
	to       *Remote
	taken    int
	recalled int
}

func (w *wirePair) Take(p *CopyPacket) {
	w.mu.Lock()
	w.taken++
	to := w.to
	w.mu.Unlock()
	if to != nil {
		to.Receive(p, time.Now())
	}
}

func (w *wirePair) Recall() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.recalled++
}

func (w *wirePair) counts() (taken, recalled int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.taken, w.recalled
}

// carry makes a Remote of a voice, as if it came from another node.
func carry(s *SFU, p *Publication) (*Copy, *Remote, *wirePair) {
	r := s.NewRemote(RemoteConfig{ID: p.ID(), Participant: p.Participant(), Source: p.Source(), Layers: max(1, len(p.layers))})
	w := &wirePair{to: r}
	return NewCopy(p, forward.MaxLayers-1, w, 0), r, w
}

// Ten people hear one talker of another node: each packet is copied once, and
// the level that the slots compete by comes along.
func TestRemoteIsHeardOfOneCopy(t *testing.T) {
	inWorld(t, func(w *world) {
		voice := w.sfu.NewSource("pa_npc")
		copied, remote, link := carry(w.sfu, voice.Publication())
		ears := make([]*person, 10)
		for i := range ears {
			ears[i] = w.join(shape{voice: 1})
			ears[i].session.SetVoice(time.Now(), []VoiceCandidate{{Publication: remote.Publication(), ScoreDB: -30}})
		}
		speak(voice, "hello", 50, -23)
		if level, talking := remote.Publication().Level(time.Now()); level < -25 || level > -22 || !talking {
			t.Errorf("Level() = %v, %v, want about -23, true", level, talking)
		}
		for i, ear := range ears {
			if got := ear.speech(); len(got) != 50 {
				t.Errorf("listener %d got %d packets, want 50", i, len(got))
			}
		}
		if taken, _ := link.counts(); taken != 50 || copied.Packets() != 50 {
			t.Errorf("%d packets went over the link, %d by its own count, want 50 for ten listeners", taken, copied.Packets())
		}
	})
}

// Orders on either node hold when they return: a mute where somebody talks, a
// Deny, a mute and a wall where they are heard.
func TestOrdersHoldForRemotes(t *testing.T) {
	for name, order := range map[string]struct {
		give    func(*Copy, *Remote, *person)
		crosses bool // packets still go over the link
	}{
		"muted at the source": {func(c *Copy, _ *Remote, _ *person) { c.Publication().SetMuted(true) }, false},
		"held":                {func(c *Copy, _ *Remote, _ *person) { c.Hold() }, false},
		"copy closed":         {func(c *Copy, _ *Remote, _ *person) { c.Close() }, false},
		"muted where heard":   {func(_ *Copy, r *Remote, _ *person) { r.Publication().SetMuted(true) }, true},
		"denied":              {func(_ *Copy, r *Remote, p *person) { p.session.Deny(r.Publication().Participant(), true) }, true},
		"a wall":              {func(_ *Copy, r *Remote, p *person) { p.session.DenyVoice(r.Publication().Participant(), true) }, true},
		"remote closed":       {func(_ *Copy, r *Remote, _ *person) { r.Close() }, true},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				voice := w.sfu.NewSource("pa_npc")
				copied, remote, link := carry(w.sfu, voice.Publication())
				ear := w.join(shape{voice: 1})
				hear := []VoiceCandidate{{Publication: remote.Publication(), ScoreDB: -30}}
				ear.session.SetVoice(time.Now(), hear)
				speak(voice, "allowed", 10, -23)
				order.give(copied, remote, ear)
				before, _ := link.counts()
				for range 10 {
					ear.session.SetVoice(time.Now(), hear) // the mixer knows nothing of it
					speak(voice, "forbidden", 1, -23)
				}
				for _, a := range ear.speech() {
					if a.payload == "forbidden" {
						t.Fatal("a packet came after the order")
					}
				}
				taken, recalled := link.counts()
				if crossed := taken > before; crossed != order.crosses {
					t.Errorf("packets crossed the link: %v, want %v", crossed, order.crosses)
				}
				if !order.crosses && recalled == 0 {
					t.Error("what waited for the link was not recalled")
				}
			})
		})
	}
}

// A wish for a key frame of a remote video crosses to the node of its publisher.
func TestRemoteAsksForKeyFrames(t *testing.T) {
	s := bareSFU(t)
	var asked []int
	r := s.NewRemote(RemoteConfig{ID: "tr_x", Participant: "pa_a", Source: SourceCamera, Layers: 3, KeyFrame: func(layer int) { asked = append(asked, layer) }})
	if r.Publication().Sizes() != 3 || !r.Publication().Video() {
		t.Fatalf("%d sizes, video %v", r.Publication().Sizes(), r.Publication().Video())
	}
	r.Publication().wantKeyFrame(2, time.Now())
	if len(asked) != 1 || asked[0] != 2 {
		t.Errorf("asked for %v, want layer 2", asked)
	}
}

// What does not fit the publication is dropped.
func TestRemoteRefusesWhatDoesNotFit(t *testing.T) {
	s := bareSFU(t)
	r := s.NewRemote(RemoteConfig{ID: "tr_x", Participant: "pa_a", Source: SourceMicrophone})
	w := &wirePair{}
	NewCopy(r.Publication(), 0, w, 0)
	for _, p := range []CopyPacket{
		{Codec: 0, Payload: []byte{1}}, {Codec: uint8(forward.VP8), Payload: []byte{1}}, {Codec: 15, Payload: []byte{1}},
		{Codec: uint8(forward.Opus), Layer: 1, Payload: []byte{1}},
	} {
		r.Receive(&p, time.Now())
	}
	if w.taken != 0 {
		t.Errorf("%d packets passed that do not fit", w.taken)
	}
	r.Receive(&CopyPacket{Codec: uint8(forward.Opus), Payload: []byte{1}}, time.Now())
	if w.taken != 1 {
		t.Error("one that fits did not pass")
	}
}

func TestRemotePacketDoesNotAllocate(t *testing.T) {
	p, out := newFanOut(t, forward.Opus, 20)
	r := &Remote{publication: p}
	for codec := range forward.Codecs {
		p.codecs[codec] = codec
	}
	packet := CopyPacket{Codec: uint8(forward.Opus), SSRC: 5, HasLevel: true, Level: -30, Payload: make([]byte, 80)}
	back := &CopyPacket{}
	p.subscribe(&Copy{publication: p, sink: sinkFunc(func(c *CopyPacket) { *back = *c })})
	now := time.Now()
	send := func() {
		packet.Seq++
		packet.Timestamp += 960
		now = now.Add(20 * time.Millisecond)
		r.Receive(&packet, now)
	}
	for range 100 {
		send()
	}
	if n := testing.AllocsPerRun(500, send); n != 0 {
		t.Errorf("%v allocations a packet, want 0", n)
	}
	if out.packets != 20*601 || back.Seq != 601 {
		t.Errorf("%d packets written, want %d; the copy of packet %d", out.packets, 20*601, back.Seq)
	}
}

type sinkFunc func(*CopyPacket)

func (f sinkFunc) Take(p *CopyPacket) { f(p) }
func (f sinkFunc) Recall()            {}

func bareSFU(t testing.TB) *SFU {
	m, err := newMetrics(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &SFU{cfg: DefaultConfig(), metrics: m}
}
