package truth

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"earshot"
	"earshot/spatialaudio"
	"earshot/spatialaudio/zone"
)

// fault is what is wrong with a simulated server.
type fault struct {
	third bool          // the two most audible are never chosen: the third is first
	delay time.Duration // of every packet
	drop  float64       // share of packets
	leak  bool          // blocks do nothing
	far   bool          // the least audible are chosen
	walls bool          // sealed walls do nothing, nor do rules of who may speak
}

// scene is what a simulated server and crowd are like.
type scene struct {
	people, slots int
	radius        float32
	speed         float32
	teleport      bool
	dtx           bool
	spurt, pause  time.Duration
	jitter        time.Duration
	loss          float64
	zones         *zone.Set
}

// sim is a server that chooses voices as Earshot documents it, with people who
// walk and talk, and the truth about them. It is written after the documents,
// apart from the server.
type sim struct {
	scene
	fault
	rng     *rand.Rand
	now     time.Time
	tick    uint32
	curve   spatialaudio.Curve
	bots    []*bot
	world   *World
	truth   []Person
	blocked map[[2]uint32]bool
}

type bot struct {
	id           uint32
	at, to       earshot.Vec3
	yaw          float32
	past         []earshot.Transform // heads, newest last, every 20 ms
	voice        bool
	since        time.Time
	left         int
	into         uint16
	sent         uint32
	true, server Level
	talking      bool // as the server sees it
	kept         time.Time
	here         bool // a frame is sent in this tick

	ears    *Ledger
	slots   []simSlot
	seq     []uint16
	arrives []Packet
}

// simSlot is a slot of the server.
type simSlot struct {
	id                uint32
	taken             bool
	since, challenged time.Time
	score             float64
	talking           bool
}

type candidate struct {
	id      uint32
	score   float64
	talking bool
}

func newSim(s scene, f fault, seed uint64) *sim {
	m := &sim{
		scene: s, fault: f, rng: rand.New(rand.NewPCG(seed, 5)), now: time.Unix(1_000_000, 0),
		curve: spatialaudio.DefaultCurve(), blocked: map[[2]uint32]bool{},
	}
	m.world = New(Config{Curve: m.curve, Zones: s.zones})
	for i := range s.people {
		b := &bot{id: uint32(i + 1), ears: NewLedger(uint32(i+1), s.slots), slots: make([]simSlot, s.slots), seq: make([]uint16, s.slots)}
		b.at, b.to = m.place(), m.place()
		b.left = int(m.rng.ExpFloat64() * 50)
		m.bots = append(m.bots, b)
	}
	return m
}

func (m *sim) place() earshot.Vec3 {
	r, a := math.Sqrt(m.rng.Float64())*float64(m.radius), 2*math.Pi*m.rng.Float64()
	return earshot.Vec3{X: float32(r * math.Sin(a)), Z: float32(r * math.Cos(a))}
}

// run lets so much time pass. Figures are of all listeners, without the first
// three seconds.
func (m *sim) run(length time.Duration) *Figures {
	warm := m.now.Add(3 * time.Second)
	for end := m.now.Add(length); m.now.Before(end); m.tick++ {
		m.now = m.now.Add(20 * time.Millisecond)
		for _, b := range m.bots {
			m.walk(b)
			m.talk(b)
		}
		for i, b := range m.bots {
			if (int(m.tick)*2+i)%5 < 2 { // every 50 ms, as nearly as 20 ms allow
				m.review(b)
			}
			m.forward(b)
			b.hear(m.now)
		}
		if m.tick%5 == 0 {
			m.judge()
		}
		if m.now.Equal(warm) {
			for _, b := range m.bots {
				b.ears.Reset()
			}
		}
	}
	all := &Figures{}
	for _, b := range m.bots {
		all.Merge(b.ears.Figures())
	}
	return all
}

func (m *sim) walk(b *bot) {
	if m.teleport && m.rng.Float64() < 1.0/500 { // every ten seconds
		b.at = m.place()
	}
	way := b.to.Sub(b.at)
	if step := m.speed * 0.02; way.Len() <= step {
		b.to = m.place()
	} else {
		b.at = b.at.Add(way.Scale(step / way.Len()))
		b.yaw = float32(math.Atan2(-float64(way.X), -float64(way.Z)))
	}
	head := earshot.Standing(b.at, b.yaw)
	if b.past = append(b.past, head.HeadWorld()); len(b.past) > 6 {
		b.past = b.past[1:]
	}
}

func (m *sim) talk(b *bot) {
	for ; b.left <= 0; b.left = max(1, int(m.rng.ExpFloat64()*float64(m.mean(b)/frame))) {
		b.voice = !b.voice
		b.since, b.into = m.now, 0
	}
	b.left--
	level := -68 + 2*m.rng.NormFloat64()
	if b.voice {
		b.into++
		level = -26 + 5*math.Sin(2*math.Pi*4*float64(m.tick)*0.02+float64(b.id)) + 2*m.rng.NormFloat64()
	} else {
		b.into = 0
	}
	if b.here = b.voice || !m.dtx; !b.here {
		return
	}
	b.sent++
	level = math.Round(level)
	b.true.Observe(level, m.now)
	b.server.Observe(level, m.now)
	on := level >= -40 || b.voice && level >= -50
	b.talking = on || b.talking && m.now.Sub(b.kept) < 250*time.Millisecond
	if on || b.talking && level >= -58 {
		b.kept = m.now
	}
}

