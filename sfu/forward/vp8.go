package forward

// VP8Header is what the payload descriptor of RFC 7741, section 4.2, says.
type VP8Header struct {
	PictureID uint16 // 7 or 15 bits
	TL0       uint8
	TID       uint8
	KeyIndex  uint8 // 5 bits
	Sync      bool  // Y: the frame refers to frames of TID 0 only
	Start     bool  // the packet begins the frame
	KeyFrame  bool  // of a packet that begins a frame: it is a key frame
	Width     int   // of a key frame; 0 where unknown
	Height    int

	pictureAt, tl0At, tidAt int // where they stand; 0 where they are not
	longID                  bool
	hasTID, hasKey          bool
}

// Parse reads the descriptor of a payload and reports whether it is whole.
func (v *VP8Header) Parse(b []byte) bool {
	*v = VP8Header{}
	if len(b) < 1 {
		return false
	}
	v.Start = b[0]&0x10 != 0 && b[0]&0x07 == 0
	at := 1
	if b[0]&0x80 != 0 {
		if len(b) < 2 {
			return false
		}
		at = 2
		if at = v.parseExtension(b, b[1], at); at == 0 {
			return false
		}
	}
	if len(b) <= at {
		return false
	}
	v.parseFrame(b[at:])
	return true
}

// parseExtension reads the optional fields and returns where they end, or 0.
func (v *VP8Header) parseExtension(b []byte, has uint8, at int) int {
	if has&0x80 != 0 {
		if len(b) < at+2 {
			return 0
		}
		v.pictureAt, v.longID = at, b[at]&0x80 != 0
		v.PictureID = uint16(b[at] & 0x7f)
		at++
		if v.longID {
			v.PictureID = v.PictureID<<8 | uint16(b[at])
			at++
		}
	}
	if has&0x40 != 0 {
		if len(b) < at+1 {
			return 0
		}
		v.tl0At, v.TL0 = at, b[at]
		at++
	}
	if has&0x30 != 0 {
		if len(b) < at+1 {
			return 0
		}
		v.tidAt, v.hasTID, v.hasKey = at, has&0x20 != 0, has&0x10 != 0
		v.KeyIndex = b[at] & 0x1f
		if v.hasTID {
			v.TID, v.Sync = b[at]>>6, b[at]&0x20 != 0
		}
		at++
	}
	return at
}

// parseFrame reads the frame's own header (RFC 6386, section 9.1).
func (v *VP8Header) parseFrame(b []byte) {
	v.KeyFrame = v.Start && b[0]&0x01 == 0
	if v.KeyFrame && len(b) >= 10 && b[3] == 0x9d && b[4] == 0x01 && b[5] == 0x2a {
		v.Width = int(b[6]) | int(b[7]&0x3f)<<8
		v.Height = int(b[8]) | int(b[9]&0x3f)<<8
	}
}

// place returns where a packet stands. In VP8 only frames with the Y bit say
// that one can go on from a lower frame rate there.
func (v *VP8Header) place() Place {
	tid := min(int(v.TID), MaxTemporal-1)
	p := Place{Needed: above(0, tid), First: v.Start, Temporal: uint8(tid)}
	if v.KeyFrame {
		p.Begins = everyTarget
	}
	if v.Sync && tid > 0 {
		p.Up, p.From = above(0, tid)&^above(0, tid+1), everyTarget
	}
	return p
}

// VP8Continuity keeps picture id, TL0PICIDX and KEYIDX of a slot continuous
// while what is in the slot changes, and picture ids also where pictures of
// higher temporal layers are left out: a decoder waits for an id that is
// missing. Like Rewriter it adds constants within an epoch, less the pictures
// left out until then, so that late and repaired packets come out as they would
// have at first. The zero VP8Continuity is ready for use.
type VP8Continuity struct {
	epoch                    uint32
	used                     bool
	pictureBy, newestPicture uint16 // added; newest that left
	tl0By, newestTL0         uint8
	keyBy, newestKey         uint8
	pictures                 gaps // by picture id of the source
}

