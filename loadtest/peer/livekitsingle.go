package peer

import (
	"context"
	"encoding/base64"
	"net/url"

	"github.com/pion/webrtc/v4"
	"google.golang.org/protobuf/encoding/protowire"
)

// sections are the media lines for receiving that a client with one connection
// has to offer because the server asks for them.
type sections struct{ Audios, Videos int }

// maxSections bounds what a server may ask for at once.
const maxSections = 256

// singleURL turns the address of signalling into that of version 1: one
// connection, which the client offers, and the parameters in a JoinRequest.
func singleURL(base *url.URL, token string, subscribe bool) {
	var settings []byte
	if subscribe {
		settings = number(nil, 1, 1) // auto_subscribe
	}
	client := text(number(nil, 1, 10), 2, "2.0.0") // SDK: Go; its version
	client = number(client, 3, singleProtocol)
	request := message(message(nil, 1, client), 2, settings)
	wrapped := message(nil, 2, request) // not compressed
	*base = *base.JoinPath("v1")
	base.RawQuery = url.Values{"access_token": {token}, "join_request": {base64.StdEncoding.EncodeToString(wrapped)}}.Encode()
}

// singleProtocol is the version of LiveKit's protocol from which on there is
// one connection.
const singleProtocol = 16

// openLivekitChannels adds the data channels that a client with one connection
// opens, without which one that only receives would have nothing to offer at first.
func openLivekitChannels(pc *webrtc.PeerConnection) error {
	unordered, never := false, uint16(0)
	if _, err := pc.CreateDataChannel("_reliable", nil); err != nil {
		return err
	}
	_, err := pc.CreateDataChannel("_lossy", &webrtc.DataChannelInit{Ordered: &unordered, MaxRetransmits: &never})
	return err
}

// extend offers more lines for receiving, where the server asks for them and
// once no answer is awaited. For the reader only, as s.want is.
func (s *livekitSession) extend(ctx context.Context) error {
	select {
	case <-s.answered: // the first offer is begin's
	default:
		return nil
	}
	want := s.want
	if want == (sections{}) || s.up.SignalingState() != webrtc.SignalingStateStable {
		return nil
	}
	s.want = sections{}
	for _, more := range []struct {
		kind webrtc.RTPCodecType
		n    int
	}{{webrtc.RTPCodecTypeAudio, want.Audios}, {webrtc.RTPCodecTypeVideo, want.Videos}} {
		for range more.n {
			if _, err := s.up.AddTransceiverFromKind(more.kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
				return err
			}
		}
	}
	sdp, err := offer(ctx, s.up)
	if err != nil {
		return err
	}
	return s.send(encodeSession(requestOffer, "offer", sdp))
}

func decodeSections(b []byte) (*sections, error) {
	want := &sections{}
	err := fields(b, func(field protowire.Number, value uint64, _ []byte) error {
		switch field {
		case 1:
			want.Audios = int(min(value, maxSections))
		case 2:
			want.Videos = int(min(value, maxSections))
		}
		return nil
	})
	return want, err
}
