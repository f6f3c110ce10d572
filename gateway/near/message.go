package near

import (
	"encoding/json"
	"math"

	"earshot"
)

// The limits of NEAR.md.
const (
	MaxMessageBytes = 8192 // of a client's message
	MaxTokenBytes   = 4096
	MaxIDBytes      = 32
	MaxStageBytes   = 32
	MaxWatches      = 8   // on one connection
	MaxPeople       = 64  // that one watch tells of at once
	MaxRadius       = 500 // metres
	MaxCoordinate   = 100_000
)

// ClientMessage is one of *Auth, *Watch, *Unwatch and *Resync.
type ClientMessage interface{ fromClient() }

// Auth is the first message where the request had no token.
type Auth struct{ Token string }

// Watch asks to be told who comes near and who goes, until Unwatch of the same
// id. One of an id that is watched replaces it.
type Watch struct {
	ID      string
	Radius  float64 // metres
	Friends bool    // only friends
	// Stage or At is the middle; neither: wherever the viewer is.
	Stage string
	At    *earshot.Vec3
}

// Unwatch ends a watch.
type Unwatch struct{ ID string }

// Resync asks for a snapshot: a number was missing.
type Resync struct{ ID string }

func (*Auth) fromClient()    {}
func (*Watch) fromClient()   {}
func (*Unwatch) fromClient() {}
func (*Resync) fromClient()  {}

// Person is somebody near.
type Person struct {
	Participant earshot.ParticipantID `json:"participant"`
	Name        string                `json:"name,omitempty"`
	Kind        string                `json:"kind,omitempty"`
	Instance    earshot.InstanceID    `json:"instance"`
	Node        earshot.NodeID        `json:"node,omitempty"` // where nodes share a store
	URL         string                `json:"url,omitempty"`  // the node's origin
	Here        bool                  `json:"here"`           // in the viewer's own instance
	Position    [3]float64            `json:"position"`       // metres, to 0.1 m
	Distance    float64               `json:"distance"`       // metres from the middle, to 0.1 m
	Muted       bool                  `json:"muted,omitempty"`
}

// Place sets where a person is: it is told to 0.1 m.
func (p *Person) Place(at earshot.Vec3, distance float64) {
	p.Position = [3]float64{round(float64(at.X)), round(float64(at.Y)), round(float64(at.Z))}
	p.Distance = round(distance)
}

func round(metres float64) float64 { return math.Round(10*metres) / 10 }

// ServerMessage is one of *Snapshot, *Delta, *Beat, *Error and *Bye.
type ServerMessage interface{ fromServer() }

// Snapshot is everybody whom a watch has to tell of, nearest first.
type Snapshot struct {
	ID       string   `json:"id"`
	Seq      uint64   `json:"seq"`
	Complete bool     `json:"complete"`
	People   []Person `json:"people"`
}

// Delta is what changed since the message of the same watch with the number
// before.
type Delta struct {
	ID       string                  `json:"id"`
	Seq      uint64                  `json:"seq"`
	Complete bool                    `json:"complete"`
	Came     []Person                `json:"came,omitempty"`
	Moved    []Person                `json:"moved,omitempty"`
	Went     []earshot.ParticipantID `json:"went,omitempty"`
}

// Beat says what number each watch is at, so that silence is told from loss.
type Beat struct {
	Seqs map[string]uint64 `json:"seqs"`
}

// Error says why a message was refused, or what became of a watch.
type Error struct {
	ID      string       `json:"id,omitempty"` // of the watch
	Code    earshot.Code `json:"code"`
	Message string       `json:"message"`
}

// Bye is the last message.
type Bye struct {
	Code    earshot.Code `json:"code"`
	Message string       `json:"message"`
}

func (*Snapshot) fromServer() {}
func (*Delta) fromServer()    {}
func (*Beat) fromServer()     {}
func (*Error) fromServer()    {}
func (*Bye) fromServer()      {}

// Encode returns a message as it is sent.
func Encode(msg ServerMessage) []byte {
	kind := ""
	switch msg.(type) {
	case *Snapshot:
		kind = "snapshot"
	case *Delta:
		kind = "delta"
	case *Beat:
		kind = "beat"
	case *Error:
		kind = "error"
	case *Bye:
		kind = "bye"
	}
	body, err := json.Marshal(msg)
	if err != nil {
		panic("near: a message that is no JSON: " + err.Error()) // numbers are finite: Person.Place gets what Finite passed
	}
	out := append(make([]byte, 0, len(body)+24), `{"type":"`...)
	out = append(append(out, kind...), `",`...)
	return append(out, body[1:]...)
}
