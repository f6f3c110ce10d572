package desk

import (
	"time"

	"earshot"
	"earshot/sfu"
	"earshot/spatialaudio/binaural"
	"earshot/spatialaudio/crowd"
	"earshot/spatialaudio/loudness"
	"earshot/spatialaudio/opus"
)

// fadeBeats is how many beats a talker takes to come into a bed or to leave it,
// and a bed for a listener: 200 ms.
const fadeBeats = 10

// bedEncoder: a bed is many voices at once and forgives what one would not.
var bedEncoder = opus.EncoderConfig{Channels: 1, Application: opus.LowDelay, Bitrate: 32_000}

// bed is one bed of a crowd: its talkers added up once a beat, for all who get
// it.
type bed struct {
	key    crowd.Key
	source *sfu.Source

	// The desk's planning mutex guards these.
	next  []mixed                 // whom it mixes from the next plan on
	names []earshot.ParticipantID // whom it mixes
	gone  bool                    // it is not in the next plan

	// The desk's order lock guards what follows; one worker at a time has it.
	mixed   []mixed
	ears    int // listeners with a mix of their own who get it
	slots   int // and listeners with voice slots
	level   int8
	sound   binaural.Source // for ears
	limiter *loudness.Limiter
	encoder *opus.Encoder // for slots
	quiet   int
	ages    ages // of what sounds in this beat

	sounding, remembered []*sfu.Publication // in the beat, and what limiter and encoder may remember: for an audit
}

// mixed is a talker in a bed, and how loud.
type mixed struct {
	id    crowd.ID
	voice *voice
	fading
}

// fading is a linear gain on its way.
type fading struct {
	gain   float32 // as of the beat before
	target float32
	step   float32 // in a beat
}

// fade moves the gain by a beat, and returns what it was and is.
func (f *fading) fade() (from, to float32) {
	from = f.gain
	if from < f.target {
		f.gain = min(from+f.step, f.target)
	} else {
		f.gain = max(from-f.step, f.target)
	}
	return from, f.gain
}

func newBed(media *sfu.SFU, key crowd.Key) *bed {
	return &bed{key: key, source: media.NewBed(), limiter: loudness.NewLimiter(1)}
}

// find returns who is mixed by their id, nil for nobody.
func find(list []mixed, id crowd.ID) *mixed {
	for i := range list {
		if list[i].id == id {
			return &list[i]
		}
	}
	return nil
}

// holds reports whether a voice is in the mix.
func (b *bed) holds(v *voice) bool {
	for i := range b.mixed {
		if b.mixed[i].voice == v {
			return true
		}
	}
	return false
}

// carried returns who is in the mix.
func (b *bed) carried() []earshot.ParticipantID {
	who := make([]earshot.ParticipantID, 0, len(b.mixed))
	for i := range b.mixed {
		who = append(who, b.mixed[i].voice.publication.Participant())
	}
	return who
}

// merge makes next the mix, each talker as loud as they were. The order lock is
// held for writing.
func (b *bed) merge() {
	for i := range b.next {
		n := &b.next[i]
		if was := find(b.mixed, n.id); was != nil && (n.voice == was.voice || n.voice == nil) {
			n.voice, n.gain = was.voice, was.gain
		}
		n.step = max(n.gain, n.target) / fadeBeats
	}
	kept := b.mixed[:0]
	for _, n := range b.next {
		if n.voice != nil {
			kept = append(kept, n)
		}
	}
	b.mixed = kept
}

// mix makes the bed's sound of this beat of what its talkers say in it. The
// order lock is held for reading, and nobody else mixes b.
func (b *bed) mix(d *Desk, w *worker, now time.Time) {
	w.sum = [binaural.Block]float32{}
	b.sounding = b.sounding[:0]
	b.ages = ages{}
	for i := range b.mixed {
		m := &b.mixed[i]
		from, to := m.fade()
		if frame := m.voice.frame; frame != nil && max(from, to) > 0 {
			add(&w.sum, frame, from, to)
			b.ages.add(m.voice.age, m.voice.age)
			if w.auditor != nil {
				b.sounding = append(b.sounding, m.voice.publication)
			}
		}
	}
	sounds := b.ages.some
	if w.auditor != nil {
		d.auditBed(b, b.slots > 0 && (sounds || b.quiet < quietBeats))
	}
	if b.quiet++; sounds {
		b.quiet = 0
	}
	if b.quiet > quietBeats {
		b.sound.Silence(w.mixer)
		return
	}
	b.limiter.Process(w.sum[:])
	if b.ears > 0 {
		b.sound.Analyse(w.mixer, &w.sum)
	} else {
		b.sound.Silence(w.mixer)
	}
	if b.slots > 0 {
		b.write(d, w, now)
	}
}

// add adds a frame that goes from one gain to another.
func add(sum, frame *[binaural.Block]float32, from, to float32) {
	step := (to - from) / binaural.Block
	for i, v := range frame {
		from += step
		sum[i] += v * from
	}
}

// write sends the sum to those who get the bed in a voice slot.
func (b *bed) write(d *Desk, w *worker, now time.Time) {
	if b.encoder == nil {
		encoder, err := d.pool.Encoder(bedEncoder)
		if err != nil {
			d.metrics.unencoded.Inc()
			return
		}
		b.encoder = encoder
	}
	packet, err := b.encoder.Encode(w.packet[:0], w.sum[:])
	if err != nil {
		d.metrics.unencoded.Inc()
		return
	}
	b.source.Write(packet, b.level, now)
	d.metrics.ofBeds.left(&b.ages, now, time.Now())
}

// forget drops all that was mixed and could still sound. The order lock is held
// for writing.
func (b *bed) forget() {
	b.sound.Reset()
	b.limiter.Reset()
	b.rest()
	b.remembered = b.remembered[:0]
}

// rest gives the encoder back. The order lock is held for writing.
func (b *bed) rest() {
	if b.encoder != nil {
		b.encoder.Close()
		b.encoder = nil
	}
}
