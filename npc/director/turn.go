package director

import (
	"time"

	"earshot"
)

// turnKind is why the character speaks.
type turnKind uint8

const (
	answer    turnKind = iota // to what somebody said
	greeting                  // of somebody who came
	farewell                  // to somebody who goes
	busy                      // to somebody there was no time for
	happening                 // about what happened
)

// turn is what the character says at one time. There is one of it in a
// Director, and what is reported of another is ignored: two answers cannot
// overlap.
type turn struct {
	id        TurnID // 0: there is no turn
	kind      turnKind
	to        earshot.ParticipantID
	name      string
	text      string // what is answered
	ended     time.Time
	begun     time.Time
	moved     time.Time // when something last happened to it
	committed bool      // false: the talker may go on, and it is then forgotten

	open   bool   // the model is to say more
	acted  bool   // a gesture or an action came of it
	parts  []part // what is to be said, in order
	asked  int    // parts given to the shell
	spoken int    // parts that were said
	worded bool   // the first word was heard or seen

	late     bool      // a scripted line was said at the deadline, and the model may still answer
	lost     string    // why the model failed before the turn was committed
	withheld bool      // and that it was moderation
	deeds    []Command // what it would do, once the turn is committed

	held   bool // silent, because somebody spoke
	heldBy earshot.ParticipantID
	heldAt time.Time
}

type part struct {
	text   string
	script bool
	reason string
}

const (
	stuck     = 45 * time.Second        // a turn to which nothing happens is over
	showSoon  = 1500 * time.Millisecond // for the voice of a sentence to begin, before its caption is shown without
	scriptBy  = 500 * time.Millisecond  // the same for a line that comes at the deadline
	noAnswer  = "no model answered in time"
	noWords   = "the model had nothing to say"
	brokenOff = "the model's answer broke off"
)

// set makes t the turn. The caller has made sure that there is none.
func (d *Director) set(now time.Time, t turn) {
	d.turns++
	t.id, t.begun, t.moved, t.parts = d.turns, now, now, d.turn.parts[:0]
	d.turn = t
}

// start makes t the turn; what happened is told to a model.
func (d *Director) start(now time.Time, t turn) {
	d.set(now, t)
	if t.kind == happening {
		d.think(now)
	}
}

// think asks a model about the turn.
func (d *Director) think(now time.Time) {
	t := &d.turn
	t.open = true
	c := Command{
		Do: DoThink, Turn: t.id, To: t.to, Name: t.name, Text: t.text, Ended: t.ended,
		Until: now.Add(d.timing.Deadline + d.timing.Grace), Happening: t.kind == happening,
	}
	if v := d.visits[t.to]; v != nil {
		c.Goals = append(c.Goals, v.goals...)
	}
	d.do(c)
}

// current reports whether id is the turn, and counts reports that are late.
func (d *Director) current(now time.Time, id TurnID) bool {
	if id == 0 || d.turn.id != id {
		d.counts.Late++
		return false
	}
	d.turn.moved = now
	return true
}

// Committed reports whether a turn is under way and may be heard: what a model
// says of it may be shown at once.
func (d *Director) Committed(id TurnID) bool {
	return id != 0 && d.turn.id == id && d.turn.committed && !d.turn.held
}

// Sentence adds a sentence of the model to a turn.
func (d *Director) Sentence(now time.Time, id TurnID, text string) {
	if !d.current(now, id) || !d.turn.open {
		return
	}
	d.turn.late = false
	d.turn.parts = append(d.turn.parts, part{text: text})
	if len(d.turn.parts) >= maxParts {
		d.close()
	}
	d.say(now)
}

// Gesture makes a gesture that the model described.
func (d *Director) Gesture(now time.Time, id TurnID, name string) {
	if d.current(now, id) && d.turn.open && name != "" {
		d.deed(Command{Do: DoGesture, Turn: id, To: d.turn.to, Text: name})
	}
}

