package gateway

import (
	"strings"
	"sync"
	"time"

	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
	"earshot/gateway/protocol"
	"earshot/presence/pose"
	"earshot/sfu"
)

// lkPosePacket bounds a pose in a data packet, in bytes.
const lkPosePacket = protocol.MaxPoseBytes

// OnData implements sfu.LiveKitHandler. Poses, chat and our own messages go to
// the session, which has rules for them; everything else is passed on to the
// other LiveKit clients of the instance, with who sent it in it.
func (l *lkLine) OnData(channel sfu.Channel, data []byte) {
	if l.s.ending.Load() || !l.s.opened.Load() {
		return
	}
	if channel == sfu.DataTrack {
		l.relayDataTrack(data)
		return
	}
	e, err := wire.OpenPacket(data)
	if err != nil {
		l.g.metrics.refused.WithLabelValues("invalid_argument").Inc()
		return
	}
	if channel == sfu.Reliable {
		l.mu.Lock()
		text, done, mine := l.heard.Take(e.Member, e.Body)
		l.mu.Unlock()
		if mine {
			if done {
				l.say(text, &e)
			}
			return
		}
	}
	switch {
	case e.Member == wire.MemberUser && e.Topic == livekit.TopicPose:
		l.onPosePacket(&e)
	case e.Member == wire.MemberUser && e.Topic == livekit.TopicControl:
		l.onControlPacket(&e)
	case strings.HasPrefix(e.Topic, livekit.TopicPrefix):
		// These are the server's: receivers could not tell who wrote it.
	case e.Member == wire.MemberChat:
		var m wire.ChatMessage
		if wire.Unmarshal(e.Body, &m) == nil && !m.Deleted && m.Message != "" {
			l.say(m.Message, &e)
		}
	case e.Member == wire.MemberTranscription && l.s.claims.Kind == KindPerson:
		// It puts words into a mouth: what agents do, and people must not.
	default:
		l.relay(channel, &e)
	}
}

// say has a line of chat said, by the rules for chat. A line to some only is
// not said at all: others would read what was not for them.
func (l *lkLine) say(text string, e *wire.Envelope) {
	if len(e.Destinations) > 0 {
		l.s.refuse("", invalid("chat goes to those within earshot; send a message to some by another topic"))
		return
	}
	l.s.OnControl(protocol.EncodeClient(&protocol.SendChat{Text: text}, ""))
}

// relay passes a packet on to the other LiveKit clients of the instance: never
// between two of whom one blocked the other, or one is isolated, nor through a
// sealed wall.
func (l *lkLine) relay(channel sfu.Channel, e *wire.Envelope) {
	l.mu.Lock()
	allowed := l.packets.Allow(time.Now())
	l.mu.Unlock()
	if !allowed || !l.grant.Load().MayPublishData() {
		return
	}
	in := l.s.in
	packet := e.AppendPacket(nil, l.guest.token.Identity, livekit.ParticipantSID(l.s.participant))
	for _, other := range in.live.Load().all {
		if other.door == nil || other == l.s || !other.opened.Load() || !addressed(e, other.door) ||
			in.shut(l.s, other) || !in.passes(l.s, other) {
			continue
		}
		// A queue that is full loses the packet, not the one who reads too slowly
		// what others send.
		_ = other.door.media.SendData(channel, packet)
	}
}

func addressed(e *wire.Envelope, to *lkLine) bool {
	if len(e.Destinations) == 0 {
		return true
	}
	for _, identity := range e.Destinations {
		if identity == to.guest.token.Identity {
			return true
		}
	}
	return false
}

// placer turns places into datagrams of poses.
type placer struct {
	mu     sync.Mutex
	uplink pose.Uplink
}

// readPoses notes that the client knows what poses are: from now on it gets
// those of others, and is told who they are.
func (l *lkLine) readPoses() {
	if !l.poses.Swap(true) {
		_ = l.post(lkEvent{people: true})
	}
}

// readControl notes that the client knows our own protocol, whose messages it
// gets from now on where LiveKit has none.
func (l *lkLine) readControl() {
	if !l.control.Swap(true) {
		_ = l.post(lkEvent{welcome: true})
	}
}

func (l *lkLine) onPosePacket(e *wire.Envelope) {
	var user wire.UserPacket
	if wire.Unmarshal(e.Body, &user) != nil || len(user.Payload) > lkPosePacket {
		return
	}
	l.readPoses()
	if len(user.Payload) > 0 && user.Payload[0] == '{' {
		l.place(user.Payload, time.Now())
		return
	}
	l.readControl()
	l.s.OnPose(user.Payload)
}

// place moves the participant to where text says.
func (l *lkLine) place(text []byte, now time.Time) {
	to, ok := livekit.ParsePlace(text)
	if !ok {
		return
	}
	l.places.mu.Lock()
	defer l.places.mu.Unlock()
	l.s.OnPose(l.places.uplink.Next(&to, l.g.serverTime(now)))
}

// onControlPacket takes a message of PROTOCOL.md. Its answer, and from then on
// what LiveKit has no word for, comes by the same topic.
func (l *lkLine) onControlPacket(e *wire.Envelope) {
	var user wire.UserPacket
	if wire.Unmarshal(e.Body, &user) == nil {
		l.readControl()
		l.s.OnControl(user.Payload)
	}
}
