package loadtest

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Received is one voice packet as a listener got it.
type Received struct {
	Slot      int
	At        time.Time // arrival
	Seq       uint16
	Timestamp uint32
	Marker    bool
	Voiced    bool // Frame holds what a bot sent; false for silence and comfort noise
	Frame     Frame
}

// stayFrames is how far apart two frames of a talker may be and yet belong to
// one stay in a slot. Opus with DTX leaves 20 frames out; a slot that is lost
// and won back takes longer.
const stayFrames = 25

const maxFaults = 20

// Judge says how continuous the sound of the slots was, from nothing but the
// RTP the listener received and the bots' frames inside it. The log may hold
// any number of slots, each in order of arrival.
//
// Within a talkspurt of a talker's stay in a slot the time stamps have to go
// on exactly as the talker's do. Where a talkspurt begins or the slot changes
// hands they have to go on as much as time passed. When the server handled a
// packet is not known, only that it was between the time the frame was due and
// the listener's read; a fault is what no moment in between would explain, so
// a machine that stalls is not blamed on the server. Frames that are missing
// are Holes.
func Judge(log []Received) Report {
	j := judge{bots: map[uint32][]heard{}}
	bySlot := map[int][]Received{}
	for _, r := range log {
		bySlot[r.Slot] = append(bySlot[r.Slot], r)
	}
	for _, packets := range bySlot {
		j.slot(packets)
	}
	for _, frames := range j.bots {
		j.talker(frames)
	}
	return j.finish()
}

type judge struct {
	report Report
	bots   map[uint32][]heard
	lags   []time.Duration
	onsets []int
}

// heard is a packet with how many were lost just before and just after it.
type heard struct {
	Received
	seq               int64 // unwrapped
	lostBefore, after int64
}

// slot judges one receive line.
func (j *judge) slot(packets []Received) {
	line := j.inOrder(packets)
	for i := 1; i < len(line); i++ {
		lost := line[i].seq - line[i-1].seq - 1
		line[i].lostBefore, line[i-1].after = lost, lost
		j.report.Lost += int(lost)
	}
	var at place
	for i := range line {
		p := &line[i]
		j.report.Packets++
		at.lost += p.lostBefore
		if at.last != nil {
			j.overlap(at.last, p)
		}
		if p.Voiced {
			j.lags = append(j.lags, p.At.Sub(p.Frame.At))
			j.next(at, p)
			at = place{voiced: p}
			j.bots[p.Frame.Bot] = append(j.bots[p.Frame.Bot], *p)
		} else {
			j.report.Silence++
			at.reopened = at.reopened || p.Marker
		}
		at.last = p
	}
}

// place is what came before a packet in its slot.
type place struct {
	last     *heard // the packet before
	voiced   *heard // the last with a frame in it
	lost     int64  // since voiced
	reopened bool   // comfort noise with a marker since voiced: the server's clock has begun anew
}

// together reports whether p and q are of one talker, one soon after the other.
func together(p, q *heard) bool {
	ticks := int32(q.Frame.Tick - p.Frame.Tick)
	return p.Frame.Bot == q.Frame.Bot && ticks <= stayFrames && ticks >= -stayFrames
}

// inOrder sorts one slot's packets by sequence number, without duplicates.
func (j *judge) inOrder(packets []Received) []heard {
	line := make([]heard, 0, len(packets))
	var last int64
	for i, r := range packets {
		if i == 0 {
			last = int64(r.Seq)
		}
		last += int64(int16(r.Seq - uint16(last)))
		line = append(line, heard{Received: r, seq: last})
	}
	slices.SortStableFunc(line, func(a, b heard) int { return cmp.Compare(a.seq, b.seq) })
	all := len(line)
	line = slices.CompactFunc(line, func(a, b heard) bool { return a.seq == b.seq })
	j.report.Duplicates += all - len(line)
	return line
}

// overlap finds packets that claim time which those before them fill already.
func (j *judge) overlap(p, q *heard) {
	step := int64(int32(q.Timestamp - p.Timestamp))
	if short := (q.seq-p.seq)*SamplesPerFrame - step; short > 0 {
		j.fault(q, samples(short), 0, "time stamps overlap")
	}
}

// next judges a packet with a frame in it by what was before.
func (j *judge) next(at place, q *heard) {
	p := at.voiced
	if p != nil && together(p, q) {
		j.stay(at, q)
		return
	}
	if into := q.Frame.Into; into > 0 && into <= 50 {
		j.onsets = append(j.onsets, int(into))
	}
	if p == nil {
		return
	}
	if p.Frame.Bot != q.Frame.Bot {
		j.report.Changes++
	}
	j.elapsed(at, q, fmt.Sprintf("bot %d to %d", p.Frame.Bot, q.Frame.Bot))
}

