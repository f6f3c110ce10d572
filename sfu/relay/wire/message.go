package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"

	"earshot"
)

// Limits of messages.
const (
	MaxMessage = 128 << 10 // bytes
	MaxPeople  = 32        // of one Joined
	MaxTracks  = 8         // of one person
	MaxWants   = 256       // of one Want or Look, each way
	MaxBlocks  = 1000      // of one person
	MaxTold    = 256       // people that one Tell is for
	MaxText    = 64 << 10  // bytes of what is told
	MaxName    = 256       // bytes of a name
	MaxGrants  = 32
	MaxLayers  = 4 // encodings of one video
)

// Message is one thing said on the reliable stream of a link: exactly one of
// its members is set. Members that are not known are passed over.
type Message struct {
	Hello    *Hello    `json:"hello,omitempty"`
	Open     *Open     `json:"open,omitempty"`
	Close    *Close    `json:"close,omitempty"`
	Joined   *Joined   `json:"joined,omitempty"`
	Left     *Left     `json:"left,omitempty"`
	State    *State    `json:"state,omitempty"`
	Want     *Want     `json:"want,omitempty"`
	Look     *Look     `json:"look,omitempty"`
	KeyFrame *KeyFrame `json:"key_frame,omitempty"`
	Clock    *Clock    `json:"clock,omitempty"`
	Block    *Block    `json:"block,omitempty"`
	Ack      *Ack      `json:"ack,omitempty"`
	Tell     *Tell     `json:"tell,omitempty"`
	Evict    *Evict    `json:"evict,omitempty"`
	Moderate *Moderate `json:"moderate,omitempty"`
	Coast    *Coast    `json:"coast,omitempty"`
	Visitors *Visitors `json:"visitors,omitempty"`
	Gone     *Gone     `json:"gone,omitempty"`
	Shun     *Shun     `json:"shun,omitempty"`
}

// Hello is the first message each way.
type Hello struct {
	Version int            `json:"version"`
	Node    earshot.NodeID `json:"node"` // which the certificate has proved
}

// Open says that the sender runs an instance, as which channel. Incarnation
// differs each time it starts to: what was said of it before is void then.
// With Answer the receiver is to say Open too, if it runs that instance.
type Open struct {
	Channel     uint16             `json:"channel"`
	Instance    earshot.InstanceID `json:"instance"`
	Incarnation uint64             `json:"incarnation,string"`
	Answer      bool               `json:"answer,omitempty"`
}

// Close says that the sender does not run it any more.
type Close struct {
	Channel uint16 `json:"channel"`
}

// Joined describes people who are on the sending node.
type Joined struct {
	Channel uint16   `json:"channel"`
	People  []Person `json:"people"`
}

// Person is somebody who is in an instance on the sending node.
type Person struct {
	ID    earshot.ParticipantID `json:"id"`
	Index uint16                `json:"index"` // in poses of this channel
	// At is when they came, in Unix ms by the clock of their node: of one who is
	// on two nodes at once, the later one counts.
	At        int64                   `json:"at,string"`
	Name      string                  `json:"name"`
	Kind      string                  `json:"kind"`
	Of        earshot.ParticipantID   `json:"of,omitempty"` // whose stand-in
	NPC       bool                    `json:"npc,omitempty"`
	Grants    []string                `json:"grants,omitempty"`
	Encrypted bool                    `json:"encrypted,omitempty"`
	Stream    bool                    `json:"stream,omitempty"` // comes by WHIP
	Tracks    []Track                 `json:"tracks,omitempty"`
	Blocks    []earshot.ParticipantID `json:"blocks,omitempty"`
	Pose      []byte                  `json:"pose"` // a snapshot of presence/pose
	Flags
}

// Flags are what changes about a person.
type Flags struct {
	Muted     bool `json:"muted,omitempty"`     // by themselves
	Moderated bool `json:"moderated,omitempty"` // by a moderator
	Isolated  bool `json:"isolated,omitempty"`  // nothing passes, either way
	Camera    bool `json:"camera,omitempty"`
	Screen    bool `json:"screen,omitempty"`
}

// Track is something that a person publishes.
type Track struct {
	ID     earshot.TrackID `json:"id"`
	Source string          `json:"source"`
	Layers int             `json:"layers"` // encodings, 1 for a voice
}

// Left says that somebody is not on the sending node any more.
type Left struct {
	Channel     uint16                `json:"channel"`
	Participant earshot.ParticipantID `json:"participant"`
	Reason      string                `json:"reason"`
}

