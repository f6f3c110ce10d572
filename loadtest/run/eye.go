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
}

// pose takes a pose of somebody.
func (e *ear) pose(a loadtest.PoseArrival) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if captured, known := e.judge.clock.at(a.Captured, a.At); known {
		e.eye.poses.Received(uint32(a.Index), a.At, captured, &a.Pose, nil)
	}
}

func (e *eye) rejoin() {
	if e.poses == nil {
		return
	}
	before := *e.poses.Figures()
	e.poses = truth.NewPoses()
	e.poses.Figures().Merge(&before)
}

func (e *eye) reset() {
	if e.poses != nil {
		e.poses.Reset()
	}
}

// look compares what is seen with what is true. tracks gives the motion of
// those with an index.
func (e *eye) look(now time.Time, tracks map[uint16]*truth.Track) {
	if e.poses == nil || now.Sub(e.looked) < lookEvery {
		return
	}
	e.looked = now
	e.poses.Sample(now, func(id uint32) *truth.Track { return tracks[uint16(id)] })
}

func (e *eye) account(all *truth.PoseFigures, m report.Metrics) {
	if e.poses != nil {
		f := e.poses.Figures()
		f.Metrics(m)
		all.Merge(f)
	}
}

// motion is where everybody in an instance truly was of late, by index in pose
// datagrams. Only compare's goroutine has it.
type motion map[earshot.InstanceID]map[uint16]*truth.Track

func (m motion) add(in earshot.InstanceID, index uint16, at moment) {
	if m[in] == nil {
		m[in] = map[uint16]*truth.Track{}
	}
	t := m[in][index]
	if t == nil {
		t = truth.NewTrack(trackSamples)
		m[in][index] = t
	}
	t.Add(at.at, &at.pose)
}
