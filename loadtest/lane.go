package loadtest

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// laneStep is the grid of what a lane does: what is due is done together.
	laneStep = time.Millisecond
	// laneRounds is in how many steps a lane reads all its sockets once. The
	// kernel notes when a packet came, so reading late distorts no measurement.
	laneRounds = 8
	// laneBatch is how many packets are read from a socket at once.
	laneBatch = 16
	laneMTU   = 1500
)

// lane is one goroutine that sends for many bots when something is due, and
// reads their sockets where the system can do that without waiting.
type lane struct {
	stop  chan struct{}
	wake  chan struct{}
	ended chan struct{}
	batch *batch

	mu    sync.Mutex
	beats []*beat
	polls []*poll
}

// beat is something that happens again and again. run is called by the lane
// when its time has come, and returns when it wants to be called next.
type beat struct {
	due atomic.Int64 // ns of the lane's clock
	run func(now time.Time) (next time.Time)

	mu   sync.Mutex // held while run is called
	gone bool
}

// poll is a socket that is read without waiting. eager is one somebody waits
// for: it is read in every step.
type poll struct {
	socket *pollSocket
	take   func(at time.Time, datagram []byte)
	eager  atomic.Bool

	mu   sync.Mutex // held while take is called
	gone bool
}

func newLane() *lane {
	l := &lane{stop: make(chan struct{}), wake: make(chan struct{}, 1), ended: make(chan struct{}), batch: newBatch()}
	go l.run()
	return l
}

func (l *lane) close() {
	close(l.stop)
	<-l.ended
}

// every has run called from first on.
func (l *lane) every(first time.Time, run func(now time.Time) time.Time) *beat {
	b := &beat{run: run}
	b.due.Store(first.UnixNano())
	l.mu.Lock()
	l.beats = append(slices.Clone(l.beats), b)
	l.mu.Unlock()
	l.rouse()
	return b
}

// cease returns when b is not called any more.
func (l *lane) cease(b *beat) {
	l.mu.Lock()
	l.beats = slices.DeleteFunc(slices.Clone(l.beats), func(o *beat) bool { return o == b })
	l.mu.Unlock()
	b.mu.Lock()
	b.gone = true
	b.mu.Unlock()
}

// sooner has b called now.
func (l *lane) sooner(b *beat) {
	b.due.Store(0)
	l.rouse()
}

// read has take called for what arrives at socket.
func (l *lane) read(socket *pollSocket, take func(at time.Time, datagram []byte)) *poll {
	p := &poll{socket: socket, take: take}
	p.eager.Store(true)
	l.mu.Lock()
	l.polls = append(slices.Clone(l.polls), p)
	l.mu.Unlock()
	l.rouse()
	return p
}

// ignore returns when p is not read any more.
func (l *lane) ignore(p *poll) {
	l.mu.Lock()
	l.polls = slices.DeleteFunc(slices.Clone(l.polls), func(o *poll) bool { return o == p })
	l.mu.Unlock()
	p.mu.Lock()
	p.gone = true
	p.mu.Unlock()
}

func (l *lane) rouse() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *lane) run() {
	defer close(l.ended)
	timer := time.NewTimer(laneStep)
	defer timer.Stop()
	for round := 0; ; round++ {
		l.mu.Lock()
		beats, polls := l.beats, l.polls
		l.mu.Unlock()
		now := time.Now()
		next := now.Add(time.Hour)
		if len(polls) > 0 {
			next = now.Add(laneStep)
		}
		for _, b := range beats {
			if due := b.step(now); due.Before(next) {
				next = due
			}
		}
		for i, p := range polls {
			if i%laneRounds == round%laneRounds || p.eager.Load() {
				p.step(l.batch)
			}
		}
		// Sleeping to the next step of the grid gathers what is due until then.
		timer.Reset(max(next.Truncate(laneStep).Add(laneStep).Sub(time.Now()), 0))
		select {
		case <-l.stop:
			return
		case <-l.wake:
		case <-timer.C:
		}
	}
}

// step runs b if it is due and returns when it is due next.
func (b *beat) step(now time.Time) time.Time {
	if due := b.due.Load(); due > now.UnixNano() {
		return time.Unix(0, due)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone {
		return now.Add(time.Hour)
	}
	b.due.Store(now.Add(time.Hour).UnixNano()) // sooner may bring it forward while it runs
	next := b.run(now).UnixNano()
	for old := b.due.Load(); next < old && !b.due.CompareAndSwap(old, next); {
		old = b.due.Load()
	}
	return time.Unix(0, b.due.Load())
}

func (p *poll) step(b *batch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.gone {
		p.socket.read(b, p.take)
	}
}
