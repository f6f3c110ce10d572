package record

import (
	"path/filepath"
	"sync"
	"time"

	"earshot"
	"earshot/sfu/record/format"
)

const (
	poseQueue  = 256 << 10 // bytes that may wait for the disk
	levelStep  = 3         // dB that a level must change to be noted
	maxSnaphot = 255
)

// poses are what waits to be written to the pose log.
type poses struct {
	mu      sync.Mutex
	w       format.PoseWriter
	wait    []byte
	entries uint64
	dropped uint64
	people  map[earshot.ParticipantID]*standing
}

// standing is what was last noted of a participant.
type standing struct {
	index    int
	snapshot []byte
	level    uint8
	talking  bool
	leveled  bool
}

func (p *poses) meet(who earshot.ParticipantID, index int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.people[who] = &standing{index: index}
}

func (p *poses) moved(who earshot.ParticipantID, snapshot []byte, ms int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.people[who]
	if s == nil || len(snapshot) > maxSnaphot || s.snapshot != nil && string(s.snapshot) == string(snapshot) {
		return
	}
	if p.add(&format.PoseEntry{MS: ms, Who: s.index, Kind: format.PoseMoved, Snapshot: snapshot}) {
		s.snapshot = append(s.snapshot[:0], snapshot...)
	}
}

func (p *poses) level(who earshot.ParticipantID, dBov float32, talking bool, ms int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.people[who]
	if s == nil {
		return
	}
	level := uint8(max(0, min(127, -dBov)))
	step := int(level) - int(s.level)
	if s.leveled && talking == s.talking && step < levelStep && step > -levelStep {
		return
	}
	if p.add(&format.PoseEntry{MS: ms, Who: s.index, Kind: format.PoseLevel, Level: level, Talking: talking}) {
		s.level, s.talking, s.leveled = level, talking, true
	}
}

// add queues an entry, or drops it and counts. mu is held.
func (p *poses) add(e *format.PoseEntry) bool {
	if len(p.wait)+len(e.Snapshot)+32 > cap(p.wait) {
		p.dropped++
		return false
	}
	p.wait = p.w.Append(p.wait, e)
	p.entries++
	return true
}

// take moves what waits into dst.
func (p *poses) take(dst []byte) (out []byte, entries, dropped uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out = append(dst, p.wait...)
	p.wait = p.wait[:0]
	return out, p.entries, p.dropped
}

// writePoses writes what waits. What cannot be written is kept for the next
// time: an entry counts from the one before.
func (r *Recording) writePoses(now time.Duration) {
	if r.log == nil {
		f, err := createFile(filepath.Join(r.dir, format.PosesName), func() bool { return r.room })
		if err != nil {
			r.poseFailed(err, now)
			return
		}
		r.log = f
		var w format.PoseWriter
		r.pending = w.AppendHeader(r.pending)
	}
	if len(r.pending) < poseQueue {
		var entries, dropped uint64
		r.pending, entries, dropped = r.poses.take(r.pending)
		r.mu.Lock()
		r.m.Poses.Entries, r.m.Poses.Dropped = entries, dropped
		r.mu.Unlock()
	}
	if len(r.pending) == 0 {
		return
	}
	if _, err := r.log.Write(r.pending); err != nil {
		r.poseFailed(err, now)
		return
	}
	r.pending = r.pending[:0]
	if f := r.posesFailing; f != nil {
		r.posesFailing = nil
		r.recovered(f.failure, now)
	}
	r.mu.Lock()
	r.m.Poses.Bytes = r.log.size
	r.mu.Unlock()
}

func (r *Recording) poseFailed(err error, now time.Duration) {
	if r.posesFailing == nil {
		r.posesFailing = &failing{failure: r.failed(format.PosesName, err, now)}
	}
}
