package run

import (
	"time"

	"earshot"
	"earshot/loadtest"
	"earshot/loadtest/report"
	"earshot/loadtest/truth"
)

const (
	// lookEvery is how often what a viewer sees is compared with what is true.
	lookEvery = 500 * time.Millisecond
	// viewers is how many people have eyes: in a larger crowd a share of them,
	// evenly spread, since poses are most of what arrives.
	viewers = 60
	// trackSamples is how much of true motion is remembered: six seconds.
	trackSamples = 64
)

// eye is how a person sees others move. Its ear's mutex guards it.
type eye struct {
	poses  *truth.Poses // nil: is not looked at
	looked time.Time
	newest map[uint16]seen // by index in pose datagrams
	age    truth.Histogram // ms since it was true, of those who have moved since
}

// seen is the newest pose of somebody.
type seen struct {
	captured time.Time
	head     earshot.Vec3
}

// moved is how far a head has to go for an older pose to be out of date, in
// metres. A server sends poses of those who stand still rarely, and is right.
const moved = .01

// pose takes a pose of somebody.
func (e *ear) pose(a loadtest.PoseArrival) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if captured, known := e.judge.clock.at(a.Captured, a.At); known {
		e.eye.poses.Received(uint32(a.Index), a.At, captured, &a.Pose, nil)
		if !captured.Before(e.eye.newest[a.Index].captured) {
			e.eye.newest[a.Index] = seen{captured, a.Pose.HeadWorld().Position}
		}
	}
}

func (e *eye) rejoin() {
	if e.poses == nil {
		return
	}
	before := *e.poses.Figures()
	e.poses = truth.NewPoses()
	e.poses.Figures().Merge(&before)
	clear(e.newest)
}

func (e *eye) reset() {
	if e.poses != nil {
		e.poses.Reset()
		e.age.Reset()
	}
}

// open has somebody see.
func (e *eye) open() { e.poses, e.newest = truth.NewPoses(), map[uint16]seen{} }

// look compares what is seen with what is true. tracks gives the motion of
// those with an index.
func (e *eye) look(now time.Time, tracks map[uint16]*track) {
	if e.poses == nil || now.Sub(e.looked) < lookEvery {
		return
	}
	e.looked = now
	e.poses.Sample(now, func(id uint32) *truth.Track { return tracks[uint16(id)].current(now) })
	for id, s := range e.newest {
		t := tracks[id].current(now)
		if t == nil || now.Sub(s.captured) > forgotten {
			delete(e.newest, id)
		} else if age, late := s.outdated(t, now); late {
			e.age.Add(float64(age) / float64(time.Millisecond))
		}
	}
}

// forget says that those with these indices are out of view.
func (e *ear) forget(indices []uint16) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.eye.poses == nil {
		return
	}
	for _, id := range indices {
		e.eye.poses.Forget(uint32(id))
		delete(e.eye.newest, id)
	}
}

// outdated returns for how long a pose has not been true any more, false where
// it still is.
func (s *seen) outdated(t *truth.Track, now time.Time) (age time.Duration, late bool) {
	if is, ok := t.Head(now); !ok || s.head.Distance(is) <= moved {
		return 0, false
	}
	step := 10 * time.Millisecond
	for at := now.Add(-step); at.After(s.captured); at = at.Add(-step) {
		if there, ok := t.Head(at); ok && s.head.Distance(there) <= moved {
			return now.Sub(at), true
		}
		if now.Sub(at) > 200*time.Millisecond {
			step = 50 * time.Millisecond
		}
	}
	return now.Sub(s.captured), true
}

// forgotten is when somebody whose poses no longer come counts as out of view.
const forgotten = 5 * time.Second

func (e *eye) account(all *truth.PoseFigures, ages *truth.Histogram, m report.Metrics) {
	if e.poses != nil {
		f := e.poses.Figures()
		f.Metrics(m)
		all.Merge(f)
		ages.Merge(&e.age)
		for _, q := range []string{"p50", "p95", "p99", "max", "mean"} {
			delete(m, "pose.staleness_ms."+q)
		}
		m.AddDistribution("pose.staleness_ms", distribution(&e.age, "ms"))
	}
}

// motion is where everybody in an instance truly was of late, by index in pose
// datagrams. Only compare's goroutine has it.
type motion map[earshot.InstanceID]map[uint16]*track

// track is one person's motion.
type track struct {
	*truth.Track
	last   time.Time // when they were there
	newest time.Time // of the poses
}

func (m motion) add(in earshot.InstanceID, index uint16, now time.Time, at moment) {
	if m[in] == nil {
		m[in] = map[uint16]*track{}
	}
	t := m[in][index]
	if t == nil {
		t = &track{Track: truth.NewTrack(trackSamples)}
		m[in][index] = t
	}
	if t.last = now; !at.at.Equal(t.newest) {
		t.newest = at.at
		t.Add(at.at, &at.pose)
	}
}

// current returns the track of one who is there, or nil.
func (t *track) current(now time.Time) *truth.Track {
	if t == nil || now.Sub(t.last) > 3*truthEvery {
		return nil
	}
	return t.Track
}
