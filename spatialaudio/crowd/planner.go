package crowd

import (
	"cmp"
	"math"
	"slices"
	"time"

	"earshot"
)

// Person is somebody in the world, as they are when a plan is made.
type Person struct {
	ID       ID
	Position earshot.Vec3 // of the head: mouth and ears
	// LevelDB is how loud they talk after levelling, smoothed, in dBov.
	LevelDB float32
	// Talks is whether they may be mixed: they talk, or stopped just now, and are
	// neither muted nor end-to-end encrypted.
	Talks bool
	// Listens is whether they are to get beds, and Beds how many at most: 0 is
	// Config.PerListener.
	Listens bool
	Beds    int
	// Voices are who they would hear individually without beds, the most audible
	// first: MaxVoices at most.
	Voices []ID
}

// beds is how many beds a person gets at most.
func (c *Config) beds(h *Person) int {
	if h.Beds <= 0 {
		return c.PerListener
	}
	return min(h.Beds, c.PerListener)
}

// talker is a person who is in the tree.
type talker struct {
	code   uint64
	id     ID
	person int32
}

// Planner makes one plan after the other. It remembers who was mixed and what
// everybody got.
type Planner struct {
	cfg     Config
	epoch   time.Time
	last    instant
	planned bool

	people            []Person // of the plan being made
	at                []int32  // by ID: index in people, or none
	talkers           []talker
	now               tree
	before            tree
	past              []past   // by ID
	floor, hysteresis float32  // as power
	chosen            []chosen // what each listener is to get, one after the other
	ends              []int32  // by index in people: where theirs ends
	wanted            []wanted
	code              uint64 // of where the present listener is
	front             [maxFront]opening
	picks             [MaxPerListener]pick
}

// New returns a planner, or an *earshot.Error. Its memory is some 8 MB for a
// thousand people at most.
func New(cfg Config) (*Planner, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Planner{
		cfg: cfg, at: make([]int32, cfg.People), past: make([]past, cfg.People),
		floor:      float32(math.Pow(10, float64(cfg.FloorDB)/10)),
		hysteresis: float32(math.Pow(10, float64(cfg.HysteresisDB)/10)),
	}, nil
}

// Plan fills plan with what is to be from now on. People come in any order, each
// once; those who are not among them any more are forgotten. Errors are
// *earshot.Error with CodeInvalidArgument, of IDs and lists that are not as
// documented, and leave plan and planner as they were.
func (p *Planner) Plan(now time.Time, people []Person, rules *Rules, plan *Plan) error {
	if err := p.check(people); err != nil {
		return err
	}
	if !p.planned {
		p.epoch, p.planned = now, true
	}
	t := max(now.Sub(p.epoch), p.last)
	p.people = people
	p.before, p.now = p.now, p.before
	p.place()
	p.mixAll(t)
	p.last = t

	plan.reset(now, p.cfg.People, rules.generation)
	plan.Stats.Talkers, plan.Stats.Cells = len(p.talkers), p.now.levels[p.now.top]
	p.chooseAll(t, rules, &plan.Stats)
	if p.want(); len(p.wanted) > p.cfg.Beds { // again, of those there will be
		p.limit()
		plan.Stats.Short = true
		p.chooseAll(t, rules, &plan.Stats)
		p.want()
		p.wanted = slices.DeleteFunc(p.wanted, func(w wanted) bool { return p.now.cells[w.cell].bed[w.part] == none })
	}
	p.makeBeds(plan)
	p.grantAll(t, rules, plan)
	p.people = nil
	return nil
}

// chooseAll fills p.chosen with what everybody is to get.
func (p *Planner) chooseAll(t instant, rules *Rules, stats *Stats) {
	stats.Opened, stats.Lost, stats.Cut = 0, 0, 0
	p.chosen, p.ends = p.chosen[:0], p.ends[:0]
	for i := range p.people {
		h := &p.people[i]
		if (h.Listens || p.past[h.ID].nGrants > 0) && p.cfg.inWorld(h.Position) {
			p.choose(t, h, rules, stats)
		}
		p.ends = append(p.ends, int32(len(p.chosen)))
	}
}

// check indexes people, and refuses what is not as documented.
func (p *Planner) check(people []Person) error {
	for i := range p.at {
		p.at[i] = none
	}
	for i := range people {
		id := people[i].ID
		if id < 0 || int(id) >= p.cfg.People {
			return earshot.Errorf(earshot.CodeInvalidArgument, "people: id %d is outside 0 to %d: give small numbers, or raise people", id, p.cfg.People-1)
		}
		if p.at[id] != none {
			return earshot.Errorf(earshot.CodeInvalidArgument, "people: id %d is there twice", id)
		}
		if len(people[i].Voices) > MaxVoices {
			return earshot.Errorf(earshot.CodeInvalidArgument, "people: %d has %d voices, give the first %d", id, len(people[i].Voices), MaxVoices)
		}
		p.at[id] = int32(i)
	}
	return nil
}

