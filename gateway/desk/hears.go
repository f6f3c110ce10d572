package desk

import "earshot"

// BedVoices is a bed by its track, and whom it mixes.
type BedVoices struct {
	Track  earshot.TrackID
	Voices []earshot.ParticipantID
}

// Beds lists the beds of the crowd and whom each mixes, but for those who fade
// out of it. It is for operators: listeners are not told who is in a bed.
func (c *Crowd) Beds() (list []BedVoices) {
	c.desk.order.RLock()
	defer c.desk.order.RUnlock()
	for _, b := range c.byPlan {
		list = append(list, BedVoices{b.source.Publication().ID(), b.voices(nil)})
	}
	return list
}

// Hears appends to dst whose voices are in the listener's mix, by themselves or in
// a bed, but for those who fade out of it.
func (l *Listener) Hears(dst []earshot.ParticipantID) []earshot.ParticipantID {
	dst = l.Audible(dst)
	l.desk.order.RLock()
	defer l.desk.order.RUnlock()
	for i := range l.beds {
		if h := &l.beds[i]; h.target > 0 {
			dst = h.bed.voices(dst)
		}
	}
	return dst
}

// voices appends whom the bed mixes and goes on to. The order lock is held.
func (b *bed) voices(dst []earshot.ParticipantID) []earshot.ParticipantID {
	for i := range b.mixed {
		if m := &b.mixed[i]; m.target > 0 {
			dst = append(dst, m.voice.publication.Participant())
		}
	}
	return dst
}
