package sfu

import (
	"slices"
	"sync"
	"time"

	"earshot/sfu/forward"
)

// How a publisher is told which layers are of use.
const (
	wishHold = 2 * time.Second // a layer that nobody takes any more is still wanted for
	wishWait = 3 * time.Second // so long a layer that is wanted again may take to come
)

// wish is which layers of a publication anybody wants.
type wish struct {
	mu   sync.Mutex
	last [forward.MaxLayers]time.Time // somebody wanted the layer
	from [forward.MaxLayers]time.Time // since when somebody does
}

// note says that somebody wants a layer, and so those below it, to which they
// may have to fall back.
func (w *wish) note(layer int, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for l := range layer + 1 {
		if !w.wanted(l, now) {
			w.from[l] = now
		}
		w.last[l] = now
	}
}

// wanted reports whether somebody wanted a layer lately. mu is held.
func (w *wish) wanted(layer int, now time.Time) bool {
	return !w.last[layer].IsZero() && now.Sub(w.last[layer]) < wishHold
}

// excused reports whether a layer may be missing because it was not asked
// for, or only just.
func (w *wish) excused(layer int, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.wanted(layer, now) || now.Sub(w.from[layer]) < wishWait
}

// Layers returns the names (RIDs) of the simulcast layers, the lowest first;
// none where there is one encoding only.
func (p *Publication) Layers() []string {
	if len(p.layers) < 2 {
		return nil
	}
	rids := make([]string, len(p.layers))
	for i, l := range p.layers {
		rids[i] = l.rid
	}
	return rids
}

// Wanted returns how many of the layers, from the lowest up, anybody wanted
// within the last two seconds. The publisher need not send the others.
func (p *Publication) Wanted(now time.Time) int {
	p.wish.mu.Lock()
	defer p.wish.mu.Unlock()
	n := 0
	for n < len(p.layers) && p.wish.wanted(n, now) {
		n++
	}
	return n
}

// demand fills in what a publication offers.
func (p *Publication) demand(d *forward.Demand, now time.Time) {
	d.Layers = len(p.layers)
	d.Most = d.Layers - 1
	for i, l := range p.layers {
		l.mu.Lock()
		d.Rates[i] = l.meter.Rate()
		d.Active[i] = l.meter.Active(now)
		l.mu.Unlock()
		d.Active[i] = d.Active[i] || p.wish.excused(i, now)
	}
}

// limit lowers the best layer of use to the one that fills so many pixels of
// height; 0 is no limit.
func (p *Publication) limit(d *forward.Demand, height int) {
	for l := 0; height > 0 && l < d.Most; l++ {
		p.layers[l].mu.Lock()
		own := p.layers[l].height
		p.layers[l].mu.Unlock()
		if own > 0 && own*5/4 >= height { // a quarter larger is not seen
			d.Most = l
		}
	}
}

// adapt shares the downlink among the videos of a session.
func (s *Session) adapt(now time.Time) {
	if len(s.video) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.demands, s.demanded = s.demands[:0], s.demanded[:0]
	for _, p := range s.ranking {
		i := slices.Index(s.videos, p)
		if i < 0 || !p.open.Load() {
			continue
		}
		d := forward.Demand{Now: s.video[i].target()}
		p.demand(&d, now)
		p.limit(&d, s.heights[i])
		s.demands, s.demanded = append(s.demands, d), append(s.demanded, i)
	}
	rate, known, congested := s.downlink.estimate()
	s.allocation.Share(now, rate, known, congested, s.demands)
	for j, i := range s.demanded {
		p, d := s.videos[i], &s.demands[j]
		if d.Layer != forward.NoLayer {
			p.wish.note(d.Layer, now)
		}
		if s.video[i].aim(p, d.Layer) {
			p.wantKeyFrame(d.Layer, now)
		}
	}
}

// SetVideoHeights says how many pixels high the picture of each video slot is
// shown, in the order of the slots; 0 or a missing one is unknown.
func (s *Session) SetVideoHeights(heights []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.heights)
	copy(s.heights, heights)
}

// chooseLayer reports whether a packet is of the layer to show. mu is held.
func (s *slot) chooseLayer(p *Publication, packet *forward.Packet, starts bool) bool {
	old := s.choice.Current()
	ok, switched := s.choice.Take(int(packet.Layer), starts)
	if switched && old != forward.NoLayer {
		s.rewriter.SwitchLayer(p.shift(old, int(packet.Layer)))
		s.session.sfu.metrics.layers.Inc()
	}
	if !ok && s.choice.Current() == forward.NoLayer && !starts {
		s.session.sfu.metrics.dropKeyFrame.Inc()
	}
	return ok
}

// target returns the layer that the slot aims at.
func (s *slot) target() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.choice.Target()
}

// aim sets the layer to show of p and reports whether a key frame of it is missing.
func (s *slot) aim(p *Publication, layer int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.source != p {
		return false
	}
	s.choice.Aim(layer)
	return layer != forward.NoLayer && !s.choice.Settled()
}

// continuous returns the payload as it goes on from the source before. mu is held.
func (s *slot) continuous(codec forward.Codec, payload []byte) []byte {
	if codec != forward.VP8 {
		return payload
	}
	return s.vp8.Rewrite(s.rewriter.Epoch(), payload, s.repair[:0])
}
