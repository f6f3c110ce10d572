package reverb

// Kind is a kind of room. The zero Kind is none: dry.
type Kind uint8

// The kinds, as zones name them.
const (
	Dry Kind = iota
	Booth
	Room
	Hall
	Cathedral
	Outdoors
	Kinds // how many there are
)

// Preset is what a kind of room is like.
type Preset struct {
	Seconds float64 // until it is 60 dB weaker
	Delay   float64 // of the first echo, s
	Bright  float64 // Hz, above which it is weaker from the start
	Wet     float64 // linear, against the dry voice at one ear
}

// presets are PRESETS of gateway/web/reverb.js.
var presets = [Kinds]Preset{
	Booth:     {0.15, 0.001, 5000, 0.1},
	Room:      {0.5, 0.005, 6500, 0.16},
	Hall:      {1.7, 0.02, 5500, 0.2},
	Cathedral: {4, 0.04, 4000, 0.26},
	Outdoors:  {0.8, 0.06, 3000, 0.06},
}

// names are those of zones.
var names = [Kinds]string{"dry", "booth", "room", "hall", "cathedral", "outdoors"}

// Named returns the kind of a name; of one it does not know, Dry.
func Named(name string) Kind {
	for k := Booth; k < Kinds; k++ {
		if names[k] == name {
			return k
		}
	}
	return Dry
}

// String returns the name.
func (k Kind) String() string { return names[k] }

// Preset returns what the kind of room is like.
func (k Kind) Preset() Preset { return presets[k] }
