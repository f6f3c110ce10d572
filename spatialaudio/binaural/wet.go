package binaural

import "earshot/spatialaudio/kernel"

// Wet is what a room makes of a voice: its reverberation at both ears, for all
// listeners in the room, the same whichever way their heads are turned. It
// belongs to one Source, and is heard and dropped with it.
type Wet struct {
	spectrum kernel.Pair
	history  [2][kernel.History]float32
	tail     bool // history is not silent
	sounds   bool // spectrum is not silent
}

// Analyse takes the next 20 ms of the reverberation.
func (w *Wet) Analyse(m *Mixer, left, right *[Block]float32) {
	copy(m.z.Re[:], w.history[0][:])
	copy(m.z.Im[:], w.history[1][:])
	copy(m.z.Re[kernel.History:kernel.N], left[:])
	copy(m.z.Im[kernel.History:kernel.N], right[:])
	copy(w.history[0][:], left[Block-kernel.History:])
	copy(w.history[1][:], right[Block-kernel.History:])
	kernel.Transform(&m.was, &m.z)
	w.spectrum.Set(&m.was, 1./kernel.N)
	w.tail, w.sounds = true, true
}

// Silence is Analyse of silence, at no cost from the second on.
func (w *Wet) Silence(m *Mixer) {
	if !w.tail {
		w.sounds = false
		return
	}
	var nothing [Block]float32
	w.Analyse(m, &nothing, &nothing)
	w.tail = false
}

// Reset forgets all that was said in the room.
func (w *Wet) Reset() {
	if w.tail || w.sounds {
		*w = Wet{}
	}
}
