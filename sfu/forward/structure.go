package forward

import "bytes"

// Limits of the dependency descriptor: appendix A.4.1 of the RTP payload format
// for AV1.
const (
	maxTemplates     = 64
	maxDecodeTargets = 32
	maxSpatial       = 4
)

// The relations of a frame to a decode target (appendix A.2).
const (
	dtiNotPresent = iota
	dtiDiscardable
	dtiSwitch
	dtiRequired
)

// Structure is the template dependency structure of a coded video sequence
// (appendix A.4.1), as far as it matters for forwarding. It does not change
// once it is read, so that packets in caches may point to it.
type Structure struct {
	offset    uint8 // of template ids
	decode    int   // decode targets
	chains    int
	templates []template
	spatial   [maxDecodeTargets]int // layers of each decode target
	temporal  [maxDecodeTargets]int
	active    [allTargets]uint32 // decode targets up to each target, a bit each
	heights   [maxSpatial]int    // of each spatial layer in pixels; 0 where unknown
	layers    int                // spatial layers

	raw    []byte // from its first bit on, shifted by skip
	skip   int    // bits of its first byte before it
	length int    // bits
}

// relations are those of a frame to each decode target.
type relations [maxDecodeTargets]uint8

// template is what frames have in common.
type template struct {
	spatial, temporal uint8
	refers            bool // to earlier frames
	dti               relations
}

// readStructure reads a structure at the reader's place; nil where it is not
// whole. Where it is what was known before, that is returned, so that one that
// comes again and again costs nothing.
func readStructure(r *bitReader, known *Structure) *Structure {
	if known.comesAgain(r) {
		r.at += known.length
		return known
	}
	begin := r.at
	s := &Structure{offset: uint8(r.read(6)), decode: int(r.read(5)) + 1}
	if !s.readLayers(r) {
		return nil
	}
	for i := range s.templates {
		for d := range s.decode {
			s.templates[i].dti[d] = uint8(r.read(2))
		}
	}
	for i := range s.templates {
		for r.flag() && !r.bad {
			s.templates[i].refers = true
			r.read(4)
		}
	}
	s.readChains(r)
	s.measureTargets()
	if r.flag() {
		for i := range s.layers {
			r.read(16)
			s.heights[i] = int(r.read(16)) + 1
		}
	}
	if r.bad {
		return nil
	}
	s.remember(r, begin)
	return s
}

// readLayers reads template_layers().
func (s *Structure) readLayers(r *bitReader) bool {
	spatial, temporal := uint8(0), uint8(0)
	for !r.bad && len(s.templates) < maxTemplates {
		s.templates = append(s.templates, template{spatial: spatial, temporal: temporal})
		switch r.read(2) {
		case 1:
			if temporal++; temporal > 7 {
				return false
			}
		case 2:
			if spatial, temporal = spatial+1, 0; spatial >= maxSpatial {
				return false
			}
		case 3:
			s.layers = int(spatial) + 1
			return !r.bad
		}
	}
	return false
}

// readChains reads past template_chains(): a choice of layers needs none of
// it, because it changes only where a frame says so that was forwarded.
func (s *Structure) readChains(r *bitReader) {
	s.chains = r.nonSymmetric(s.decode + 1)
	if s.chains == 0 {
		return
	}
	for range s.decode {
		r.nonSymmetric(s.chains)
	}
	for range s.templates {
		for range s.chains {
			r.read(4)
		}
	}
}

// measureTargets is decode_target_layers(): how large each decode target is.
func (s *Structure) measureTargets() {
	for d := range s.decode {
		s.spatial[d], s.temporal[d] = -1, -1
		for i := range s.templates {
			if t := &s.templates[i]; t.dti[d] != dtiNotPresent {
				s.spatial[d] = max(s.spatial[d], int(t.spatial))
				s.temporal[d] = max(s.temporal[d], int(t.temporal))
			}
		}
		for x := range Target(allTargets) {
			if s.fits(d, x) {
				s.active[x] |= 1 << d
			}
		}
	}
}

// fits reports whether a decode target is no larger than a target.
func (s *Structure) fits(d int, x Target) bool {
	return s.spatial[d] >= 0 && min(s.spatial[d], MaxLayers-1) <= x.Layer() && min(s.temporal[d], MaxTemporal-1) <= x.Temporal()
}

// every is the mask of all decode targets.
func (s *Structure) every() uint32 { return 1<<s.decode - 1 }

// shown is the decode target that is shown for each target: the largest of the
// active ones that fit; -1 for none.
type shown [allTargets]int8

func (s *Structure) show(active uint32) (of shown) {
	for x := range Target(allTargets) {
		of[x] = -1
		best := -1
		for d := range s.decode {
			if rank := s.spatial[d]*8 + s.temporal[d]; active>>d&1 != 0 && s.fits(d, x) && rank > best {
				best, of[x] = rank, int8(d)
			}
		}
	}
	return of
}

// relate returns the targets that need a frame, and to which one can go on there.
func (of *shown) relate(dti *relations) (needed, switches Targets) {
	for x, d := range of {
		if d < 0 {
			continue
		}
		switch dti[d] {
		case dtiSwitch:
			switches |= 1 << x
			needed |= 1 << x
		case dtiRequired, dtiDiscardable:
			needed |= 1 << x
		}
	}
	return needed, switches
}

// remember keeps the bits that were read since begin.
func (s *Structure) remember(r *bitReader, begin int) {
	s.skip, s.length = begin%8, r.at-begin
	s.raw = bytes.Clone(r.b[begin/8 : (r.at+7)/8])
}

// comesAgain reports whether the bits at the reader's place are those of s.
func (s *Structure) comesAgain(r *bitReader) bool {
	if s == nil || r.bad || r.at%8 != s.skip || r.at+s.length > 8*len(r.b) {
		return false
	}
	own, other := s.raw, r.b[r.at/8:(r.at+s.length+7)/8]
	last := len(own) - 1
	if len(other) != len(own) || !bytes.Equal(own[1:max(1, last)], other[1:max(1, last)]) {
		return false
	}
	head, tail := byte(0xff)>>s.skip, byte(0xff)<<((8-(s.skip+s.length)%8)%8)
	if last == 0 {
		return (own[0]^other[0])&head&tail == 0
	}
	return (own[0]^other[0])&head == 0 && (own[last]^other[last])&tail == 0
}
