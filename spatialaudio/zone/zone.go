package zone

import (
	"bytes"
	"encoding/json"
	"slices"

	"earshot"
)

// Limits of a list of zones.
const (
	MaxZones        = 64
	MaxCorners      = 16
	MaxParticipants = 64 // that one zone's rule lists
	MaxGrants       = 16
	MaxTitleRunes   = 64

	MaxExtent    = 10_000 // metres from the origin
	MaxSize      = 2000   // metres
	MinSize      = 0.2
	MaxFade      = 20 // metres
	MinGain      = -60
	MaxGain      = 12
	MaxIsolation = 60 // dB
	MaxOcclusion = 30 // dB a wall
)

// SealedIsolation is what a sealed zone isolates, in dB, before its border
// shuts.
const SealedIsolation = 60

// The kinds of zones. They decide nothing: pages draw them by it.
const (
	KindRoom      = "room"
	KindStage     = "stage"
	KindTable     = "table"
	KindMegaphone = "megaphone"
	KindQuiet     = "quiet"
)

// Who may speak in a zone. Without one the zone says nothing about it.
const (
	SpeakEverybody  = "everybody"
	SpeakNobody     = "nobody"
	SpeakPerformers = "performers" // streams, and bearers of the grant perform
	SpeakListed     = "listed"     // bearers of one of Grants, and Participants
)

// The reverberations that a zone may name. Dry is none, also where a zone
// around it has some; an empty name says nothing.
const (
	ReverbDry       = "dry"
	ReverbBooth     = "booth"
	ReverbRoom      = "room"
	ReverbHall      = "hall"
	ReverbCathedral = "cathedral"
	ReverbOutdoors  = "outdoors"
)

// GrantPerform makes its bearer a performer.
const GrantPerform = "perform"

// Zone is a part of a world with acoustics of its own.
type Zone struct {
	// ID names the zone in its world (1-32 of a-z, 0-9 and -), Title for people.
	ID    string `json:"id" yaml:"id"`
	Title string `json:"title,omitempty" yaml:"title,omitempty"`
	Kind  string `json:"kind" yaml:"kind"`
	Shape Shape  `json:"shape" yaml:"shape"`
	// Fade is how far inside its border a zone begins to hold in full, metres.
	Fade float64 `json:"fade" yaml:"fade"`
	// Gain is what voices from here are raised by, in dB.
	Gain float64 `json:"gain,omitempty" yaml:"gain,omitempty"`
	// Isolation is what a voice loses between inside and outside, in dB;
	// Sealed lets none through. Occlusion is what it loses at each wall, in
	// dB, where it only passes through.
	Isolation float64 `json:"isolation,omitempty" yaml:"isolation,omitempty"`
	Sealed    bool    `json:"sealed,omitempty" yaml:"sealed,omitempty"`
	Occlusion float64 `json:"occlusion,omitempty" yaml:"occlusion,omitempty"`
	// Reverb is how it sounds to those inside.
	Reverb    string     `json:"reverb,omitempty" yaml:"reverb,omitempty"`
	Speak     *Speak     `json:"speak,omitempty" yaml:"speak,omitempty"`
	Megaphone *Megaphone `json:"megaphone,omitempty" yaml:"megaphone,omitempty"`
}

// The forms of a Shape.
const (
	FormBox      = "box"
	FormCylinder = "cylinder"
	FormPolygon  = "polygon"
)

// Shape is an upright prism from Floor to Floor plus Height, in metres.
type Shape struct {
	Form   string  `json:"form" yaml:"form"`
	Floor  float64 `json:"floor" yaml:"floor"`
	Height float64 `json:"height" yaml:"height"`
	// Center is x and z of a box and a cylinder. A box is Size[0] wide and
	// Size[1] deep, its depth towards Yaw in degrees: 0 is -z, 90 is -x.
	Center [2]float64 `json:"center,omitzero" yaml:"center,omitempty"`
	Size   [2]float64 `json:"size,omitzero" yaml:"size,omitempty"`
	Yaw    float64    `json:"yaw,omitempty" yaml:"yaw,omitempty"`
	Radius float64    `json:"radius,omitempty" yaml:"radius,omitempty"`
	// Corners are x and z of a convex polygon, in order, either way round.
	Corners [][2]float64 `json:"corners,omitempty" yaml:"corners,omitempty"`
}

// Speak says who may speak in a zone.
type Speak struct {
	Who          string                  `json:"who" yaml:"who"`
	Grants       []string                `json:"grants,omitempty" yaml:"grants,omitempty"`
	Participants []earshot.ParticipantID `json:"participants,omitempty" yaml:"participants,omitempty"`
}

// Megaphone makes those in a zone heard far away.
type Megaphone struct {
	// To is the zone whose people hear it; "" is everybody in the world.
	To string `json:"to,omitempty" yaml:"to,omitempty"`
	// Gain is how loud a voice arrives, in dB below its loudness at the mouth.
	Gain float64 `json:"gain" yaml:"gain"`
}

// List is the zones of a world. Its JSON is read strictly, into fresh memory.
type List []Zone

var _ json.Unmarshaler = (*List)(nil)

// UnmarshalJSON implements json.Unmarshaler.
func (l *List) UnmarshalJSON(data []byte) error {
	var fresh []Zone
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&fresh); err != nil {
		return err
	}
	*l = fresh
	if *l == nil {
		*l = List{}
	}
	return nil
}

// clone copies the list and all that it points to.
func (l List) clone() List {
	out := slices.Clone(l)
	for i := range out {
		z := &out[i]
		z.Shape.Corners = slices.Clone(z.Shape.Corners)
		if z.Megaphone != nil {
			m := *z.Megaphone
			z.Megaphone = &m
		}
		if z.Speak != nil {
			z.Speak = &Speak{Who: z.Speak.Who, Grants: slices.Clone(z.Speak.Grants), Participants: slices.Clone(z.Speak.Participants)}
		}
	}
	return out
}

// Public is the list as participants are told: without who is listed by name.
func (l List) Public() List {
	out := make(List, len(l))
	copy(out, l)
	for i := range out {
		if s := out[i].Speak; s != nil {
			out[i].Speak = &Speak{Who: s.Who}
		}
	}
	return out
}
