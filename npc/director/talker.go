package director

import (
	"time"

	"earshot"
)

// How voice activity is read from samples that come 10 to 20 times a second.
const (
	floor     = -60.0                  // dBov below which a voice is not heard
	preroll   = 300 * time.Millisecond // before the first sample with voice
	postroll  = 200 * time.Millisecond
	hangover  = 200 * time.Millisecond // of silence until speech has paused
	minSpeech = 100 * time.Millisecond // less is a click or a cough
	maxSpeech = 28 * time.Second       // of one utterance
	maxGap    = 150 * time.Millisecond // that one sample speaks for
	preempted = 10 * time.Second       // longer speech is not answered before its end is certain
	maxTries  = 3                      // of preemptive answers to one utterance
)

// phase is where a talker is in an utterance.
type phase uint8

const (
	absent   phase = iota
	starting       // may be a noise
	talking
	pausing // has paused: perhaps at the end
)

// talker is somebody whose voice is followed.
type talker struct {
	id    earshot.ParticipantID
	name  string
	phase phase

	began, last, sampled time.Time
	voiced               time.Duration
	looks                geometry // angle and rival are sums over seen samples
	seen                 float64

	clip   ClipID // the transcription that counts
	heard  bool   // its text is known
	deaf   bool   // it failed
	full   bool   // spoke for so long that what follows is another utterance
	text   string
	sounds Sounding
	tries  int
	early  TurnID // the preemptive turn that answers text
}

func (d *Director) talker(id earshot.ParticipantID) *talker {
	for i := range d.talkers {
		if d.talkers[i].phase != absent && d.talkers[i].id == id {
			return &d.talkers[i]
		}
	}
	return nil
}

// listen takes one sample of everybody's voice.
func (d *Director) listen(now time.Time) {
	for i := range d.around {
		p := &d.around[i]
		if !p.player() {
			continue
		}
		voice := p.Talking && p.Heard > floor
		t := d.talker(p.ID)
		if t == nil && voice {
			t = d.follow(now, p)
		}
		if t == nil {
			continue
		}
		if voice {
			g := look(p, d.mover.Head(), d.around, "", d.reach)
			t.observe(&g)
		}
		d.sample(now, t, voice)
	}
	for i := range d.talkers { // those who are not seen any more
		if t := &d.talkers[i]; t.phase != absent && t.sampled != now {
			d.sample(now, t, false)
		}
	}
}

// follow begins to follow a voice, if not too many are followed already.
func (d *Director) follow(now time.Time, p *Person) *talker {
	for i := range d.talkers {
		if t := &d.talkers[i]; t.phase == absent {
			*t = talker{id: p.ID, name: p.Name, phase: starting, began: now, last: now, sampled: now}
			return t
		}
	}
	if v := d.visits[p.ID]; v != nil && !v.unheard {
		v.unheard = true // count speech, not samples
		d.counts.Unheard++
	}
	return nil
}

func (t *talker) observe(g *geometry) {
	g.angle += t.looks.angle
	g.rival += t.looks.rival
	t.looks = *g
	t.seen++
}

// facing is how the talker looked while they spoke, on average.
func (t *talker) facing() geometry {
	g := t.looks
	if t.seen > 0 {
		g.angle /= t.seen
		g.rival /= t.seen
	}
	return g
}

func (d *Director) sample(now time.Time, t *talker, voice bool) {
	gap := min(now.Sub(t.sampled), maxGap)
	t.sampled = now
	if !voice || t.full {
		d.silent(now, t)
		return
	}
	t.last = now
	t.voiced += max(gap, 0)
	switch {
	case t.phase == pausing:
		t.phase, t.clip, t.heard, t.deaf, t.text = talking, 0, false, false, ""
		d.recall(now, t)
	case t.phase == starting && t.voiced > 0:
		t.phase = talking
	}
}

func (d *Director) silent(now time.Time, t *talker) {
	if now.Sub(t.last) < hangover {
		return
	}
	switch t.phase {
	case starting:
		*t = talker{}
	case talking:
		d.paused(now, t)
	}
}

// paused asks what was said as soon as it may have been all: the words are
// then known when the wait for more is over.
func (d *Director) paused(now time.Time, t *talker) {
	g := t.facing()
	if t.voiced < minSpeech || !g.possible(d.partner(now, t.id)) {
		if t.voiced >= minSpeech {
			d.counts.Overheard++
		}
		*t = talker{}
		return
	}
	t.phase = pausing
	d.clips++
	t.clip = d.clips
	d.do(Command{Do: DoTranscribe, Clip: t.clip, To: t.id, Name: t.name, From: t.began.Add(-preroll), Until: t.last.Add(postroll)})
}

