package crowd

import "math/bits"

// past is what a person got in the plan before.
type past struct {
	grants  [2 * MaxPerListener]held
	voices  [MaxVoices]kept
	nGrants int
	nVoices int
}

// held is a bed that a listener had.
type held struct {
	key     Key
	since   instant // it came, or began to leave
	leaving bool
	gain    float32
}

// kept is an individual voice that a listener had.
type kept struct {
	id      ID
	since   instant // it came, or began to leave
	leaving bool
}

// has returns the grant of a cell that does not leave, nil where there is none.
func (p *past) has(cell uint64) *held {
	for i := range p.grants[:p.nGrants] {
		if g := &p.grants[i]; g.key.Cell == cell && !g.leaving {
			return g
		}
	}
	return nil
}

// chosen is a bed that a listener is to get, or to lose with a fade.
type chosen struct {
	cell    int32
	part    Part
	leaving bool
	since   instant
	gain    float32
}

// minTalkers is how many make a crowd: one voice is better forwarded as it is.
const minTalkers = 2

// pick is a bed that competes for a place among a listener's.
type pick struct {
	chosen
	score float32 // power at the ear
}

// choose appends to p.chosen what a listener is to get.
func (p *Planner) choose(t instant, h *Person, rules *Rules, stats *Stats) {
	was := &p.past[h.ID]
	from := len(p.chosen)
	if h.Listens { // else what they had fades
		p.chooseBeds(t, h, was, rules, stats)
	}
	p.fade(from, t, h.ID, was, rules, stats)
}

func (p *Planner) chooseBeds(t instant, h *Person, was *past, rules *Rules, stats *Stats) {
	p.code = p.cfg.morton(h.Position)
	n := p.open(p.top(h, was), h, was)
	bad := stats.Opened + stats.Lost
	picked := p.pick(n, t, h, was, rules, stats, false)
	if bad != stats.Opened+stats.Lost && picked < p.cfg.beds(h)/2 { // little of a crowd that is forbidden here and there
		picked = p.pick(n, t, h, was, rules, stats, true)
	}
	for _, k := range p.picks[:picked] {
		p.chosen = append(p.chosen, k.chosen)
	}
}

// pick fills p.picks with the most audible beds of the front that the listener
// may get: by the power of all who are mixed, so that a large crowd counts for
// more than one voice. Where there is no bed for them, the cells within stand in,
// or half of it where halves are to be tried.
func (p *Planner) pick(n int, t instant, h *Person, was *past, rules *Rules, stats *Stats, halves bool) (picked int) {
	for i := 0; i < n; i++ {
		o := p.front[i]
		if o.ratio >= p.cfg.Coarse { // from within one that was opened for a voice
			continue
		}
		c := &p.now.cells[o.cell]
		had := was.has(c.key)
		if staying := bits.OnesCount16(uint16(c.mix.staying())); staying < minTalkers && (had == nil || staying == 0) {
			continue
		}
		if stats.Short && c.bed == [parts]int32{none, none, none} {
			if c.level() > 0 {
				n = p.within(n, c, h, was)
			}
			continue
		}
		gain := float32(p.cfg.Curve.DistanceGain(float64(h.Position.Distance(c.mix.centre))))
		score := c.mix.power * gain * gain
		if score < p.floor {
			continue
		}
		part, ok := c.mix.part(h.ID, had, t, p.cfg.Hold, rules, halves)
		if !ok {
			if c.level() == 0 {
				stats.Lost++
				continue
			}
			stats.Opened++
		}
		if !ok || stats.Short && c.bed[part] == none {
			if c.level() > 0 {
				n = p.within(n, c, h, was)
			}
			continue
		}
		k := pick{chosen{cell: o.cell, part: part, since: t, gain: gain}, score}
		if had != nil && had.key.Part == part {
			k.since, k.score = had.since, score*p.hysteresis
			if t-had.since < p.cfg.Hold {
				k.score *= 1e12
			}
		}
		picked = p.rank(k, picked, p.cfg.beds(h))
	}
	return picked
}

// rank puts k among the picks, if it is among the best.
func (p *Planner) rank(k pick, n, limit int) int {
	i := n
	for ; i > 0 && k.score > p.picks[i-1].score; i-- {
		if i < limit {
			p.picks[i] = p.picks[i-1]
		}
	}
	if i < limit {
		p.picks[i] = k
		n = min(n+1, limit)
	}
	return n
}

// part returns what of a mix a listener may hear: all of it, or half. A half is
// kept for a while, lest it come and go.
func (m *mix) part(listener ID, had *held, t, hold instant, rules *Rules, halves bool) (Part, bool) {
	bad := m.forbidden(m.used, listener, rules)
	if had != nil && t-had.since < hold && bad&masks[had.key.Part] == 0 && m.staying()&masks[had.key.Part] != 0 {
		return had.key.Part, true
	}
	if bad == 0 || !halves {
		return Whole, bad == 0
	}
	count := func(half Part) int {
		if bad&masks[half] != 0 {
			return 0
		}
		return bits.OnesCount16(uint16(m.staying() & masks[half]))
	}
	even, odd := count(Even), count(Odd)
	switch {
	case had != nil && had.key.Part == Odd && odd > 0, odd > even:
		return Odd, true
	case even > 0:
		return Even, true
	}
	return Whole, false
}

// forbidden returns which of those in slots a listener may not hear.
func (m *mix) forbidden(of mask, listener ID, rules *Rules) (bad mask) {
	for u := of; u != 0; u &= u - 1 {
		if i := bits.TrailingZeros16(uint16(u)); !rules.MayHear(listener, m.ids[i]) {
			bad |= 1 << i
		}
	}
	return bad
}

// fade appends the beds that the listener had and does not get any more, for as
// long as they fade: unless they have a forbidden voice in them by now.
func (p *Planner) fade(from int, t instant, id ID, was *past, rules *Rules, stats *Stats) {
	for i := range was.grants[:was.nGrants] {
		g := &was.grants[i]
		since := g.since
		if !g.leaving {
			since = t
		} else if t-since >= p.cfg.Crossfade {
			continue
		}
		at := p.now.find(g.key.Cell)
		if at == none || p.chose(from, at, g.key) || len(p.chosen)-from >= len(was.grants) {
			continue
		}
		c := &p.now.cells[at]
		if c.mix.forbidden(c.mix.sounding()&masks[g.key.Part], id, rules) != 0 {
			stats.Cut++
			continue
		}
		p.chosen = append(p.chosen, chosen{cell: at, part: g.key.Part, leaving: true, since: since, gain: g.gain})
	}
}

// chose reports whether a bed is in p.chosen already.
func (p *Planner) chose(from int, cell int32, key Key) bool {
	for i := range p.chosen[from:] {
		if k := &p.chosen[from+i]; k.part == key.Part && k.cell == cell {
			return true
		}
	}
	return false
}
