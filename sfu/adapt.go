package sfu

import (
	"slices"
	"sync"
	"time"

	"earshot/sfu/egress"
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

// Sizes returns how many sizes of the picture there are to choose from:
// simulcast layers, or the most spatial layers that the one encoding had.
func (p *Publication) Sizes() int {
	if len(p.layers) > 1 {
		return len(p.layers)
	}
	l := p.layers[0]
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.meter.Layers()
}

// Wanted returns how many of the sizes, from the lowest up, anybody wanted
// within the last two seconds. The publisher need not send the others.
func (p *Publication) Wanted(now time.Time) int {
	sizes := p.Sizes()
	p.wish.mu.Lock()
	defer p.wish.mu.Unlock()
	n := 0
	for n < sizes && p.wish.wanted(n, now) {
		n++
	}
	return n
}

// demand fills in what a publication offers.
func (p *Publication) demand(d *forward.Demand, now time.Time) {
	d.Detail = p.source == SourceScreen
	d.Layers = len(p.layers)
	if len(p.layers) == 1 {
		p.demandSpatial(d)
	} else {
		for i, l := range p.layers {
			l.mu.Lock()
			d.Active[i] = l.meter.Active(i, now)
			fill(d, i, &l.meter)
			l.mu.Unlock()
		}
	}
	for i := range d.Layers {
		d.Active[i] = d.Active[i] || p.wish.excused(i, now)
	}
	d.Most = d.Layers - 1
}

// demandSpatial fills in the spatial layers of one encoding. What comes with
// the newest picture is active, however rarely pictures come.
func (p *Publication) demandSpatial(d *forward.Demand) {
	l := p.layers[0]
	l.mu.Lock()
	defer l.mu.Unlock()
	d.Layers = l.meter.Layers()
	for i := range d.Layers {
		d.Active[i] = l.meter.Active(i, l.meter.Newest())
		fill(d, i, &l.meter)
	}
}

// fill takes the rates of one size.
func fill(d *forward.Demand, i int, m *forward.LayerMeter) {
	d.Temporals[i] = m.Temporals(i)
	for t := range forward.MaxTemporal {
		target := forward.MakeTarget(i, t)
		d.Rates[target] = m.Rate(target)
	}
}

// sends reports whether a size is being sent, so that a key frame brings it.
func (p *Publication) sends(size int) bool {
	if len(p.layers) > 1 {
		return true // its own encoding is asked, and only that
	}
	l := p.layers[0]
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.meter.Active(size, l.meter.Newest())
}

// encoding returns the one that carries a size.
func (p *Publication) encoding(size int) int { return min(size, len(p.layers)-1) }

// height returns how high the picture of a size is in pixels, 0 where unknown.
func (p *Publication) height(size int) int {
	l := p.layers[p.encoding(size)]
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(p.layers) == 1 {
		return l.heights[size]
	}
	return max(l.heights[0], l.heights[1], l.heights[2])
}

// limit lowers the best layer of use to the one that fills so many pixels of
// height; 0 is no limit.
func (p *Publication) limit(d *forward.Demand, height int) {
	for l := 0; height > 0 && l < d.Most; l++ {
		if own := p.height(l); own > 0 && own*5/4 >= height { // a quarter larger is not seen
			d.Most = l
		}
	}
}

// adapt shares the downlink among the videos of a session.
func (s *Session) adapt(now time.Time) {
	if len(s.lineup.Load().video) == 0 {
		return
	}
	burst := s.sfu.burst()
	s.share(now, &burst)
	burst.Send()
}

// share decides which layers are shown, and adds a probe to the burst where one
// is due.
func (s *Session) share(now time.Time, burst *egress.Burst) {
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
	s.allocation.Probes = known && s.canProbe()
	s.allocation.Share(now, rate, known, congested, s.demands)
	held := s.held(now)
	if target := s.allocation.Probe(); target > 0 {
		s.probe(target, now, burst)
	}
	for i, sl := range s.video {
		sl.paused = sl.paused && slices.Contains(s.demanded, i)
	}
	for j, i := range s.demanded {
		p, d := s.videos[i], &s.demands[j]
		size := d.Target.Layer()
		if d.Target != forward.NoTarget {
			p.wish.note(size, now)
		}
		if held {
			s.hold(i, p)
			continue
		}
		s.video[i].paused = known && d.Target == forward.NoTarget && slices.Max(d.Rates[:]) > 0
		if s.video[i].aim(p, d.Target) && p.sends(size) {
			p.wantKeyFrame(p.encoding(size), now)
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

// chooseLayer reports whether a packet is of what is to be shown. mu is held.
func (s *slot) chooseLayer(p *Publication, packet *forward.Packet, now time.Time) bool {
	old, size := s.choice.Encoding(), s.choice.Current().Layer()
	ok, switched := s.choice.Take(packet)
	if switched && old >= 0 {
		s.rewriter.SwitchLayer(p.shift(old, int(packet.Layer)))
	}
	if size >= 0 && size != s.choice.Current().Layer() {
		s.session.sfu.metrics.layers.Inc()
	}
	if !ok {
		if s.choice.Current() == forward.NoTarget && packet.Place.Begins == 0 {
			s.session.sfu.metrics.dropKeyFrame.Inc()
		}
		s.leaveOut(packet, now)
	}
	return ok
}

// target returns what the slot aims at.
func (s *slot) target() forward.Target {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.choice.Target()
}

// aim sets what to show of p and reports whether a key frame for it is missing.
// A smaller size of the same encoding may come without one, with the next
// picture: until then none is asked for.
func (s *slot) aim(p *Publication, target forward.Target) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.source != p {
		return false
	}
	same := target == s.choice.Target()
	s.choice.Aim(target)
	if target == forward.NoTarget || s.choice.Settled() {
		return false
	}
	smaller := len(p.layers) == 1 && target.Layer() < s.choice.Current().Layer()
	return same || !smaller
}
