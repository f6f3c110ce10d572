package sfu

import (
	"errors"
	"io"
	"time"

	"earshot/sfu/forward"

	"github.com/pion/webrtc/v4"
)

// usualMessage is what messages of clients fit in, in bytes. pion's own loop
// keeps 64 KiB for each channel of each participant; here only one that is
// longer than usual gets so much, for as long as it takes.
const usualMessage = 2048

// receive hands what comes on a channel to take, until the channel ends and
// closed, if any, is called. opened, if any, is closed when the channel is open.
func (s *Session) receive(dc *webrtc.DataChannel, opened chan struct{}, take func(msg []byte), closed func()) {
	dc.OnOpen(func() {
		from, err := dc.Detach()
		if err != nil {
			s.log.Debug("detach", "channel", dc.Label(), "error", err)
			s.Stop()
			return
		}
		if opened != nil {
			close(opened)
		}
		s.begin(func() {
			if err := readMessages(from, take); !errors.Is(err, io.EOF) {
				s.log.Debug("reading", "channel", dc.Label(), "error", err)
			}
			if closed != nil {
				closed()
			}
		})
	})
}

// readMessages hands messages to take until from has no more, and returns why.
// A message above maxMessage ends it.
func readMessages(from io.Reader, take func(msg []byte)) error {
	usual := make([]byte, usualMessage)
	for {
		b := usual
		n, err := from.Read(b)
		if errors.Is(err, io.ErrShortBuffer) { // the message is still there
			b = make([]byte, maxMessage)
			n, err = from.Read(b)
		}
		if err != nil {
			return err
		}
		take(b[:n])
	}
}

// takeControl hands a control message on, once the handler knows of control.
func (s *Session) takeControl(msg []byte) {
	if !s.limits.take(forward.OffenceData, float64(len(msg)), time.Now()) {
		return
	}
	select {
	case <-s.channels.announced:
		s.handler.OnControl(msg)
	case <-s.stop:
	}
}

// takePose reports whether a message on a pose channel is within the limits.
func (s *Session) takePose(datagram []byte) bool {
	now := time.Now()
	return s.limits.take(forward.OffencePoses, 1, now) && s.limits.take(forward.OffenceData, float64(len(datagram)), now)
}

// takeChannel is called for a data channel that a client opens in the band.
// Where the protocol has none it is held up: pion makes each of them when this
// returns, and accepts no other before; SCTP keeps sixteen waiting and drops
// the rest.
func (s *Session) takeChannel(dc *webrtc.DataChannel) {
	if s.livekit != nil && s.takeData(dc) {
		return
	}
	s.limits.refuse(forward.OffenceChannels)
	<-s.stop
}
