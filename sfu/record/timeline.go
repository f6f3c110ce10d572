package record

import "time"

const (
	// maxDrift is how far a stream's own clock may be from when its packets
	// came: what is further off has begun anew, or is made up.
	maxDrift = 2 * time.Second
	// A pause of at least pauseLength is where a clock that is off by more than
	// smallDrift is set right: nobody hears it there.
	pauseLength = 400 * time.Millisecond
	smallDrift  = 60 * time.Millisecond
)

// timeline lays the RTP timestamps of a stream on the clock of a recording. It
// is pure. Within a talkspurt the stream's own clock counts, so that jitter of
// the network is not written down; what that clock is wrong by is made up for
// in pauses.
type timeline struct {
	rate int64 // units a second
	set  bool
	ts   uint32
	pos  int64 // where ts is, in units since the recording began
}

// reset forgets the stream's clock. Positions still never go back.
func (t *timeline) reset() { t.set = false }

// place returns where a packet with an RTP timestamp, which came at so long
// after the beginning, belongs. Packets come in order.
func (t *timeline) place(ts uint32, at time.Duration) int64 {
	came := int64(at) / int64(time.Second) * t.rate
	came += int64(at) % int64(time.Second) * t.rate / int64(time.Second)
	if !t.set {
		t.set, t.ts, t.pos = true, ts, max(came, t.pos)
		return t.pos
	}
	step := int64(int32(ts - t.ts))
	pos := t.pos + step
	drift := pos - came
	if drift < 0 {
		drift = -drift
	}
	if drift > t.units(maxDrift) || step >= t.units(pauseLength) && drift > t.units(smallDrift) {
		pos = came
	}
	t.ts, t.pos = ts, max(pos, t.pos)
	return t.pos
}

func (t *timeline) units(d time.Duration) int64 { return int64(d) * t.rate / int64(time.Second) }
