package gateway

import (
	"time"

	"earshot"
	"earshot/presence"
	"earshot/presence/pose"
	"earshot/sfu/relay/wire"
)

// farShore is an instance of another node, on which our people near the border are
// shown. The mu of borders guards it.
type farShore struct {
	bs      *borders
	at      place
	channel uint16

	arriving []wire.Visitor // to be told with the next flush
	blocks   int            // of those
	leaving  []earshot.ParticipantID

	glance presence.Glance // scratch
	record wire.Pose       // scratch
}

var _ shore = (*farShore)(nil)

// distant is somebody as shown on another node.
type distant struct {
	index   uint16
	held    int // orders about them that do not hold there yet
	seq     uint16
	payload [wire.VisitorBytes]byte // the last
	sent    time.Time
}

func newFarShore(bs *borders, at place) *farShore {
	fs := &farShore{bs: bs, at: at}
	at.peer.coasts.mu.Lock()
	defer at.peer.coasts.mu.Unlock()
	fs.channel, _ = at.peer.coasts.channels.take()
	return fs
}

func (fs *farShore) arrive(o *outward, now time.Time) {
	s := o.session
	fs.at.peer.coasts.mu.Lock()
	index, ok := fs.at.peer.coasts.indices.take()
	fs.at.peer.coasts.mu.Unlock()
	if o.index = index; !ok || !fs.look(o, now) { // gone gives the number back
		return
	}
	o.sent = now
	blocks := fs.bs.in.space.Blocks(s.participant)
	fs.arriving = append(fs.arriving, wire.Visitor{
		ID: s.participant, Index: index, Name: *o.name, Kind: s.claims.Kind, Blocks: blocks, Root: append([]byte(nil), o.payload[:]...),
	})
	if fs.blocks += len(blocks); len(fs.arriving) == wire.MaxPeople || fs.blocks > wire.MaxBlocks {
		fs.flush()
	}
}

// look notes where somebody is now, false where they are not here.
func (fs *farShore) look(o *outward, now time.Time) bool {
	if !fs.bs.in.space.Glance(o.session.participant, now, &fs.glance) {
		return false
	}
	root := pose.AppendRoot(o.payload[:0], fs.glance.Snapshot())
	o.payload[len(root)] = 0
	if o.talks {
		o.payload[len(root)] = wire.VisitorTalks
	}
	return true
}

// move implements shore. Nothing allocates.
func (fs *farShore) move(o *outward, now time.Time) {
	before := o.payload
	if o.held > 0 || !fs.look(o, now) || before == o.payload && now.Sub(o.sent) < rootAnyway {
		return
	}
	o.sent = now
	o.seq++
	fs.record = wire.Pose{Channel: fs.channel, Index: o.index, Seq: o.seq, Age: fs.glance.Age, Payload: o.payload[:]}
	fs.at.peer.link.Pose(&fs.record, wire.KindVisitor)
}

func (fs *farShore) gone(o *outward) {
	fs.at.peer.link.StrikeVisitor(o.index)
	fs.at.peer.coasts.mu.Lock()
	fs.at.peer.coasts.indices.give(o.index)
	fs.at.peer.coasts.mu.Unlock()
	if fs.leaving = append(fs.leaving, o.session.participant); len(fs.leaving) == wire.MaxTold {
		fs.flush()
	}
}

// block implements shore. What somebody does after they block another reaches the
// other node only when the block holds there.
func (fs *farShore) block(o *outward, other earshot.ParticipantID, on bool) {
	fs.flush()
	m := &wire.Shun{Channel: fs.channel, By: o.session.participant, Other: other, On: on}
	if !on {
		fs.say(&wire.Message{Shun: m})
		return
	}
	o.held++
	fs.at.peer.link.StrikeVisitor(o.index)
	fs.at.peer.give(func() {
		fs.bs.mu.Lock()
		defer fs.bs.mu.Unlock()
		o.held--
	}, func(order uint64) *wire.Message {
		m.Order = order
		return &wire.Message{Shun: m}
	})
}

func (fs *farShore) say(m *wire.Message) { fs.at.peer.link.Send(m) }

func (fs *farShore) flush() {
	if len(fs.leaving) > 0 {
		fs.say(&wire.Message{Gone: &wire.Gone{Channel: fs.channel, People: fs.leaving}})
		fs.leaving = fs.leaving[:0] // Send has written it down
	}
	if len(fs.arriving) > 0 {
		fs.say(&wire.Message{Visitors: &wire.Visitors{Channel: fs.channel, To: fs.at.to, Instance: fs.bs.in.id, People: fs.arriving}})
		fs.arriving, fs.blocks = fs.arriving[:0], 0
	}
}

func (fs *farShore) end() {
	fs.say(&wire.Message{Gone: &wire.Gone{Channel: fs.channel, All: true}})
	fs.at.peer.coasts.mu.Lock()
	defer fs.at.peer.coasts.mu.Unlock()
	fs.at.peer.coasts.channels.give(fs.channel)
}
