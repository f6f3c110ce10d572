package loadtest

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/loadtest/model"
	"earshot/sfu"
	"earshot/spatialaudio/zone"
)

// TestAuditOfMixes is TestAuditOfACrowd with private tables at both places, and
// with half of the people hearing mixes that the server makes for them, who go
// over to slots and back at random. Besides every packet, every source of every
// packet of a mix is held against what was in force when it was mixed, and both
// against walls.
func TestAuditOfMixes(t *testing.T) {
	t.Parallel()
	length := auditLength(t)
	synctest.Test(t, func(t *testing.T) {
		a := liveInACrowd(t, length, auditSeed, crowdOf{mixed: true})
		heard := a.testimonies()
		v := judgeBans(heard, a.bans)
		walls := a.judgeWalls(heard)
		m := a.judgeMixes()
		a.report(v)
		t.Logf("%d switches of mode; packets from behind a wall: %d; on the right side of one: %d", a.tally.acts["switch"], len(walls), a.walled(heard))
		m.report(t)
		for _, l := range append(walls, m.leaks...) {
			t.Errorf("%s of bot %d (%s) to bot %d (%s) at %v", l.what, l.talker, a.people[l.talker].lately(l.at), l.listener, a.people[l.listener].lately(l.at), l.at.Sub(a.began))
		}
		if minutes := length.Minutes(); float64(m.packets) < 2000*minutes || m.voices < m.packets || float64(a.tally.acts["switch"]) < 10*minutes || m.walled < 50 {
			t.Errorf("not the crowd it should be")
		}
	})
}

// TestAuditOfMixesCatchesLeaks: of mutes and walls that the server was not told
// of, the audit finds what was mixed in spite of them.
func TestAuditOfMixesCatchesLeaks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := liveInACrowd(t, plantedAudit(), auditSeed, crowdOf{mixed: true, forgets: true})
		found := map[string]int{}
		for _, l := range append(a.judgeWalls(a.testimonies()), a.judgeMixes().leaks...) {
			found[l.what]++
		}
		t.Logf("found %v", found)
		for _, what := range []string{"mixed against a mute", "mixed through a wall", "a packet through a wall"} {
			if found[what] == 0 {
				t.Errorf("%s: none was found", what)
			}
		}
		maps.DeleteFunc(found, func(what string, _ int) bool {
			return what == "mixed against a mute" || what == "mixed through a wall" || what == "a packet through a wall"
		})
		if len(found) > 0 {
			t.Errorf("found %v, of which the server knew", found)
		}
	})
}

// privateTables are sealed, one in the middle of each place.
func privateTables() (list zone.List) {
	for i, id := range []string{"near", "far"} {
		list = append(list, zone.Zone{
			ID: id, Kind: zone.KindTable, Sealed: true, Fade: 0.4,
			Shape: zone.Shape{Form: zone.FormCylinder, Height: 4, Center: [2]float64{100 * float64(i), 0}, Radius: 2.5},
		})
	}
	return list
}

// switchMode has somebody go over from slots to a mix or back.
func (a *audit) switchMode(random *rand.Rand) {
	time.Sleep(between(random, 500*time.Millisecond, 3*time.Second))
	bot, mode := a.people[random.IntN(auditCrowd)].present(), protocol.AudioBinaural
	if random.IntN(2) == 0 {
		mode = protocol.AudioSlots
	}
	if bot != nil && bot.Send(&protocol.SetAudio{Mode: mode}) == nil {
		a.count("switch")
	}
}

// mixes is what the desk says of the packets that it makes.
type mixes struct {
	voices []*model.Sound
	number map[earshot.ParticipantID]uint32

	mu   sync.Mutex
	log  map[earshot.TrackID][]mixed
	beds []mixed
}

// mixed is one packet: a bit for each person who is in it.
type mixed struct {
	at   time.Time
	says uint64
	to   uint64 // of a bed: who gets it
}

const nobodyKnows = 63 // the bit of a source that belongs to nobody

