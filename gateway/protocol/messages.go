package protocol

import (
	"earshot"
	"earshot/spatialaudio"
	"earshot/spatialaudio/zone"
)

// Version is the protocol version this package speaks.
const Version = 1

// Limits of what a client may send; PROTOCOL.md section 4 lists them all.
const (
	MaxTokenBytes    = 4096
	MaxAlternates    = 4 // of a welcome
	MaxSDPBytes      = 64 << 10
	MaxMediaLines    = 64
	MaxFragmentBytes = 16 << 10
	MaxCandidates    = 32
	MaxVoiceSlots    = 32
	MaxVideoSlots    = 8
	MaxMessageBytes  = 16 << 10
	MaxRefBytes      = 32
	MaxChatRunes     = 500
	MaxReasonRunes   = 200
	MaxNameRunes     = 32
	MaxPoseBytes     = 1200
	MinGainDB        = -60
	MaxGainDB        = 12
	JoinedPage       = 100
	MaxReadyBlocks   = 500
	MaxViewHeight    = 10_000 // pixels
)

// The data channels, negotiated out of band under these ids.
const (
	ChannelControl  = "control"
	ChannelPoseUp   = "pose-up"
	ChannelPoseDown = "pose-down"

	ChannelControlID  uint16 = 0
	ChannelPoseUpID   uint16 = 1
	ChannelPoseDownID uint16 = 2
)

// Source says what a publication shows or carries.
type Source string

// The sources of publications. A client of this protocol publishes the first
// three.
const (
	SourceMicrophone  Source = "microphone"
	SourceCamera      Source = "camera"
	SourceScreen      Source = "screen"
	SourceScreenAudio Source = "screen_audio" // the sound of a shared screen
)

// Grants a token may carry.
const (
	GrantPublishAudio = "publish.audio"
	GrantPublishVideo = "publish.video"
	GrantPublishPose  = "publish.pose"
	GrantSubscribe    = "subscribe"
	GrantChat         = "chat"
	GrantModerate     = "moderate"
	GrantAdmin        = "admin"
	GrantInference    = "inference"
	GrantRecord       = "record"
	GrantHost         = "host" // to make instances that are not for everybody
	GrantPerform      = zone.GrantPerform
)

// ClientMessage is a message of a client: one of the pointer types below.
// Parse makes one from bytes.
type ClientMessage interface{ clientType() string }

// The messages of a client; PROTOCOL.md section 3 says what each does.
type (
	Join struct {
		Token string `json:"token"`
	}
	Ready struct {
		Blocks []earshot.ParticipantID `json:"blocks,omitempty"`
		Beds   bool                    `json:"beds,omitempty"` // voice slots may have beds
	}
	Ping struct {
		T float64 `json:"t"`
	}
	Mute struct {
		Muted bool `json:"muted"`
	}
	Publish struct {
		Source Source `json:"source"`
		Active bool   `json:"active"`
	}
	SendChat struct {
		Text string `json:"text"`
	}
	Block struct {
		Participant earshot.ParticipantID `json:"participant"`
		Blocked     bool                  `json:"blocked"`
	}
	Gain struct {
		Participant earshot.ParticipantID `json:"participant"`
		GainDB      float64               `json:"gain_db"`
	}
	Renew struct{}
	Watch struct {
		Stats bool `json:"stats"`
	}
	// View says how high the pictures in the video slots are shown, in pixels.
	View struct {
		Heights []int `json:"heights"`
	}
	Moderate struct {
		Action      string                `json:"action"`
		Participant earshot.ParticipantID `json:"participant"`
		Reason      string                `json:"reason,omitempty"`
	}
	Leave struct{}
)

// The actions of Moderate.
const (
	ActionMute   = "mute"
	ActionUnmute = "unmute"
	ActionKick   = "kick"
)

func (*Join) clientType() string     { return "join" }
func (*Ready) clientType() string    { return "ready" }
func (*Ping) clientType() string     { return "ping" }
func (*Mute) clientType() string     { return "mute" }
func (*Publish) clientType() string  { return "publish" }
func (*SendChat) clientType() string { return "chat" }
func (*Block) clientType() string    { return "block" }
func (*Gain) clientType() string     { return "gain" }
func (*Renew) clientType() string    { return "renew" }
func (*Watch) clientType() string    { return "watch" }
func (*View) clientType() string     { return "view" }
func (*Moderate) clientType() string { return "moderate" }
func (*Leave) clientType() string    { return "leave" }

