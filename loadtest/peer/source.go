package peer

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"

	"earshot/loadtest"
	"earshot/loadtest/truth"
)

// VideoLoad is what a camera sends.
type VideoLoad struct {
	Kbps int // of payload
	FPS  int
}

// keyEvery is the time between key frames that nobody asked for, keyAgain the
// least time between two that were.
const (
	keyEvery = 5 * time.Second
	keyAgain = 300 * time.Millisecond
)

// source sends the frames of one Sender.
type source struct {
	to    *Sender
	load  VideoLoad
	bot   uint32
	every time.Duration
	due   time.Time

	packet  rtp.Packet
	tick    uint32
	lastKey time.Time
	sent    uint64 // packets within the window
}

// orchestra sends the streams of all senders from one goroutine, each frame at
// its own time, spread evenly so that no two senders are in step.
type orchestra struct {
	sources []*source
	window  atomic.Pointer[Window]
	late    truth.Histogram // ms behind the time that was due, within the window
}

func newOrchestra(senders []*Sender, load VideoLoad, now time.Time) *orchestra {
	o := &orchestra{}
	o.window.Store(&Window{})
	for i, s := range senders {
		every := loadtest.FrameDuration
		if s.media == Video {
			every = time.Second / time.Duration(load.FPS)
		}
		rng := rand.New(rand.NewPCG(1, uint64(i)))
		src := &source{to: s, load: load, bot: uint32(i + 1), every: every, due: now.Add(every * time.Duration(i) / time.Duration(len(senders)))}
		src.packet.Version = 2
		src.packet.SequenceNumber = uint16(rng.Uint32())
		src.packet.Timestamp = rng.Uint32()
		o.sources = append(o.sources, src)
	}
	return o
}

// play sends until ctx ends.
func (o *orchestra) play(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		now, window := time.Now(), *o.window.Load()
		next := now.Add(time.Second)
		for _, s := range o.sources {
			for !s.due.After(now) {
				if window.holds(now) {
					o.late.Add(float64(now.Sub(s.due)) / float64(time.Millisecond))
				}
				s.frame(window)
				s.due = s.due.Add(s.every)
			}
			if s.due.Before(next) {
				next = s.due
			}
		}
		timer.Reset(time.Until(next))
	}
}

// sent returns how many packets left within the window; after play.
func (o *orchestra) sent() (n uint64) {
	for _, s := range o.sources {
		n += s.sent
	}
	return n
}

func (s *source) frame(w Window) {
	if s.to.media == Video {
		s.picture(w)
	} else {
		s.sound(w)
	}
	s.tick++
}

func (s *source) sound(w Window) {
	at := time.Now()
	s.packet.SequenceNumber++
	s.packet.Timestamp += loadtest.SamplesPerFrame
	s.packet.Marker = s.tick == 0
	s.packet.Payload = loadtest.AppendFrame(s.packet.Payload[:0],
		loadtest.Frame{Bot: s.bot, Tick: s.tick, Sent: s.tick, Into: 1, At: at}, loadtest.DefaultFrameBytes)
	s.send(at, w)
}

// picture sends a frame, all packets at once. A key frame has four times the
// size of others.
func (s *source) picture(w Window) {
	at := time.Now()
	key := s.tick == 0 || at.Sub(s.lastKey) >= keyEvery
	if at.Sub(s.lastKey) >= keyAgain && s.to.asked.Swap(false) {
		key = true
	}
	rest := max(s.load.Kbps*1000/8/s.load.FPS, minVideoPayload)
	if key {
		rest, s.lastKey = 4*rest, at
	}
	s.packet.Timestamp += uint32(90000 / s.load.FPS)
	for n := uint16(0); rest > 0; n++ {
		size := piece(rest)
		rest -= size
		s.packet.SequenceNumber++
		s.packet.Marker = rest == 0
		s.packet.Payload = appendVideo(s.packet.Payload[:0],
			mark{Bot: s.bot, Frame: s.tick, Packet: n, Last: rest == 0, At: at}, key, size)
		s.send(at, w)
	}
}

// piece is how much of so many bytes goes into the next packet: what is left
// has to have room for a mark.
func piece(bytes int) int {
	size := min(bytes, maxVideoPayload)
	if left := bytes - size; left > 0 && left < minVideoPayload {
		size -= minVideoPayload
	}
	return size
}

func (s *source) send(at time.Time, w Window) {
	if s.to.write(&s.packet) == nil && w.holds(at) {
		s.sent++
	}
}
