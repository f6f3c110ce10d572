package run

import (
	"sync"
	"sync/atomic"
	"time"

	"earshot/gateway/protocol"
	"earshot/loadtest"
	"earshot/loadtest/report"
	"earshot/loadtest/truth"
)

// ear is what a person hears and sees, and the account of it.
type ear struct {
	p     *person
	judge *judge

	ponged, asked, questions atomic.Int64 // see Runner.echo and Runner.ask

	// mu guards what follows.
	mu     sync.Mutex
	ledger *truth.Ledger
	packet truth.Packet // scratch
	eye    eye
	screen screen
	lines  protocol.Slots // what is in the slots
	coarse coarse
	ways   [2]truth.Histogram // delay in ms from talkers of the same server, and of others
	// Due and audible talker-seconds and delay of late, each second weighing a
	// fifth less than the next: for the live view.
	due, audible, delay, packets float64
}

// newEar returns that of p. told says whether the server can be asked who is in its
// mixes and beds: else it is not judged whom those hear who get them.
func newEar(j *judge, p *person, told bool) *ear {
	slots := p.group.Slots
	switch mixed := p.group.Mixed(); {
	case !told && (mixed || p.group.Beds()):
		slots = 0
	case mixed:
		slots = voicesOfMix
	}
	return &ear{p: p, judge: j, ledger: truth.NewLedger(p.number, slots)}
}

// voicesOfMix is how many voices a mix has besides beds, by the most audible first:
// whoever has one should hear those at least.
const voicesOfMix = 32

// hear takes a voice packet.
func (e *ear) hear(slot int, at time.Time, r *loadtest.Received) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := &e.packet
	*p = truth.Packet{Slot: slot, At: at, Seq: r.Seq, Timestamp: r.Timestamp, Voiced: r.Voiced}
	if r.Voiced {
		f := &r.Frame
		p.Talker, p.Tick, p.Sent, p.Into, p.SentAt = f.Bot, f.Tick, f.Sent, f.Into, f.At
		if servers := e.judge.servers; servers > 1 {
			way := 0
			if f.Bot%servers != e.p.number%servers {
				way = 1
			}
			e.ways[way].Add(float64(at.Sub(f.At)) / float64(time.Millisecond))
		}
		e.judge.lately.add(e.p.number, float64(at.Sub(f.At))/float64(time.Millisecond))
	}
	e.ledger.Heard(p)
}

// rejoin says that a new connection begins.
func (e *ear) rejoin(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ledger.Rejoin(now)
	e.lines = protocol.Slots{}
	e.eye.rejoin()
	e.screen.rejoin()
}

// slots takes what the server says is in the slots.
func (e *ear) slots(at time.Time, m *protocol.Slots) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.screen.shown(at, m.Video)
	e.lines.Update(m)
	for i := range e.lines.Voice {
		s := &e.lines.Voice[i]
		e.ledger.Mix(s.Slot, s.Source == protocol.SourceMix || s.Source == protocol.SourceBed)
	}
}

// begin begins a window.
func (e *ear) begin(now time.Time, length time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ledger.Reset()
	e.ledger.Window()
	e.eye.reset()
	e.screen.reset(now)
	e.ways[0].Reset()
	e.ways[1].Reset()
	e.coarse = coarse{step: max(1, int((length+coarseSteps*time.Second-1)/(coarseSteps*time.Second)))}
}

// second ends a second and returns what was heard in it.
func (e *ear) second() truth.Window {
	e.mu.Lock()
	defer e.mu.Unlock()
	w := e.ledger.Window()
	const keep = .8
	ms, _ := w.LatencyMs()
	e.due, e.audible = e.due*keep+w.Due, e.audible*keep+w.Audible
	e.packets, e.delay = e.packets*keep+float64(w.Packets), e.delay*keep+ms*float64(w.Packets)
	e.coarse.add(&w, ms)
	return w
}

// lately returns the share of late of what should be heard that is, and the
// delay in ms; false where that is not to be said.
func (e *ear) lately() (share float64, heard bool, ms float64, came bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if heard = e.due > .5; heard {
		share = e.audible / e.due
	}
	if came = e.packets > 5; came {
		ms = e.delay / e.packets
	}
	return share, heard, ms, came
}

// account adds up the figures of a window and returns this listener's.
func (e *ear) account(all *truth.Figures, shares, delays *report.Series) report.Metrics {
	e.mu.Lock()
	defer e.mu.Unlock()
	f := e.ledger.Figures()
	all.Merge(f)
	m := report.Metrics{}
	f.Metrics(m)
	*shares, *delays = e.coarse.shares, e.coarse.delays
	return m
}

// coarseSteps is into how many steps a listener's timeline is divided at most.
const coarseSteps = 60

// coarse is one listener's timeline.
type coarse struct {
	step           int // seconds
	n              int
	due, audible   float64
	delay, packets float64
	shares, delays report.Series
}

func (c *coarse) add(w *truth.Window, ms float64) {
	if c.step == 0 {
		return // no window is open
	}
	c.due, c.audible = c.due+w.Due, c.audible+w.Audible
	c.delay, c.packets = c.delay+ms*float64(w.Packets), c.packets+float64(w.Packets)
	if c.n++; c.n < c.step {
		return
	}
	c.shares, c.delays = append(c.shares, over(c.audible, c.due)), append(c.delays, over(c.delay, c.packets))
	c.n, c.due, c.audible, c.delay, c.packets = 0, 0, 0, 0, 0
}
