package director

import (
	"slices"
	"time"

	"earshot"
	"earshot/npc/persona"
)

// utterance is something said to the character that waits for its answer.
type utterance struct {
	from  earshot.ParticipantID
	name  string
	text  string
	ended time.Time
}

const (
	waitFor  = 45 * time.Second // longest wait for an answer: later nobody knows the question
	tellBusy = 20 * time.Second // between two lines about being busy to the same person
)

// Said takes a text that reached the character: chat.
func (d *Director) Said(now time.Time, from earshot.ParticipantID, name, text string) {
	text = clipRunes(text, maxAsked)
	p := d.person(from)
	if text == "" || p != nil && !p.player() {
		return
	}
	if d.turn.id != 0 && d.turn.to == from && d.turn.worded && Sound(text) == Backchannel {
		d.counts.Backchannels++
		return
	}
	signs := talkSigns{partner: d.partner(now, from), name: d.mention(text, from, false), otherNamed: d.namesOther(text, from)}
	g := geometry{alone: len(d.around) == 0, inside: true, angle: facingWide} // not seen yet
	if p != nil {
		g = look(p, d.mover.Head(), d.around, "", d.reach)
	}
	if !g.addressed(signs) {
		d.counts.Overheard++
		return
	}
	d.enqueue(now, utterance{from: from, name: name, text: text, ended: now})
}

// enqueue takes something said to the character. Whoever it is just answering
// goes first: before its first word the two are answered as one, later it
// falls silent and listens. Others wait, the oldest first, one utterance each.
func (d *Director) enqueue(now time.Time, u utterance) {
	if v := d.visits[u.from]; v != nil {
		v.met = true
	}
	t := &d.turn
	if t.id != 0 && t.to == u.from {
		if t.kind == answer && !t.worded {
			u.text = join(t.text, u.text)
			d.drop(now)
		} else {
			d.counts.Interrupted++
			d.drop(now)
		}
		d.waiting = slices.Insert(d.waiting, 0, u)
		d.advance(now)
		return
	}
	if t.id != 0 && t.held && t.heldBy == u.from { // it stopped for them
		d.counts.Interrupted++
		d.drop(now)
		d.waiting = slices.Insert(d.waiting, 0, u)
		d.advance(now)
		return
	}
	for i := range d.waiting {
		if w := &d.waiting[i]; w.from == u.from {
			w.text, w.ended = join(w.text, u.text), u.ended
			d.advance(now)
			return
		}
	}
	if len(d.waiting) >= maxWaiting {
		d.counts.Busy++
		if v := d.visits[u.from]; v != nil && now.Sub(v.told) >= tellBusy {
			v.busy = true
		}
		return
	}
	d.waiting = append(d.waiting, u)
	d.advance(now)
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return clipRunes(a+"\n"+b, maxAsked)
}

func (d *Director) unqueue(id earshot.ParticipantID) {
	d.waiting = slices.DeleteFunc(d.waiting, func(u utterance) bool { return u.from == id })
}

// advance begins the next turn if none is under way. Who is still talking is
// not answered yet.
func (d *Director) advance(now time.Time) {
	if d.turn.id != 0 {
		return
	}
	d.tellBusy(now)
	for i := 0; i < len(d.waiting) && d.turn.id == 0; i++ {
		u := d.waiting[i]
		if now.Sub(u.ended) > waitFor {
			d.waiting = slices.Delete(d.waiting, i, i+1)
			i--
			continue
		}
		if t := d.talker(u.from); t != nil && t.phase >= talking {
			continue
		}
		d.waiting = slices.Delete(d.waiting, i, i+1)
		d.begin(now, u)
		d.think(now)
	}
}

// tellBusy tells one of those who were turned away that it was not for lack of
// manners.
func (d *Director) tellBusy(now time.Time) {
	for i := range d.around {
		v := d.visits[d.around[i].ID]
		if v == nil || !v.busy {
			continue
		}
		v.busy, v.told = false, now
		d.start(now, turn{kind: busy, to: v.id, name: v.name, ended: now, committed: true})
		d.scripted(now, d.character.Persona().Lines.Busy, GestureBusy, "too many are talking at once")
		return
	}
}

// begin makes u the turn, without asking a model yet.
func (d *Director) begin(now time.Time, u utterance) {
	if v := d.visits[u.from]; v != nil {
		d.activate(v, persona.Happening{On: persona.TriggerSays, Said: u.text})
	}
	d.set(now, turn{kind: answer, to: u.from, name: u.name, text: u.text, ended: u.ended, committed: true})
}