// stay judges a packet of the talker who was in the slot before. A marker
// begins a talkspurt, whose start the server may place by the clock; it may
// have been in a lost packet.
func (j *judge) stay(at place, q *heard) {
	p := at.voiced
	ticks := int64(int32(q.Frame.Tick - p.Frame.Tick))
	off := step(p, q) - frames(ticks)
	switch {
	case off == 0:
	case q.Marker || at.reopened || at.lost > 0:
		j.elapsed(at, q, "talkspurt")
	default:
		j.fault(q, -off, off, "time stamps leave the talker's")
	}
	j.hole(p, q, at.lost)
}

// elapsed compares the step of the time stamps with the time that passed since
// the last frame. What was lost in between had a delay that nobody knows, and
// so has comfort noise: then the step may be right since the noise instead, and
// where that began the clock anew it has no upper bound.
func (j *judge) elapsed(at place, q *heard, what string) {
	if at.lost > 0 {
		j.report.Unsure++
		return
	}
	least := due(q).Sub(at.voiced.At)
	repeat := min(least-step(at.voiced, q), due(q).Sub(at.last.At)-step(at.last, q))
	j.fault(q, repeat, 0, what)
	if at.reopened {
		return
	}
	most := q.At.Sub(due(at.voiced))
	j.fault(q, 0, step(at.voiced, q)-most, what)
	j.report.Slack = max(j.report.Slack, most-least)
}

// step is how far the time stamps went on.
func step(p, q *heard) time.Duration {
	return samples(int64(int32(q.Timestamp - p.Timestamp)))
}

// hole notes the frames missing between p and q beyond those lost on the way.
func (j *judge) hole(p, q *heard, lost int64) {
	missing := int64(int32(q.Frame.Sent-p.Frame.Sent)) - 1 - lost
	if missing > 0 {
		j.report.Holes = append(j.report.Holes, Hole{q.Frame.Bot, p.Slot, q.Slot, p.Frame.At, q.At, frames(missing)})
	}
}

// due is the earliest the server can have had the packet in hand, seen from
// the talker's own steady clock.
func due(p *heard) time.Time { return p.Frame.At.Add(-p.Frame.Late) }

// talker judges one bot over all slots: frames heard twice, and frames that
// fell between two slots.
func (j *judge) talker(line []heard) {
	slices.SortStableFunc(line, func(a, b heard) int {
		return cmp.Or(cmp.Compare(a.Frame.Tick, b.Frame.Tick), a.At.Compare(b.At))
	})
	var twice int64 // length of the run of frames heard twice that ends at tick last
	var last uint32
	for i := 1; i < len(line); i++ {
		p, q := &line[i-1], &line[i]
		switch {
		case p.Frame.Tick == q.Frame.Tick:
			if q.Frame.Tick-last > 1 {
				twice = 0
			}
			twice, last = twice+1, q.Frame.Tick
			j.fault(q, frames(twice), 0, fmt.Sprintf("bot %d heard twice", q.Frame.Bot))
		case p.Slot != q.Slot && together(p, q):
			j.hole(p, q, p.after+q.lostBefore)
		}
	}
}

func (j *judge) fault(q *heard, repeat, skip time.Duration, what string) {
	repeat, skip = max(repeat, 0), max(skip, 0)
	if repeat == 0 && skip == 0 {
		return
	}
	j.report.Repeat = max(j.report.Repeat, repeat)
	j.report.Skip = max(j.report.Skip, skip)
	j.report.Faults = append(j.report.Faults, Fault{q.Slot, q.Seq, q.At, repeat, skip, what})
}

func (j *judge) finish() Report {
	r := &j.report
	r.Talkers = len(j.bots)
	slices.SortFunc(r.Faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(b.Repeat+b.Skip, a.Repeat+a.Skip), cmp.Compare(a.Slot, b.Slot), a.At.Compare(b.At))
	})
	r.Faults = slices.Clip(r.Faults[:min(len(r.Faults), maxFaults)])
	slices.SortFunc(r.Holes, func(a, b Hole) int { return a.Begin.Compare(b.Begin) })
	slices.Sort(j.lags)
	r.MedianLag, r.P95Lag, r.WorstLag = quantile(j.lags, 0.5), quantile(j.lags, 0.95), quantile(j.lags, 1)
	slices.Sort(j.onsets)
	r.OnsetFrame = quantile(j.onsets, 0.5)
	return *r
}

func samples(n int64) time.Duration { return time.Duration(n) * time.Second / 48000 }

func frames(n int64) time.Duration { return time.Duration(n) * FrameDuration }

// quantile returns the q-quantile of sorted values, or zero of none.
func quantile[T any](sorted []T, q float64) T {
	var none T
	if len(sorted) == 0 {
		return none
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}
