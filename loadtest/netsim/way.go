package netsim

import (
	"os"
	"sync"
	"time"
)

// way is one direction of a Conn: a link and the line of what is on it.
type way struct {
	instant bool // nothing is ever held
	start   time.Time
	wake    chan struct{} // holds one: something changed that whoever takes should look at

	mu     sync.Mutex
	link   *Link
	line   line
	times  []time.Duration // scratch
	timer  *time.Timer     // for whoever takes next; nil while in use
	fault  error           // to be returned once, after which the source is asked again
	ended  error           // returned when the line is empty
	retold chan struct{}   // gets one when fault was returned
}

// newWay returns nil for a profile that changes nothing.
func newWay(p Profile, seed uint64, start time.Time) *way {
	if p.Zero() {
		return nil
	}
	return &way{
		instant: p.instant(), start: start, link: NewLink(p, seed),
		wake: make(chan struct{}, 1), retold: make(chan struct{}, 1),
	}
}

// holds reports whether packets may wait in w.
func (w *way) holds() bool { return w != nil && !w.instant }

// passes decides on a packet of an instant way.
func (w *way) passes(bytes int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.times = w.link.Send(time.Since(w.start), bytes, w.times[:0])
	if len(w.times) == 0 {
		return false
	}
	w.link.stats.Delivered++
	return true
}

// put sends a packet on its way. It never blocks: what does not fit is dropped
// and counted.
func (w *way) put(data []byte, p peer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.line.n+2 > maxHeld || len(data) > maxPacket {
		w.link.stats.Packets++
		w.link.stats.Overflow++
		return
	}
	w.times = w.link.Send(time.Since(w.start), len(data), w.times[:0])
	for _, due := range w.times {
		w.line.insert(packet{due: due, data: w.line.keep(data), peer: p})
		if w.line.at(0).due == due {
			w.signal()
		}
	}
}

func (w *way) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// fail has take return err once; it waits until that has happened or quit is
// closed.
func (w *way) fail(err error, quit <-chan struct{}) {
	w.mu.Lock()
	w.fault = err
	w.mu.Unlock()
	w.signal()
	select {
	case <-w.retold:
	case <-quit:
	}
}

// end has take return err from when the line is empty.
func (w *way) end(err error) {
	w.mu.Lock()
	w.ended = err
	w.mu.Unlock()
	w.signal()
}

// take waits for the next packet that is due. The caller gives its data back
// with recycle. It returns os.ErrDeadlineExceeded when expired is closed, and
// quitErr when quit is.
func (w *way) take(quit <-chan struct{}, quitErr error, expired func() <-chan struct{}) (packet, error) {
	for {
		select {
		case <-quit:
			w.signal()
			return packet{}, quitErr
		case <-expired():
			w.signal()
			return packet{}, os.ErrDeadlineExceeded
		default:
		}
		p, ok, timer, err := w.look()
		if ok || err != nil {
			return p, err
		}
		var due <-chan time.Time
		if timer != nil {
			due = timer.C
		}
		select {
		case <-due:
		case <-w.wake:
		case <-quit:
		case <-expired():
		}
		if timer != nil {
			timer.Stop()
			w.mu.Lock()
			w.timer = timer
			w.mu.Unlock()
		}
	}
}

// look returns the first packet if it is due, else a timer that fires when one
// is, or neither where nothing is on the way.
func (w *way) look() (first packet, ok bool, due *time.Timer, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.fault; err != nil {
		w.fault = nil
		w.retold <- struct{}{}
		return packet{}, false, nil, err
	}
	if w.line.n == 0 {
		if w.ended != nil {
			w.signal()
		}
		return packet{}, false, nil, w.ended
	}
	wait := w.line.at(0).due - time.Since(w.start)
	if wait <= 0 {
		p := w.line.pop()
		w.link.stats.delivered(-wait)
		if w.line.n > 0 {
			w.signal() // another who takes has to look how long to wait
		}
		return p, true, nil, nil
	}
	timer := w.timer
	w.timer = nil
	if timer == nil {
		timer = time.NewTimer(wait)
	} else {
		timer.Reset(wait)
	}
	return packet{}, false, timer, nil
}

func (w *way) recycle(b []byte) {
	w.mu.Lock()
	w.line.recycle(b)
	w.mu.Unlock()
}

// stats of nil are zero.
func (w *way) stats() Stats {
	if w == nil {
		return Stats{}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.link.Stats()
}
