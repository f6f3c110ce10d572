package peer

import (
	"io"
	"sync"
	"sync/atomic"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// talking is the level every voice says it has: -20 dBov, with the voice bit.
const talking = 0x80 | 20

// Sender is one published stream.
type Sender struct {
	media  Media
	track  *webrtc.TrackLocalStaticRTP
	sender *webrtc.RTPSender
	level  uint8       // id of the level extension; 0 is none
	asked  atomic.Bool // for a key frame
	end    io.Closer
	close  sync.Once
}

// newSender adds a stream to pc, before its offer.
func newSender(pc *webrtc.PeerConnection, media Media, id string) (*Sender, error) {
	codec := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
	if media == Video {
		codec = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}
	}
	track, err := webrtc.NewTrackLocalStaticRTP(codec, id, "stream-"+id)
	if err != nil {
		return nil, err
	}
	direction := webrtc.RTPTransceiverDirectionSendonly
	if media == Mixed {
		direction = webrtc.RTPTransceiverDirectionSendrecv
	}
	t, err := pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: direction})
	if err != nil {
		return nil, err
	}
	return &Sender{media: media, track: track, sender: t.Sender(), end: pc}, nil
}

// begin is called once the stream is agreed on.
func (s *Sender) begin() {
	for _, e := range s.sender.GetParameters().HeaderExtensions {
		if e.URI == levelURI {
			s.level = uint8(e.ID)
		}
	}
	go s.listen()
}

// listen reads what the server says of the stream until it is closed.
func (s *Sender) listen() {
	for {
		packets, _, err := s.sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			switch p.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				s.asked.Store(true)
			}
		}
	}
}

// write sends a packet. SSRC and payload type are the connection's.
func (s *Sender) write(p *rtp.Packet) error {
	if s.level != 0 {
		if err := p.SetExtension(s.level, []byte{talking}); err != nil {
			return err
		}
	}
	return s.track.WriteRTP(p)
}

// Close ends the participant.
func (s *Sender) Close() error {
	var err error
	s.close.Do(func() { err = s.end.Close() })
	return err
}
