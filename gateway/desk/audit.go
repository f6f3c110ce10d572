package desk

import (
	"slices"
	"time"

	"earshot/sfu"
	"earshot/spatialaudio/binaural"
)

// Audit is told of each packet that the desk makes, just before it leaves, whose
// sound is in it: of everybody who was mixed, loud or faint or fading, and of
// those who were in the packet before, where the memory of limiter and encoder
// was not emptied since. nil in the list is a source that belongs to nobody the
// desk knows. packet is the publication that the packet is one of.
//
// carried holds during the call only. Calls come from several goroutines at a
// time, each holding the desk's order lock: with an order given, there is none
// that does not obey it. An Audit must be quick and may not call the desk.
//
// It is for tests, which hold it against what was forbidden. No configuration
// asks for one.
type Audit func(packet *sfu.Publication, carried []*sfu.Publication, at time.Time)

// auditor is what one worker notes of the mix at hand.
type auditor struct {
	sources []*binaural.Source
	carried []*sfu.Publication
}

// witness has the worker's mixer say what it mixes.
func (w *worker) witness() {
	w.auditor = new(auditor)
	w.mixer.Witness = func(s *binaural.Source) {
		if !slices.Contains(w.auditor.sources, s) {
			w.auditor.sources = append(w.auditor.sources, s)
		}
	}
}

// audit reports what is in the packet that w has mixed for l. The order lock is
// held.
func (d *Desk) audit(l *Listener, w *worker) {
	a := w.auditor
	a.carried = a.carried[:0]
	for _, s := range a.sources {
		a.carried = d.carriers(a.carried, s)
	}
	now := len(a.carried)
	for _, p := range l.remembered {
		if !slices.Contains(a.carried, p) {
			a.carried = append(a.carried, p)
		}
	}
	d.deps.Audit(l.publication, a.carried, time.Now())
	l.remembered = append(l.remembered[:0], a.carried[:now]...)
}

// carriers appends whose sound a source is, nil where nobody knows. Voices
// change only while no worker is at work.
func (d *Desk) carriers(dst []*sfu.Publication, s *binaural.Source) []*sfu.Publication {
	for _, v := range d.playing {
		if &v.source == s {
			return append(dst, v.publication)
		}
	}
	for _, b := range d.bedding {
		if &b.sound == s {
			return append(dst, b.sounding...)
		}
	}
	return append(dst, nil)
}

// auditBed notes who is in a bed's packet, and reports it where it leaves as one of
// its own. The order lock is held.
func (d *Desk) auditBed(b *bed, leaves bool) {
	now := len(b.sounding)
	for _, p := range b.remembered {
		if !slices.Contains(b.sounding, p) {
			b.sounding = append(b.sounding, p)
		}
	}
	if leaves {
		d.deps.Audit(b.source.Publication(), b.sounding, time.Now())
	}
	b.remembered = append(b.remembered[:0], b.sounding[:now]...)
}
