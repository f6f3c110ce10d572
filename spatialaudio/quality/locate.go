package quality

import "math"

// Template is what a listener knows of their own head: the cues of one
// direction (radians; axes as in package hrtf).
type Template struct {
	Azimuth, Elevation float64
	Cues               Cues
}

// How far cues may be off before a listener notices, roughly: what weighs the
// cues against each other in Locate.
const (
	itdNotice   = 20e-6 // seconds
	levelNotice = 1.5   // dB, of the difference between the ears in a band
	shapeNotice = 3     // dB, of a band against the others in the louder ear
)

// Locate returns the index of the template whose cues are nearest: by the time
// between the ears, by the level between them in each band, and by the shape of
// the spectrum at the louder ear, for which the source's spectrum must be known
// or the same in both.
func Locate(c *Cues, known []Template) int {
	best, least := -1, math.Inf(1)
	for i := range known {
		if d := distance(c, &known[i].Cues); d < least {
			best, least = i, d
		}
	}
	return best
}

func distance(a, b *Cues) float64 {
	sum := square((a.ITD - b.ITD) / itdNotice)
	ear := 0
	if b.ITD < 0 {
		ear = 1
	}
	meanA, meanB := mean(&a.Level[ear]), mean(&b.Level[ear])
	for k := range Bands {
		between := (a.Level[0][k] - a.Level[1][k]) - (b.Level[0][k] - b.Level[1][k])
		shape := (a.Level[ear][k] - meanA) - (b.Level[ear][k] - meanB)
		sum += square(between/levelNotice)/Bands*4 + square(shape/shapeNotice)/Bands*4
	}
	return sum
}

func mean(x *[Bands]float64) (m float64) {
	for _, v := range x {
		m += v / Bands
	}
	return m
}

func square(x float64) float64 { return x * x }

// Angle returns the angle between two directions, in radians.
func Angle(azimuth1, elevation1, azimuth2, elevation2 float64) float64 {
	cos := math.Sin(elevation1)*math.Sin(elevation2) + math.Cos(elevation1)*math.Cos(elevation2)*math.Cos(azimuth1-azimuth2)
	return math.Acos(max(-1, min(1, cos)))
}

// Confused reports whether one of two directions is in front and the other
// behind, both by more than 5 degrees off the plane through the ears.
func Confused(azimuth1, elevation1, azimuth2, elevation2 float64) bool {
	a, b := math.Cos(azimuth1)*math.Cos(elevation1), math.Cos(azimuth2)*math.Cos(elevation2)
	limit := math.Sin(5 * math.Pi / 180)
	return a > limit && b < -limit || a < -limit && b > limit
}
