package director

import (
	"math"

	"earshot"
)

// The weights of who is being spoken to. Each is the worth of one sign; what
// they sum to is compared with threshold. They were set so that the stories in
// testdata/address come out as people would have it.
const (
	threshold = 0.5

	worthFacing    = 0.4  // looking straight at the character, falling to 0 at facingWide
	worthNear      = 0.2  // within nearRange, falling to 0 at its perception range
	worthTalking   = 0.3  // in conversation with it
	worthNamed     = 1.2  // called: that settles it, wherever they look
	worthInset     = 0.35 // named, but perhaps as somebody who is spoken about
	worthLikeNamed = 0.35
	worthOtherName = -0.6 // somebody else who is near was named
	worthRival     = -0.5 // somebody else is as near the line of sight, or nearer
	worthBehind    = -0.3 // the speaker's back is turned

	facingFull = 12 * math.Pi / 180
	facingWide = 60 * math.Pi / 180
	facingBack = 100 * math.Pi / 180
	rivalWide  = 25 * math.Pi / 180 // from the line of sight

	nearRange  = 2.0 // metres
	rivalRange = 6.0 // metres from the speaker
)

// geometry is what where people stand and look says about whom somebody
// speaks to.
type geometry struct {
	angle  float64 // between the speaker's look and the way to the character, radians
	near   float64 // 1 beside it, 0 at the end of its range and beyond
	rival  float64 // 1 if somebody else is looked at rather than the character
	alone  bool    // nobody else could be meant
	inside bool    // within perception range
}

// look measures. Height does not count: a headset at a desk is as low as a
// child.
func look(speaker *Person, head earshot.Vec3, around []Person, self earshot.ParticipantID, reach float64) geometry {
	g := geometry{alone: true, inside: speaker.Distance <= reach}
	forward := flat(speaker.Head.Rotation.Forward())
	g.angle = angleTo(forward, flat(head.Sub(speaker.Head.Position)))
	g.near = clamp01((reach - speaker.Distance) / math.Max(reach-nearRange, 0.1))
	for i := range around {
		o := &around[i]
		if o.ID == speaker.ID || o.ID == self {
			continue
		}
		way := flat(o.Head.Position.Sub(speaker.Head.Position))
		distance := float64(way.Len())
		if distance > math.Max(rivalRange, speaker.Distance) {
			continue
		}
		g.alone = false
		if angle := angleTo(forward, way); angle < rivalWide {
			// As good as the character when at the same angle and distance.
			edge := (g.angle-angle)/rivalWide + 0.15*(speaker.Distance-distance)
			g.rival = math.Max(g.rival, clamp01(0.5+edge))
		}
	}
	return g
}

// score is how much speaks for it that the character is spoken to.
func (g *geometry) score(in talkSigns) float64 {
	s := worthFacing*clamp01((facingWide-g.angle)/(facingWide-facingFull)) + worthNear*g.near + worthRival*g.rival
	if g.angle > facingBack {
		s += worthBehind
	}
	if in.partner {
		s += worthTalking
	}
	switch in.name {
	case named:
		s += worthNamed
	case namedInset:
		s += worthInset
	case likeNamed:
		s += worthLikeNamed
	case notNamed:
		if in.otherNamed {
			s += worthOtherName
		}
	}
	return s
}

// talkSigns are the signs that are not seen.
type talkSigns struct {
	partner    bool // spoke with the character a moment ago
	name       mention
	otherNamed bool // by the name of somebody else who is near
}

// addressed decides. A single person before the character is always answered.
func (g *geometry) addressed(in talkSigns) bool {
	if !g.inside && in.name < named {
		return false
	}
	if g.alone && g.inside && g.angle <= facingBack {
		return true
	}
	return g.score(in) >= threshold
}

// possible reports whether words could make it an address: whether a
// transcription is worth asking for.
func (g *geometry) possible(partner bool) bool {
	return g.addressed(talkSigns{partner: partner}) || g.addressed(talkSigns{partner: partner, name: named})
}

func flat(v earshot.Vec3) earshot.Vec3 { return earshot.Vec3{X: v.X, Z: v.Z} }

// angleTo returns the angle between two directions, 0 where one of them has no
// length: who stands inside another looks at them.
func angleTo(a, b earshot.Vec3) float64 {
	n := float64(a.Len()) * float64(b.Len())
	if !(n > 1e-9) {
		return 0
	}
	return math.Acos(math.Max(-1, math.Min(1, float64(a.Dot(b))/n)))
}

func clamp01(v float64) float64 {
	if !(v > 0) {
		return 0
	}
	return math.Min(v, 1)
}
