package desk

import (
	"earshot/spatialaudio/binaural"
	"earshot/spatialaudio/reverb"
	"earshot/spatialaudio/talker"
)

// keepRoom is how long the reverberation of a voice goes on that nobody hears in
// such a room any more, in beats.
const keepRoom = 100

// chamber is a voice in one kind of room, for all who hear it there.
type chamber struct {
	// The desk's order lock guards these.
	reverb *reverb.Reverb
	wet    binaural.Wet

	wanted int64 // the last beat in which somebody heard it; of the goroutine of the beat, between the work of workers
}

// chambers are those in which a voice is heard. The voice's mu guards which there
// are.
type chambers [reverb.Kinds]*chamber

// in returns v in a kind of room, nil in one that is dry.
func (v *voice) in(kind reverb.Kind, designs *reverb.Rooms) *chamber {
	if kind == reverb.Dry {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.rooms[kind] == nil {
		v.rooms[kind] = &chamber{reverb: designs.New(kind), wanted: v.beat}
	}
	return v.rooms[kind]
}

// play has all rooms send back what is said in this beat, nil for nothing. One
// whose microphone is shut is not heard any more, nor is the room of what they
// said. The order lock is held for reading, and the voice's mu.
func (r *chambers) play(w *worker, beat int64, open bool, frame *talker.Frame) {
	for kind, m := range r {
		switch {
		case m == nil:
		case beat-m.wanted > keepRoom:
			r[kind] = nil
		case !open:
			m.reset()
		case m.reverb.Process(frame, &w.left, &w.right):
			m.wet.Analyse(w.mixer, &w.left, &w.right)
		default:
			m.wet.Silence(w.mixer)
		}
	}
}

// reset forgets what was said. The order lock is held for writing, and the
// voice's mu.
func (r *chambers) reset() {
	for _, m := range r {
		if m != nil {
			m.reset()
		}
	}
}

func (m *chamber) reset() {
	m.reverb.Reset()
	m.wet.Reset()
}

// SetRoom says in which kind of room the listener is from the next Set on: they
// hear its reverberation of everybody they hear. Calls do not overlap with those
// of Set.
func (l *Listener) SetRoom(kind reverb.Kind) { l.room = kind }
