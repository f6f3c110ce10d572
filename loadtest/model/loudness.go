package model

import (
	"math"
	"math/rand/v2"
)

const (
	noiseFloor = -68.0 // dBov of a quiet room
	syllables  = 4.0   // per second
	swing      = 5.0   // dB either side, per syllable
)

// loudness is how a level goes up and down frame by frame.
type loudness struct {
	rng  *rand.Rand
	mean float64 // dBov while there is sound
	tick int
}

// level returns the next frame's level as RFC 6464 has it, -dBov: a voice
// swings with its syllables, a pause is the noise of the room.
func (l *loudness) level(voice bool) uint8 {
	l.tick++
	db := noiseFloor + 2*l.rng.NormFloat64()
	if voice {
		phase := 2 * math.Pi * syllables * float64(l.tick) * FrameDuration.Seconds()
		db = l.mean + swing*math.Sin(phase) + 2*l.rng.NormFloat64()
	}
	return uint8(math.Round(math.Max(0, math.Min(127, -db))))
}
