package forward

import "time"

// A surge is a link that from one moment to the next passes a fraction of what
// is sent: the queue grows by more than the time that passes. The trend, which
// is smoothed over twenty groups, sees that a quarter of a second later, and
// what is lost by then are voices too.
const (
	surgeRise   = 60 * time.Millisecond  // by which the delay grows at least
	surgeLeast  = 30 * time.Millisecond  // of sending in which it does
	surgeMost   = 250 * time.Millisecond // and at most
	surgeGroups = 16
	surgeTrain  = 3                      // packets of a group whose spread says what the link passes
	surgeLong   = 4                      // which say so before all of the group came
	surgeShare  = 0.6                    // of what passed before, at most
	surgeSlices = 5                      // of ackedSpan/16: what arrives during it
	surgeDrain  = 600 * time.Millisecond // so long what arrives is partly of before
	surgePause  = 150 * time.Millisecond // of video, at least: the queue may be full, and a key frame that lacks a packet costs more
	surgeHold   = 400 * time.Millisecond // and at most
)

// surge watches how late groups of packets are.
type surge struct {
	groups [surgeGroups]lateness
	count  int
	bytes  int           // of all groups
	passes float64       // bit/s, since it began
	wait   time.Duration // of what is sent then, at least
	train  train
	calm   int       // the last group for which the link was as before
	at     time.Time // the last one
	queue  time.Duration
	now    bool // there is one that Update has not seen
}

// lateness is how late a group was, and how many bytes there were up to its end.
type lateness struct {
	send, delay time.Duration
	bytes       int
}

// train is how the packets of the present group spread.
type train struct {
	from, to             time.Duration // arrival of the first and the last
	pause                time.Duration // the longest between two
	head, bytes, packets int           // bytes of the first and of all
	told                 bool          // that it came in slowly
}

func (t *train) add(size int, arrival time.Duration) {
	if t.packets == 0 {
		t.from, t.to, t.head = arrival, arrival, size
	}
	t.pause = max(t.pause, arrival-t.to)
	t.to = max(t.to, arrival)
	t.bytes += size
	t.packets++
}

// passes returns what the link passed of the group in bit/s. ok is false where
// the group is too small to say.
func (t *train) passes() (rate float64, ok bool) {
	took := (t.to - t.from).Seconds()
	if t.packets < surgeTrain || took <= 0 {
		return 0, false
	}
	return 8 * float64(t.bytes-t.head) / took, true
}

// stretched looks at a group of which more may be to come, beside what
// arrived lately: a key frame that fills the queue at once is all there is
// to see of a surge until the queue is empty again. A pause in it is another
// matter: something held the packets up, and the link is as it was.
func (s *surge) stretched(e *Estimate) {
	t := &s.train
	spread := t.to - t.from
	if t.packets < surgeLong || spread < surgeRise || t.pause > spread/3 || t.told {
		return
	}
	if passes, ok := t.passes(); ok && passes <= surgeShare*e.ackedRate() {
		t.told = true
		s.now, s.passes, s.wait = true, passes, 2*spread
	}
}

// observe takes a group that left and arrived at these times, on two clocks,
// where so much arrived of late in bit/s. A large group, as a key frame is, is
// late by its own size: but its packets are as close as ever.
func (s *surge) observe(send, arrival time.Duration, acked float64) {
	passes, known := s.train.passes()
	s.bytes += s.train.bytes
	s.train = train{}
	newest := &s.groups[s.count%surgeGroups]
	*newest = lateness{send, arrival - send, s.bytes}
	s.count++
	if known && passes > surgeShare*acked {
		s.calm = s.count - 1
		return
	}
	later := newest
	for i := 1; i < min(s.count, surgeGroups); i++ {
		g := &s.groups[(s.count-1-i)%surgeGroups]
		span, rise := newest.send-g.send, newest.delay-g.delay
		if s.count-1-i < s.calm || later.delay-g.delay < (later.send-g.send)/2 || span > surgeMost {
			return // the link was as before, or the delay did not grow all the time
		}
		if (known || i > 1) && span >= surgeLeast && rise >= surgeRise && rise >= span {
			s.now = true
			s.passes = 8 * float64(newest.bytes-g.bytes) / (span + rise).Seconds()
			s.wait = s.waiting()
			return
		}
		later = g
	}
}

// Surged returns when the link last began to pass a fraction of what was sent,
// zero for never, and how much was waiting there: so long video can be held
// without being shown much later, because what is sent meanwhile only waits.
func (e *Estimate) Surged() (at time.Time, queue time.Duration) { return e.surge.at, e.surge.queue }

// waiting returns by how much the newest group was later than the earliest of late.
func (s *surge) waiting() time.Duration {
	least := s.groups[(s.count-1)%surgeGroups].delay
	newest := least
	for i := range min(s.count, surgeGroups) {
		least = min(least, s.groups[i].delay)
	}
	return newest - least
}

// answerSurge lowers the estimate to below what arrives since the surge began:
// counted over a fixed time, a part of it arrived before.
func (e *Estimate) answerSurge(now time.Time) {
	e.surge.now = false
	if now.Before(e.shielded) { // it is a probe's queue
		return
	}
	if e.drains(now) {
		return
	}
	acked := min(e.ackedOver(surgeSlices), e.surge.passes)
	if acked <= 0 || acked >= e.rate {
		return
	}
	e.surge.at, e.congested, e.decreased = now, now, now
	e.surge.queue = min(max(e.surge.wait, surgePause), surgeHold)
	e.learnLink(acked)
	e.rate = min(e.rate, decrease*acked)
}

// drains reports whether what a surge left in the queue may still be there: what
// arrives is then partly of before, and says nothing of now.
func (e *Estimate) drains(now time.Time) bool {
	return !e.surge.at.IsZero() && now.Sub(e.surge.at) < surgeDrain
}

// ackedOver returns what arrived in so many of the newest slices, in bit/s.
func (e *Estimate) ackedOver(slices int64) float64 {
	newest := int64(0)
	for i := range e.acked {
		newest = max(newest, e.acked[i].slice)
	}
	bytes := 0
	for i := range e.acked {
		if age := newest - e.acked[i].slice; age >= 1 && age <= slices { // the newest is not full yet
			bytes += e.acked[i].bytes
		}
	}
	return 8 * float64(bytes) / (float64(slices) * (ackedSpan / 16).Seconds())
}
