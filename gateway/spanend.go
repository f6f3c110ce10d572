package gateway

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/presence"
	"earshot/sfu/relay/wire"
)

// end is an instance's side of one other node that runs it too. Its methods
// may be called on nil, for a channel that has closed meanwhile.
type end struct {
	span        *span
	peer        *peer
	theirs      uint16 // their channel
	incarnation uint64

	ghosts atomic.Pointer[map[uint16]*ghost] // by their index; replaced under mu

	// mu guards what follows, what the ghosts' tracks say of it, and that what is
	// said there has an order. It is taken after the Instance's locks, and held
	// while messages are queued.
	mu     sync.Mutex
	closed bool
	told   map[earshot.ParticipantID]*telling
	looks  map[uint16]struct{} // of whom they need whole poses, by our index
	glance presence.Glance     // scratch
	roster time.Time           // when our people were last looked through
	videos time.Time           // when videos were
}

// telling is what an end was told of one of our people.
type telling struct {
	session *session
	index   uint16
	flags   wire.Flags
	tracks  int
	held    int // orders about them that do not hold there yet

	seq     uint16 // of poses
	version uint32 // of the last whole pose
	root    []byte // the last
	rooted  time.Time
}

const (
	// rosterEvery is how often an end looks what changed about our people, and
	// what is needed of theirs.
	rosterEvery = 100 * time.Millisecond
	// rootEvery is how often roots go out, rootAnyway also of those who stand.
	rootEvery  = 100 * time.Millisecond
	rootAnyway = 2 * time.Second
	// videosEvery is how often publishers are reminded of what is wanted.
	videosEvery = time.Second
)

func newEnd(sp *span, p *peer, m *wire.Open) *end {
	e := &end{
		span: sp, peer: p, theirs: m.Channel, incarnation: m.Incarnation,
		told: make(map[earshot.ParticipantID]*telling), looks: make(map[uint16]struct{}),
	}
	e.ghosts.Store(&map[uint16]*ghost{})
	p.mu.Lock()
	p.ends[m.Channel] = e
	p.mu.Unlock()
	sp.change(func(all []*end) []*end { return append(all, e) })
	return e
}

// change replaces the list of ends.
func (sp *span) change(f func([]*end) []*end) {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	next := f(slices.Clone(*sp.ends.Load()))
	sp.ends.Store(&next)
}

// close ends it: the people of the other node leave, and nothing of ours is
// copied there any more.
func (e *end) close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.span.change(func(all []*end) []*end { return slices.DeleteFunc(all, func(o *end) bool { return o == e }) })
	p := e.peer
	p.mu.Lock()
	if p.ends[e.theirs] == e {
		delete(p.ends, e.theirs)
	}
	var stop []*outgoing
	for number, o := range p.copies {
		if o.end == e {
			stop = append(stop, o)
			delete(p.copies, number)
		}
	}
	p.mu.Unlock()
	for _, o := range stop {
		o.copy.Close()
	}
	for _, gh := range *e.ghosts.Load() {
		gh.vanish(lostNode)
	}
}

// tick brings the other nodes up to date. Only the instance's tick calls it.
func (sp *span) tick(live *roster, now time.Time) {
	if sp == nil {
		return
	}
	for _, e := range *sp.ends.Load() {
		e.tick(live, now)
	}
}

func (e *end) tick(live *roster, now time.Time) {
	due := now.Sub(e.roster) >= rosterEvery
	if due {
		e.roster = now
		e.ask(now)
	}
	if due {
		e.describe(live)
	}
	e.poses(now)
	if now.Sub(e.videos) >= videosEvery {
		e.videos = now
		e.remind(now)
	}
}
