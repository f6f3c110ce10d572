package forward

// VP9Header is what the payload descriptor of RFC 9628, section 4.2, says.
type VP9Header struct {
	PictureID uint16 // 7 or 15 bits
	TL0       uint8
	TID, SID  uint8
	Start     bool // B: the packet begins the layer frame
	End       bool // E: it ends it
	Inter     bool // P: the frame refers to earlier pictures
	Flexible  bool // F: references are in the descriptor, and there is no TL0
	SwitchUp  bool // U: what follows in higher temporal layers refers to nothing before in them
	Alone     bool // Z: no higher spatial layer refers to the frame

	// Of a packet with a scalability structure, else 0:
	Layers  int               // spatial layers
	Heights [vp9Layers]uint16 // of each in pixels, 0 where unknown

	pictureAt, tl0At int // where they stand; 0 where they are not
	longID, layered  bool
}

// vp9Layers is how many spatial layers a structure can have.
const vp9Layers = 8

// The bits of the first byte.
const (
	vp9I = 0x80 >> iota
	vp9P
	vp9L
	vp9F
	vp9B
	vp9E
	vp9V
	vp9Z
)

// Parse reads the descriptor of a payload and reports whether it is whole.
func (v *VP9Header) Parse(b []byte) bool {
	*v = VP9Header{}
	if len(b) < 1 {
		return false
	}
	has := b[0]
	v.Start, v.End = has&vp9B != 0, has&vp9E != 0
	v.Inter, v.Flexible, v.Alone = has&vp9P != 0, has&vp9F != 0, has&vp9Z != 0
	at := 1
	if has&vp9I != 0 {
		at = v.parsePicture(b, at)
	}
	if at > 0 && has&vp9L != 0 {
		at = v.parseLayer(b, at)
	}
	if at > 0 && v.Flexible && v.Inter {
		at = skipReferences(b, at)
	}
	if at > 0 && has&vp9V != 0 {
		at = v.parseStructure(b, at)
	}
	return at > 0 && at < len(b)
}

// Each of the following returns where it ends, or 0.

func (v *VP9Header) parsePicture(b []byte, at int) int {
	if len(b) < at+2 { // the last byte cannot be all of a packet
		return 0
	}
	v.pictureAt, v.longID = at, b[at]&0x80 != 0
	v.PictureID = uint16(b[at] & 0x7f)
	if !v.longID {
		return at + 1
	}
	v.PictureID = v.PictureID<<8 | uint16(b[at+1])
	return at + 2
}

func (v *VP9Header) parseLayer(b []byte, at int) int {
	if len(b) < at+2 {
		return 0
	}
	v.layered = true
	v.TID, v.SID, v.SwitchUp = b[at]>>5, b[at]>>1&7, b[at]&0x10 != 0
	if v.Flexible {
		return at + 1
	}
	v.tl0At, v.TL0 = at+1, b[at+1]
	return at + 2
}

// skipReferences skips at most three P_DIFF, of which the last has no N bit.
func skipReferences(b []byte, at int) int {
	for range 3 {
		if len(b) <= at {
			return 0
		}
		at++
		if b[at-1]&1 == 0 {
			return at
		}
	}
	return 0
}

func (v *VP9Header) parseStructure(b []byte, at int) int {
	if len(b) <= at {
		return 0
	}
	head := b[at]
	at++
	v.Layers = int(head>>5) + 1
	if head&0x10 != 0 {
		if len(b) < at+4*v.Layers {
			return 0
		}
		for i := range v.Layers {
			v.Heights[i] = uint16(b[at+2])<<8 | uint16(b[at+3])
			at += 4
		}
	}
	if head&0x08 == 0 {
		return at
	}
	if len(b) <= at {
		return 0
	}
	pictures := int(b[at])
	at++
	for range pictures {
		if len(b) <= at {
			return 0
		}
		at += 1 + int(b[at]>>2&3) // R references of a byte each
	}
	return at
}

