package gateway

import (
	"earshot"
	"earshot/gateway/desk"
	"earshot/gateway/protocol"
	"earshot/sfu"
	"earshot/spatialaudio"
)

// A bed in a voice slot: it takes up to half of the slots, the others are left to
// the most audible voices that no bed has.

// bedScore is above every voice's: a bed that is given to a listener has its slot.
// One that leaves keeps it while it fades, unless another needs it.
const (
	bedScore     = 1000
	leavingScore = 900
)

// bedMoved is by how many metres a bed moves before its listeners are told.
const bedMoved = 0.5

// of returns what s gets by beds, until the next call. Only the tick calls it.
func (c *crowding) of(s *session) *desk.View {
	if c.Crowd != nil {
		c.View(s.person, &c.view)
	}
	return &c.view
}

// ask notes whom s would hear one by one without beds.
func (m *mixer) ask(s *session) {
	s.asked = s.asked[:0]
	for i := range m.heard {
		if h := &m.heard[i]; h.talking && h.why.GainDB > silent && h.session.person != desk.Nobody && len(s.asked) < desk.MaxVoices {
			s.asked = append(s.asked, h.session.person)
		}
	}
}

// offerBeds adds the beds of s to those who may be in its voice slots.
func (m *mixer) offerBeds(s *session) {
	m.ask(s)
	for i := range m.crowd.Beds {
		b := &m.crowd.Beds[i]
		score := float32(bedScore - i)
		if b.Leaving {
			score = leavingScore
		}
		m.voice = append(m.voice, sfu.VoiceCandidate{Publication: b.Publication, ScoreDB: score, Talking: true})
	}
}

// planned reports whether there is a new plan of beds since s was told of its
// slots, where they may have one.
func (m *mixer) planned(s *session) bool {
	if s.planned == m.crowd.Plan || !s.beds.Load() {
		return false
	}
	s.planned = m.crowd.Plan
	return true
}

// bedOf returns the bed of the listener that is p, nil where it is none.
func (m *mixer) bedOf(p *sfu.Publication) *desk.Bed {
	if p.Source() != sfu.SourceBed {
		return nil
	}
	for i := range m.crowd.Beds {
		if b := &m.crowd.Beds[i]; b.Publication == p {
			return b
		}
	}
	return nil
}

// leaves reports whether what is in a slot is to fade out: a bed that leaves, or a
// voice that a bed has by now.
func (m *mixer) leaves(p *sfu.Publication) bool {
	if p.Source() == sfu.SourceBed {
		b := m.bedOf(p)
		return b == nil || b.Leaving
	}
	for i := range m.heard {
		if s := m.heard[i].session; s.participant == p.Participant() {
			return m.crowd.Leaves(s.person)
		}
	}
	return false
}

// bedTold returns what a listener is to be told of a bed, which is what they were
// told already where it has hardly changed.
func (m *mixer) bedTold(p *sfu.Publication, known *told) (bed protocol.Bed) {
	b := m.bedOf(p)
	if b == nil {
		return bed
	}
	if known.track == p.ID() && known.bed.Voices > 0 {
		at := earshot.Vec3{X: known.bed.Position[0], Y: known.bed.Position[1], Z: known.bed.Position[2]}
		moved := b.Radius - known.bed.Radius
		if at.Distance(b.Centre) < bedMoved && moved*moved < bedMoved*bedMoved {
			return known.bed
		}
	}
	return protocol.Bed{Position: [3]float32{b.Centre.X, b.Centre.Y, b.Centre.Z}, Radius: b.Radius, Voices: b.Voices}
}

// whyBed says what speaks for a bed.
func (m *mixer) whyBed(b *desk.Bed, packets uint64) *protocol.Why {
	level := float64(b.LevelDB)
	gain := max(spatialaudio.Decibels(float64(b.Gain)), silent)
	return &protocol.Why{
		Distance: float64(m.ears.Position.Distance(b.Centre)), GainDB: gain, LevelDB: &level,
		ScoreDB: max(level+gain, silent), Packets: packets,
	}
}
