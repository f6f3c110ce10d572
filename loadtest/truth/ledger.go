package truth

import (
	"time"
)

// Packet is one packet of a voice slot as a listener got it.
type Packet struct {
	Slot      int
	At        time.Time // arrival
	Seq       uint16    // of RTP
	Timestamp uint32    // of RTP, 48 kHz
	Voiced    bool      // the rest holds; false for silence of the server and comfort noise

	Talker uint32
	Tick   uint32    // media time of the frame, in frames of 20 ms
	Sent   uint32    // frames the talker sent before it
	Into   uint16    // frames since the talkspurt began, from 1; 0 in a pause
	SentAt time.Time // when it was sent
}

const (
	frame    = 20 * time.Millisecond
	frameMs  = 20
	maxSlots = 32
	maxPairs = 4096
	// stayFrames is how many frames may be missing, other than by packets
	// missing, before a talker counts as having been away from the slot.
	stayFrames = 25
	// forgotten is when a pair that is neither heard nor due is forgotten.
	forgotten = 5 * time.Second
)

// Ledger is the account of one listener. What it holds is bounded: figures, 32
// slots, and the talkers of the last seconds.
type Ledger struct {
	id    uint32
	slots int

	streams [maxSlots]stream
	mixes   [maxSlots]mixing
	pairs   []pair
	byID    map[uint32]int32 // into pairs
	bans    map[uint32]time.Time

	judged   time.Time
	settled  time.Time // since when the listener is where they are, but for walking
	last     person    // the listener at the last Judge
	turn     uint64    // of Judge
	voices   []voice   // scratch
	dist     []float64 // scratch
	standing standing  // scratch

	opinion opinion
	figures Figures
	window  Window
}

// pair is a talker as this listener hears them.
type pair struct {
	id   uint32
	used time.Time // when it was last heard or due

	heard      time.Time // arrival of the last packet
	spurtTick  uint32    // tick of the first frame of the talkspurt
	spurtSent  time.Time // when the first packet of it that came was sent
	spurtHeard time.Time // and when it came

	due  time.Time // since when they belong into a slot
	turn uint64    // of Judge, when they last did
	met  bool      // a packet sent since due has come

	walled  time.Time // from when on no packet of theirs may be sent, as zones are; zero if one may
	through int64     // packets that were, since the last Judge

	mixed time.Time // until when it counts as heard by the mix or bed of slot
	slot  int

	astray time.Time // since when they do not belong into one, zero if they do
	wrong  bool      // and that for longer than can be excused

	playout playout
}

// NewLedger returns the account of a listener with so many voice slots, whose
// own voice packets say id.
func NewLedger(id uint32, slots int) *Ledger {
	return &Ledger{
		id: id, slots: min(slots, maxSlots), byID: map[uint32]int32{}, bans: map[uint32]time.Time{},
	}
}

// Ban says that nothing a talker sends from since on may reach this listener,
// and that they are not due: since is when the listener or a moderator learnt
// that a block or mute holds.
func (l *Ledger) Ban(talker uint32, since time.Time) {
	if _, ok := l.bans[talker]; !ok {
		l.bans[talker] = since
	}
}

// Lift ends a ban. Say so before the server is asked to end it.
func (l *Ledger) Lift(talker uint32) { delete(l.bans, talker) }

// Rejoin says that the listener has a new connection: streams begin anew, and
// the server gets time to fill the slots. Bans and figures stay.
func (l *Ledger) Rejoin(now time.Time) {
	l.streams, l.mixes = [maxSlots]stream{}, [maxSlots]mixing{}
	l.pairs = l.pairs[:0]
	clear(l.byID)
	l.settled, l.judged = now, now
}

// Heard takes a packet. It allocates only for talkers not heard lately and for
// values never seen.
func (l *Ledger) Heard(p *Packet) {
	if p.Slot < 0 || p.Slot >= maxSlots {
		return
	}
	f, s := &l.figures, &l.streams[p.Slot]
	place, ok := s.place(p.Seq)
	if !ok {
		f.Duplicates++
		return
	}
	if !p.Voiced {
		if m := &l.mixes[p.Slot]; m.on {
			m.take(p, f)
		}
		s.silence()
		return
	}
	if j, ok := s.jitter(p, place); ok {
		f.Jitter.Add(j)
	}
	stays := s.stay(p, place, f)
	lag := p.At.Sub(p.SentAt)
	f.Packets++
	f.Latency.Add(milliseconds(lag))
	l.window.Packets++
	l.window.latency += milliseconds(lag)
	if since, banned := l.bans[p.Talker]; banned && p.SentAt.After(since) {
		f.Forbidden++
		l.window.Forbidden++
	}
	q := l.pair(p.Talker)
	if !q.walled.IsZero() && p.SentAt.After(q.walled) {
		q.through++
	}
	if q.wrong {
		f.Wrong++
		l.window.Wrong++
	}
	played := q.playout.frame(p, milliseconds(lag), stays, &s.estimate, f)
	if played.delay > 0 {
		f.MouthToEar.Add(played.delay + CodecDelayMs)
	}
	l.opinion.add(played)
	q.take(p, f)
}

// pair returns what is known of a talker.
func (l *Ledger) pair(id uint32) *pair {
	i, ok := l.byID[id]
	if !ok {
		if len(l.pairs) >= maxPairs {
			l.release(0)
		}
		i = int32(len(l.pairs))
		l.pairs = append(l.pairs, pair{id: id})
		l.byID[id] = i
	}
	return &l.pairs[i]
}

// release forgets a pair.
func (l *Ledger) release(i int) {
	delete(l.byID, l.pairs[i].id)
	last := len(l.pairs) - 1
	if i < last {
		l.pairs[i] = l.pairs[last]
		l.byID[l.pairs[i].id] = int32(i)
	}
	l.pairs = l.pairs[:last]
}

// take notes that a packet came, and how long it took if one was due.
func (q *pair) take(p *Packet, f *Figures) {
	q.heard, q.used = p.At, p.At
	if p.Into > 0 {
		if tick := p.Tick - uint32(p.Into); tick != q.spurtTick || q.spurtHeard.IsZero() {
			q.spurtTick, q.spurtSent, q.spurtHeard = tick, p.SentAt, p.At
		}
	}
	if !q.due.IsZero() && !q.met && !p.SentAt.Before(q.due) {
		q.met = true
		f.Onset.Add(milliseconds(p.At.Sub(q.due)))
	}
}

// Figures returns the account so far. It is the ledger's own: Merge it into
// another before the ledger goes on.
func (l *Ledger) Figures() *Figures {
	l.opinion.close(&l.figures)
	return &l.figures
}

// Reset begins the account anew, as after warming up. What the ledger knows of
// streams, talkers and bans stays.
func (l *Ledger) Reset() {
	l.opinion = opinion{}
	l.figures.reset()
	l.window = Window{}
}

// Window returns the account since the last call of Window, for timelines.
func (l *Ledger) Window() Window {
	w := l.window
	l.window = Window{}
	return w
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
