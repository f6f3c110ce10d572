package zone

import (
	"math"
	"math/bits"
)

// Path is what zones make of a voice on its way from one spot to another.
type Path struct {
	GainDB float64 // of the zones that the talker is in
	WallDB float64 // lost at walls, 0 and more
	// Open is whether the voice may go the straight way: no sealed wall is
	// between.
	Open bool
	// Amplified is the linear gain by which a megaphone brings it, 0 for none,
	// and Megaphone the place of its zone in the list, -1 for none.
	Amplified float64
	Megaphone int
}

// Hear says what becomes of talker's voice at listener. It allocates nothing.
func (s *Set) Hear(talker, listener *Spot) Path {
	p := Path{Open: true, Megaphone: -1}
	if s == nil {
		return p
	}
	p.Open = (talker.In^listener.In)&s.sealed == 0
	for m := talker.In | listener.In; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(uint64(m))
		z := &s.list[i]
		t, l := talker.Weight(i), listener.Weight(i)
		isolation := z.Isolation
		if z.Sealed {
			isolation = SealedIsolation
		}
		p.GainDB += z.Gain * t
		p.WallDB += isolation * math.Abs(t-l)
		if z.Occlusion > 0 {
			p.WallDB += s.occlusion(i, talker, listener, max(t, l))
		}
	}
	p.GainDB = min(p.GainDB, MaxGain)
	across := s.walled &^ (talker.In | listener.In)
	for m := across & s.near(talker.x, listener.x, talker.z, listener.z); m != 0; m &= m - 1 {
		if i := bits.TrailingZeros64(uint64(m)); s.solids[i].passes(talker.at, listener.at) {
			p.WallDB += s.occlusion(i, talker, listener, 0)
		}
	}
	for m := talker.In & s.horns; m != 0; m &= m - 1 {
		s.amplify(bits.TrailingZeros64(uint64(m)), talker, listener, &p)
	}
	return p
}

// occlusion is what the walls of zone i take from a voice that passes them to
// come deeper into it than either of its ends is.
func (s *Set) occlusion(i int, talker, listener *Spot, ends float64) float64 {
	if ends >= 1 {
		return 0
	}
	deepest := soften(s.solids[i].deepest(talker.at, listener.at, s.fades[i]), s.fades[i])
	return 2 * s.list[i].Occlusion * max(deepest-ends, 0)
}

// amplify lets the megaphone of zone i carry the voice, if none is louder.
func (s *Set) amplify(i int, talker, listener *Spot, p *Path) {
	m := s.list[i].Megaphone
	gain := math.Pow(10, m.Gain/20) * talker.Weight(i)
	if to := s.to[i]; to >= 0 {
		gain *= listener.Weight(to)
	}
	if gain > p.Amplified {
		p.Amplified, p.Megaphone = gain, i
	}
}

// Allowed reports whether the voice may arrive at all.
func (p *Path) Allowed() bool { return p.Open || p.Megaphone >= 0 }

// Gain returns the linear gain of the voice at the listener, where curve is
// what it would be without zones (spatialaudio.Curve.Gain), and whether it is
// the megaphone's.
func (p *Path) Gain(curve float64) (gain float64, amplified bool) {
	if p.Open && curve > 0 {
		gain = curve * math.Pow(10, (p.GainDB-p.WallDB)/20)
	}
	if p.Amplified > gain {
		return p.Amplified, true
	}
	return gain, false
}

// The range of Cutoff, in Hz.
const (
	MaxCutoff = 20_000
	MinCutoff = 400
)

// Cutoff returns where walls that take wallDB cut the high frequencies off, in
// Hz: an octave for every 6 dB, as a wall's loss grows by its mass law.
func Cutoff(wallDB float64) float64 {
	return max(MaxCutoff*math.Exp2(-max(wallDB, 0)/6), MinCutoff)
}
