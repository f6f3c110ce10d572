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

// Report is what Judge found. Repeat and Skip are the worst faults an ear
// would notice: sound that comes twice or late because the time stamps go on
// too little, and sound torn by silence because they go on too much.
type Report struct {
	Packets    int // judged, without duplicates
	Silence    int // of those, the server's silence and comfort noise
	Duplicates int // the same sequence number again
	Lost       int // sequence numbers that never came
	Talkers    int
	Changes    int // a slot went to another talker
	Repeat     time.Duration
	Skip       time.Duration
	// Slack is the widest time within which the server must have handled
	// the two packets of a change: smaller faults of its clock may hide there.
	Slack      time.Duration
	MedianLag  time.Duration // bot's write to listener's read
	P95Lag     time.Duration
	OnsetFrame int     // median frame of a talkspurt that opened a slot within its first second; 1 is unclipped
	Faults     []Fault // the worst, at most 20
	Holes      []Hole  // in order of time
}

// Hole is where a talker who had a slot went on soon after, in the same slot or
// in another, with frames missing in between that the network did not lose.
// It is either the server's choice to let somebody more audible have the slot,
// or its fault: Unannounced tells the two apart.
type Hole struct {
	Bot        uint32
	From, To   int // slots
	Begin, End time.Time
	Missing    time.Duration
}

// Fault is one place where sound was repeated or skipped.
type Fault struct {
	Slot   int
	Seq    uint16
	At     time.Time
	Repeat time.Duration
	Skip   time.Duration
	What   string
}

// String is one line for a test's failure text.
func (f Fault) String() string {
	return fmt.Sprintf("slot %d seq %d: %s: repeat %v skip %v", f.Slot, f.Seq, f.What,
		f.Repeat.Round(time.Millisecond), f.Skip.Round(time.Millisecond))
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
// hands they have to go on as much as time passed. When the server handled a packet is not known, only that it
// was between the bot's write and the listener's read; a fault is what no
// moment in between would explain, so a machine that stalls is not blamed on
// the server. Frames that are missing are Holes.
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
	var voiced *heard // the talker's last packet
	var lost int64    // since voiced
	for i := range line {
		p := &line[i]
		j.report.Packets++
		lost += p.lostBefore
		if i > 0 {
			j.overlap(&line[i-1], p)
		}
		if !p.Voiced {
			j.report.Silence++
			continue
		}
		j.lags = append(j.lags, p.At.Sub(p.Frame.At))
		if voiced == nil || !together(voiced, p) {
			j.change(voiced, p)
		} else {
			j.stay(voiced, p, lost)
		}
		voiced, lost = p, 0
		j.bots[p.Frame.Bot] = append(j.bots[p.Frame.Bot], *p)
	}
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

// stay judges two packets of one talker's stay; lost packets lay in between.
// A marker begins a talkspurt, whose start the server may place by the clock.
func (j *judge) stay(p, q *heard, lost int64) {
	if q.Marker {
		j.elapsed(p, q, "talkspurt")
	} else {
		ticks := int64(int32(q.Frame.Tick - p.Frame.Tick))
		off := samples(int64(int32(q.Timestamp-p.Timestamp)) - ticks*SamplesPerFrame)
		j.fault(q, -off, off, "time stamps leave the talker's")
	}
	j.hole(p, q, lost)
}

// hole notes the frames missing between p and q beyond those lost on the way.
func (j *judge) hole(p, q *heard, lost int64) {
	missing := int64(int32(q.Frame.Sent-p.Frame.Sent)) - 1 - lost
	if missing > 0 {
		j.report.Holes = append(j.report.Holes, Hole{q.Frame.Bot, p.Slot, q.Slot, p.At, q.At, frames(missing)})
	}
}

// change judges a slot that went from p's talker to q's; p is nil for the
// slot's first.
func (j *judge) change(p, q *heard) {
	if into := q.Frame.Into; into > 0 && into <= 50 {
		j.onsets = append(j.onsets, int(into))
	}
	if p == nil {
		return
	}
	if p.Frame.Bot != q.Frame.Bot {
		j.report.Changes++
	}
	j.elapsed(p, q, fmt.Sprintf("bot %d to %d", p.Frame.Bot, q.Frame.Bot))
}

// elapsed compares the step of the time stamps with the time that passed.
func (j *judge) elapsed(p, q *heard, what string) {
	step := samples(int64(int32(q.Timestamp - p.Timestamp)))
	least := due(q).Sub(p.At)
	most := q.At.Sub(due(p))
	j.report.Slack = max(j.report.Slack, most-least)
	j.fault(q, least-step, step-most, what)
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
	r.MedianLag, r.P95Lag = quantile(j.lags, 0.5), quantile(j.lags, 0.95)
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
