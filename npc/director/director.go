package director

import (
	"math/bits"
	"time"

	"earshot"
	"earshot/npc/persona"
)

// Config is who a Director directs.
type Config struct {
	Character *persona.Character
	World     string
	Place     Place
	Timing    Timing // zero fields: DefaultTiming
	Hears     bool   // voices can be transcribed; without, only texts are heard
	Seed      uint64 // of the macros with chance in scripted lines
}

// Limits of what a Director keeps.
const (
	maxTalkers = 4
	maxWaiting = 4
	maxVisits  = 256
	maxAround  = 64
	maxAsked   = 2000 // runes of what is answered in one turn
	maxParts   = 40   // sentences of one turn
)

// Director judges for one character. Feed it what happens, then take the
// commands out of it with Next until there are none.
type Director struct {
	cfg       Config
	timing    Timing
	character *persona.Character
	live      map[string]string // variables the game reported
	called    []string          // by which it is called
	reach     float64           // perception range, metres

	around  []Person
	sampled time.Time // of around
	visits  map[earshot.ParticipantID]*visit
	talkers [maxTalkers]talker
	waiting []utterance
	turn    turn
	turns   TurnID
	clips   ClipID
	lines   uint64 // scripted lines said, to say another one next time
	spokeTo earshot.ParticipantID
	spoke   time.Time // when the last turn ended
	greeted time.Time
	mover   *Mover
	counts  Counts

	out  []Command
	next int
}

// New returns a Director whose character stands at home.
func New(cfg Config) (*Director, error) {
	if cfg.Character == nil {
		return nil, invalid("character: there is none")
	}
	if err := cfg.Timing.Validate(); err != nil {
		return nil, err
	}
	if err := cfg.Place.Validate(); err != nil {
		return nil, err
	}
	d := &Director{
		cfg: cfg, timing: cfg.Timing.WithDefaults(), live: map[string]string{},
		visits: map[earshot.ParticipantID]*visit{}, mover: NewMover(cfg.Place),
		around: make([]Person, 0, maxAround),
	}
	d.Recast(cfg.Character)
	return d, nil
}

// Recast gives the character another version of itself. The turn under way
// goes on.
func (d *Director) Recast(c *persona.Character) {
	p := c.Persona()
	d.character, d.called, d.reach = c, callNames(p.Nickname, p.Name), p.Range
	if d.reach == 0 {
		d.reach = persona.DefaultRange
	}
}

// Next returns the next command, and false if there is none.
func (d *Director) Next() (Command, bool) {
	if d.next == len(d.out) {
		d.out, d.next = d.out[:0], 0
		return Command{}, false
	}
	c := d.out[d.next]
	d.out[d.next] = Command{} // so that its texts can be collected
	d.next++
	return c, true
}

func (d *Director) do(c Command) { d.out = append(d.out, c) }

// SetHears says whether voices can be transcribed from now on. What was said
// before that ends without words.
func (d *Director) SetHears(on bool) {
	if d.cfg.Hears && !on {
		d.talkers = [len(d.talkers)]talker{}
	}
	d.cfg.Hears = on
}

// See says who is near now, also the silent, nearest first where there are
// more than 64. It allocates nothing while the same people are there.
func (d *Director) See(now time.Time, around []Person) {
	d.around = append(d.around[:0], around[:min(len(around), maxAround)]...)
	d.sampled = now
	for i := range d.around {
		d.meet(now, &d.around[i])
	}
	if d.cfg.Hears {
		d.listen(now)
	}
	d.Tick(now)
}

// Tick lets time pass: everything that falls due by now is done. Call it at
// least 10 times a second while Busy.
func (d *Director) Tick(now time.Time) {
	for i := range d.talkers {
		if d.talkers[i].phase != absent {
			d.judge(now, &d.talkers[i])
		}
	}
	d.watch(now)
	d.visitTick(now)
	d.advance(now)
}

// Busy reports whether time alone may make something due.
func (d *Director) Busy() bool {
	return !d.quiet() || d.Company()
}

// Lose forgets somebody at once: they left, or may not be heard any more.
func (d *Director) Lose(now time.Time, id earshot.ParticipantID) {
	if t := d.talker(id); t != nil {
		*t = talker{}
	}
	for i := range d.around {
		if d.around[i].ID == id {
			d.around = append(d.around[:i], d.around[i+1:]...)
			break
		}
	}
	d.unqueue(id)
	delete(d.visits, id)
	if d.spokeTo == id {
		d.spokeTo = ""
	}
	if d.turn.id != 0 && d.turn.to == id {
		d.drop(now)
	}
	d.advance(now)
}

// State says how the character is, and whom it attends to, if anybody.
func (d *Director) State() (State, earshot.ParticipantID) {
	t := &d.turn
	switch {
	case t.id != 0 && t.committed && !t.held:
		if t.worded && !(t.late && t.spoken == len(t.parts)) {
			return Speaking, t.to
		}
		return Thinking, t.to
	case t.id != 0 && t.held:
		return Listening, t.heldBy
	}
	for i := range d.talkers {
		if tk := &d.talkers[i]; tk.phase > starting && d.meant(tk, notNamed) {
			return Listening, tk.id
		}
	}
	return Idle, ""
}

// Counts returns what was counted since New.
func (d *Director) Counts() Counts { return d.counts }

// Step moves the character to now, and returns its pose and whether that
// changed since the last Step.
func (d *Director) Step(now time.Time) (earshot.Pose, bool) {
	target, engaged := d.attention(now)
	return d.mover.Step(now, target, engaged, d.around)
}

// Restless reports whether Step would move the character soon even if nothing
// happens.
func (d *Director) Restless() bool { return len(d.around) > 0 || d.mover.Restless() }

// Place gives the character another place to live. It walks there.
func (d *Director) Place(p Place) error {
	if err := p.Validate(); err != nil {
		return err
	}
	d.mover.Place(p)
	return nil
}

// attention is whom the character looks at, and whether it talks with them.
func (d *Director) attention(now time.Time) (target *Person, engaged bool) {
	if state, to := d.State(); state != Idle {
		if p := d.person(to); p != nil {
			return p, true
		}
	}
	if now.Sub(d.spoke) < d.timing.Attention/3 {
		if p := d.person(d.spokeTo); p != nil && p.Distance <= d.reach {
			return p, true
		}
	}
	for i := range d.around { // who comes near
		p := &d.around[i]
		if p.player() && p.Distance <= min(lookRange, d.reach) && (target == nil || p.Distance < target.Distance) {
			target = p
		}
	}
	return target, false
}

// lookRange is how near somebody is whom the character looks at, in metres.
const lookRange = 5.0

func (d *Director) person(id earshot.ParticipantID) *Person {
	for i := range d.around {
		if d.around[i].ID == id {
			return &d.around[i]
		}
	}
	return nil
}

// scene is what scripted lines are said in.
func (d *Director) scene(user string) *persona.Scene {
	return &persona.Scene{User: user, World: d.cfg.World, Variables: d.live, Seed: d.cfg.Seed ^ bits.RotateLeft64(uint64(len(user)), 32)}
}
