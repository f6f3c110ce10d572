package desk

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/sfu"
	"earshot/spatialaudio/binaural"
	"earshot/spatialaudio/loudness"
	"earshot/spatialaudio/opus"
	"earshot/spatialaudio/reverb"
)

// MaxVoices is how many voices a listener's mix holds at most.
const MaxVoices = 32

// maxWet is of how many voices, the most audible, a listener hears the room: that
// of others is too faint to be missed.
const maxWet = 8

// quietBeats is how long a mix without sound is still sent, so that the
// listener's decoder comes to rest.
const quietBeats = 3

// mixLevel is how loud a mix counts as, in dBov. It competes with nobody.
const mixLevel = -30

// Voice is one voice as a listener hears it.
type Voice struct {
	Publication *sfu.Publication
	Position    earshot.Vec3 // of the mouth in the world, metres
	Gain        float32      // linear: distance, cone, zones and personal volume
	WallDB      float32      // what of it walls took: they muffle the voice
}

// Listener is one who gets a mix.
type Listener struct {
	desk        *Desk
	source      *sfu.Source
	publication *sfu.Publication
	mixed       atomic.Int64 // beats
	next        []heard      // scratch of Set
	room        reverb.Kind  // for Set

	// mu guards what is to be heard. It is taken after the desk's order lock.
	mu     sync.Mutex
	head   earshot.Transform
	voices []heard
	denied map[earshot.ParticipantID]struct{}

	// The desk's order lock guards what follows; one worker at a time has it.
	state   binaural.Listener
	beds    []granted
	spare   []granted // memory for the next beds
	encoder *opus.Encoder
	limiter *loudness.Limiter
	quiet   int
	closed  bool

	remembered []*sfu.Publication // what encoder and limiter may remember, for an audit
}

// heard is a voice as it is heard, and where it comes from.
type heard struct {
	Voice
	voice *voice
	room  *chamber // nil where it is dry
}

// Publication returns the mix, to be put into a slot of the listener's session.
func (l *Listener) Publication() *sfu.Publication { return l.publication }

// Ready reports whether the mix sounds as it should: what was in the jitter
// buffers of the voices when it began is past.
func (l *Listener) Ready() bool { return l.mixed.Load() >= readyBeats }

const readyBeats = 4

// Set says where the listener's ears are and whom they hear from now on, the
// most audible first: of more than MaxVoices the first count. Whoever is denied
// is left out. One who is no longer in the list fades out within 20 ms. Calls do
// not overlap.
func (l *Listener) Set(head earshot.Transform, voices []Voice) {
	voices = voices[:min(len(voices), MaxVoices)]
	l.next = l.next[:0]
	for i, v := range voices {
		known := l.desk.voice(v.Publication)
		h := heard{Voice: v, voice: known}
		if i < maxWet {
			h.room = known.in(l.room, l.desk.rooms)
		}
		l.next = append(l.next, h)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.head = head
	l.next = slices.DeleteFunc(l.next, func(h heard) bool {
		_, denied := l.denied[h.Publication.Participant()]
		return denied
	})
	l.voices, l.next = l.next, l.voices
}

// Audible appends to dst who is in the mix.
func (l *Listener) Audible(dst []earshot.ParticipantID) []earshot.ParticipantID {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.voices {
		dst = append(dst, l.voices[i].Publication.Participant())
	}
	return dst
}

// Deny says whether a participant may be heard in this mix at all. When
// Deny(other, true) returns, nothing of other is in any later packet of it until
// other is allowed again and in the list of a Set after that.
func (l *Listener) Deny(other earshot.ParticipantID, on bool) {
	d := l.desk
	if !on {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.denied, other)
		return
	}
	var spare spares
	if l.lists(other) {
		spare = d.spare(1)
		defer func() { spare.close() }()
	}
	d.order.Lock()
	defer d.order.Unlock()
	l.mu.Lock()
	l.denied[other] = struct{}{}
	l.voices = slices.DeleteFunc(l.voices, func(h heard) bool { return h.Publication.Participant() == other })
	l.mu.Unlock()
	had := false
	for _, t := range d.of(other) { // those who were in the last mix and are in the list no more, too
		had = l.state.Drop(&t.source) || had
	}
	if had {
		l.renew(&spare)
	}
}

// lists reports whether a participant is in the list of the last Set.
func (l *Listener) lists(other earshot.ParticipantID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.voices, func(h heard) bool { return h.Publication.Participant() == other })
}

// Close ends the mix: nothing of it is sent any more when Close returns.
func (l *Listener) Close() {
	d := l.desk
	d.order.Lock()
	l.closed = true
	encoder := l.encoder
	l.encoder = nil
	d.order.Unlock()
	if encoder != nil {
		encoder.Close()
	}
	l.source.Close()
	d.forget(l)
}

// mix makes the listener's packet of this beat. The desk's order lock is held
// for reading, and nobody else mixes for l.
func (l *Listener) mix(d *Desk, w *worker, now time.Time) {
	if l.closed {
		return
	}
	head := l.gather(w)
	if w.auditor != nil {
		w.auditor.sources = w.auditor.sources[:0]
	}
	sounds := w.mixer.Mix(&l.state, head, w.heard, &w.ears)
	l.mixed.Add(1)
	if !sounds {
		if l.quiet++; l.quiet > quietBeats {
			return
		}
		w.ears = binaural.Stereo{}
	} else {
		l.quiet = 0
	}
	if w.auditor != nil {
		d.audit(l, w)
	}
	l.write(d, w, now)
}

// gather fills w.heard with those who sound.
func (l *Listener) gather(w *worker) (head earshot.Transform) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w.heard, w.ages = w.heard[:0], ages{}
	for i := range l.voices {
		h := &l.voices[i]
		if h.voice.frame != nil {
			w.ages.add(h.voice.age, h.voice.age)
		}
		v := binaural.Heard{Source: &h.voice.source, Position: h.Position, Gain: h.Gain, WallDB: h.WallDB}
		if h.room != nil {
			v.Wet = &h.room.wet
		}
		w.heard = append(w.heard, v)
	}
	l.gatherBeds(w)
	return l.head
}

func (l *Listener) write(d *Desk, w *worker, now time.Time) {
	if l.encoder == nil { // there was no spare one
		encoder, err := d.newEncoder()
		if err != nil {
			d.metrics.unencoded.Inc()
			return
		}
		l.encoder = encoder
	}
	l.limiter.Process(w.ears[:])
	packet, err := l.encoder.Encode(w.packet[:0], w.ears[:])
	if err != nil {
		d.metrics.unencoded.Inc()
		return
	}
	l.source.Write(packet, mixLevel, now)
	d.metrics.ofMixes.left(&w.ages, now, time.Now())
}