func newMixes() *mixes {
	m := &mixes{voices: model.Voices(), number: map[earshot.ParticipantID]uint32{}, log: map[earshot.TrackID][]mixed{}}
	for n := range uint32(auditCrowd) {
		m.number[idOf(n)] = n
	}
	return m
}

// take is the desk's Audit.
func (m *mixes) take(packet *sfu.Publication, carried []*sfu.Publication, at time.Time) {
	e := mixed{at: at}
	for _, p := range carried {
		bit := uint32(nobodyKnows)
		if p != nil {
			if n, ok := m.number[p.Participant()]; ok {
				bit = n
			}
		}
		e.says |= 1 << bit
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if packet.Source() == sfu.SourceBed {
		for _, id := range packet.Audience(nil) {
			e.to |= 1 << m.number[id]
		}
		m.beds = append(m.beds, e)
		return
	}
	m.log[packet.ID()] = append(m.log[packet.ID()], e)
}

// bedOf returns who is in a bed that a listener gets, 0 where they get none.
func (m *mixes) bedOf(listener uint32, now time.Time) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := len(m.beds) - 1; i >= 0 && now.Sub(m.beds[i].at) < 40*time.Millisecond; i-- {
		if b := &m.beds[i]; b.to>>listener&1 == 1 {
			return b.says & (1<<auditCrowd - 1)
		}
	}
	return 0
}

// found is one voice where it may not be.
type found struct {
	what             string
	talker, listener uint32
	at               time.Time
}

// mixVerdict is what the audit of mixes says.
type mixVerdict struct {
	packets, voices int // judged
	unclaimed       int // packets of mixes that nobody had in a slot
	walled          int // voices that a wall kept from somebody at a time when others were mixed for them
	leaks           []found
}

func (v *mixVerdict) report(t *testing.T) {
	t.Logf("mixes: %d packets with %d voices judged (%d packets of mixes that nobody got); %d times a wall kept somebody out; forbidden: %d",
		v.packets, v.voices, v.unclaimed, v.walled, len(v.leaks))
}

// judgeMixes looks at every voice in every packet of every mix.
func (a *audit) judgeMixes() (v mixVerdict) {
	owner := map[earshot.TrackID]uint32{}
	for _, p := range a.people {
		for _, b := range p.sessions() {
			for _, m := range b.Messages() {
				if slots, ok := m.ServerMessage.(*protocol.Slots); ok {
					for _, s := range slots.Voice {
						if s.Source == "mix" {
							owner[s.Track] = p.number
						}
					}
				}
			}
		}
	}
	for track, log := range a.mixes.log {
		listener, known := owner[track]
		if !known {
			v.unclaimed += len(log)
			continue
		}
		for _, e := range log {
			v.packets++
			for talker := range uint32(nobodyKnows + 1) {
				mixed := e.says>>talker&1 == 1
				switch {
				case mixed:
					v.voices++
					v.leaks = append(v.leaks, a.forbidden(talker, listener, e.at)...)
				case talker < auditCrowd && talker != listener && e.says != 0 && a.apart(talker, listener, e.at):
					v.walled++
				}
			}
		}
	}
	return v
}

// forbidden lists what is wrong with talker's voice in listener's mix.
func (a *audit) forbidden(talker, listener uint32, at time.Time) (list []found) {
	switch {
	case talker >= auditCrowd:
		return []found{{"mixed of nobody knows whom", talker, listener, at}}
	case talker == listener:
		return []found{{"mixed for themselves", talker, listener, at}}
	}
	for _, b := range a.bans {
		if b.forbids(talker, listener) && b.holds(at, 0) {
			list = append(list, found{"mixed against a " + b.kind, talker, listener, at})
		}
	}
	if a.apart(talker, listener, at) {
		list = append(list, found{"mixed through a wall", talker, listener, at})
	}
	return list
}

// judgeWalls looks at every packet of a voice.
func (a *audit) judgeWalls(heard []testimony) (list []found) {
	for _, e := range heard {
		for i := range e.log {
			if r := &e.log[i]; r.Voiced && a.apart(r.Frame.Bot, e.listener, r.At.Add(-inFlight)) {
				list = append(list, found{"a packet through a wall", r.Frame.Bot, e.listener, r.At})
			}
		}
	}
	return list
}