// vp9Layout knows of a stream what a packet alone does not say.
type vp9Layout struct {
	top   int             // the highest spatial layer
	alone [MaxLayers]bool // since the last key picture something of the layer was not for those above
}

// place returns where a packet stands. SVC and K-SVC differ in Z alone: in
// K-SVC it says of all but key pictures that higher layers do without.
func (l *vp9Layout) place(v *VP9Header) Place {
	sid, tid := min(int(v.SID), MaxLayers-1), min(int(v.TID), MaxTemporal-1)
	p := Place{First: v.Start, Layer: uint8(sid), Temporal: uint8(tid)}
	if v.Start && !v.Inter && sid == 0 {
		p.Begins = everyTarget
		l.alone = [MaxLayers]bool{}
		l.top = MaxLayers - 1
	}
	switch {
	case v.Layers > 0:
		l.top = min(v.Layers, MaxLayers) - 1
	case !v.layered:
		l.top = 0
	}
	top := sid >= l.top
	if p.Needed = above(sid, tid); v.Alone && !top {
		p.Needed = ofLayer(sid, tid)
		l.alone[sid] = true
	}
	p.From = p.Needed
	if v.SwitchUp {
		p.Up = p.Needed
	}
	if !top && !l.alone[sid] {
		p.Down = ofLayer(sid, tid)
	}
	if v.End && !top {
		p.Ends = ofLayer(sid, 0)
	}
	return p
}

// VP9Continuity keeps picture id and TL0PICIDX of a slot continuous while what
// is in the slot changes, as VP8Continuity does. Pictures that are left out
// stay gaps: what refers to what is written in differences of picture ids. The
// zero VP9Continuity is ready for use.
type VP9Continuity struct {
	epoch   uint32
	used    bool
	picture running
	tl0     running
}

// Rewrite returns payload as it leaves in the given epoch of the slot's
// Rewriter: a copy in buffer[:0], or payload itself where there is nothing to
// change. The sizes of all fields stay.
func (c *VP9Continuity) Rewrite(epoch uint32, payload, buffer []byte) []byte {
	var v VP9Header
	if !v.Parse(payload) || v.pictureAt == 0 && v.tl0At == 0 {
		return payload
	}
	if !c.used || epoch != c.epoch {
		c.picture.begin(v.PictureID, 0x7fff, c.used)
		c.tl0.begin(uint16(v.TL0), 0xff, c.used)
		c.epoch, c.used = epoch, true
	}
	if v.pictureAt > 0 {
		mask := uint16(0x7fff)
		if !v.longID {
			mask = 0x7f
		}
		c.picture.advance(v.PictureID, mask)
	}
	if v.tl0At > 0 {
		c.tl0.advance(uint16(v.TL0), 0xff)
	}
	if c.picture.by == 0 && c.tl0.by == 0 {
		return payload
	}
	out := append(buffer[:0], payload...)
	if v.pictureAt > 0 {
		id := v.PictureID + c.picture.by
		if v.longID {
			out[v.pictureAt], out[v.pictureAt+1] = 0x80|byte(id>>8)&0x7f, byte(id)
		} else {
			out[v.pictureAt] = byte(id) & 0x7f
		}
	}
	if v.tl0At > 0 {
		out[v.tl0At] += byte(c.tl0.by)
	}
	return out
}

// running is a number that counts on while sources change: what is added to
// that of the present source, and the newest that left.
type running struct{ by, newest uint16 }

// begin takes the first number of a source; next says that there was another.
func (r *running) begin(n, mask uint16, next bool) {
	if !next {
		r.by, r.newest = 0, n
		return
	}
	r.by = (r.newest + 1 - n) & mask
	r.newest = (r.newest + 1) & mask
}

func (r *running) advance(n, mask uint16) {
	if ahead := (n + r.by - r.newest) & mask; ahead <= mask/2 {
		r.newest += ahead
	}
}
