package loadtest

import (
	"context"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"earshot/gateway/protocol"
)

// link is a bot's connection, from the offer to the last packet. There are
// two: pionLink and leanLink. Their methods are safe for concurrent use, but
// connect, which comes first, and restart, one at a time.
type link interface {
	// connect makes an offer, has it answered and returns once the control
	// channel is open.
	connect(ctx context.Context, exchange exchange) error
	// restart restarts ICE. It returns when the answer is taken.
	restart(ctx context.Context, exchange exchange) error
	// control sends a text message, pose a datagram, dropped when many wait.
	control(text []byte) error
	pose(datagram []byte)
	// speak sends a packet of the microphone; level is the first byte of the
	// RFC 6464 extension. The SSRC and the payload type are the link's.
	speak(p *rtp.Packet, level byte) error
	// show sends a packet of the camera, of one of its layers where it has
	// several. The SSRC is the link's.
	show(layer int, p *rtp.Packet) error
	state() webrtc.PeerConnectionState
	// close ends the connection and returns when all goroutines have ended.
	close() error
}

// exchange sends an offer to the server and returns its answer.
type exchange func(ctx context.Context, offer string) (answer string, err error)

// sink is where a link delivers to: the bot. Each method is called by one
// goroutine at a time, in order of arrival.
type sink interface {
	heard(slot int, at time.Time, h *rtp.Header, payload []byte)
	saw(slot int, at time.Time, h *rtp.Header, payload []byte)
	told(at time.Time, text []byte)
	posed(at time.Time, datagram []byte)
	wantKey() // the server asks the camera for a key frame
	reach(p phase)
	gone() // the connection ended
}

// channels are the data channels by id. pose-up should not be sent again when
// lost; pion 1.11's sender without retransmits floods the link with
// FORWARD-TSN, so a bot allows one. The setting is the sender's own: nothing
// on the wire tells.
var channels = [...]struct {
	label   string
	id      uint16
	ordered bool
}{
	{protocol.ChannelControl, protocol.ChannelControlID, true},
	{protocol.ChannelPoseUp, protocol.ChannelPoseUpID, false},
	{protocol.ChannelPoseDown, protocol.ChannelPoseDownID, false},
}

// retries is how often a pose is sent again.
const retries = 1