// Rewrite returns payload as it leaves in the given epoch of the slot's
// Rewriter: a copy in buffer[:0], or payload itself where there is nothing to
// change. The sizes of all fields stay.
func (c *VP8Continuity) Rewrite(epoch uint32, payload, buffer []byte) []byte {
	var v VP8Header
	if !v.Parse(payload) || v.pictureAt == 0 && v.tl0At == 0 && !v.hasKey {
		return payload
	}
	if !c.used || epoch != c.epoch {
		c.begin(epoch, &v)
	}
	c.advance(&v)
	by := c.pictureBy - c.leftOut(&v)
	if by == 0 && c.tl0By == 0 && c.keyBy == 0 {
		return payload
	}
	out := append(buffer[:0], payload...)
	if v.pictureAt > 0 {
		id := v.PictureID + by
		if v.longID {
			out[v.pictureAt], out[v.pictureAt+1] = 0x80|byte(id>>8)&0x7f, byte(id)
		} else {
			out[v.pictureAt] = byte(id) & 0x7f
		}
	}
	if v.tl0At > 0 {
		out[v.tl0At] += c.tl0By
	}
	if v.hasKey {
		out[v.tidAt] = out[v.tidAt]&0xe0 | (v.KeyIndex+c.keyBy)&0x1f
	}
	return out
}

// LeaveOut notes a packet whose frame does not leave, of the given epoch.
func (c *VP8Continuity) LeaveOut(epoch uint32, payload []byte) {
	var v VP8Header
	if !c.used || epoch != c.epoch || !v.Parse(payload) || v.pictureAt == 0 {
		return
	}
	if ahead := c.ahead(&v); ahead > 0 {
		c.pictures.advance(ahead)
		c.pictures.leaveOut()
	}
}

// ahead returns how many pictures of the source v is newer than the newest, 0
// where it is not.
func (c *VP8Continuity) ahead(v *VP8Header) int {
	bits := v.idBits()
	if ahead := (v.PictureID - c.pictures.newest) & bits; ahead <= bits/2 {
		return int(ahead)
	}
	return 0
}

// leftOut returns how many pictures before v were left out. v is not newer than
// the newest.
func (c *VP8Continuity) leftOut(v *VP8Header) uint16 {
	if v.pictureAt == 0 {
		return 0
	}
	bits := v.idBits()
	behind := (c.pictures.newest - v.PictureID) & bits
	n, _ := c.pictures.before(c.pictures.newest - min(behind, gapsKept-1))
	return n
}

func (v *VP8Header) idBits() uint16 {
	if v.longID {
		return 0x7fff
	}
	return 0x7f
}

func (c *VP8Continuity) begin(epoch uint32, v *VP8Header) {
	c.epoch = epoch
	c.pictures.reset(v.PictureID)
	if !c.used {
		c.used = true
		c.newestPicture, c.newestTL0, c.newestKey = v.PictureID, v.TL0, v.KeyIndex
		return
	}
	c.pictureBy = (c.newestPicture + 1 - v.PictureID) & 0x7fff
	c.tl0By = c.newestTL0 + 1 - v.TL0
	c.keyBy = (c.newestKey + 1 - v.KeyIndex) & 0x1f
	c.newestPicture, c.newestTL0, c.newestKey = c.newestPicture+1, c.newestTL0+1, c.newestKey+1
}

func (c *VP8Continuity) advance(v *VP8Header) {
	if v.pictureAt > 0 {
		c.pictures.advance(c.ahead(v))
		if ahead := (v.PictureID + c.pictureBy - c.leftOut(v) - c.newestPicture) & v.idBits(); ahead <= v.idBits()/2 {
			c.newestPicture += ahead
		}
	}
	if ahead := v.TL0 + c.tl0By - c.newestTL0; v.tl0At > 0 && ahead < 128 {
		c.newestTL0 += ahead
	}
	if ahead := (v.KeyIndex + c.keyBy - c.newestKey) & 0x1f; v.hasKey && ahead < 16 {
		c.newestKey += ahead
	}
}
