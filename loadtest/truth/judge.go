package truth

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// voice is a talker as the listener at hand should hear them.
type voice struct {
	i      int32 // in World.people
	score  float64
	robust bool // speaking, and surely within range and among the nearest
}

// standing is where the line is drawn for a listener now.
type standing struct {
	me      *person
	horizon float64 // square of the distance up to which others are near
	wrong   float64 // dB below which there are K who are clearly more audible
	due     int     // how many are due
	warm    int     // silent ones who are more audible than some who speak from afar
}

// Judge compares what came with the world as it is now. Call it after each
// Step of w. It allocates only while its scratch grows.
func (l *Ledger) Judge(w *World) {
	me := w.person(l.id)
	dt := min(w.now.Sub(l.judged), time.Second)
	first := l.judged.IsZero()
	since := l.judged
	l.judged = w.now
	if me == nil || me.Away || l.slots == 0 {
		l.settled = time.Time{}
		return
	}
	if first || l.settled.IsZero() || distance2(&l.last, me.x, me.y, me.z) > jump*jump {
		l.settled = w.now
	}
	l.last = *me
	if first || dt < 0 {
		return
	}
	l.turn++
	s := l.rank(w, me)
	seconds := dt.Seconds()
	due, audible := l.certain(w, s, since)
	others := l.others(w, s)
	room := min(l.slots-s.due-s.warm, others.ready)
	if room > 0 {
		due += room
		audible += min(room, others.heard)
	}
	l.figures.AtOnce.Add(float64(others.all))
	l.figures.Seconds += seconds
	l.figures.Due += seconds * float64(due)
	l.figures.Audible += seconds * float64(audible)
	l.window.Seconds += seconds
	l.window.Due += seconds * float64(due)
	l.window.Audible += seconds * float64(audible)
	l.opinion.tick(w.now, &l.figures)
}

// rank lists everybody who may be heard, most audible first.
func (l *Ledger) rank(w *World, me *person) *standing {
	s := &l.standing
	*s = standing{me: me, wrong: math.Inf(-1)}
	s.horizon, l.dist = w.horizon(me, l.dist)
	reach := w.cfg.Curve.Range
	surely := max(0, reach-fringe)
	l.voices = l.voices[:0]
	for _, i := range w.voices {
		t := &w.people[i]
		d := distance2(t, me.x, me.y, me.z)
		far := d >= reach*reach || d > s.horizon/(better*better)
		if t == me || far && !w.amplified(t) {
			continue
		}
		if _, banned := l.bans[t.ID]; banned {
			continue
		}
		if score, ok := w.score(me, t); ok {
			near := !t.skims && !me.skims && d < surely*surely && d < s.horizon*better*better
			l.voices = append(l.voices, voice{i, score, near && t.Speaking})
		}
	}
	slices.SortFunc(l.voices, louder)
	l.silent(w, s)
	robust := 0
	for _, v := range l.voices {
		if v.robust {
			if robust++; robust == l.slots {
				s.wrong = v.score - w.margin()
				break
			}
		}
	}
	return s
}

// silent adds those who say nothing and yet are about as audible as the last of
// those who may get a slot: a hum near by, a voice far off.
func (l *Ledger) silent(w *World, s *standing) {
	if len(l.voices) == 0 {
		return
	}
	bound := l.voices[min(len(l.voices), l.slots)-1].score - w.margin()
	reach, speakers := w.cfg.Curve.Range, len(l.voices)
	for i := range w.people {
		t := &w.people[i]
		if t.lively || t.Level < bound || t.Away || t == s.me {
			continue
		}
		if d := distance2(t, s.me.x, s.me.y, s.me.z); d >= reach*reach || d > s.horizon/(better*better) {
			continue
		}
		if _, banned := l.bans[t.ID]; banned {
			continue
		}
		if score, ok := w.score(s.me, t); ok && score >= bound {
			l.voices = append(l.voices, voice{i: int32(i), score: score})
			s.warm++
		}
	}
	if len(l.voices) > speakers {
		slices.SortFunc(l.voices, louder)
	}
}

func louder(a, b voice) int { return cmp.Compare(b.score, a.score) }

// margin is by how many dB somebody is clearly ahead.
func (w *World) margin() float64 { return hysteresis + w.cfg.Margin }

// patience is how long it may take until a change of t's shows at me.
func (w *World) patience(me, t *person) time.Duration { return w.cfg.Patience + me.Lag + t.Lag }

// certain goes through those who are clearly due: less than K others are ahead
// of them, or not far enough behind. It returns how many count as due, and how
// many of those are heard. One who is not heard yet does not count while there
// is patience.
func (l *Ledger) certain(w *World, s *standing, since time.Time) (due, audible int) {
	ahead := 0
	for n := 0; n < min(len(l.voices), l.slots); n++ {
		v := &l.voices[n]
		for ahead < len(l.voices) && l.voices[ahead].score >= v.score-w.margin() {
			ahead++
		}
		if ahead > l.slots { // itself among them
			break
		}
		if !v.robust {
			continue
		}
		s.due++
		t := &w.people[v.i]
		q := l.pair(t.ID)
		q.expect(l.turn, t, since, w.now, &l.figures)
		switch {
		case w.now.Sub(q.heard) <= fresh || l.mixed(q, w.now):
			due++
			audible++
		case w.now.Sub(q.due) >= w.patience(s.me, t):
			due++
		}
	}
	return due, audible
}