// Act hands on the line in which the model proposed an action: once the turn
// is certain to be one, since it cannot be undone.
func (d *Director) Act(now time.Time, id TurnID, line string) {
	if d.current(now, id) && d.turn.open {
		d.deed(Command{Do: DoAct, Turn: id, To: d.turn.to, Name: d.turn.name, Text: line})
	}
}

// maxDeeds bounds what one answer may do besides talking.
const maxDeeds = 8

func (d *Director) deed(c Command) {
	t := &d.turn
	t.acted = true
	t.deeds = append(t.deeds, c)
	if len(t.deeds) <= maxDeeds && t.committed {
		d.do(c)
	}
}

// Thought says that the model has said all it had to say.
func (d *Director) Thought(now time.Time, id TurnID) {
	if !d.current(now, id) || !d.turn.open {
		return
	}
	d.turn.open = false
	if len(d.turn.parts) == 0 && !d.turn.acted && !d.turn.late {
		d.fail(now, noWords)
		return
	}
	d.settle(now)
}

// Failed says that no model answers, or that the answer broke off, and why in
// words for a player.
func (d *Director) Failed(now time.Time, id TurnID, reason string) {
	if d.current(now, id) && d.turn.open {
		d.turn.open = false
		d.fail(now, reason)
	}
}

// Withheld says that moderation withheld what the model was about to say. The
// rest of the answer is not wanted either.
func (d *Director) Withheld(now time.Time, id TurnID) {
	if !d.current(now, id) || !d.turn.open {
		return
	}
	d.close()
	if !d.turn.committed {
		d.turn.withheld = true
		return
	}
	d.refuse(now)
}

func (d *Director) refuse(now time.Time) {
	d.scripted(now, d.character.Persona().Lines.Refused, GestureRefused, "what the model said was withheld")
}

// Begun says that a part of a turn is heard or seen now, or the beginning of
// one that the model still writes.
func (d *Director) Begun(now time.Time, id TurnID, part int) {
	if d.current(now, id) {
		d.turn.worded = true
		d.turn.late = d.turn.late && part < d.turn.asked
	}
}

// Spoken says that a part of a turn was said to its end.
func (d *Director) Spoken(now time.Time, id TurnID, part int) {
	if !d.current(now, id) || d.turn.held || part != d.turn.spoken || part >= d.turn.asked {
		return
	}
	d.turn.spoken++
	d.turn.worded = true
	d.settle(now)
}

