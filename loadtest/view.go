package loadtest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"
	"unique"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/presence/pose"
)

// errEnded is why a wait ends early.
var errEnded = errors.New("loadtest: the connection ended")

// Message is a control message with its arrival.
type Message struct {
	At time.Time
	protocol.ServerMessage
}

// PoseArrival is one pose as a bot received it.
type PoseArrival struct {
	At    time.Time
	Index uint16 // of the participant
	// Captured is when the pose was taken, in ms of the server clock. A pose
	// older than 255 ms when it was sent says 255 (POSE.md).
	Captured uint32
	Pose     earshot.Pose
}

// View is what a bot was told: the instance as its control and pose channels
// describe it. Its methods are safe for concurrent use and return copies.
type View struct {
	keep struct{ poses, messages int }
	tell struct { // Config.Pose and Config.Control; called without mu
		pose    func(PoseArrival)
		control func(Message)
	}

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced with every message
	ended    bool
	welcome  *protocol.Welcome
	bye      *protocol.Bye
	here     map[earshot.ParticipantID]unique.Handle[protocol.Participant] // shared: every bot knows everybody
	near     map[earshot.ParticipantID]bool
	slots    protocol.Slots
	messages []Message
	poses    []PoseArrival
	counts   Counts
	posed    []uint32 // poses received, by index
	seq      uint16
	seen     bool // seq holds
}

// Counts is what arrived and what a View did not keep.
type Counts struct {
	Messages, Unreadable, MessagesDropped int
	Datagrams, Stale, Poses, PosesDropped int
}

func newView(cfg *Config) *View {
	v := &View{
		changed: make(chan struct{}),
		here:    map[earshot.ParticipantID]unique.Handle[protocol.Participant]{},
		near:    map[earshot.ParticipantID]bool{},
	}
	v.keep.poses, v.keep.messages = cfg.KeepPoses, cfg.KeepMessages
	v.tell.pose, v.tell.control = cfg.Pose, cfg.Control
	return v
}

// Welcome returns the first message of the server, nil before it came.
func (v *View) Welcome() *protocol.Welcome {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.welcome
}

// ID returns the bot's participant id, empty before Welcome.
func (v *View) ID() earshot.ParticipantID {
	if w := v.Welcome(); w != nil {
		return w.You.ID
	}
	return ""
}

// Bye returns the server's last message, nil while there was none.
func (v *View) Bye() *protocol.Bye {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.bye
}

// Participants returns those who are in the instance.
func (v *View) Participants() map[earshot.ParticipantID]protocol.Participant {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := make(map[earshot.ParticipantID]protocol.Participant, len(v.here))
	for id, p := range v.here {
		all[id] = p.Value()
	}
	return all
}

// Near returns those whose poses the bot gets.
func (v *View) Near() []earshot.ParticipantID {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Sorted(maps.Keys(v.near))
}

// Slots returns what is in the receive lines.
func (v *View) Slots() protocol.Slots {
	v.mu.Lock()
	defer v.mu.Unlock()
	return protocol.Slots{Voice: slices.Clone(v.slots.Voice), Video: slices.Clone(v.slots.Video)}
}

// Messages returns the log of control messages.
func (v *View) Messages() []Message {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.messages)
}

// Poses returns the log of poses, without those of superseded datagrams.
func (v *View) Poses() []PoseArrival {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.poses)
}

// PosesByIndex returns how many poses of each participant came.
func (v *View) PosesByIndex() map[uint16]int {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := map[uint16]int{}
	for index, n := range v.posed {
		if n > 0 {
			all[uint16(index)] = int(n)
		}
	}
	return all
}

// Counts returns what arrived so far.
func (v *View) Counts() Counts {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.counts
}

