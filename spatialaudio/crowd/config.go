package crowd

import (
	"time"

	"earshot"
	"earshot/spatialaudio"
)

// Hard limits of a plan. They bound its memory.
const (
	MaxPeople      = 8192
	MaxTalkers     = 8  // mixed in one bed
	MaxPerListener = 16 // beds
	MaxVoices      = 32 // individual voices of a listener
	MaxLevels      = 12
)

// Config is how a crowd is divided. Lengths are in metres, levels in dB.
type Config struct {
	// Curve is the world's: beds follow its distance part, cones are for voices.
	Curve spatialaudio.Curve
	// Leaf is the side of the smallest cells, and Levels how many sizes there are.
	Leaf   float32
	Levels int
	// People is above all IDs.
	People int
	// Beds is how many are encoded at once at most: those that most listeners get.
	Beds int
	// Talkers is how many a bed mixes, PerListener how many beds one gets.
	Talkers, PerListener int
	// A cell whose side is more than Coarse of its distance is opened, and one
	// with more than Fine while there are beds left.
	Fine, Coarse float32
	// Crossfade is how long a voice or bed takes to come or go, and Memory how
	// long something that was mixed can be in packets after that: the encoder's
	// overlap and redundant copies.
	Crossfade, Memory time.Duration
	// Hold is how long a talker stays in a mix, and a bed with a listener, at
	// least; HysteresisDB what the next must have more after that.
	Hold         time.Duration
	HysteresisDB float32
	// FloorDB is the level at the ear, in dBov, below which a bed is not worth it.
	FloorDB float32
}

// DefaultConfig is for a crowd that is heard from 60 m, and for two cores: some
// 300 talkers decoded for 32 beds take half of one.
func DefaultConfig() Config {
	curve := spatialaudio.DefaultCurve()
	curve.Range, curve.Fade = 60, 9
	return Config{
		Curve: curve, Leaf: 1, Levels: 7, People: 1024, Beds: 32, Talkers: 8, PerListener: 8,
		Fine: 0.5, Coarse: 1.2,
		Crossfade: 200 * time.Millisecond, Memory: 60 * time.Millisecond,
		Hold: 500 * time.Millisecond, HysteresisDB: 4, FloorDB: -65,
	}
}

// Validate returns an *earshot.Error that names the first field that cannot be.
func (c *Config) Validate() error {
	bad := func(field string, v, low, high any) error {
		return earshot.Errorf(earshot.CodeInvalidArgument, "%s: %v is outside %v to %v", field, v, low, high)
	}
	if err := c.Curve.Validate(); err != nil {
		return err
	}
	switch { // written so that NaN fails
	case !(c.Leaf >= 0.25 && c.Leaf <= 64):
		return bad("leaf", c.Leaf, 0.25, 64)
	case c.Levels < 1 || c.Levels > MaxLevels:
		return bad("levels", c.Levels, 1, MaxLevels)
	case c.People < 1 || c.People > MaxPeople:
		return bad("people", c.People, 1, MaxPeople)
	case c.Beds < 0 || c.Beds > 4096:
		return bad("beds", c.Beds, 0, 4096)
	case c.Talkers < 2 || c.Talkers > MaxTalkers:
		return bad("talkers", c.Talkers, 2, MaxTalkers)
	case c.PerListener < 1 || c.PerListener > MaxPerListener:
		return bad("per listener", c.PerListener, 1, MaxPerListener)
	case !(c.Fine > 0 && c.Fine <= 2):
		return bad("fine", c.Fine, 0, 2)
	case !(c.Coarse >= c.Fine && c.Coarse <= 2):
		return bad("coarse", c.Coarse, c.Fine, 2)
	case c.Crossfade < 0 || c.Crossfade > 2*time.Second:
		return bad("crossfade", c.Crossfade, 0, 2*time.Second)
	case c.Memory < 0 || c.Memory > 2*time.Second:
		return bad("memory", c.Memory, 0, 2*time.Second)
	case c.Hold < 0 || c.Hold > 10*time.Second:
		return bad("hold", c.Hold, 0, 10*time.Second)
	case !(c.HysteresisDB >= 0 && c.HysteresisDB <= 20):
		return bad("hysteresis", c.HysteresisDB, 0, 20)
	case !(c.FloorDB >= -127 && c.FloorDB <= 0):
		return bad("floor", c.FloorDB, -127, 0)
	}
	return nil
}