// ServerMessage is a message of the server: one of the pointer types below.
// Encode makes bytes of one, Decode reads one (clients in Go use it).
type ServerMessage interface{ serverType() string }

// Participant is one who is in the instance, as others are told.
type Participant struct {
	ID        earshot.ParticipantID `json:"id"`
	Index     uint16                `json:"index"`
	Name      string                `json:"name"`
	Kind      string                `json:"kind"`
	Muted     bool                  `json:"muted"`
	Moderated bool                  `json:"moderated"`
	Camera    bool                  `json:"camera"`
	Screen    bool                  `json:"screen"`
	// Hushed says that nobody hears it because it may not speak where it stands.
	Hushed bool `json:"hushed,omitempty"`
	// Encrypted says that its voice and videos are encrypted end to end.
	Encrypted bool `json:"encrypted,omitempty"`
	// Of is whose place a stand-in keeps.
	Of earshot.ParticipantID `json:"of,omitempty"`
	// Beyond is the neighbouring world where one is who is only seen across a
	// border; empty: they are here.
	Beyond string `json:"beyond,omitempty"`
}

// Spawn is where a newcomer stands.
type Spawn struct {
	Position [3]float32 `json:"position"` // metres
	Yaw      float32    `json:"yaw"`      // radians
}

// World is what a client must know of the world it is in.
type World struct {
	Name      string             `json:"name"`
	Title     string             `json:"title"`
	Scene     string             `json:"scene"`
	ViewRange float64            `json:"view_range"` // metres
	ChatRange float64            `json:"chat_range"` // metres
	Voice     spatialaudio.Curve `json:"voice"`
	// Zones are the acoustic zones, without whom they list by name.
	Zones []zone.Zone `json:"zones,omitempty"`
	// VoiceModeration says that what is said here is transcribed and judged.
	VoiceModeration bool `json:"voice_moderation,omitempty"`
	// E2EE is what holds here for media encrypted end to end; a server older
	// than this says nothing, and does not know of them.
	E2EE string `json:"e2ee,omitempty"`
}

// What World.E2EE can be.
const (
	E2EEAllowed  = "allowed"
	E2EERequired = "required"
	E2EERefused  = "refused"
)

// Slot is the content of one receive line.
type Slot struct {
	Slot        int                   `json:"slot"`
	MID         string                `json:"mid"`
	Participant earshot.ParticipantID `json:"participant,omitempty"`
	Track       earshot.TrackID       `json:"track,omitempty"`
	Source      Source                `json:"source,omitempty"`
	Why         *Why                  `json:"why,omitempty"`
	Bed         *Bed                  `json:"bed,omitempty"`     // where Source is SourceBed
	Leaving     bool                  `json:"leaving,omitempty"` // to be faded out by the client
}

// Why says why a talker is in a slot.
type Why struct {
	Distance float64  `json:"distance"`           // metres
	GainDB   float64  `json:"gain_db"`            // curve, cone, zones and personal volume
	LevelDB  *float64 `json:"level_db,omitempty"` // smoothed, dBov; nil for video
	// LevelledDB is what makes talkers equally loud where they are compared:
	// ScoreDB is the sum of it, LevelDB and GainDB.
	LevelledDB float64 `json:"levelled_db,omitempty"`
	ScoreDB    float64 `json:"score_db"`
	Packets    uint64  `json:"packets"` // sent for this pair so far
	// WallDB is what of GainDB walls took, and Megaphone the zone whose
	// megaphone brings the voice, over any distance.
	WallDB    float64 `json:"wall_db,omitempty"`
	Megaphone string  `json:"megaphone,omitempty"`
}