// place sorts the talkers into cells.
func (p *Planner) place() {
	p.talkers = p.talkers[:0]
	for i := range p.people {
		h := &p.people[i]
		if h.Talks && p.cfg.inWorld(h.Position) && h.LevelDB > -127 && h.LevelDB < 60 { // not NaN
			p.talkers = append(p.talkers, talker{p.cfg.morton(h.Position), h.ID, int32(i)})
		}
	}
	slices.SortFunc(p.talkers, func(a, b talker) int {
		if c := cmp.Compare(a.code, b.code); c != 0 {
			return c
		}
		return cmp.Compare(a.id, b.id)
	})
	p.now.grow(&p.cfg, p.talkers)
}

// mixAll decides whom each cell mixes: the loudest of its talkers, and of larger
// cells the loudest of those within.
func (p *Planner) mixAll(t instant) {
	where := func(id ID) (earshot.Vec3, float32) {
		h := &p.people[p.at[id]]
		return h.Position, h.LevelDB
	}
	for i := range p.now.cells {
		c := &p.now.cells[i]
		if old := p.before.find(c.key); old != none {
			c.mix = p.before.cells[old].mix
		}
		var b best
		if c.level() == 0 {
			for _, k := range p.talkers[c.first : c.first+c.count] {
				b.offer(candidate{k.id, c.mix.score(&p.cfg, t, k.id, p.people[k.person].LevelDB)}, p.cfg.Talkers)
			}
		} else {
			for j := c.first; j < c.first+c.count; j++ {
				within := &p.now.cells[j].mix
				for s, id := range within.ids {
					if within.staying()>>s&1 == 1 {
						b.offer(candidate{id, c.mix.score(&p.cfg, t, id, p.people[p.at[id]].LevelDB)}, p.cfg.Talkers)
					}
				}
			}
		}
		c.mix.change(&p.cfg, t, &b)
		c.mix.shape(t-p.last, where)
	}
	p.now.keepGone(&p.before, func(c *cell) bool {
		c.mix.change(&p.cfg, t, &best{})
		return c.mix.used != 0
	})
}

// wanted is a bed that listeners want.
type wanted struct {
	cell   int32
	part   Part
	demand int32
}

// want lists the beds that somebody has chosen.
func (p *Planner) want() {
	for i := range p.now.cells {
		p.now.cells[i].demand = [parts]int32{}
	}
	for i := range p.chosen {
		k := &p.chosen[i]
		p.now.cells[k.cell].demand[k.part]++
	}
	p.wanted = p.wanted[:0]
	for i := range p.now.cells {
		for part, n := range p.now.cells[i].demand {
			if n > 0 {
				p.wanted = append(p.wanted, wanted{int32(i), Part(part), n})
			}
		}
	}
}

// limit keeps the beds that most listeners want, and marks them in their cells.
func (p *Planner) limit() {
	slices.SortFunc(p.wanted, func(a, b wanted) int {
		if c := cmp.Compare(b.demand, a.demand); c != 0 {
			return c
		}
		if c := cmp.Compare(a.cell, b.cell); c != 0 {
			return c
		}
		return cmp.Compare(a.part, b.part)
	})
	for i, w := range p.wanted[:p.cfg.Beds] {
		p.now.cells[w.cell].bed[w.part] = int32(i)
	}
}

// makeBeds puts the beds that somebody gets into the plan.
func (p *Planner) makeBeds(plan *Plan) {
	for i := range p.now.cells {
		c := &p.now.cells[i]
		c.bed, c.mix.begun = [parts]int32{none, none, none}, false
	}
	for _, w := range p.wanted {
		c := &p.now.cells[w.cell]
		c.bed[w.part] = int32(len(plan.Beds))
		c.mix.begun = true
		p.addBed(plan, c, w.part)
	}
}

func (p *Planner) addBed(plan *Plan, c *cell, part Part) {
	m := &c.mix
	bed := Bed{Key: Key{c.key, part}, Centre: m.centre, Radius: m.radius, GainDB: m.gainDB, LevelDB: m.level, first: int32(len(plan.talkers))}
	for i, id := range m.ids {
		bit := mask(1) << i & masks[part]
		if m.used&bit == 0 {
			continue
		}
		phase := Heard
		if m.waiting&bit != 0 {
			phase = Waiting
		} else if m.leaving&bit != 0 {
			phase = Leaving
		}
		plan.talkers = append(plan.talkers, Talker{id, phase})
	}
	bed.n = int32(len(plan.talkers)) - bed.first
	plan.Beds = append(plan.Beds, bed)
}
