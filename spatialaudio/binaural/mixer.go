package binaural

import (
	"math"

	"earshot"
	"earshot/spatialaudio/kernel"
)

// MaxGain is the most a voice is amplified, 40 dB: a gain above it counts as it.
const MaxGain = 100

// Heard is one voice as a listener hears it.
type Heard struct {
	Source   *Source
	Position earshot.Vec3 // in the world, metres
	// Radius makes the voice come from a ball instead of a point, in metres: of
	// a crowd, a choir, a waterfall. Within it the voice is all around.
	Radius float32
	// Gain is linear, MaxGain at most: distance, cone and personal volume, as
	// spatialaudio has them. Nothing is added for distance here.
	Gain float32
	// WallDB is what of Gain walls took: they muffle the voice.
	WallDB float32
	// Wet is the reverberation of the voice where the listener is, at the same
	// gain and behind the same walls; nil for none.
	Wet *Wet
}

// Stereo is a block of samples for headphones, left and right in turns.
type Stereo = kernel.Stereo

// Mixer mixes for one listener after the other. It holds the memory that takes.
type Mixer struct {
	// Witness, where it is not nil, is told each source of which any sound
	// enters a mix, fading or not, before it does; more than once perhaps. It is
	// for audits.
	Witness func(*Source)

	filters     *Filters
	same        kernel.Pair // what was as it is
	moved, gone kernel.Pair // what has changed: as it is, and as it was
	z, was, is  kernel.Complex
	muffled     struct { // the last spectrum that a wall was applied to
		source   *Source
		wall     uint8
		spectrum kernel.Spectrum
	}
	sameIsEmpty  bool
	movedIsEmpty bool
}

// NewMixer returns a mixer for one goroutine.
func NewMixer(f *Filters) *Mixer { return &Mixer{filters: f} }

// Mix sets out to what a listener, whose ears are at head, hears of the voices
// in this tick, and reports whether there is anything: false leaves out silent.
// A voice that was not heard in the tick before fades in, one that is no more
// fades out, over the block. Voices without a usable position or gain are left
// out. A source may be in heard only once. Many loud voices may add up to more
// than 1: limiting is the caller's.
func (m *Mixer) Mix(l *Listener, head earshot.Transform, heard []Heard, out *Stereo) bool {
	m.clear()
	l.next = l.next[:0]
	back := head.Rotation.Normalised()
	back.X, back.Y, back.Z = -back.X, -back.Y, -back.Z
	for i := range heard {
		h := &heard[i]
		now, ok := m.place(h, back.Rotate(h.Position.Sub(head.Position)))
		if !ok {
			continue
		}
		was, known := l.before(h.Source, len(l.next))
		l.next = append(l.next, m.add(was, now, known))
	}
	clear(l.faded)
	l.faded = l.faded[:0]
	for i := range l.last {
		if p := &l.last[i]; p.source != nil && !p.met {
			m.multiply(&m.gone, p)
			m.drench(&m.gone, p)
			l.faded = append(l.faded, p.source)
		}
	}
	clear(l.last) // holds no source longer than it must
	l.last, l.next = l.next, l.last
	return m.render(out)
}

// place chooses the filter for a voice at a place in the head's frame.
func (m *Mixer) place(h *Heard, at earshot.Vec3) (part, bool) {
	gain := float64(h.Gain)
	if h.Source == nil || !at.Finite() || !(gain > 0) || math.IsInf(gain, 0) {
		return part{}, false
	}
	x, y, z := float64(-at.Z), float64(-at.X), float64(at.Y) // ahead, left, up
	flat := math.Hypot(x, y)
	spread := spreadClass(math.Hypot(flat, z), float64(h.Radius))
	f, mirrored := m.filters.find(math.Atan2(y, x), math.Atan2(z, flat), spread)
	return part{source: h.Source, filter: f, mirrored: mirrored, wall: wallClass(h.WallDB), gain: min(h.Gain, MaxGain), wet: h.Wet}, true
}

