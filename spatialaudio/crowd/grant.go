package crowd

// grantAll puts into the plan what everybody gets, and remembers it.
func (p *Planner) grantAll(t instant, rules *Rules, plan *Plan) {
	for id := range p.past {
		if p.at[id] == none {
			p.past[id].nGrants, p.past[id].nVoices = 0, 0
		}
	}
	from := 0
	for i := range p.people {
		h, to := &p.people[i], int(p.ends[i])
		l := &plan.listeners[h.ID]
		was := &p.past[h.ID]
		l.firstGrant, l.firstVoice = int32(len(plan.grants)), int32(len(plan.voices))
		was.nGrants = 0
		for _, k := range p.chosen[from:to] {
			p.grant(k, h.ID, was, rules, plan)
		}
		l.grants = int32(len(plan.grants)) - l.firstGrant
		p.voices(t, h, was, rules, plan)
		l.voices = int32(len(plan.voices)) - l.firstVoice
		from = to
	}
}

func (p *Planner) grant(k chosen, id ID, was *past, rules *Rules, plan *Plan) {
	c := &p.now.cells[k.cell]
	bed := c.bed[k.part]
	if bed == none { // nobody else gets what this one is losing
		return
	}
	if !plan.Allowed(rules, id, int(bed)) { // never, by how it was chosen
		return
	}
	g := Grant{Bed: bed, Gain: k.gain, Phase: Heard}
	if k.leaving {
		g.Phase = Leaving
	}
	plan.grants = append(plan.grants, g)
	plan.Beds[bed].Listeners++
	plan.Stats.Grants++
	if k.part != Whole && !k.leaving {
		plan.Stats.Halved++
	}
	was.grants[was.nGrants] = held{key: Key{c.key, k.part}, since: k.since, leaving: k.leaving, gain: k.gain}
	was.nGrants++
}

// voices puts the individual voices into the plan that are not in a bed.
func (p *Planner) voices(t instant, h *Person, was *past, rules *Rules, plan *Plan) {
	var next [MaxVoices]kept
	n := 0
	for i, id := range h.Voices {
		if !rules.MayHear(h.ID, id) || repeats(h.Voices[:i], id) {
			continue
		}
		v := kept{id: id, since: t}
		old := was.voice(id)
		switch inBed := plan.hasInBed(h.ID, id, len(plan.grants)); {
		case !inBed:
			if old != nil && !old.leaving {
				v.since = old.since
			}
		case old == nil || old.leaving && t-old.since >= p.cfg.Crossfade:
			continue
		default:
			v.leaving = true
			if old.leaving {
				v.since = old.since
			}
		}
		phase := Heard
		if v.leaving {
			phase = Leaving
		}
		plan.voices = append(plan.voices, Voice{id, phase})
		next[n] = v
		n++
	}
	was.voices, was.nVoices = next, n
}

func repeats(list []ID, id ID) bool {
	for _, other := range list {
		if other == id {
			return true
		}
	}
	return false
}

func (p *past) voice(id ID) *kept {
	for i := range p.voices[:p.nVoices] {
		if p.voices[i].id == id {
			return &p.voices[i]
		}
	}
	return nil
}

// hasInBed reports whether a listener hears a talker by a bed: mixed by now, and
// neither of them about to leave.
func (p *Plan) hasInBed(listener, talker ID, end int) bool {
	for _, g := range p.grants[p.listeners[listener].firstGrant:end] {
		if g.Phase != Heard {
			continue
		}
		for _, t := range p.Talkers(int(g.Bed)) {
			if t.ID == talker && t.Phase == Heard {
				return true
			}
		}
	}
	return false
}
