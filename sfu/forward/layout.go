package forward

// Layout reads where the packets of one encoding stand among the layers that
// it has. The zero Layout is ready for use.
type Layout struct {
	ssrc       uint32
	vp9        vp9Layout
	dependency dependencyLayout
	heights    [MaxLayers]int
}

// Locate fills in Place and Dependency of a packet of the encoding. dependency
// is the dependency descriptor's extension element, nil where there is none.
// The descriptor counts where the payload itself says nothing of layers, which
// is with AV1 and H.264.
func (l *Layout) Locate(codec Codec, p *Packet, dependency []byte) {
	if p.SSRC != l.ssrc {
		*l = Layout{ssrc: p.SSRC}
	}
	p.Dependency = Dependency{}
	if len(p.Payload) == 0 { // padding, with which a sender tries its way: nothing of a picture
		p.Place = Place{}
		return
	}
	switch codec {
	case VP8:
		p.Place = l.locateVP8(p.Payload)
	case VP9:
		p.Place = l.locateVP9(p.Payload)
	case AV1, H264:
		if codec == H264 {
			l.measureH264(p.Payload)
		}
		if len(dependency) == 0 {
			p.Place = flat(codec.StartsKeyFrame(p.Payload))
			return
		}
		p.Place = Place{}
		if d, place, ok := l.dependency.read(dependency); ok {
			p.Dependency, p.Place = d, place
			if codec == AV1 {
				copy(l.heights[:], d.structure.heights[:])
			}
		}
	default:
		p.Place = flat(codec.StartsKeyFrame(p.Payload))
	}
}

// LocateEncoding is Locate for one of several encodings, which is what a
// target's size then means.
func (l *Layout) LocateEncoding(codec Codec, p *Packet, dependency []byte) {
	l.Locate(codec, p, dependency)
	p.Place.toEncoding(int(p.Layer))
}

// Height returns how high the picture of a spatial layer is in pixels, 0 where
// that is not known. Of a simulcast encoding it is that of its largest.
func (l *Layout) Height(layer int) int { return l.heights[layer] }

// Largest returns the height of the largest layer.
func (l *Layout) Largest() int {
	most := 0
	for _, h := range l.heights {
		most = max(most, h)
	}
	return most
}

func (l *Layout) measureH264(payload []byte) {
	if height := h264Height(payload); height > 0 {
		l.heights[0] = height
	}
}

func (l *Layout) locateVP8(payload []byte) Place {
	var v VP8Header
	if !v.Parse(payload) {
		return Place{}
	}
	if v.KeyFrame && v.Height > 0 {
		l.heights[0] = v.Height
	}
	return v.place()
}

func (l *Layout) locateVP9(payload []byte) Place {
	var v VP9Header
	if !v.Parse(payload) {
		return Place{}
	}
	if v.Layers > 0 {
		clear(l.heights[:])
		for i := range min(v.Layers, MaxLayers) {
			l.heights[i] = int(v.Heights[i])
		}
	}
	return l.vp9.place(&v)
}
