package zone

import (
	"cmp"
	"math/bits"
	"slices"

	"earshot"
)

// Mask is a set of the zones of a Set, by their place in the list.
type Mask uint64

// Has reports whether zone i is in m.
func (m Mask) Has(i int) bool { return m>>i&1 != 0 }

// Set is a list of zones made ready for many questions. The nil Set has none.
type Set struct {
	list   List
	solids []solid
	fades  []float64
	inner  []int // places in the list, the innermost first
	to     []int // whose people a zone's megaphone reaches; -1 is the world

	sealed Mask // those that let nothing through
	walled Mask // those that a voice can pass through and loses by
	apart  Mask // those whose border takes something of a voice
	horns  Mask // those with a megaphone
	ruled  Mask // those that say who may speak
	echoes Mask // those that name a reverberation
	stripes
}

// New makes a Set of a list that it checks, see List.Validate. It keeps its
// own copy. An empty list makes a nil Set.
func New(list List) (*Set, error) {
	if err := list.Validate(); err != nil || len(list) == 0 {
		return nil, err
	}
	s := &Set{list: list.clone()}
	for i := range s.list {
		z := &s.list[i]
		s.solids = append(s.solids, z.Shape.solid())
		s.fades = append(s.fades, z.Fade)
		s.inner = append(s.inner, i)
		if z.Sealed {
			s.sealed |= 1 << i
		}
		if z.Sealed || z.Isolation > 0 || z.Occlusion > 0 {
			s.apart |= 1 << i
		}
		if z.Occlusion > 0 {
			s.walled |= 1 << i
		}
		s.to = append(s.to, -1)
		if z.Megaphone != nil {
			s.horns |= 1 << i
			s.to[i] = list.index(z.Megaphone.To)
		}
		if z.Speak != nil {
			s.ruled |= 1 << i
		}
		if z.Reverb != "" {
			s.echoes |= 1 << i
		}
	}
	slices.SortStableFunc(s.inner, func(a, b int) int {
		if c := cmp.Compare(s.solids[a].area, s.solids[b].area); c != 0 {
			return c
		}
		return cmp.Compare(b, a)
	})
	s.stripe(s.solids)
	return s, nil
}

// Zones returns the list, which must not be changed.
func (s *Set) Zones() List {
	if s == nil {
		return nil
	}
	return s.list
}

// Spot is where somebody is, as zones see it. Its zero value is outside of all.
type Spot struct {
	In Mask // the zones that it is in

	at     point
	weight [MaxZones]float64 // of those in In, above 0 and at most 1
	x, z   uint8             // its stripes
}

// Weight is how deep the spot is in zone i, 0 to 1.
func (p *Spot) Weight(i int) float64 {
	if !p.In.Has(i) {
		return 0
	}
	return p.weight[i]
}

// Locate makes spot say where at is. It allocates nothing.
func (s *Set) Locate(at earshot.Vec3, spot *Spot) {
	spot.In = 0
	if s == nil {
		return
	}
	p := point{float64(at.X), float64(at.Y), float64(at.Z)}
	spot.at = p
	spot.x, spot.z = s.column(p.x), s.row(p.z)
	for m := s.near(spot.x, spot.x, spot.z, spot.z); m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(uint64(m))
		if d := s.solids[i].depth(p); d > 0 {
			spot.In |= 1 << i
			spot.weight[i] = soften(d, s.fades[i])
		}
	}
}

// soften is the weight at a depth in metres.
func soften(depth, fade float64) float64 {
	switch {
	case !(depth > 0):
		return 0
	case depth >= fade:
		return 1
	}
	return depth / fade
}

// Reaches reports whether a voice from in the zones of talker may get to in
// those of listener at all. It is what Path.Open and Path.Megaphone say.
func (s *Set) Reaches(talker, listener Mask) bool {
	if s == nil || (talker^listener)&s.sealed == 0 {
		return true
	}
	for m := talker & s.horns; m != 0; m &= m - 1 {
		if s.carries(bits.TrailingZeros64(uint64(m)), listener) {
			return true
		}
	}
	return false
}

// carries reports whether the megaphone of zone i is heard in listener.
func (s *Set) carries(i int, listener Mask) bool {
	return s.to[i] < 0 || listener.Has(s.to[i])
}

// Amplified reports whether a megaphone carries voices from in.
func (s *Set) Amplified(in Mask) bool { return s != nil && in&s.horns != 0 }

// Matters cuts a mask to the zones by which it is decided who may speak and who
// is reached: while it stays the same, so do the answers.
func (s *Set) Matters(in Mask) Mask {
	if s == nil {
		return 0
	}
	matters := s.sealed | s.horns | s.ruled
	for m := s.horns; m != 0; m &= m - 1 {
		if to := s.to[bits.TrailingZeros64(uint64(m))]; to >= 0 {
			matters |= 1 << to
		}
	}
	return in & matters
}

// Rooms cuts a mask to the zones whose borders take something of a voice: who has
// the same ones around them is in the same acoustic room.
func (s *Set) Rooms(in Mask) Mask {
	if s == nil {
		return 0
	}
	return in & s.apart
}

// Reverb names the reverberation at a spot: ReverbDry where there is none.
func (s *Set) Reverb(in Mask) string {
	if s != nil && in&s.echoes != 0 {
		for _, i := range s.inner {
			if (in & s.echoes).Has(i) {
				return s.list[i].Reverb
			}
		}
	}
	return ReverbDry
}

// Speaker is what decides whether somebody may speak.
type Speaker struct {
	ID        earshot.ParticipantID
	Grants    []string
	Performer bool // whatever their grants: it is a stream
}

// MaySpeak reports whether who may speak in the zones of in: the innermost that
// says something decides, and without one everybody may.
func (s *Set) MaySpeak(in Mask, who Speaker) bool {
	if s == nil || in&s.ruled == 0 {
		return true
	}
	for _, i := range s.inner {
		if (in & s.ruled).Has(i) {
			return s.list[i].Speak.allows(who)
		}
	}
	return true
}

func (r *Speak) allows(who Speaker) bool {
	switch r.Who {
	case SpeakEverybody:
		return true
	case SpeakPerformers:
		return who.Performer || slices.Contains(who.Grants, GrantPerform)
	case SpeakListed:
		return slices.Contains(r.Participants, who.ID) ||
			slices.ContainsFunc(r.Grants, func(g string) bool { return slices.Contains(who.Grants, g) })
	}
	return false
}

// index returns the place of a zone, -1 where there is none.
func (l List) index(id string) int {
	return slices.IndexFunc(l, func(z Zone) bool { return z.ID == id })
}

// Sealed reports whether any of the zones of in lets no voice through its
// border.
func (s *Set) Sealed(in Mask) bool { return s != nil && in&s.sealed != 0 }
