package scenario

import "time"

// Group is some people who behave alike.
type Group struct {
	Name  string `yaml:"name"` // absent: people
	Count int    `yaml:"count" range:"1 5000"`
	Join  Join   `yaml:"join,omitempty"`

	Slots      int `yaml:"slots" range:"0 32"`                // voices heard at once; absent: 8
	VideoSlots int `yaml:"video_slots,omitempty" range:"0 8"` // pictures seen at once
	// Audio is how voices come; absent: slots. With beds, far crowds come mixed in
	// up to half of the slots. Who is in a mix or a bed no packet tells: it is judged
	// where the server's admin listener can be asked. Talk.Voice should be real then.
	Audio string `yaml:"audio,omitempty" oneof:"slots beds binaural"`

	Talk    Talk    `yaml:"talk"`
	Move    Move    `yaml:"move"`
	Camera  *Video  `yaml:"camera,omitempty"`               // absent: none
	Network Network `yaml:"network,omitempty"`              // absent: clean
	PoseHz  float64 `yaml:"pose_hz,omitempty" range:"0 60"` // poses a second that each sends; absent: 30
	// Poses is how many come to each: few are 16 kbit/s, as the page asks for with
	// a mix; absent: all. Whether people are drawn where they are is judged of all.
	Poses string `yaml:"poses,omitempty" oneof:"all few none"`

	Churn     *Churn     `yaml:"churn,omitempty"`     // leaves and comes back
	Reconnect *Reconnect `yaml:"reconnect,omitempty"` // loses the network and resumes
	Chat      *Chat      `yaml:"chat,omitempty"`
	VisitNPC  *VisitNPC  `yaml:"visit_npc,omitempty"`
	Block     float64    `yaml:"block,omitempty" range:"0 1"` // share of the others that each blocks
}

// Join is when the people of a group arrive. At most one field is set; none
// is ten a second.
type Join struct {
	Over  time.Duration `yaml:"over,omitempty" range:"0s 1h"`     // spread evenly over this time
	Rate  float64       `yaml:"rate,omitempty" range:"0.01 1000"` // per second
	Storm bool          `yaml:"storm,omitempty"`                  // all in the same instant
}

// Talk is how people talk.
type Talk struct {
	Kind string `yaml:"kind" oneof:"conversation everyone monologue stage silent"`
	// Members is how many talk with one another; the rest of a group that it
	// does not divide makes a smaller round.
	Members int     `yaml:"members,omitempty" range:"1 100" for:"conversation"`
	Level   float64 `yaml:"level,omitempty" range:"-60 -3" for:"conversation everyone monologue stage"` // mean, dBov; absent: -26, of a stage -18
	DTX     bool    `yaml:"dtx,omitempty" for:"conversation monologue"`                                 // send next to nothing in pauses
	Voice   string  `yaml:"voice,omitempty" oneof:"measured real" for:"conversation everyone monologue stage"`
}

// What Talk.Voice may be.
const (
	// VoiceMeasured sends frames that say who spoke them and when, of the
	// sizes of real ones. Absent is this. People cannot listen to them.
	VoiceMeasured = "measured"
	// VoiceReal sends Opus speech or music for people who come to listen.
	// Who measures tells them apart by their RTP stream only.
	VoiceReal = "real"
)

// Move is how people move. Places are x, y, z in metres.
type Move struct {
	Kind   string     `yaml:"kind" oneof:"stand wander group flow teleport spot"`
	Centre [3]float64 `yaml:"centre,omitempty" range:"-10000 10000"`
	Radius float64    `yaml:"radius,omitempty" range:"0 5000"` // metres around Centre

	Speed float64       `yaml:"speed,omitempty" range:"0.1 20" for:"wander group flow"` // metres a second; absent: 1.2
	Stay  time.Duration `yaml:"stay,omitempty" range:"0s 1h" for:"wander group"`        // longest stay at a place; absent: 3s

	Size   int     `yaml:"size,omitempty" range:"1 100" for:"group"`  // people who walk together; absent: 4
	Spread float64 `yaml:"spread,omitempty" range:"0 50" for:"group"` // metres from the leader; absent: 1.2

	Stage [3]float64    `yaml:"stage,omitempty" range:"-10000 10000" for:"flow"`
	Yaw   float64       `yaml:"yaw,omitempty" range:"-360 360" for:"stand spot flow"` // degrees one who stands looks, or the stage; 0 is -z
	Near  float64       `yaml:"near,omitempty" range:"0 5000" for:"flow"`             // metres from the stage to the first row; absent: 3
	Far   float64       `yaml:"far,omitempty" range:"0 5000" for:"flow"`              // to the last row; absent: 15
	Over  time.Duration `yaml:"over,omitempty" range:"0s 1h" for:"flow"`              // the last sets off so long after the start

	Every time.Duration `yaml:"every,omitempty" range:"100ms 1h" for:"teleport"` // mean time between jumps; absent: 5s
	Sway  float64       `yaml:"sway,omitempty" range:"0 1" for:"spot"`           // metres that the weight shifts; absent: 0.05

	Clip bool `yaml:"clip,omitempty"` // head and hands move as a real person's
}

// Video is a camera.
type Video struct {
	Codec  string `yaml:"codec,omitempty" oneof:"vp8 h264"` // absent: vp8
	Layers int    `yaml:"layers,omitempty" range:"1 3"`     // of simulcast, each half the width of the one above; absent: 3
	Width  int    `yaml:"width,omitempty" range:"320 1280"` // pixels of the top layer: 320, 640 or 1280; absent: 1280 for 3 layers, 640 for 2, 320 for 1
	FPS    int    `yaml:"fps,omitempty" range:"1 60"`       // absent: 30
	Kbps   int    `yaml:"kbps,omitempty" range:"16 20000"`  // kbit/s of the top layer; a lower one has about a third; absent: as browsers do for the width
}

// Churn is coming and going.
type Churn struct {
	Every time.Duration `yaml:"every" range:"1s 24h"`         // mean time until somebody leaves
	Away  time.Duration `yaml:"away,omitempty" range:"0s 1h"` // before the same comes back; absent: 2s
}

// Reconnect is losing the connection without leaving.
type Reconnect struct {
	Every time.Duration `yaml:"every" range:"1s 24h"` // mean
}

// Chat is writing.
type Chat struct {
	Every time.Duration `yaml:"every" range:"100ms 24h"` // mean time between messages of one
}

// VisitNPC is going to a character of the world and talking to it by text.
type VisitNPC struct {
	Name  string        `yaml:"name"`
	Every time.Duration `yaml:"every" range:"1s 24h"` // mean time between questions of one
}
