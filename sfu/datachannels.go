package sfu

import (
	"sync"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/sfu/forward"

	"github.com/pion/webrtc/v4"
)

// Channel is a data channel of a LiveKit session.
type Channel uint8

// The channels. A client opens them in the band, and what is sent to it goes on
// the one of the same label that it opened last.
const (
	Reliable  Channel = iota // ordered, nothing is lost
	Lossy                    // unordered, sent once
	DataTrack                // the same, for data tracks
	channelsOfLiveKit
)

// String returns the label of the channel.
func (c Channel) String() string { return [...]string{"_reliable", "_lossy", "_data_track"}[c] }

// channelOf returns the channel with a label.
func channelOf(label string) (Channel, bool) {
	for c := range channelsOfLiveKit {
		if c.String() == label {
			return c, true
		}
	}
	return 0, false
}

// mostChannels is how many channels a client may open over the life of a session:
// one that reconnects opens them again.
const mostChannels = 64

// dataWait is how long the reader of the reliable channel waits where its client
// sends more than its budget. SCTP holds the client up meanwhile.
const dataWait = 50 * time.Millisecond

// dataChannels are those of one LiveKit session.
type dataChannels struct {
	session *Session
	open    [channelsOfLiveKit]atomic.Pointer[webrtc.DataChannel]
	queue   chan []byte   // of Reliable
	ready   chan struct{} // a reliable channel opened, or has room again

	mu    sync.Mutex
	taken int // channels that the client has opened
}

// openData prepares the channels and notices when their association ends, which
// is how a client is known to have closed the connection.
func (s *Session) openData() {
	d := &s.livekit.data
	d.session, d.queue, d.ready = s, make(chan []byte, s.sfu.cfg.ControlQueue), make(chan struct{}, 1)
	s.pc.SCTP().OnClose(func(error) { s.Stop() })
}

// takeData takes a channel that the client opens, or closes it where its label
// means nothing. It returns false where there were too many.
func (s *Session) takeData(dc *webrtc.DataChannel) bool {
	d := &s.livekit.data
	d.mu.Lock()
	d.taken++
	over := d.taken > mostChannels
	d.mu.Unlock()
	c, known := channelOf(dc.Label())
	switch {
	case over:
		return false
	case known:
		d.adopt(c, dc)
	default:
		s.limits.refuse(forward.OffenceChannels)
		dc.OnOpen(func() {
			if err := dc.Close(); err != nil {
				s.log.Debug("closing", "channel", "unknown", "error", err)
			}
		})
	}
	return true
}

// adopt reads a channel from when it is open, and sends by it.
func (d *dataChannels) adopt(c Channel, dc *webrtc.DataChannel) {
	s := d.session
	if c == Reliable {
		dc.SetBufferedAmountLowThreshold(controlLow)
		dc.OnBufferedAmountLow(d.wake)
	}
	opened := make(chan struct{})
	s.receive(dc, opened, func(data []byte) { d.take(c, data) }, func() { d.open[c].CompareAndSwap(dc, nil) })
	s.begin(func() {
		select {
		case <-opened:
			d.open[c].Store(dc)
			d.wake()
		case <-s.stop:
		}
	})
}

func (d *dataChannels) wake() {
	select {
	case d.ready <- struct{}{}:
	default:
	}
}

// take hands on what came, within the budget of the session.
func (d *dataChannels) take(c Channel, data []byte) {
	s, n := d.session, float64(len(data))
	if c != Reliable && !s.limits.take(forward.OffenceData, n, time.Now()) {
		return
	}
	for c == Reliable && !s.limits.spare(forward.OffenceData, n, time.Now()) {
		select {
		case <-time.After(dataWait):
		case <-s.stop:
			return
		}
	}
	s.livekit.handler.OnData(c, data)
}

// SendData sends a message, of at most 64 KiB, to a LiveKit client; data must
// not change afterwards. On Reliable it is queued, also before the client has
// opened the channel, and ErrSlow means that the queue is full. On the others it
// is sent now, and ErrSlow means that it was dropped. ErrClosed means that the
// session has ended, ErrNoChannels that it is not of LiveKit.
func (s *Session) SendData(c Channel, data []byte) error {
	if s.livekit == nil || c >= channelsOfLiveKit {
		return ErrNoChannels
	}
	if len(data) > maxMessage {
		return earshot.Errorf(earshot.CodeInvalidArgument, "the message has %d bytes, more than %d: send it in pieces", len(data), maxMessage)
	}
	select {
	case <-s.stop:
		return ErrClosed
	default:
	}
	d := &s.livekit.data
	if c == Reliable {
		select {
		case d.queue <- data:
			return nil
		default:
			s.sfu.metrics.slowSessions.Inc()
			return ErrSlow
		}
	}
	dc := d.open[c].Load()
	if dc == nil || dc.BufferedAmount() > poseHigh || dc.Send(data) != nil {
		return ErrSlow
	}
	return nil
}

// write sends what is queued on the reliable channel, as fast as the client
// takes it.
func (d *dataChannels) write() {
	stop := d.session.stop
	for {
		select {
		case data := <-d.queue:
			if !d.writeOne(data) {
				return
			}
		case <-stop:
			return
		}
	}
}

// writeOne waits for an open channel with room. It returns false at the end of
// the session.
func (d *dataChannels) writeOne(data []byte) bool {
	for {
		dc := d.open[Reliable].Load()
		if dc != nil && dc.BufferedAmount() <= controlHigh && dc.Send(data) == nil {
			return true
		}
		select {
		case <-d.ready:
		case <-time.After(dataWait): // the client may have closed it, to open another
		case <-d.session.stop:
			return false
		}
	}
}

// offerData opens the channels from here, on a connection that the server offers.
func (s *Session) offerData() error {
	for c := range channelsOfLiveKit {
		ordered, once := c == Reliable, uint16(0)
		init := &webrtc.DataChannelInit{Ordered: &ordered}
		if !ordered {
			init.MaxRetransmits = &once
		}
		dc, err := s.pc.CreateDataChannel(c.String(), init)
		if err != nil {
			return err
		}
		s.livekit.data.adopt(c, dc)
	}
	return nil
}