// expect notes that a talker is due.
func (q *pair) expect(turn uint64, t *person, since, now time.Time, f *Figures) {
	if q.turn != turn-1 || q.due.IsZero() {
		q.due, q.met = now, false
		if t.Since.After(since) { // began to speak since the last Judge
			q.due = t.Since
			if !q.spurtHeard.IsZero() && !q.spurtSent.Before(q.due.Add(-frame)) {
				q.met = true
				f.Onset.Add(max(0, milliseconds(q.spurtHeard.Sub(q.due))))
			}
		}
	}
	q.turn, q.used = turn, now
}

// rest counts those who are not clearly due.
type rest struct {
	ready int // may be heard and have been long enough
	heard int // may be heard and are
	all   int // who speak and are heard, due or not
}

// others goes through those who are heard, and those who could be in the slots
// that nobody is clearly due for.
func (l *Ledger) others(w *World, s *standing) (r rest) {
	for i := range l.voices {
		v := &l.voices[i]
		if v.score < s.wrong || r.ready >= l.slots {
			break
		}
		t := &w.people[v.i]
		patience := w.patience(s.me, t)
		if v.robust && w.now.Sub(t.settled) >= patience && w.now.Sub(l.settled) >= patience && !l.isDue(t.ID) {
			r.ready++
		}
	}
	for i := 0; i < len(l.pairs); {
		q := &l.pairs[i]
		t, mixed := w.person(q.id), l.mixed(q, w.now)
		q.wall(w, s.me, t, &l.figures, &l.window)
		if t != nil && t.Speaking && (mixed || w.now.Sub(q.heard) <= fresh) {
			r.all++
		}
		if q.turn != l.turn && !q.due.IsZero() {
			q.lapse(w, s.me, &l.figures)
		}
		if w.now.Sub(q.used) > forgotten {
			l.release(i)
			continue
		}
		i++
		if mixed && w.now.Sub(q.heard) > fresh {
			if t != nil && q.turn != l.turn && l.fills(w, s, t) {
				r.heard++
			}
			q.astray, q.wrong = time.Time{}, false
			continue
		}
		if w.now.Sub(q.heard) > recently {
			q.astray, q.wrong = time.Time{}, false
			continue
		}
		astray := l.stray(w, s, q)
		switch {
		case t == nil || q.turn == l.turn || q.wrong:
		case astray && w.now.Sub(q.heard) <= fresh: // has the slot for as long as can be excused
			r.heard++
		case !astray && w.now.Sub(t.spoke) <= lingering && t.spoke.Sub(q.heard) <= fresh:
			r.heard++
		}
	}
	return r
}

// fills reports whether one who is heard by a mix is as audible as those who may be
// in the slots that nobody is clearly due for.
func (l *Ledger) fills(w *World, s *standing, t *person) bool {
	if _, banned := l.bans[t.ID]; banned || w.now.Sub(t.spoke) > lingering {
		return false
	}
	score, ok := w.score(s.me, t)
	return ok && score >= s.wrong
}

func (l *Ledger) isDue(id uint32) bool {
	i, ok := l.byID[id]
	return ok && l.pairs[i].turn == l.turn
}

// lapse ends the time in which a talker was due. If that was long and nothing
// came, it is an onset of all that time at least.
func (q *pair) lapse(w *World, me *person, f *Figures) {
	t := w.person(q.id)
	if t != nil && !q.met && w.now.Sub(q.due) >= w.patience(me, t) {
		f.Onset.Add(milliseconds(w.now.Sub(q.due)))
	}
	q.due, q.met = time.Time{}, false
}

// stray decides whether a talker who was heard lately should have been.
func (l *Ledger) stray(w *World, s *standing, q *pair) bool {
	t := w.person(q.id)
	_, banned := l.bans[q.id]
	astray := false
	switch {
	case banned || t != nil && t.Away: // judged by Ban
	case t == nil:
		astray = true
	default:
		d := distance2(t, s.me.x, s.me.y, s.me.z)
		reach := w.cfg.Curve.Range + fringe
		if far := d >= reach*reach || d > s.horizon/(better*better); far && !w.amplified(t) {
			astray = true
		} else if score, ok := w.score(s.me, t); ok {
			astray = score < s.wrong
		}
	}
	switch {
	case !astray:
		q.astray, q.wrong = time.Time{}, false
	case q.astray.IsZero():
		q.astray = w.now
	default:
		patience := w.cfg.Patience + s.me.Lag
		if t != nil {
			patience += t.Lag
		}
		q.wrong = w.now.Sub(q.astray) >= patience
	}
	return astray
}