// say gives the shell what may be said by now.
func (d *Director) say(now time.Time) {
	t := &d.turn
	if !t.committed || t.held {
		return
	}
	for ; t.asked < len(t.parts); t.asked++ {
		p := &t.parts[t.asked]
		by := now.Add(showSoon)
		if limit := t.begun.Add(d.timing.Deadline); t.asked == 0 && by.After(limit) {
			by = later(limit, now.Add(scriptBy))
		}
		d.do(Command{
			Do: DoSay, Turn: t.id, Part: t.asked, To: t.to, Name: t.name, Text: p.text, Ended: t.ended, Until: by,
			Script: p.script, Reason: p.reason,
		})
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// settle ends a turn of which all is said.
func (d *Director) settle(now time.Time) {
	t := &d.turn
	if t.id != 0 && t.committed && !t.open && !t.held && t.spoken == len(t.parts) {
		d.finish(now, false)
		d.advance(now)
	}
}

// finish ends the turn.
func (d *Director) finish(now time.Time, cut bool) {
	t := &d.turn
	d.do(Command{Do: DoFinish, Turn: t.id, To: t.to, Cut: cut})
	if v := d.visits[t.to]; v != nil && t.kind != busy {
		v.talked = now
		if t.kind == answer || t.kind == happening {
			v.turns++
		}
	}
	d.spokeTo, d.spoke = t.to, now
	d.forgetTurn()
}

func (d *Director) forgetTurn() {
	clear(d.turn.parts)
	d.turn = turn{parts: d.turn.parts[:0]}
}

// close has the model stop.
func (d *Director) close() {
	if d.turn.open {
		d.turn.open = false
		d.do(Command{Do: DoCancel, Turn: d.turn.id})
	}
}

// drop ends the turn at once, wherever it is.
func (d *Director) drop(now time.Time) {
	d.close()
	if d.turn.asked > d.turn.spoken {
		d.do(Command{Do: DoStop, Turn: d.turn.id})
	}
	if d.turn.committed {
		d.finish(now, d.turn.worded)
		return
	}
	d.do(Command{Do: DoFinish, Turn: d.turn.id, To: d.turn.to})
	d.forgetTurn()
}

// fail goes on without a model: never in silence.
func (d *Director) fail(now time.Time, reason string) {
	d.close()
	switch {
	case !d.turn.committed:
		d.turn.lost = reason
		return
	case d.turn.kind == happening && len(d.turn.parts) == 0, d.turn.late: // nobody waits for it, or was told so
		d.settle(now)
		return
	}
	d.scripted(now, d.character.Persona().Lines.Fallback, GestureLost, reason)
}

// scripted says one of the designer's lines, or makes a gesture where there is
// none.
func (d *Director) scripted(now time.Time, lines []string, gesture, reason string) {
	text := d.character.Say(d.scene(d.turn.name), lines, int(d.lines%1024))
	if text == "" {
		d.turn.acted = true
		d.do(Command{Do: DoGesture, Turn: d.turn.id, To: d.turn.to, Text: gesture})
		d.settle(now)
		return
	}
	d.lines++
	d.recite(now, text, reason)
}

// recite adds a scripted text to the turn, sentence by sentence.
func (d *Director) recite(now time.Time, text, reason string) {
	s := NewSplitter(nil, nil, 0)
	any := false
	for _, end := range []bool{false, true} {
		pieces := s.End
		var all []Piece
		if end {
			all = pieces(true)
		} else {
			all = s.Write(text)
		}
		for _, p := range all {
			switch p.Kind {
			case PieceSentence:
				d.turn.parts = append(d.turn.parts, part{text: p.Text, script: true, reason: reason})
				any = true
			case PieceGesture:
				d.turn.acted = true
				d.do(Command{Do: DoGesture, Turn: d.turn.id, To: d.turn.to, Text: p.Text})
			}
		}
	}
	if any {
		d.say(now)
		return
	}
	d.settle(now)
}

// commit makes a preemptive turn a real one: the talker has finished.
func (d *Director) commit(now, ended time.Time) {
	t := &d.turn
	t.committed, t.begun, t.moved, t.ended = true, now, now, ended
	if v := d.visits[t.to]; v != nil {
		v.met = true
	}
	for _, c := range t.deeds[:min(len(t.deeds), maxDeeds)] {
		d.do(c)
	}
	d.say(now)
	switch {
	case t.withheld:
		d.refuse(now)
		return
	case t.lost != "":
		d.fail(now, t.lost)
		return
	}
	d.settle(now)
}

// preempt asks a model before it is certain that the talker has finished.
func (d *Director) preempt(now time.Time, t *talker) {
	if d.turn.id != 0 || len(d.waiting) > 0 || t.early != 0 || t.tries >= maxTries || t.voiced > preempted {
		return
	}
	if !d.meant(t, d.mention(t.text, t.id, true)) {
		return
	}
	t.tries++
	d.begin(now, utterance{from: t.id, name: t.name, text: t.text, ended: t.last})
	d.turn.committed = false
	t.early = d.turn.id
	d.think(now)
}

// recall takes a preemptive answer back: the talker goes on.
func (d *Director) recall(now time.Time, t *talker) {
	if t.early != 0 && d.turn.id == t.early && !d.turn.committed {
		d.drop(now)
	}
	t.early = 0
}