// Await returns when cond holds. It is asked now and after every control
// message; it may call the methods of v. The error is the context's, or says
// that the connection ended first.
func (v *View) Await(ctx context.Context, cond func() bool) error {
	for {
		v.mu.Lock()
		changed, ended := v.changed, v.ended
		v.mu.Unlock()
		switch {
		case cond():
			return nil
		case ended:
			return errEnded
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// control takes one message of the server that arrived at at.
func (v *View) control(at time.Time, data []byte) {
	m, err := protocol.Decode(data)
	if err != nil {
		v.unreadable()
		return
	}
	v.note(Message{at, m})
	if v.tell.control != nil {
		v.tell.control(Message{at, m})
	}
}

func (v *View) unreadable() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.counts.Messages++
	v.counts.Unreadable++
}

func (v *View) note(m Message) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.counts.Messages++
	if len(v.messages) < v.keep.messages {
		v.messages = append(v.messages, m)
	} else {
		v.counts.MessagesDropped++
	}
	v.apply(m.ServerMessage)
	v.wake()
}

func (v *View) apply(m protocol.ServerMessage) {
	switch m := m.(type) {
	case *protocol.Welcome:
		v.welcome, v.slots = m, protocol.Slots{}
	case *protocol.Joined:
		for _, p := range m.Participants {
			shared := unique.Make(p)
			v.here[shared.Value().ID] = shared
		}
	case *protocol.Left:
		delete(v.here, m.Participant)
		delete(v.near, m.Participant)
	case *protocol.Near:
		for _, id := range m.Enter {
			v.near[unique.Make(id).Value()] = true
		}
		for _, id := range m.Leave {
			delete(v.near, id)
		}
	case *protocol.Slots:
		v.slots.Update(m)
	case *protocol.Renamed:
		if p, ok := v.here[m.Participant]; ok {
			now := p.Value()
			now.Name = m.Name
			v.here[now.ID] = unique.Make(now)
		}
	case *protocol.Muted:
		if p, ok := v.here[m.Participant]; ok {
			now := p.Value()
			now.Muted = m.Muted
			v.here[now.ID] = unique.Make(now)
		}
	case *protocol.Bye:
		v.bye = m
	}
}

// datagram takes one datagram of poses that arrived at at. What a newer one
// has overtaken is counted and dropped (POSE.md). Poses that nobody asks for
// are counted and not decoded: that costs more than all else here.
func (v *View) datagram(at time.Time, data []byte) {
	r, err := pose.Open(data)
	if !v.count(at, r, err) || v.tell.pose == nil {
		return
	}
	for b, ok := r.Next(); ok; b, ok = r.Next() {
		if p, ok := b.Pose(); ok {
			v.tell.pose(arrival(at, &r, &b, p))
		}
	}
}

func arrival(at time.Time, r *pose.Reader, b *pose.Block, p earshot.Pose) PoseArrival {
	return PoseArrival{at, b.Index, r.Time - uint32(b.Age), p}
}

// count counts a datagram, keeps its poses in the log and reports whether they
// are news.
func (v *View) count(at time.Time, r pose.Reader, err error) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.counts.Datagrams++
	switch {
	case err != nil:
		v.counts.Unreadable++
		return false
	case v.seen && int16(r.Seq-v.seq) <= 0:
		v.counts.Stale++
		return false
	}
	v.seen, v.seq = true, r.Seq
	for b, ok := r.Next(); ok; b, ok = r.Next() {
		v.counts.Poses++
		if int(b.Index) >= len(v.posed) {
			v.posed = append(v.posed, make([]uint32, int(b.Index)+1-len(v.posed))...)
		}
		v.posed[b.Index]++
		if len(v.poses) >= v.keep.poses {
			v.counts.PosesDropped++
		} else if p, ok := b.Pose(); ok {
			v.poses = append(v.poses, arrival(at, &r, &b, p))
		} else {
			v.counts.Unreadable++
		}
	}
	return true
}

// end marks the connection as gone and wakes all who wait.
func (v *View) end() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.ended {
		v.ended = true
		v.wake()
	}
}

func (v *View) wake() {
	close(v.changed)
	v.changed = make(chan struct{})
}
