package presence

import (
	"time"

	"earshot"
	"earshot/presence/interest"
	"earshot/presence/pose"
)

const (
	// recompute is how often a set is made anew. Participants are spread over
	// it by their index.
	recompute = 200 * time.Millisecond
	stagger   = 12

	// crowded is how many others one may be near before their poses come with
	// every second Tick only: by then some are due in every one, and each
	// datagram costs both sides more than what is in it.
	crowded = 12

	// throng is how many may be in a place before those who are crowded get poses
	// with every third Tick, and twice that with every fourth: datagrams by then are
	// a third of a node's work, and of hundreds around one nobody sees 17 ms.
	throng = 128

	// bytesPerSecond is the most pose bytes sent to one participant (768
	// kbit/s): 64 others at 30 Hz with both hands take 73 kB/s. burstBytes may
	// go at once.
	bytesPerSecond = 96_000
	burstBytes     = 8 * pose.MaxDatagram

	// worthwhile is how many bytes a datagram should have for one who may be sent
	// few: what it costs besides, of SCTP, DTLS, UDP and IP, is about 90.
	worthwhile = 300

	// stillness is how long a pose must have stood unsent before its last
	// moment is sent along with the first pose that differs: otherwise a
	// receiver would draw a slow slide over the whole time between the two.
	stillness = 100 // ms
)

// Tick is what one call of Space.Tick decided. Reuse it: its slices, and what
// they point to, are valid until it is passed to Tick again.
type Tick struct {
	Changes   []Change
	Datagrams []Datagram

	packer pose.Packer
	ids    []earshot.ParticipantID
}

// Change is a change of one participant's interest set. Leave comes before
// Enter: one who left and came back at once is in both.
type Change struct {
	Of           earshot.ParticipantID
	Enter, Leave []earshot.ParticipantID
}

// Datagram is for pose-down of one participant.
type Datagram struct {
	To    earshot.ParticipantID
	Bytes []byte
}

// scratch is reused by every Tick of a Space.
type scratch struct {
	ids          []int32
	x, y, z      []float32
	hits         []interest.Hit
	enter, leave []int32
	due          []int32
	snapshot     []byte // of Move
}

// Tick plans and packs what everybody who is ready should be sent now, into
// out. Call it 60 times a second; a late or missed call delays poses and loses
// none. It allocates only while out and the Space grow.
func (s *Space) Tick(now time.Time, out *Tick) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(now)
	dt := time.Second / 60
	if !s.ticked.IsZero() {
		dt = max(now.Sub(s.ticked), 0)
	}
	s.ticked = now
	out.Changes, out.Datagrams, out.ids = out.Changes[:0], out.Datagrams[:0], out.ids[:0]
	out.packer.Reset()

	s.place()
	s.ticks++
	for _, p := range s.live {
		if p.looks {
			s.follow(p, now, out)
		}
		if !p.ready {
			continue
		}
		p.waited += dt
		if p.rate > 0 && (s.ticks+uint(p.index))%s.pace(p) == 0 {
			s.send(p, now, p.waited, out)
			p.waited = 0
		}
	}
}

// pace returns with every how many Ticks p gets poses.
func (s *Space) pace(p *participant) uint {
	if least := 60 * worthwhile / p.rate; least > 4 {
		return uint(min(least, 60))
	}
	here := len(s.live) - s.outside.count
	switch {
	case len(p.set.Members) <= crowded:
		return 1
	case here <= throng:
		return 2
	case here <= 2*throng:
		return 3
	}
	return 4
}

// place gives the grid the position of everybody who may be seen.
func (s *Space) place() {
	s.lay(&s.grid, false)
	if s.outside.laid || s.outside.count > 0 {
		s.lay(&s.outside.grid, true)
		s.outside.laid = s.outside.count > 0
	}
}

// lay gives a grid those who are in the world, or who are only seen in it.
func (s *Space) lay(grid *interest.Grid, outside bool) {
	c := &s.scratch
	c.ids, c.x, c.y, c.z = c.ids[:0], c.x[:0], c.y[:0], c.z[:0]
	for _, p := range s.live {
		if !p.shown || p.isolated || p.outside != outside {
			continue
		}
		c.ids = append(c.ids, int32(p.index))
		c.x = append(c.x, p.pose.Root.X)
		c.y = append(c.y, p.pose.Root.Y)
		c.z = append(c.z, p.pose.Root.Z)
	}
	grid.Rebuild(c.ids, c.x, c.y, c.z)
}

