package peer

import (
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"earshot/loadtest"
	"earshot/loadtest/truth"
)

// Window is the time that is measured. A packet counts as delivered by when it
// was sent, so that what is late, but comes, is not lost.
type Window struct{ From, To time.Time }

func (w Window) holds(t time.Time) bool { return !t.Before(w.From) && t.Before(w.To) }

// Ear counts what one subscriber receives. Its methods are safe for concurrent
// use.
type Ear struct {
	media Media

	mu      sync.Mutex
	window  Window
	streams []*stream
}

// NewEar returns an ear that counts nothing until Measure.
func NewEar(media Media) *Ear { return &Ear{media: media} }

// stream is one received track.
type stream struct {
	mu     sync.Mutex
	window Window
	media  Media
	counts Counts

	heard         bool // anything, ever
	begun         bool
	first, newest int64 // extended sequence numbers, of what arrived in the window
	came          int64
}

// Counts is what arrived.
type Counts struct {
	Arrived   uint64 // packets with media whose arrival was in the window
	Delivered uint64 // packets with media whose sending was in the window
	Bytes     uint64 // RTP with header, of those that arrived
	Lost      uint64 // sequence numbers between first and last arrival that never came
	Expected  uint64 // sequence numbers between first and last arrival
	Streams   int    // with at least one packet in the window
	// Latency is from the sender's write to the receiver's read, in ms. A frame
	// of several packets counts once, with its last: before it nobody can show it.
	Latency truth.Histogram
}

// Measure starts to count what belongs to w, from nothing.
func (e *Ear) Measure(w Window) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.window = w
	for _, s := range e.streams {
		s.measure(w)
	}
}

// Streams returns how many streams came so far, in the window or before.
func (e *Ear) Streams() (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.streams {
		if s.alive() {
			n++
		}
	}
	return n
}

func (s *stream) alive() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heard
}

// Counts returns what arrived in all streams.
func (e *Ear) Counts() *Counts {
	e.mu.Lock()
	defer e.mu.Unlock()
	sum := &Counts{}
	for _, s := range e.streams {
		s.addTo(sum)
	}
	return sum
}

// Add adds o to c.
func (c *Counts) Add(o *Counts) {
	c.Arrived += o.Arrived
	c.Delivered += o.Delivered
	c.Bytes += o.Bytes
	c.Lost += o.Lost
	c.Expected += o.Expected
	c.Streams += o.Streams
	c.Latency.Merge(&o.Latency)
}

// listen reads a track until it ends.
func (e *Ear) listen(track *webrtc.TrackRemote) {
	e.mu.Lock()
	s := &stream{media: e.media, window: e.window}
	e.streams = append(e.streams, s)
	e.mu.Unlock()
	go func() {
		buf := make([]byte, 1500)
		var header rtp.Header
		for {
			n, _, err := track.Read(buf)
			if err != nil {
				return
			}
			at := time.Now()
			size, err := header.Unmarshal(buf[:n])
			if err != nil {
				continue
			}
			end := n
			if header.Padding && n > size {
				end = max(size, n-int(buf[n-1]))
			}
			s.take(at, header.SequenceNumber, buf[size:end], n)
		}
	}()
}

func (s *stream) measure(w Window) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.window, s.counts, s.begun, s.came = w, Counts{}, false, 0
}

// take counts a packet of so many bytes.
func (s *stream) take(at time.Time, seq uint16, payload []byte, bytes int) {
	sent, last, ours := s.read(payload)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = s.heard || ours
	if ours && s.window.holds(sent) {
		s.counts.Delivered++
		if last {
			s.counts.Latency.Add(float64(at.Sub(sent)) / float64(time.Millisecond))
		}
	}
	if !s.window.holds(at) {
		return
	}
	s.order(seq)
	if ours {
		s.counts.Arrived++
		s.counts.Bytes += uint64(bytes)
	}
}

// read says when a packet was sent, whether a frame ends with it, and
// whether it is media of ours. What a server mixed says nothing of its time.
func (s *stream) read(payload []byte) (sent time.Time, last, ours bool) {
	switch s.media {
	case Video:
		m, ok := parseVideo(payload)
		return m.At, m.Last, ok
	case Mixed:
		return time.Time{}, false, len(payload) > 0
	}
	f, ok := loadtest.ParseFrame(payload)
	return f.At, true, ok
}

// order extends the sequence number and counts it.
func (s *stream) order(seq uint16) {
	if !s.begun {
		s.begun, s.first, s.newest = true, int64(seq), int64(seq)
	}
	n := s.newest + int64(int16(seq-uint16(s.newest)))
	s.first, s.newest = min(s.first, n), max(s.newest, n)
	s.came++
}

func (s *stream) addTo(sum *Counts) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts
	if s.begun {
		c.Streams = 1
		c.Expected = uint64(s.newest - s.first + 1)
		c.Lost = uint64(max(0, s.newest-s.first+1-s.came))
	}
	sum.Add(&c)
}
