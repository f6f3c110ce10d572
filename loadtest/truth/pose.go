package truth

import (
	"math"
	"time"

	"earshot"
)

// Track is where somebody truly was over the last while: the samples that its
// capacity holds.
type Track struct {
	at    []time.Time
	poses []earshot.Pose
	next  int
	full  bool
}

// NewTrack returns a track of so many samples, at least two. A hundred a second
// are as exact as anybody walks.
func NewTrack(samples int) *Track {
	samples = max(2, samples)
	return &Track{at: make([]time.Time, samples), poses: make([]earshot.Pose, samples)}
}

// Add notes where they are, at times that go on.
func (t *Track) Add(at time.Time, p *earshot.Pose) {
	t.at[t.next], t.poses[t.next] = at, *p
	if t.next++; t.next == len(t.at) {
		t.next, t.full = 0, true
	}
}

// sample returns the i-th sample, oldest first.
func (t *Track) sample(i int) int {
	if t.full {
		return (t.next + i) % len(t.at)
	}
	return i
}

func (t *Track) len() int {
	if t.full {
		return len(t.at)
	}
	return t.next
}

// Head returns where the head was, between two samples on a straight line. It
// reports false for a time that the track does not reach back to; after the
// last sample they have stood still.
func (t *Track) Head(at time.Time) (earshot.Vec3, bool) {
	n := t.len()
	if n == 0 || at.Before(t.at[t.sample(0)]) {
		return earshot.Vec3{}, false
	}
	low, high := 0, n // the last sample not after at is in [low, high)
	for high-low > 1 {
		if mid := (low + high) / 2; t.at[t.sample(mid)].After(at) {
			high = mid
		} else {
			low = mid
		}
	}
	i := t.sample(low)
	from := t.poses[i].HeadWorld().Position
	if low == n-1 {
		return from, true
	}
	j := t.sample(low + 1)
	to := t.poses[j].HeadWorld().Position
	share := float32(at.Sub(t.at[i]).Seconds() / t.at[j].Sub(t.at[i]).Seconds())
	return from.Add(to.Sub(from).Scale(share)), true
}

// Poses is the account of one viewer: how old and how wrong what they see of
// others is. Not safe for concurrent use.
type Poses struct {
	shown   map[uint32]*shown
	sampled time.Time
	figures PoseFigures
}

type shown struct {
	head     earshot.Vec3
	captured time.Time
	came     time.Time
}

// PoseFigures are those of poses; those of many viewers add up.
type PoseFigures struct {
	Received    int64
	PairSeconds float64   // seconds times others seen
	Staleness   Histogram // ms since the newest pose seen was captured, at any moment, of those who have moved since
	Error       Histogram // mm from the head as shown to where it is, at any moment
	Codec       Histogram // mm from the head as received to where it was when captured
}

// NewPoses returns an empty account.
func NewPoses() *Poses { return &Poses{shown: map[uint32]*shown{}} }

// Received takes a pose of somebody. One older than what is shown already does
// not replace it. The track, of what is true, may be nil.
func (v *Poses) Received(id uint32, at, captured time.Time, p *earshot.Pose, track *Track) {
	v.figures.Received++
	head := p.HeadWorld().Position
	if track != nil {
		if was, ok := track.Head(captured); ok {
			v.figures.Codec.Add(millimetres(head, was))
		}
	}
	s := v.shown[id]
	if s == nil {
		s = &shown{}
		v.shown[id] = s
	}
	if !captured.Before(s.captured) {
		s.head, s.captured, s.came = head, captured, at
	}
}

// Forget says that somebody is no longer seen.
func (v *Poses) Forget(id uint32) { delete(v.shown, id) }

// moved is how far a head has to go for an older pose to be out of date, in
// metres: a server sends poses of those who stand still rarely, and is right.
const moved = 0.005

// unseen is how long after the last pose somebody counts as out of view. A
// server sends every pose again within a second.
const unseen = 3 * time.Second

// Sample compares what is shown now with what is true. Call it as often as
// there should be samples, once or twice a second, say. Somebody of whom
// tracks knows nothing is not compared, nor is one of whom nothing has come for
// three seconds. Where the server says who went out of view, Forget them: what
// is shown of them until then counts.
func (v *Poses) Sample(now time.Time, tracks func(id uint32) *Track) {
	dt := now.Sub(v.sampled)
	if v.sampled.IsZero() || dt < 0 {
		dt = 0
	}
	v.sampled = now
	for id, s := range v.shown {
		if now.Sub(s.came) > unseen {
			delete(v.shown, id)
			continue
		}
		v.figures.PairSeconds += min(dt, unseen).Seconds()
		t := tracks(id)
		if t == nil {
			continue
		}
		is, ok := t.Head(now)
		if ok {
			v.figures.Error.Add(millimetres(s.head, is))
		}
		if was, known := t.Head(s.captured); ok && (!known || was.Distance(is) > moved) {
			v.figures.Staleness.Add(milliseconds(now.Sub(s.captured)))
		}
	}
}

// Figures returns the account so far, the Poses' own.
func (v *Poses) Figures() *PoseFigures { return &v.figures }

// Reset begins the account anew; what is shown stays.
func (v *Poses) Reset() {
	f := &v.figures
	f.Received, f.PairSeconds = 0, 0
	f.Staleness.Reset()
	f.Error.Reset()
	f.Codec.Reset()
}

// Merge adds those of o.
func (f *PoseFigures) Merge(o *PoseFigures) {
	f.Received += o.Received
	f.PairSeconds += o.PairSeconds
	f.Staleness.Merge(&o.Staleness)
	f.Error.Merge(&o.Error)
	f.Codec.Merge(&o.Codec)
}

// Metrics adds the figures to m under the names of reports and SLOs.
func (f *PoseFigures) Metrics(m map[string]float64) {
	Quantiles(m, "pose.staleness_ms", &f.Staleness)
	Quantiles(m, "pose.error_mm", &f.Error)
	if hz, ok := ratio(float64(f.Received), f.PairSeconds); ok {
		m["pose.hz"] = hz
	}
}

// millimetres between two points in metres.
func millimetres(a, b earshot.Vec3) float64 {
	dx, dy, dz := float64(a.X)-float64(b.X), float64(a.Y)-float64(b.Y), float64(a.Z)-float64(b.Z)
	return 1000 * math.Sqrt(dx*dx+dy*dy+dz*dz)
}

// ServerTime returns the moment, close to about, at which a server's pose clock
// showed ms: the milliseconds since 1970, of which a datagram carries 32 bits
// (they wrap every 49.7 days). A block's capture is that less its age.
func ServerTime(ms uint32, about time.Time) time.Time {
	now := about.UnixMilli()
	return time.UnixMilli(now + int64(int32(ms-uint32(now))))
}
