package director

import "time"

// bargeIn is speech long enough to be meant. Who speaks to the character while
// it speaks stops it at once; whom it is about to answer has not finished.
func (d *Director) bargeIn(now time.Time, t *talker) {
	turn := &d.turn
	if turn.id == 0 || turn.held || !turn.committed || !d.meant(t, notNamed) {
		return
	}
	if !turn.worded {
		if turn.to == t.id && turn.kind == answer {
			u := utterance{from: turn.to, name: turn.name, text: turn.text, ended: turn.ended}
			d.drop(now)
			d.waiting = append([]utterance{u}, d.waiting...)
		}
		return
	}
	d.close()
	d.do(Command{Do: DoStop, Turn: turn.id})
	turn.held, turn.heldBy, turn.heldAt, turn.asked = true, t.id, now, turn.spoken
}

// resume goes on with what was being said, from the beginning of the sentence
// that was cut.
func (d *Director) resume(now time.Time) {
	t := &d.turn
	t.held, t.heldBy, t.moved = false, "", now
	if t.spoken == len(t.parts) {
		d.finish(now, true) // all that it had to say was with the model
		d.advance(now)
		return
	}
	d.counts.Resumed++
	d.say(now)
}

// watch does what the time of the turn has come for.
func (d *Director) watch(now time.Time) {
	t := &d.turn
	switch {
	case t.id == 0:
	case t.held:
		d.watchHeld(now)
	case now.Sub(t.moved) >= stuck:
		d.drop(now)
	case !t.committed:
	case t.late:
		if now.Sub(t.begun) >= d.timing.Deadline+d.timing.Grace {
			d.fail(now, noAnswer)
		}
	case t.open && len(t.parts) == 0 && now.Sub(t.begun) >= d.timing.Deadline && !t.worded:
		d.overdue(now)
	case t.open && t.spoken == len(t.parts) && now.Sub(t.moved) >= d.timing.Deadline:
		d.fail(now, brokenOff)
	}
}

// overdue is the deadline without a word.
func (d *Director) overdue(now time.Time) {
	if d.timing.Grace <= 0 || d.turn.kind == happening {
		d.fail(now, noAnswer)
		return
	}
	d.turn.late = true
	d.scripted(now, d.character.Persona().Lines.Fallback, GestureLost, noAnswer)
}

// watchHeld ends an interruption by somebody who said nothing.
func (d *Director) watchHeld(now time.Time) {
	t := d.talker(d.turn.heldBy)
	switch {
	case t == nil:
		if now.Sub(d.turn.heldAt) >= d.timing.FalseInterruption {
			d.resume(now)
		}
	case t.phase == pausing && !(t.heard && t.sounds != Nothing) && now.Sub(t.last) >= d.timing.FalseInterruption:
		d.resume(now)
	}
}
