package loadtest

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/transport/v4"

	"earshot"
	"earshot/loadtest/model"
)

// Config is one bot. URL and Token are required; the rest of the zero value
// is a bot that stands at the origin, says nothing and keeps no logs.
type Config struct {
	URL   string // of the server, such as http://localhost:8080
	Token string
	// Instance to ask for; empty: any of the world that the token names.
	Instance earshot.InstanceID
	// Handoff of a protocol.Invite, where the bot was invited: see Bot.Follow.
	Handoff string
	// Wait has the bot wait where the world is full, for as long as the context of
	// Join allows. Waiting, if it is not nil, is told how it is meanwhile.
	Wait    bool
	Waiting func(Waiting)
	Number  uint32 // names the bot in its voice frames: unique within a test
	Seed    uint64 // of talk and walk

	Slots  int           // voice slots to offer, 0 to 32
	Mixed  bool          // ask for a binaural mix, which comes in one of Slots
	Beds   bool          // take beds of crowds in Slots
	Speak  bool          // offer a microphone and send voice
	Talk   TalkConfig    // what to say; ignored unless Speak
	Talker model.Talking // says what to say instead of Talk; asked once every FrameDuration
	Player Player        // says what to send instead of Talk, Talker and Sound
	Sound  Sound         // what a voice sounds like; nil is DefaultFrameBytes of noise
	NACK   bool          // ask for lost voice packets again; browsers do not
	// Repair offers what browsers do against loss: redundant audio data, repairs
	// on a stream of their own, transport-wide feedback. RED is how many earlier
	// frames each voice packet carries then, 0 to 2. On PathLean only.
	Repair bool
	RED    int
	Move   Mover // where the bot is; nil is standing at the origin
	// PoseEvery is the time between poses: 0 means 30 Hz, negative none.
	PoseEvery time.Duration
	// PoseBitrate is what poses of others may take, in bit/s: 0 leaves it to the
	// server, negative is none.
	PoseBitrate int
	// Blocks hold before the first packet.
	Blocks []earshot.ParticipantID

	// KeepVoice, KeepPoses and KeepMessages bound the logs, in entries; the
	// newest is dropped and counted when one is full.
	KeepVoice, KeepPoses, KeepMessages int

	// Hear, Pose and Control are called for each voice packet, each pose and
	// each control message as it arrives, so that nothing has to be kept. Calls
	// of one kind come in order of arrival and never two at once; calls of two
	// kinds may. They have to be quick, may call the methods of the bot's View
	// but not Close, and r holds only during the call.
	Hear    func(slot int, at time.Time, r *Received)
	Sounds  func(slot int, h *rtp.Header, opus []byte) // of each voice packet, for who listens to it; as Hear
	Pose    func(PoseArrival)
	Control func(Message)

	// Video is a camera to show, nil none; the token needs publish.video.
	Video *VideoConfig
	// VideoSlots is how many video slots to offer, 0 to 8. See is called for
	// each packet in them as Hear is for voices.
	VideoSlots int
	See        func(slot int, at time.Time, p *VideoPacket)

	// Path is how media travels inside the tester: PathLean or PathPion. It
	// makes no difference on the wire. Empty is PathLean.
	Path string
	// Host is what the bot shares with others of the process, which makes it
	// cheap; nil gives it one of its own. The Host has to outlive the bot.
	Host *Host

	HTTP *http.Client                                                      // nil is http.DefaultClient
	Dial func(ctx context.Context, network, addr string) (net.Conn, error) // for the WebSocket; nil is the OS
	Net  transport.Net                                                     // for media; nil is the OS
	Now  func() time.Time                                                  // nil is time.Now

	stride *stride // Move, as it is asked
}

// The values of Config.Path.
const (
	PathLean = "lean" // as cheap as it goes: what a load test wants
	PathPion = "pion" // a pion PeerConnection: what lean is checked against
)

// Mover says where a bot is. Pose is called with times that never go back.
type Mover interface {
	Pose(now time.Time) earshot.Pose
}

var _ Mover = (*Walker)(nil)

func (c *Config) fill() {
	if c.HTTP == nil {
		c.HTTP = http.DefaultClient
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.PoseEvery == 0 {
		c.PoseEvery = time.Second / 30
	}
	if c.Move == nil {
		c.Move = NewWalker(WalkConfig{}, c.Seed, c.Now())
	}
	if c.stride == nil {
		c.stride = &stride{of: c.Move}
	}
	if c.Path == "" {
		c.Path = PathLean
	}
	if c.Talk == (TalkConfig{}) {
		c.Talk = DefaultTalk()
	}
}