// walled counts the packets of those who were within one wall.
func (a *audit) walled(heard []testimony) (n int) {
	for _, e := range heard {
		for i := range e.log {
			r := &e.log[i]
			if !r.Voiced {
				continue
			}
			if in := a.people[r.Frame.Bot].trail.around(r.At, 0); len(in) > 0 && in[0] != 0 && in[0] != onBorder {
				n++
			}
		}
	}
	return n
}

// sessions are all bots that somebody was.
func (p *person) sessions() []*Bot {
	if p.bot == nil {
		return p.gone
	}
	return append(slices.Clone(p.gone), p.bot)
}

// knownLate is after how long a server knows on which side of a wall somebody
// is: four poses, of which one is not lost, the network, a tick.
const knownLate = 480 * time.Millisecond

// apart reports whether a wall was between the two at a time and for so long
// before that the server knew, both being there.
func (a *audit) apart(talker, listener uint32, at time.Time) bool {
	t, l := a.people[talker], a.people[listener]
	for _, p := range []*person{t, l} {
		if slices.ContainsFunc(p.away, func(g ban) bool { return g.from.Before(at) && g.to.Add(time.Second).After(at.Add(-knownLate)) }) {
			return false
		}
	}
	theirs, mine := t.trail.around(at, knownLate), l.trail.around(at, knownLate)
	if len(theirs) < 4 || len(mine) < 4 || slices.Contains(theirs, onBorder) || slices.Contains(mine, onBorder) {
		return false
	}
	for _, x := range theirs {
		if slices.Contains(mine, x) {
			return false
		}
	}
	return true
}

// lately says where somebody was in the seconds before at.
func (p *person) lately(at time.Time) string {
	since := time.Duration(-1)
	for _, g := range p.away {
		if g.to.Before(at) {
			since = at.Sub(g.to)
		}
	}
	text := fmt.Sprintf("away %v ago; zones", since.Round(time.Millisecond))
	in := p.trail.around(at, 2*time.Second)
	to, _ := slices.BinarySearchFunc(p.trail.at, at, time.Time.Compare)
	for i, m := range in {
		if when := p.trail.at[to-len(in)+i]; i == 0 || m != in[i-1] || i == len(in)-1 {
			text += fmt.Sprintf(" %d %v before,", m, at.Sub(when).Round(time.Millisecond))
		}
	}
	return text
}

// trail is in which zones somebody was, whenever they said where they are.
type trail struct {
	mu sync.Mutex
	at []time.Time
	in []zone.Mask
}

// around returns where they were in the time before at.
func (t *trail) around(at time.Time, before time.Duration) []zone.Mask {
	to, _ := slices.BinarySearchFunc(t.at, at, time.Time.Compare)
	from, _ := slices.BinarySearchFunc(t.at, at.Add(-before), time.Time.Compare)
	return t.in[max(0, min(from, to-1)):to]
}

// onBorder is a place so near to a border that the server, to which poses come
// rounded, may see it on either side.
const (
	onBorder = zone.Mask(1) << 63
	border   = 0.05 // metres
)

// trailed is a Mover that leaves a trail.
type trailed struct {
	Mover
	trail *trail
}

// Pose implements Mover.
func (m *trailed) Pose(now time.Time) earshot.Pose {
	p := m.Mover.Pose(now)
	head := p.HeadWorld().Position
	in := zone.Mask(0)
	for i, z := range privateTables() {
		switch d := math.Hypot(float64(head.X)-z.Shape.Center[0], float64(head.Z)-z.Shape.Center[1]) - z.Shape.Radius; {
		case math.Abs(d) < border:
			in = onBorder
		case d < 0:
			in = 1 << i
		}
	}
	m.trail.mu.Lock()
	defer m.trail.mu.Unlock()
	m.trail.at, m.trail.in = append(m.trail.at, now), append(m.trail.in, in)
	return p
}
