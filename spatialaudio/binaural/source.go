package binaural

import "earshot/spatialaudio/kernel"

// Rate is the sampling rate in Hz, Block the samples of a tick: 20 ms.
const (
	Rate  = 48000
	Block = kernel.Block
)

// Source is one voice, or one bed of many, as every listener's mix needs it. It
// belongs to one talker: take a new one, or Reset it, for another.
type Source struct {
	spectrum kernel.Spectrum
	history  [kernel.History]float32
	tail     bool // history is not silent
	sounds   bool // spectrum is not silent
}

// loudest is what a sample may be at most. One that is not a number would
// silence everybody else in a mix.
const loudest = 16

// Analyse takes the voice's next 20 ms, from -1 to 1. Samples that cannot be,
// as a decoder might make them of a hostile packet, count as 0.
func (s *Source) Analyse(m *Mixer, block *[Block]float32) {
	m.z.Im = [len(m.z.Im)]float32{}
	copy(m.z.Re[:], s.history[:])
	fresh := m.z.Re[kernel.History:kernel.N]
	for i, v := range block {
		if !(v >= -loudest && v <= loudest) {
			v = 0
		}
		fresh[i] = v
	}
	copy(s.history[:], fresh[Block-kernel.History:])
	kernel.Transform(&m.was, &m.z)
	s.spectrum.Set(&m.was)
	s.tail, s.sounds = true, true
}

// Silence is Analyse of a block of silence, at no cost from the second on.
func (s *Source) Silence(m *Mixer) {
	if !s.tail {
		s.sounds = false
		return
	}
	var nothing [Block]float32
	s.Analyse(m, &nothing)
	s.tail = false
}

// Reset forgets all that the voice has said: after it, mixes have nothing of
// it until the next Analyse.
func (s *Source) Reset() { *s = Source{} }
