package loadtest

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/pion/transport/v4"

	"earshot"
)

// Config is one bot. URL and Token are required; the rest of the zero value
// is a bot that stands at the origin, says nothing and keeps no logs.
type Config struct {
	URL    string // of the server, such as http://localhost:8080
	Token  string
	Number uint32 // names the bot in its voice frames: unique within a test
	Seed   uint64 // of talk and walk

	Slots int        // voice slots to offer, 0 to 32
	Talk  TalkConfig // ignored unless Speak
	Speak bool       // offer a microphone and send voice
	NACK  bool       // ask for lost voice packets again; browsers do not
	Move  Mover      // where the bot is; nil is standing at the origin
	// PoseEvery is the time between poses: 0 means 30 Hz, negative none.
	PoseEvery time.Duration
	// Blocks hold before the first packet.
	Blocks []earshot.ParticipantID

	// KeepVoice, KeepPoses and KeepMessages bound the logs, in entries; the
	// newest is dropped and counted when one is full.
	KeepVoice, KeepPoses, KeepMessages int

	HTTP *http.Client                                                      // nil is http.DefaultClient
	Dial func(ctx context.Context, network, addr string) (net.Conn, error) // for the WebSocket; nil is the OS
	Net  transport.Net                                                     // for media; nil is the OS
	Now  func() time.Time                                                  // nil is time.Now
}

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
	if c.Talk == (TalkConfig{}) {
		c.Talk = DefaultTalk()
	}
}
