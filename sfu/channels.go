package sfu

import (
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"
)

// What may wait in a data channel, in bytes.
const (
	maxMessage    = 65536     // longest message a client may send
	controlHigh   = 256 << 10 // above it control messages wait in our own queue
	controlLow    = 64 << 10  // at it they go on
	poseHigh      = 64 << 10  // above it poses are dropped
	flushWithin   = 300 * time.Millisecond
	together      = 100 * time.Millisecond // after a message, others gather for so long
	maxHeld       = 64                     // messages, at which they gather no longer
	flushInterval = 10 * time.Millisecond
)

// control is a message for the client.
type control struct {
	data []byte
	soon bool // it may wait for others
}

// channels are the data channels of PROTOCOL.md, section 2.
type channels struct {
	session           *Session
	control, poseDown *webrtc.DataChannel
	queue             chan control
	low               chan struct{} // control has room again
	opened            chan struct{} // closed when control is open; used by Session.run only
	announced         chan struct{} // closed when the handler knows
	drained           chan struct{} // closed when writeControl has ended
	gone              atomic.Bool   // the client, or the connection, closed control
}

func (s *Session) openChannels() error {
	c := &s.channels
	c.session = s
	c.queue = make(chan control, s.sfu.cfg.ControlQueue)
	c.low = make(chan struct{}, 1)
	opened := make(chan struct{})
	c.opened, c.announced, c.drained = opened, make(chan struct{}), make(chan struct{})

	var err error
	if c.control, err = s.openChannel("control", 0, nil); err != nil {
		return err
	}
	none, once := uint16(0), uint16(1)
	poseUp, err := s.openChannel("pose-up", 1, &none)
	if err != nil {
		return err
	}
	if c.poseDown, err = s.openChannel("pose-down", 2, &once); err != nil {
		return err
	}
	c.control.SetBufferedAmountLowThreshold(controlLow)
	c.control.OnBufferedAmountLow(func() {
		select {
		case c.low <- struct{}{}:
		default:
		}
	})
	s.receive(c.control, opened, s.takeControl, func() {
		c.gone.Store(true)
		s.Stop()
	})
	s.receive(poseUp, nil, func(datagram []byte) {
		if s.takePose(datagram) {
			s.handler.OnPose(datagram)
		}
	}, nil)
	s.receive(c.poseDown, nil, func(datagram []byte) { s.takePose(datagram) }, nil) // for nobody, but counted
	return nil
}

// openChannel opens a channel that both sides know: ordered and reliable
// without retransmits, else unordered with so many of them.
func (s *Session) openChannel(label string, id uint16, retransmits *uint16) (*webrtc.DataChannel, error) {
	negotiated, ordered := true, retransmits == nil
	return s.pc.CreateDataChannel(label, &webrtc.DataChannelInit{
		Negotiated: &negotiated, ID: &id, Ordered: &ordered, MaxRetransmits: retransmits,
	})
}

// SendControl queues a message for the client; msg must not change afterwards.
// It returns ErrSlow where the queue is full, ErrClosed after the end and
// ErrNoChannels on a session without.
func (s *Session) SendControl(msg []byte) error { return s.queueControl(control{data: msg}) }

// SendControlSoon is SendControl for a message that may wait a tenth of a second
// for others that come soon after: together they cost about what one does. No
// message overtakes another.
func (s *Session) SendControlSoon(msg []byte) error {
	return s.queueControl(control{data: msg, soon: true})
}

func (s *Session) queueControl(m control) error {
	if s.profile != Participant {
		return ErrNoChannels
	}
	select {
	case <-s.stop:
		return ErrClosed
	default:
	}
	select {
	case s.channels.queue <- m:
		return nil
	default:
		s.sfu.metrics.slowSessions.Inc()
		return ErrSlow
	}
}

// SendPose sends a pose datagram now, or drops it and returns false where the
// channel is not open or the client does not keep up.
func (s *Session) SendPose(datagram []byte) bool {
	c := s.channels.poseDown
	if c == nil || c.ReadyState() != webrtc.DataChannelStateOpen || c.BufferedAmount() > poseHigh || c.Send(datagram) != nil {
		s.sfu.metrics.poseDropped.Inc()
		return false
	}
	return true
}

// writeControl sends what is queued, as fast as the client takes it. After
// stop it hands the rest to the channel.
func (c *channels) writeControl() {
	defer close(c.drained)
	select {
	case <-c.announced:
	case <-c.session.stop:
		return
	}
	var (
		held  [][]byte  // may wait for others
		wrote time.Time // when the last left
		due   = time.NewTimer(0)
	)
	defer due.Stop()
	send := func() {
		for i, msg := range held {
			c.write(msg)
			held[i] = nil
		}
		held, wrote = held[:0], time.Now()
	}
	for {
		select {
		case m := <-c.queue:
			if held = append(held, m.data); len(held) == 1 {
				due.Reset(together - time.Since(wrote))
			}
			if !m.soon || len(held) == maxHeld {
				send()
			}
		case <-due.C:
			if len(held) > 0 {
				send()
			}
		case <-c.session.stop:
			send()
			c.drain()
			return
		}
	}
}

func (c *channels) drain() {
	for {
		select {
		case m := <-c.queue:
			c.write(m.data)
		default:
			return
		}
	}
}

func (c *channels) write(msg []byte) {
	for c.control.BufferedAmount() > controlHigh {
		select {
		case <-c.low:
		case <-c.session.stop:
			return
		}
	}
	if err := c.control.SendText(string(msg)); err != nil {
		c.session.Stop()
	}
}

// flush waits a moment for the client to acknowledge what was sent, so that a
// farewell arrives. Session.stop is closed.
//
// Where the client closed first, it lets pion's own goroutines see that: pion
// holds the lock that they need for up to 400 ms while it closes an
// association that is already dead.
func (c *channels) flush() {
	<-c.drained
	ticker := time.NewTicker(flushInterval)
	defer ticker.Stop()
	for range flushWithin / flushInterval {
		open := !c.gone.Load() && c.control.ReadyState() == webrtc.DataChannelStateOpen &&
			c.session.pc.ConnectionState() == webrtc.PeerConnectionStateConnected
		if open && c.control.BufferedAmount() == 0 {
			return
		}
		<-ticker.C
		if !open {
			return
		}
	}
}