func (m *sim) mean(b *bot) time.Duration {
	if b.voice {
		return m.spurt
	}
	return m.pause
}

// review gives out b's slots by what the server knows: poses a tenth of a
// second old.
func (m *sim) review(b *bot) {
	var list []candidate
	for _, t := range m.bots {
		if t == b || m.blocked[[2]uint32{b.id, t.id}] && !m.leak {
			continue
		}
		if gain := m.gain(b, t); gain > 0 {
			list = append(list, candidate{t.id, spatialaudio.Audibility(t.server.At(m.now), gain, 0), t.talking && m.now.Sub(t.kept) < 250*time.Millisecond})
		}
	}
	slices.SortStableFunc(list, func(x, y candidate) int {
		if m.far {
			x, y = y, x
		}
		switch {
		case x.score > y.score:
			return -1
		case x.score < y.score:
			return 1
		}
		return 0
	})
	if m.third {
		list = list[min(2, len(list)):]
	}
	b.assign(list, m.now)
}

// gain is that of t's voice at b, for a server that knows about zones.
func (m *sim) gain(b, t *bot) float64 {
	gain := m.curve.Gain(b.past[0].Position, t.past[0])
	if m.zones == nil {
		return gain
	}
	var from, to zone.Spot
	m.zones.Locate(t.past[0].Position, &from)
	m.zones.Locate(b.past[0].Position, &to)
	path := m.zones.Hear(&from, &to)
	if m.walls {
		path.Open = true
	} else if !path.Allowed() || !m.zones.MaySpeak(from.In, zone.Speaker{}) {
		return 0
	}
	gain, _ = path.Gain(gain)
	return gain
}

// assign is the algorithm of the documents: fill, and challenge with 4 dB of
// hysteresis, 500 ms of hold and 400 ms of waiting for a pause.
func (b *bot) assign(list []candidate, now time.Time) {
	for i := range b.slots {
		s := &b.slots[i]
		at := slices.IndexFunc(list, func(c candidate) bool { return s.taken && c.id == s.id })
		if at < 0 {
			*s = simSlot{}
			continue
		}
		s.score, s.talking = list[at].score, list[at].talking
		list = slices.Delete(list, at, at+1)
	}
	var order []int
	for i := range b.slots {
		s := &b.slots[i]
		if !s.taken && len(list) > 0 {
			*s = simSlot{id: list[0].id, taken: true, since: now, score: list[0].score, talking: list[0].talking}
			list = list[1:]
		}
		talker := len(list) > 0 && list[0].talking
		if s.taken && (now.Sub(s.since) >= 500*time.Millisecond || talker && !s.talking) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(x, y int) int {
		return int(math.Copysign(1, b.slots[x].score-b.slots[y].score))
	})
	for _, i := range order {
		s := &b.slots[i]
		if len(list) == 0 || list[0].score-s.score < 4 {
			s.challenged = time.Time{}
			continue
		}
		if s.challenged.IsZero() {
			s.challenged = now
		}
		if !s.talking || now.Sub(s.challenged) >= 400*time.Millisecond {
			*s = simSlot{id: list[0].id, taken: true, since: now, score: list[0].score, talking: list[0].talking}
			list = list[1:]
		}
	}
}

// forward sends b what those in its slots say.
func (m *sim) forward(b *bot) {
	for i := range b.slots {
		s := &b.slots[i]
		t := m.bots[max(s.id, 1)-1]
		if !s.taken || !t.here || m.rng.Float64() < m.drop {
			continue
		}
		b.seq[i]++
		if m.rng.Float64() < m.loss {
			continue
		}
		took := 10*time.Millisecond + m.delay + time.Duration(m.rng.Float64()*float64(m.jitter))
		b.arrives = append(b.arrives, Packet{
			Slot: i, At: m.now.Add(took), Seq: b.seq[i], Timestamp: m.tick * 960, Voiced: true,
			Talker: t.id, Tick: m.tick, Sent: t.sent - 1, Into: t.into, SentAt: m.now,
		})
	}
}

func (b *bot) hear(now time.Time) {
	b.arrives = slices.DeleteFunc(b.arrives, func(p Packet) bool {
		if p.At.After(now) {
			return false
		}
		b.ears.Heard(&p)
		return true
	})
}

func (m *sim) judge() {
	m.truth = m.truth[:0]
	for _, b := range m.bots {
		m.truth = append(m.truth, Person{
			ID: b.id, Head: b.past[len(b.past)-1], Level: b.true.At(m.now), Speaking: b.voice, Since: b.since, Lag: 10 * time.Millisecond,
		})
	}
	m.world.Step(m.now, m.truth)
	for _, b := range m.bots {
		b.ears.Judge(m.world)
	}
}

// block keeps a and b apart.
func (m *sim) block(a, b uint32) {
	for _, p := range [][2]uint32{{a, b}, {b, a}} {
		m.blocked[p] = true
		m.bots[p[0]-1].ears.Ban(p[1], m.now)
		m.review(m.bots[p[0]-1])
	}
}