// The messages of the server; PROTOCOL.md section 3 says what each means.
type (
	Welcome struct {
		Protocol     int                `json:"protocol"`
		Session      earshot.SessionID  `json:"session"`
		Instance     earshot.InstanceID `json:"instance"`
		You          Participant        `json:"you"`
		Spawn        Spawn              `json:"spawn"`
		World        World              `json:"world"`
		ServerTime   uint32             `json:"server_time"` // ms
		TokenExpires string             `json:"token_expires"`
		// Alternates are where to join when this node does not answer any more.
		Alternates []string `json:"alternates,omitempty"`
	}
	Joined struct {
		Participants []Participant `json:"participants"`
	}
	Left struct {
		Participant earshot.ParticipantID `json:"participant"`
		Reason      string                `json:"reason"`
	}
	Near struct {
		Enter []earshot.ParticipantID `json:"enter,omitempty"`
		Leave []earshot.ParticipantID `json:"leave,omitempty"`
	}
	// Slots has the receive lines whose content changed; the first one, and
	// those for who watches, have all.
	Slots struct {
		Voice []Slot `json:"voice"`
		Video []Slot `json:"video"`
	}
	Speaking struct {
		Start []earshot.ParticipantID `json:"start,omitempty"`
		Stop  []earshot.ParticipantID `json:"stop,omitempty"`
	}
	Muted struct {
		Participant earshot.ParticipantID `json:"participant"`
		Muted       bool                  `json:"muted"`
		By          string                `json:"by"`
	}
	// Renamed is about the receiver, too.
	Renamed struct {
		Participant earshot.ParticipantID `json:"participant"`
		Name        string                `json:"name"`
	}
	Published struct {
		Participant earshot.ParticipantID `json:"participant"`
		Source      Source                `json:"source"`
		Active      bool                  `json:"active"`
	}
	// Layers says which layers of the receiver's own video anybody wants: the
	// others need not be sent. Simulcast layers are named; of an encoding with
	// spatial layers the lowest Spatial of Of are wanted.
	Layers struct {
		Source  Source   `json:"source"`
		RIDs    []string `json:"rids"`
		Spatial int      `json:"spatial,omitempty"`
		Of      int      `json:"of,omitempty"`
	}
	Chat struct {
		ID   earshot.EventID       `json:"id"`
		From earshot.ParticipantID `json:"from"`
		Name string                `json:"name"`
		Text string                `json:"text"`
		At   uint32                `json:"at"` // ms, server clock
		// Masked says that words were covered, Unverified that what should
		// have judged the line did not.
		Masked     bool `json:"masked,omitempty"`
		Unverified bool `json:"unverified,omitempty"`
	}
	Blocked struct {
		Participant earshot.ParticipantID `json:"participant"`
		Blocked     bool                  `json:"blocked"`
	}
	Gained struct {
		Participant earshot.ParticipantID `json:"participant"`
		GainDB      float64               `json:"gain_db"`
	}
	Token struct {
		Token   string `json:"token"`
		Expires string `json:"expires"`
	}
	Pong struct {
		T          float64 `json:"t"`
		ServerTime uint32  `json:"server_time"`
		// Alternates are those of Welcome, where they have changed since they were told.
		Alternates []string `json:"alternates,omitempty"`
	}
	Error struct {
		Code    earshot.Code `json:"code"`
		Message string       `json:"message"`
		Ref     string       `json:"ref,omitempty"`
	}
	Bye struct {
		Code      earshot.Code `json:"code"`
		Message   string       `json:"message"`
		Reconnect bool         `json:"reconnect"`
		// URL is the node to join at instead, and Instance what to ask for there.
		URL      string             `json:"url,omitempty"`
		Instance earshot.InstanceID `json:"instance,omitempty"`
	}
)

// ByZone is what Muted.By is where somebody came where they may not speak.
const ByZone = "zone"

// The reasons of Left.
const (
	ReasonLeft     = "left"
	ReasonLost     = "lost"
	ReasonKicked   = "kicked"
	ReasonReplaced = "replaced"
	ReasonExpired  = "expired"
	ReasonShutdown = "shutdown"
	ReasonMoved    = "moved"  // the instance goes on on another node
	ReasonBeyond   = "beyond" // one of a neighbouring world is not near the border any more, or not to be seen
)

func (*Welcome) serverType() string   { return "welcome" }
func (*Joined) serverType() string    { return "joined" }
func (*Left) serverType() string      { return "left" }
func (*Near) serverType() string      { return "near" }
func (*Slots) serverType() string     { return "slots" }
func (*Speaking) serverType() string  { return "speaking" }
func (*Muted) serverType() string     { return "muted" }
func (*Renamed) serverType() string   { return "renamed" }
func (*Published) serverType() string { return "published" }
func (*Layers) serverType() string    { return "layers" }
func (*Chat) serverType() string      { return "chat" }
func (*Blocked) serverType() string   { return "blocked" }
func (*Gained) serverType() string    { return "gained" }
func (*Token) serverType() string     { return "token" }
func (*Pong) serverType() string      { return "pong" }
func (*Error) serverType() string     { return "error" }
func (*Bye) serverType() string       { return "bye" }

// TypeOf returns the wire name of a client's message.
func TypeOf(m ClientMessage) string { return m.clientType() }
