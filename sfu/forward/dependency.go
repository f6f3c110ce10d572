package forward

import "encoding/binary"

// DependencyURI names the header extension of the dependency descriptor.
const DependencyURI = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"

// maxDependency is the most bytes of a descriptor: RFC 8285, section 4.3.
const maxDependency = 255

// Dependency is the dependency descriptor of a packet.
type Dependency struct {
	// Raw is as it came, in the bytes that were parsed; empty where there was none.
	Raw []byte

	structure *Structure
	maskAt    int // bit at which the mask of active decode targets is, or would be
	masked    bool
	active    uint32 // decode targets that the sender goes on with
}

// dependencyLayout reads the descriptors of one encoding. They make sense only
// with the structure that the last key frame brought. A sender that has too
// little room for all layers says which decode targets it goes on with: the
// others stand for the largest of these then.
type dependencyLayout struct {
	structure *Structure
	frame     uint16 // that brought it
	active    uint32 // decode targets that are sent
	shown     shown
}

// read returns the descriptor of a packet and the place that it says. ok is
// false where it is malformed or its structure is not known: nobody can make
// anything of such a packet.
func (l *dependencyLayout) read(b []byte) (d Dependency, p Place, ok bool) {
	if len(b) < 3 || len(b) > maxDependency {
		return d, p, false
	}
	r := bitReader{b: b}
	first, last := r.flag(), r.flag()
	id := uint8(r.read(6))
	frame := uint16(r.read(16))
	d = Dependency{Raw: b}
	if l.structure != nil && int16(frame-l.frame) < 0 {
		return d, p, false // late, of a sequence that is over
	}
	var attached, ownDTI, ownDiffs, ownChains bool
	if len(b) > 3 {
		attached, d.masked = r.flag(), r.flag()
		ownDTI, ownDiffs, ownChains = r.flag(), r.flag(), r.flag()
	}
	if attached {
		s := readStructure(&r, l.structure)
		if s == nil {
			return d, p, false
		}
		l.structure, l.frame = s, frame
		l.activate(s.every())
	}
	s := l.structure
	if s == nil {
		return d, p, false
	}
	d.structure, d.maskAt = s, r.at
	if d.masked {
		l.activate(r.read(s.decode))
	}
	d.active = l.active
	t := s.template(id)
	if t == nil {
		return d, p, false
	}
	p = l.place(&r, t, ownDTI, ownDiffs, attached)
	if ownChains {
		for range s.chains {
			r.read(8)
		}
	}
	p.First = first
	if !first {
		p.Begins = 0
	}
	if layer := int(p.Layer); last && layer < min(s.layers, MaxLayers)-1 {
		p.Ends = ofLayer(layer, 0)
	}
	return d, p, !r.bad
}

// template returns the template with an id, or nil.
func (s *Structure) template(id uint8) *template {
	if i := int(id-s.offset) & (maxTemplates - 1); i < len(s.templates) {
		return &s.templates[i]
	}
	return nil
}

// activate takes the decode targets that are sent from now on.
func (l *dependencyLayout) activate(mask uint32) {
	l.active, l.shown = mask, l.structure.show(mask)
}

// place reads what a frame says beside its template.
func (l *dependencyLayout) place(r *bitReader, t *template, ownDTI, ownDiffs, attached bool) Place {
	dti, refers := &t.dti, t.refers
	if ownDTI {
		var own relations
		for d := range l.structure.decode {
			own[d] = uint8(r.read(2))
		}
		dti = &own
	}
	needed, switches := l.shown.relate(dti)
	if ownDiffs {
		refers = false
		for size := r.read(2); size != 0 && !r.bad; size = r.read(2) {
			refers = true
			r.read(4 * int(size))
		}
	}
	p := Place{
		Needed: needed, Up: switches, From: needed, Down: switches,
		Layer: min(t.spatial, MaxLayers-1), Temporal: min(t.temporal, MaxTemporal-1),
	}
	if attached && !refers {
		p.Begins = switches
	}
	return p
}

// Rewrite appends the descriptor as it leaves to buffer[:0] and returns it:
// frames are counted on from by, and the decode targets above t are said to be
// inactive, so that nobody waits for them. Every packet says it: what a reader
// was told holds until it is told otherwise, and no packet is sure to arrive.
func (d *Dependency) Rewrite(by uint16, t Target, buffer []byte) []byte {
	out := append(buffer[:0], d.Raw...)
	binary.BigEndian.PutUint16(out[1:], binary.BigEndian.Uint16(out[1:])+by)
	s := d.structure
	if t < 0 {
		return out
	}
	mask := s.active[t] & d.active
	switch {
	case mask == 0 || s.decode == 1 || len(out)+5 > maxDependency:
	case d.masked:
		putBits(out, d.maskAt, s.decode, mask)
	case len(out) == 3: // no extended fields yet: five flags, then the mask
		out = insertBits(out, 24, 5+s.decode)
		putBits(out, 25, 1, 1)
		putBits(out, 29, s.decode, mask)
	default:
		out = insertBits(out, d.maskAt, s.decode)
		putBits(out, 25, 1, 1)
		putBits(out, d.maskAt, s.decode, mask)
	}
	return out
}

// FrameContinuity keeps the frame numbers of dependency descriptors in a slot
// continuous while what is in the slot changes. Frames that are left out stay
// gaps: what refers to what is written in differences. The zero
// FrameContinuity is ready for use.
type FrameContinuity struct {
	epoch  uint32
	used   bool
	number running
}

// Offset returns what to add to the frame numbers of an epoch of the slot's
// Rewriter, of which d is a descriptor.
func (c *FrameContinuity) Offset(epoch uint32, d *Dependency) uint16 {
	n := binary.BigEndian.Uint16(d.Raw[1:])
	if !c.used || epoch != c.epoch {
		c.number.begin(n, 0xffff, c.used)
		c.epoch, c.used = epoch, true
	}
	c.number.advance(n, 0xffff)
	return c.number.by
}