// Transcribed says what the words of a clip are, "" for none.
func (d *Director) Transcribed(now time.Time, clip ClipID, text string) {
	t := d.clipOf(clip)
	if t == nil {
		return
	}
	t.heard, t.text, t.sounds = true, clipRunes(text, maxAsked), Sound(text)
	d.Tick(now)
}

// Deaf says that the words of a clip could not be found out.
func (d *Director) Deaf(now time.Time, clip ClipID) {
	if t := d.clipOf(clip); t != nil {
		t.deaf = true
		d.Tick(now)
	}
}

func (d *Director) clipOf(clip ClipID) *talker {
	for i := range d.talkers {
		if t := &d.talkers[i]; t.phase == pausing && t.clip == clip && clip != 0 {
			return t
		}
	}
	return nil
}

// judge decides what a talker's speech or silence means by now.
func (d *Director) judge(now time.Time, t *talker) {
	silence := now.Sub(t.last)
	switch {
	case t.phase == starting || t.phase == talking:
		if now.Sub(t.sampled) > time.Second { // nobody samples any more
			t.sampled = now
			d.silent(now, t)
		} else if t.phase == talking && now.Sub(t.began) > maxSpeech {
			t.full = true
			d.paused(now, t)
		} else if t.phase == talking && t.voiced >= d.timing.Interruption {
			d.bargeIn(now, t)
		}
	case t.phase != pausing:
	case t.heard:
		d.judgeWords(now, t, silence)
	case t.deaf && silence >= d.timing.MinEndpoint, silence >= d.timing.MinEndpoint+d.timing.Deadline:
		d.misheard(now, t)
	}
}

func (d *Director) judgeWords(now time.Time, t *talker, silence time.Duration) {
	over := silence >= d.timing.MinEndpoint || t.full
	switch t.sounds {
	case Nothing:
		*t = talker{} // watch resumes what it interrupted
	case Backchannel:
		if over {
			d.backchannel(now, t)
		}
	case Unfinished:
		if silence >= d.timing.MaxEndpoint || t.full {
			d.ended(now, t)
		}
	case Finished:
		if over {
			d.ended(now, t)
		} else {
			d.preempt(now, t)
		}
	}
}

// backchannel is "mhm": nothing while the character speaks, an answer when it
// has spoken to them and waits.
func (d *Director) backchannel(now time.Time, t *talker) {
	if d.turn.id == 0 && d.partner(now, t.id) {
		d.ended(now, t)
		return
	}
	d.counts.Backchannels++
	held := d.turn.held && d.turn.heldBy == t.id
	*t = talker{}
	if held {
		d.resume(now)
	}
}

// ended is the end of an utterance whose words are known.
func (d *Director) ended(now time.Time, t *talker) {
	done := *t
	*t = talker{}
	if d.turn.id != 0 && d.turn.id == done.early {
		d.commit(now, done.last)
		return
	}
	if !d.meant(&done, d.mention(done.text, done.id, true)) {
		d.counts.Overheard++
		if d.turn.held && d.turn.heldBy == done.id {
			d.resume(now)
		}
		return
	}
	d.enqueue(now, utterance{from: done.id, name: done.name, text: done.text, ended: done.last})
}

// misheard is the end of an utterance whose words nobody could find out. Who
// clearly spoke to the character is told so.
func (d *Director) misheard(now time.Time, t *talker) {
	done := *t
	*t = talker{}
	if d.turn.id != 0 {
		return // watch goes on with what was interrupted
	}
	if d.meant(&done, notNamed) {
		d.begin(now, utterance{from: done.id, name: done.name, ended: done.last})
		d.fail(now, "your words could not be made out")
	}
}

// meant reports whether the talker speaks to the character.
func (d *Director) meant(t *talker, name mention) bool {
	g := t.facing()
	return g.addressed(talkSigns{partner: d.partner(t.last, t.id), name: name, otherNamed: name == notNamed && t.heard && d.namesOther(t.text, t.id)})
}

func clipRunes(s string, most int) string {
	n := 0
	for i := range s {
		if n == most {
			return s[:i]
		}
		n++
	}
	return s
}
