package sfu

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"earshot/sfu/forward"
)

// lens collects what a media tap gets.
type lens struct {
	mu   sync.Mutex
	seen []TapPacket
}

func (l *lens) handle(_ *Publication, p *TapPacket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := *p
	kept.Payload = append([]byte(nil), p.Payload...)
	l.seen = append(l.seen, kept)
}

// take returns what was seen since the last take.
func (l *lens) take() []TapPacket {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := l.seen
	l.seen = nil
	return seen
}

// A tap gets a voice and a video; the video from a key frame on.
func TestMediaTapTakesVideo(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.join(shape{video: 1})
		camera := a.session.Video(SourceCamera)
		camera.SetActive(true)
		var l lens
		tap := w.sfu.NewMediaTap(l.handle)
		tap.SetVoice([]*Publication{mic(a), camera})
		f := &film{p: a, n: 3}
		f.frames(17) // 3 to 19, key frames at 10
		a.sayFrame("voice", -20)
		got := l.take()
		if len(got) != 11 {
			t.Fatalf("%d packets, want 10 of the camera and one of the voice", len(got))
		}
		for i, p := range got[:10] {
			if p.Codec != "vp8" || p.Payload[2] != byte(10+i) || !p.Marker || p.Timestamp != uint32(7+i)*3000 {
				t.Errorf("packet %d: %+v", i, p)
			}
		}
		if p := got[10]; p.Codec != "opus" || string(p.Payload) != "voice" {
			t.Errorf("the voice: %+v", p)
		}
		tap.Close()
	})
}

// Whatever takes a camera away from a tap: not one packet more is handled; and
// it begins again with a key frame.
func TestMediaTapStopsAtOnce(t *testing.T) {
	for name, c := range map[string]struct{ stop, again func(tap *Tap, a *person) }{
		"denied": {
			func(tap *Tap, a *person) { tap.Deny(a.id, true) },
			func(tap *Tap, a *person) {
				tap.Deny(a.id, false)
				tap.SetVoice([]*Publication{a.session.Video(SourceCamera)})
			},
		},
		"not shown": {
			func(_ *Tap, a *person) { a.session.Video(SourceCamera).SetActive(false) },
			func(_ *Tap, a *person) { a.session.Video(SourceCamera).SetActive(true) },
		},
		"out of list": {
			func(tap *Tap, _ *person) { tap.SetVoice(nil) },
			func(tap *Tap, a *person) { tap.SetVoice([]*Publication{a.session.Video(SourceCamera)}) },
		},
		"retired": {func(_ *Tap, a *person) { a.session.Retire() }, nil},
		"closed":  {func(tap *Tap, _ *person) { tap.Close() }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a := w.join(shape{video: 1})
				camera := a.session.Video(SourceCamera)
				camera.SetActive(true)
				var l lens
				tap := w.sfu.NewMediaTap(l.handle)
				tap.SetVoice([]*Publication{camera})
				f := &film{p: a}
				f.frames(10)
				if n := len(l.take()); n != 10 {
					t.Fatalf("%d packets before, want 10", n)
				}
				c.stop(tap, a)
				f.frames(10)
				if n := len(l.take()); n != 0 {
					t.Errorf("%d packets after", n)
				}
				if c.again == nil {
					return
				}
				c.again(tap, a)
				f.frames(20)
				if got := l.take(); len(got) < 10 || name != "not shown" && got[0].Payload[1]&1 != 0 {
					t.Errorf("%d packets when it is allowed again, want them from a key frame on", len(got))
				}
				tap.Close()
			})
		})
	}
}

// A tap of a camera in three layers gets the best that is sent, and has the
// publisher told that all are wanted, also while nothing comes.
func TestMediaTapFollowsTheBestLayer(t *testing.T) {
	inWorld(t, func(w *world) {
		c := w.joinLayered()
		camera := c.p.session.Video(SourceCamera)
		camera.SetActive(true)
		time.Sleep(wishHold + time.Second)
		if n := camera.Wanted(time.Now()); n != 0 {
			t.Fatalf("%d layers wanted by nobody", n)
		}
		var l lens
		tap := w.sfu.NewMediaTap(l.handle)
		tap.SetVoice([]*Publication{camera})
		tap.Refresh(time.Now())
		if n := camera.Wanted(time.Now()); n != 3 {
			t.Errorf("%d layers wanted for the tap, want 3", n)
		}
		c.frames(30)
		got := l.take()
		if len(got) < 25 || got[len(got)-1].Layer != 2 {
			t.Fatalf("%d packets, the last of layer %d, want layer 2", len(got), got[len(got)-1].Layer)
		}
		c.silent[2] = true
		c.frames(60)
		got = l.take()
		if len(got) < 20 || got[0].Layer != 1 {
			t.Fatalf("%d packets while the best is not sent, the first of layer %d", len(got), got[0].Layer)
		}
		var v forward.VP8Header
		if !v.Parse(got[0].Payload) || !v.KeyFrame {
			t.Error("the other layer does not begin with a key frame")
		}
		tap.WantKeyFrame(camera)
		tap.Close()
	})
}

func TestMediaTapDoesNotAllocate(t *testing.T) {
	p, _ := newFanOut(t, forward.VP8, 1)
	n := 0
	tap := new(SFU).NewMediaTap(func(*Publication, *TapPacket) { n++ })
	tap.SetVoice([]*Publication{p})
	b := testPacket(t, append([]byte{0x10, 0x10}, make([]byte, 1000)...))
	var packet forward.Packet
	now, seq := time.Now(), uint16(0)
	send := func() {
		seq++
		now = now.Add(time.Second / 30)
		next(b, seq, uint32(seq)*3000)
		if packet.Parse(b) != nil {
			t.Fatal("malformed")
		}
		p.receive(&packet, now)
	}
	for range videoCache {
		send()
	}
	if allocs := testing.AllocsPerRun(500, send); allocs != 0 {
		t.Errorf("%v allocations a packet, want 0", allocs)
	}
	if n != videoCache+501 {
		t.Errorf("%d packets tapped, want %d", n, videoCache+501)
	}
}
