package presence

import (
	"time"

	"earshot"
	"earshot/presence/interest"
	"earshot/presence/pose"
)

// snapshot is a pose as it came and as it will be forwarded.
type snapshot struct {
	bytes   [pose.MaxSnapshot]byte
	len     int
	capture int64 // server clock, ms
}

func (s *snapshot) payload() []byte { return s.bytes[:s.len] }

// participant is one who is in the Space. The Space's mutex guards it.
type participant struct {
	id    earshot.ParticipantID
	index uint16
	at    int  // position in Space.live
	shown bool // may be seen
	aside bool // hears, and is never seen
	looks bool // has an interest set
	ready bool // is sent poses

	outside bool // is only seen: see Visit

	isolated bool // neither sees nor is seen, whatever the three say

	pose     earshot.Pose
	head     earshot.Transform // of pose, in the world
	current  snapshot
	previous snapshot // the different pose before current
	version  uint32   // of current; counts poses that differ
	rescued  bool     // previous was lost and came along with current
	uplink   uplink

	set    interest.Set
	query  interest.Query
	outer  interest.Query // of those outside
	due    time.Time      // of the set's next recomputation
	hidden interest.IDSet
	gone   []earshot.ParticipantID // taken out of set since the last Tick
	seq    uint16                  // of the next datagram to them
	rate   float64                 // bytes a second they may be sent
	credit float64                 // bytes they may be sent now
	waited time.Duration           // since poses were last looked for
}

func newParticipant(id earshot.ParticipantID, index uint16, at int, start earshot.Pose, clock int64) *participant {
	p := &participant{id: id, index: index, at: at, rate: bytesPerSecond}
	p.hidden = make(interest.IDSet, MaxCapacity/64)
	p.accept(pose.AppendSnapshot(nil, &start), clock, false)
	return p
}

// accept makes payload, a valid snapshot, the current pose. A pose equal to
// the current one only moves its time: there is nothing new to send.
func (p *participant) accept(payload []byte, capture int64, rescued bool) {
	if p.version > 0 && string(payload) == string(p.current.payload()) {
		p.current.capture = capture
		return
	}
	p.previous = p.current
	p.current.len = copy(p.current.bytes[:], payload)
	p.current.capture = capture
	p.version++
	p.rescued = rescued
	p.pose, _ = pose.DecodeSnapshot(payload)
	p.head = p.pose.HeadWorld()
}

// hide lets p and q get nothing of each other from now on, or again something
// from the next recomputation of their sets.
func (p *participant) hide(q *participant, on bool) {
	p.hidden.Put(int32(q.index), on)
	q.hidden.Put(int32(p.index), on)
	if on {
		p.drop(q)
		q.drop(p)
	}
}

// drop takes q out of p's set at once; the next Tick tells.
func (p *participant) drop(q *participant) {
	if p.set.Remove(int32(q.index)) {
		p.gone = append(p.gone, q.id)
	}
}