// spreadClass returns which of spreads a ball of a radius has at a distance.
// Who stands in the mouth of somebody hears them all around.
func spreadClass(distance, radius float64) (class int) {
	const mouth = 0.05
	if distance <= max(radius, mouth) {
		return len(spreads) - 1
	}
	if !(radius > 0) {
		return 0
	}
	angle := math.Asin(radius/distance) * 180 / math.Pi
	for i, s := range spreads {
		if math.Abs(angle-s) < math.Abs(angle-spreads[class]) {
			class = i
		}
	}
	return class
}

// steady is by how much, relatively, a gain must change to be worth a
// crossfade: 0.01 dB. Until then it stays what it was.
const steady = 1e-3

// add adds a voice to the sums and returns how.
func (m *Mixer) add(was, now part, known bool) part {
	as := known && was.wall == now.wall && math.Abs(float64(was.gain-now.gain)) <= steady*float64(now.gain)
	if as {
		now.gain = was.gain
	}
	if as && was.filter == now.filter && was.mirrored == now.mirrored {
		m.multiply(&m.same, &now)
	} else {
		m.multiply(&m.moved, &now)
		if known {
			m.multiply(&m.gone, &was)
		}
	}
	if as && was.wet == now.wet {
		m.drench(&m.same, &now)
	} else {
		m.drench(&m.moved, &now)
		if known {
			m.drench(&m.gone, &was)
		}
	}
	return now
}

// multiply adds a voice as it comes straight to the ears.
func (m *Mixer) multiply(sum *kernel.Pair, p *part) {
	if !p.source.sounds {
		return
	}
	m.note(sum, p)
	kernel.MultiplyAdd(sum, m.behind(p), p.filter, p.gain, p.mirrored)
}

// drench adds a voice as the room sends it back.
func (m *Mixer) drench(sum *kernel.Pair, p *part) {
	if p.wet == nil || !p.wet.sounds {
		return
	}
	m.note(sum, p)
	if p.wall == 0 {
		kernel.Add(sum, &p.wet.spectrum, p.gain)
		return
	}
	kernel.MultiplyAdd(sum, &m.filters.walls[p.wall], &p.wet.spectrum, p.gain, false)
}

// note says that there is something in a sum, and whose.
func (m *Mixer) note(sum *kernel.Pair, p *part) {
	if sum == &m.same {
		m.sameIsEmpty = false
	} else {
		m.movedIsEmpty = false
	}
	if m.Witness != nil {
		m.Witness(p.source)
	}
}

// behind returns the spectrum of a voice behind its walls.
func (m *Mixer) behind(p *part) *kernel.Spectrum {
	if p.wall == 0 {
		return &p.source.spectrum
	}
	if m.muffled.source != p.source || m.muffled.wall != p.wall {
		m.muffled.source, m.muffled.wall = p.source, p.wall
		kernel.Filter(&m.muffled.spectrum, &p.source.spectrum, &m.filters.walls[p.wall])
	}
	return &m.muffled.spectrum
}

// clear empties the sums that the mix before has filled.
func (m *Mixer) clear() {
	if !m.sameIsEmpty {
		m.same = kernel.Pair{}
	}
	if !m.movedIsEmpty {
		m.moved, m.gone = kernel.Pair{}, kernel.Pair{}
	}
	m.sameIsEmpty, m.movedIsEmpty = true, true
	m.muffled.source = nil // who may have said something else since
}

// render turns the sums into sound: one transform where nothing has moved, else
// two.
func (m *Mixer) render(out *Stereo) bool {
	if m.movedIsEmpty {
		if m.sameIsEmpty {
			*out = Stereo{}
			return false
		}
		kernel.Pack(&m.z, &m.same, &m.moved)
		kernel.Transform(&m.is, &m.z)
		kernel.Interleave(out, &m.is)
		return true
	}
	kernel.Pack(&m.z, &m.same, &m.moved)
	kernel.Transform(&m.is, &m.z)
	kernel.Pack(&m.z, &m.same, &m.gone)
	kernel.Transform(&m.was, &m.z)
	kernel.Crossfade(out, &m.was, &m.is)
	return true
}
