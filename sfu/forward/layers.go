package forward

import "time"

// MaxLayers is how many sizes of one picture a publication may have: simulcast
// encodings, or spatial layers of one.
const MaxLayers = 3

// LayerSilence is after how long without a packet a layer counts as not sent.
const LayerSilence = 250 * time.Millisecond

// LayerChoice is which target of a publication a slot gets. A larger size is
// taken where a key frame begins, as is a smaller one, unless what came for the
// larger serves it too; until then the old one is shown, and after patience
// at its lowest frame rate, where it is too large. A lower frame rate is taken at the next picture,
// a higher one where the codec says that one can. What is shown first is
// whatever size up to the target has a key frame first. The zero LayerChoice
// shows nothing and aims at the lowest target; call Reset before use.
type LayerChoice struct {
	current, target Target
	encoding        uint8  // that current is of
	picture         uint32 // timestamp of the newest picture of it
	waited          int    // pictures for a smaller size
}

// patience is for how many pictures a size that is too large goes on as it was:
// a smaller one of the same encoding may need a picture of the lowest temporal
// layer, and a key frame takes about as long.
const patience = 4

// Reset forgets what was shown.
func (c *LayerChoice) Reset(target Target) { c.current, c.target = NoTarget, target }

// Aim sets the target; NoTarget pauses.
func (c *LayerChoice) Aim(target Target) {
	if target != c.target {
		c.waited = 0
	}
	c.target = target
	if target == NoTarget {
		c.current = NoTarget
	}
}

// Current returns what is shown, or NoTarget.
func (c *LayerChoice) Current() Target { return c.current }

// Encoding returns the simulcast encoding that is shown, 0 where there is only
// one; -1 where nothing is.
func (c *LayerChoice) Encoding() int {
	if c.current == NoTarget {
		return -1
	}
	return int(c.encoding)
}

// Target returns what is aimed at, or NoTarget.
func (c *LayerChoice) Target() Target { return c.target }

// Settled reports whether the size aimed at is shown. A frame rate needs no
// key frame and settles by itself.
func (c *LayerChoice) Settled() bool { return c.current.Layer() == c.target.Layer() }

// Take reports whether a packet is to be forwarded, and whether it is the first
// of another encoding.
func (c *LayerChoice) Take(p *Packet) (ok, switched bool) {
	if c.target == NoTarget {
		return false, false
	}
	if p.Place.First {
		switched = c.move(p)
	}
	return c.current != NoTarget && p.Place.Needed.Has(c.current), switched
}

// move changes what is shown, where that can be done at the frame of p, and
// reports whether the encoding changed.
func (c *LayerChoice) move(p *Packet) (switched bool) {
	switch {
	case c.current == c.target:
	case c.current == NoTarget:
		return c.begin(p)
	case p.Place.Begins.Has(c.target):
		return c.enter(p, c.target)
	case p.Layer == c.encoding:
		c.adjust(p)
	}
	if p.Layer == c.encoding && int32(p.Timestamp-c.picture) > 0 {
		c.picture = p.Timestamp
	}
	return false
}

// begin takes the best that begins here, up to the target.
func (c *LayerChoice) begin(p *Packet) bool {
	for l := c.target.Layer(); l >= 0; l-- {
		if t := MakeTarget(l, c.target.Temporal()); p.Place.Begins.Has(t) {
			return c.enter(p, t)
		}
	}
	return false
}

func (c *LayerChoice) enter(p *Packet, t Target) (switched bool) {
	switched = c.current == NoTarget || p.Layer != c.encoding
	c.current, c.encoding, c.picture = t, p.Layer, p.Timestamp
	return switched
}

// adjust changes what is shown without a key frame.
func (c *LayerChoice) adjust(p *Packet) {
	pl, rate, size := &p.Place, c.current.Temporal(), c.current.Layer()
	want, begins := c.target.Temporal(), int32(p.Timestamp-c.picture) > 0
	switch {
	case c.target.Layer() > size:
		return
	case c.target.Layer() < size:
		smaller := MakeTarget(c.target.Layer(), min(want, rate))
		if pl.Down.Has(smaller) && pl.Needed.Has(c.current) {
			c.current = smaller
			return
		}
		if begins {
			c.waited++
		}
		if c.waited <= patience {
			return
		}
		want = 0
	}
	if want < rate {
		if begins {
			c.current = MakeTarget(size, want)
		}
		return
	}
	for ; want > rate; want-- {
		if t := MakeTarget(size, want); pl.Up.Has(t) && pl.From.Has(c.current) {
			c.current = t
			return
		}
	}
}

// SourceClock is the pair of times in a sender report (RFC 3550, section
// 6.4.1), by which two layers of one picture are laid on one another.
type SourceClock struct {
	NTP uint64
	RTP uint32
}

// Shift returns what to add to a video timestamp of clock c to get the one
// that the same moment has in clock from. ok is false where either is unknown.
func (c SourceClock) Shift(from SourceClock) (by uint32, ok bool) {
	if c.NTP == 0 || from.NTP == 0 {
		return 0, false
	}
	elapsed := int64(c.NTP - from.NTP) // in 2^-32 s
	const most = 3600 << 32
	if elapsed > most || elapsed < -most {
		return 0, false
	}
	ticks := elapsed / (1 << 16) * 90000 / (1 << 16)
	return from.RTP + uint32(ticks) - c.RTP, true
}
