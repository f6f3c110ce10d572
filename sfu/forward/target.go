package forward

// MaxTemporal is how many frame rates of one picture are told apart: the
// temporal layers of VP8, VP9, AV1 and, with the dependency descriptor, H.264.
// What is above counts as the highest.
const MaxTemporal = 3

// allTargets is how many there are.
const allTargets = MaxLayers * MaxTemporal

// Target is what a slot may show of a publication: one size, which is a
// simulcast encoding or a spatial layer with all it rests on, at one frame
// rate, which is the temporal layers up to one.
type Target int8

// NoTarget means that nothing of a publication is shown.
const NoTarget Target = -1

// MakeTarget returns the target of a size and a frame rate, each counted from
// the lowest, 0.
func MakeTarget(layer, temporal int) Target { return Target(layer*MaxTemporal + temporal) }

// Layer returns the size, 0 to MaxLayers-1; -1 for NoTarget.
func (t Target) Layer() int {
	if t < 0 {
		return -1
	}
	return int(t) / MaxTemporal
}

// Temporal returns the frame rate, 0 to MaxTemporal-1; -1 for NoTarget.
func (t Target) Temporal() int {
	if t < 0 {
		return -1
	}
	return int(t) % MaxTemporal
}

// Targets is a set of targets.
type Targets uint16

// everyTarget has all of them.
const everyTarget Targets = 1<<allTargets - 1

// oneLayer has the targets of layer 0.
const oneLayer Targets = 1<<MaxTemporal - 1

// Has reports whether t is one of the set.
func (s Targets) Has(t Target) bool { return t >= 0 && s>>t&1 != 0 }

// ofLayer returns the targets of one size with at least a frame rate.
func ofLayer(layer, temporal int) Targets {
	return (oneLayer & (oneLayer << temporal)) << (layer * MaxTemporal)
}

// above returns the targets that have at least a size and a frame rate.
func above(layer, temporal int) Targets {
	var s Targets
	for l := layer; l < MaxLayers; l++ {
		s |= ofLayer(l, temporal)
	}
	return s
}

// Place says where a packet stands among the targets of its publication. It is
// all that a choice of layers knows of a codec: VP8's and VP9's descriptors,
// AV1's dependency descriptor and simulcast are read into it.
type Place struct {
	// Needed are the targets whose picture the packet is part of.
	Needed Targets
	// Begins are the targets that any decoder can begin here.
	Begins Targets
	// Up are the targets of a higher frame rate to which those of From can go
	// on here: they have got all that the rest of Up depends on.
	Up, From Targets
	// Down are the targets to which anybody who gets this frame for a larger
	// size can go on here.
	Down Targets
	// Ends are the targets whose picture ends here although larger ones go on.
	Ends Targets
	// First is whether the packet begins a frame. Nothing changes elsewhere.
	First bool
	// Layer and Temporal are the frame's own.
	Layer, Temporal uint8
}

// flat is the place of a packet of a codec without layers.
func flat(starts bool) Place {
	p := Place{Needed: everyTarget, First: starts}
	if starts {
		p.Begins = everyTarget
	}
	return p
}

// toEncoding makes the place in an encoding of its own that in simulcast, where
// the largest size within it is what the encoding is sent for.
func (p *Place) toEncoding(encoding int) {
	move := func(s Targets) Targets {
		return s >> ((MaxLayers - 1) * MaxTemporal) << (encoding * MaxTemporal)
	}
	p.Needed, p.Begins = move(p.Needed), move(p.Begins)
	p.Up, p.From = move(p.Up), move(p.From)
	p.Down, p.Ends = 0, 0
	p.Layer = uint8(encoding)
}