// State says what changed about somebody. With an Order it is answered by Ack
// once it holds.
type State struct {
	Channel     uint16                `json:"channel"`
	Participant earshot.ParticipantID `json:"participant"`
	Order       uint64                `json:"order,omitempty,string"`
	Flags
}

// Want says which tracks the sender of the message needs from now on, each under
// a number of its choice, and which no more.
type Want struct {
	Add  []Wanted `json:"add,omitempty"`
	Drop []uint16 `json:"drop,omitempty"`
}

// Wanted is one of them.
type Wanted struct {
	Channel uint16          `json:"channel"` // of the node that is asked
	Number  uint16          `json:"number"`
	Track   earshot.TrackID `json:"track"`
	Top     int             `json:"top"` // the highest encoding that is needed, 0 is the lowest
}

// Look says of which people, by index, whole poses are needed from now on, and of
// which no more. Of all others their roots come.
type Look struct {
	Channel uint16   `json:"channel"` // of the node that is asked
	At      []uint16 `json:"at,omitempty"`
	Off     []uint16 `json:"off,omitempty"`
}

// KeyFrame asks for a key frame of a wanted video.
type KeyFrame struct {
	Number uint16 `json:"number"`
	Layer  int    `json:"layer"`
}

// Clock lays the timestamps of an encoding on wall-clock time, as its
// publisher's last sender report did.
type Clock struct {
	Number uint16 `json:"number"`
	Layer  int    `json:"layer"`
	NTP    uint64 `json:"ntp,string"`
	RTP    uint32 `json:"rtp"`
}

// Block says that somebody on the sending node blocks another, or no more.
type Block struct {
	Channel uint16                `json:"channel"`
	By      earshot.ParticipantID `json:"by"`
	Other   earshot.ParticipantID `json:"other"`
	On      bool                  `json:"on"`
	Order   uint64                `json:"order,omitempty,string"`
}

// Ack says that an order holds on the node that was told.
type Ack struct {
	Order uint64 `json:"order,string"`
}

// Tell is a message to clients on the receiving node.
type Tell struct {
	Channel uint16                  `json:"channel"`
	From    earshot.ParticipantID   `json:"from"`
	To      []earshot.ParticipantID `json:"to"`
	// Uttered messages stop at sealed walls, as voices do.
	Uttered bool `json:"uttered,omitempty"`
	// Chat is what NPCs hear in place of Data.
	Chat string `json:"chat,omitempty"`
	Data []byte `json:"data"`
}

// Evict asks the node where somebody is to end their session.
type Evict struct {
	Channel     uint16                `json:"channel"`
	Participant earshot.ParticipantID `json:"participant"`
	At          int64                 `json:"at,string"` // that of Person: who came after it stays
	Reason      string                `json:"reason"`
	Code        earshot.Code          `json:"code"`
	Message     string                `json:"message"`
}

// Moderate asks the node where somebody is to mute or unmute them.
type Moderate struct {
	Channel     uint16                `json:"channel"`
	Participant earshot.ParticipantID `json:"participant"`
	Action      string                `json:"action"` // mute or unmute
}

var errLong = earshot.Errorf(earshot.CodeResourceExhausted, "relay message has more than %d bytes", MaxMessage)

// Append appends a message with its length to dst.
func Append(dst []byte, m *Message) ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return dst, err
	}
	if len(body) > MaxMessage {
		return dst, errLong
	}
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(body))), body...), nil
}

// Read reads the next message, checked. The error is that of r, or an
// *earshot.Error.
func Read(r io.Reader) (*Message, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > MaxMessage {
		return nil, errLong
	}
	body, err := io.ReadAll(io.LimitReader(r, int64(n))) // grows with what comes, not with what is promised
	if err != nil {
		return nil, err
	}
	if len(body) < int(n) {
		return nil, io.ErrUnexpectedEOF
	}
	return ParseMessage(body)
}

// ParseMessage reads and checks a message without its length. The error is an
// *earshot.Error.
func ParseMessage(body []byte) (*Message, error) {
	if len(body) > MaxMessage {
		return nil, errLong
	}
	var m Message
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(&m); err != nil {
		return nil, malformed("relay message is not what JSON allows here: %v", err)
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	return &m, nil
}

func malformed(format string, args ...any) error {
	return earshot.Errorf(earshot.CodeInvalidArgument, format, args...)
}
