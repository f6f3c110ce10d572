package desk

import (
	"earshot/sfu"
	"earshot/spatialaudio/loudness"
	"earshot/spatialaudio/opus"
)

// What comes after a mix remembers 5 ms of it in the limiter and 2.5 ms in the
// encoder. Where any of that is forbidden now, both begin anew. New encoders are
// made by whoever needs them, a listener who comes or one who forbids, before
// they take the order lock: a beat has no time for it.

// newEncoder returns an encoder for a mix. Its first frame depends on nothing
// that came before, so whatever decoder a listener has goes on with it.
func (d *Desk) newEncoder() (*opus.Encoder, error) { return d.pool.Encoder(d.cfg.encoder()) }

// spares are encoders for those whose own is about to be dropped. Where there
// are too few, the next beat makes them.
type spares []*opus.Encoder

// spare makes n of them, or as many as there may be.
func (d *Desk) spare(n int) (s spares) {
	for range n {
		encoder, err := d.newEncoder()
		if err != nil {
			break
		}
		s = append(s, encoder)
	}
	return s
}

func (s *spares) take() *opus.Encoder {
	n := len(*s)
	if n == 0 {
		return nil
	}
	encoder := (*s)[n-1]
	*s = (*s)[:n-1]
	return encoder
}

func (s *spares) close() {
	for _, encoder := range *s {
		encoder.Close()
	}
}

// renew drops what would still sound of the beat before. The order lock is held
// for writing.
func (l *Listener) renew(s *spares) {
	if l.closed {
		return
	}
	if l.encoder != nil {
		l.encoder.Close()
	}
	l.encoder = s.take()
	l.limiter.Reset()
	l.remembered = l.remembered[:0]
}

// equip gives a new listener what comes after the mix.
func (l *Listener) equip() (err error) {
	l.limiter = loudness.NewLimiter(2)
	l.encoder, err = l.desk.newEncoder()
	return err
}

// listening counts those who hear p.
func (d *Desk) listening(p *sfu.Publication) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for l := range d.listeners {
		l.mu.Lock()
		if l.hears(p) {
			n++
		}
		l.mu.Unlock()
	}
	return n
}