// follow brings p's set up to date where it is due, and tells how it changed
// since the last Tick.
func (s *Space) follow(p *participant, now time.Time, out *Tick) {
	c := &s.scratch
	c.enter, c.leave = c.enter[:0], c.leave[:0]
	if !now.Before(p.due) {
		p.due = nextDue(p.due, now, p.index)
		s.recompute(p, now)
	}
	if len(c.enter)+len(c.leave)+len(p.gone) == 0 {
		return
	}
	change := Change{Of: p.id}
	start := len(out.ids)
	out.ids = append(out.ids, p.gone...)
	for _, i := range c.leave {
		out.ids = append(out.ids, s.byIndex[i].id)
	}
	change.Leave = out.ids[start:len(out.ids):len(out.ids)]
	start = len(out.ids)
	for _, i := range c.enter {
		out.ids = append(out.ids, s.byIndex[i].id)
	}
	change.Enter = out.ids[start:len(out.ids):len(out.ids)]
	p.gone = p.gone[:0]
	out.Changes = append(out.Changes, change)
}

// nextDue returns the time of a set's next recomputation. The first interval is
// shorter by index, so that those who came together do not stay in step.
func nextDue(last, now time.Time, index uint16) time.Time {
	if last.IsZero() {
		return now.Add(recompute * time.Duration(index%stagger+1) / stagger)
	}
	if next := last.Add(recompute); next.After(now) {
		return next
	}
	return now.Add(recompute)
}

func (s *Space) recompute(p *participant, now time.Time) {
	if p.isolated {
		return // the set is empty and stays so
	}
	c := &s.scratch
	at := p.pose.Root
	p.query.X, p.query.Y, p.query.Z = at.X, at.Y, at.Z
	p.query.Self, p.query.Exclude = int32(p.index), p.hidden
	p.query.Radius, p.query.K = float32(s.cfg.ViewRange), s.cfg.MaxNear
	c.hits = s.grid.Nearest(&p.query, c.hits[:0])
	for i := range p.set.Members {
		m := &p.set.Members[i]
		m.Distance = s.byIndex[m.ID].pose.Root.Distance(at)
	}
	if s.outside.laid {
		s.lookOut(p)
	}
	c.enter, c.leave = s.updater.Update(&p.set, c.hits, now.Sub(s.cfg.Epoch), c.enter, c.leave)
}

// send packs the poses that are due for p, within what p may be sent.
func (s *Space) send(p *participant, now time.Time, dt time.Duration, out *Tick) {
	c := &s.scratch
	since := now.Sub(s.cfg.Epoch)
	p.credit = min(p.credit+p.rate*dt.Seconds(), burst(p.rate))
	c.due = p.set.Due(s.versions, s.turn, dt, since, c.due[:0])
	if len(c.due) == 0 {
		return
	}
	if float64(len(c.due)*2*(pose.BlockBytes+pose.MaxSnapshot)) > p.credit {
		p.set.ByPriority(c.due)
	}
	clock := s.clock(now)
	for _, i := range c.due {
		m := &p.set.Members[i]
		q := s.byIndex[m.ID]
		if p.credit <= 0 {
			break
		}
		if q.fillsGap(m) {
			s.pack(p, q, &q.previous, clock, out)
		}
		s.pack(p, q, &q.current, clock, out)
		m.Sent(q.version, q.current.capture, since)
	}
	s.finish(p, out)
}

// burst returns how many bytes may be saved up at a rate: of much, what fills
// some datagrams; of little, a second's.
func burst(rate float64) float64 { return min(max(rate, worthwhile), burstBytes) }

// pack appends a pose of q to the datagram open for p, or to the next one.
func (s *Space) pack(p, q *participant, what *snapshot, clock int64, out *Tick) {
	if !out.packer.Fits(what.len) {
		s.finish(p, out)
		out.packer.Begin(p.seq, uint32(clock))
		p.seq++
		p.credit -= pose.HeaderBytes
	}
	out.packer.Add(pose.Block{
		Index: q.index, Kind: pose.KindSnapshot, Profile: pose.ProfileVR3,
		Age: uint8(min(max(clock-what.capture, 0), 255)), Payload: what.payload(),
	})
	p.credit -= float64(pose.BlockBytes + what.len)
}

// finish closes the datagram open for p, if one is.
func (s *Space) finish(p *participant, out *Tick) {
	if b := out.packer.End(); b != nil {
		out.Datagrams = append(out.Datagrams, Datagram{To: p.id, Bytes: b})
	}
}

// fillsGap reports whether a receiver in the state m needs p's previous pose
// before the current one: it was lost on the way up, or p stood still until
// then.
func (p *participant) fillsGap(m *interest.Member) bool {
	if m.Version == 0 {
		return false
	}
	switch p.version - m.Version {
	case 1:
		return p.previous.capture-m.Capture > stillness
	case 2:
		return p.rescued && m.Rate >= 30 && p.previous.capture > m.Capture
	}
	return false
}
