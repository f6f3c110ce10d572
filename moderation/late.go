package moderation

import (
	"context"
	"time"

	"earshot/moderation/policy"
)

// answered takes what a tier says about a matter, nil for nothing.
func (p *Pipeline) answered(m *matter, from policy.Source, s policy.Scores) {
	if s == nil && from == policy.Tier1 && !m.audit {
		p.tier2.submit(m, time.Now()) // it has time, and another model
	}
	if m.audit && from == policy.Tier1 {
		p.audited(m, s)
	}
	if m.hand(from, s) || s == nil {
		return
	}
	p.revise(m, from, s)
	if from == policy.Tier1 && p.Policy(m.event.World).Uncertain(s) {
		p.tier2.submit(m, time.Now())
	}
}

// audited counts what a model found in what looked clean.
func (p *Pipeline) audited(m *matter, s policy.Scores) {
	result := "clean"
	if s == nil {
		result = "unanswered"
	} else if d := p.preview(p.Policy(m.event.World), m.subject(), "", m.judgedBy(policy.Tier1, s)); notable(&d) {
		result = "found"
	}
	p.m.audits.WithLabelValues(result).Inc()
}

// revise decides anew about a matter that has had its verdict, and takes the
// text back, or lets it go, as that says.
func (p *Pipeline) revise(m *matter, from policy.Source, s policy.Scores) {
	if p.ended() {
		return
	}
	pol := p.Policy(m.event.World)
	sig := m.judgedBy(from, s)
	sig.Reporters = p.reporters(pol, m.subject(), m.event.Instance, time.Now())
	m.mu.Lock()
	r := p.rule(pol, m, sig)
	if r.refused {
		m.mu.Unlock()
		return
	}
	act, hold := r.decision.Has(policy.Hold)
	_, mask := r.decision.Has(policy.Mask)
	retract := m.passed && (hold || mask && !m.masked)
	release := m.held && !hold
	text := ""
	if mask {
		text = p.maskFor(pol, m, sig)
	}
	switch {
	case retract:
		m.passed, m.held, m.masked = !hold, hold, mask
		if hold {
			p.keepHeld(m, act.For)
		}
	case release:
		m.passed, m.held, m.masked = true, false, mask
	}
	m.mu.Unlock()
	switch {
	case retract && hold:
		p.retract(m, "")
	case retract:
		p.retract(m, text)
	case release:
		p.release(m, text)
	}
}

// retract takes a delivered text back. Words that were heard cannot be.
func (p *Pipeline) retract(m *matter, text string) {
	if m.withdraw != nil {
		p.m.retracted.Inc()
		m.withdraw(m.shown)
		return
	}
	if m.event.Kind == policy.Voice || p.deps.Retract == nil {
		return
	}
	p.m.retracted.Inc()
	e := &m.event
	p.deps.Retract(Retraction{Event: e.ID, World: e.World, Instance: e.Instance, Who: e.Who, Masked: text})
}

// keepHeld keeps a held text until somebody has judged it. What an NPC was
// about to say is too late then.
func (p *Pipeline) keepHeld(m *matter, most time.Duration) {
	if m.event.Kind != policy.NPC {
		p.held.put(m, time.Now(), most)
	}
}

// release delivers a held text, unless its time is over.
func (p *Pipeline) release(m *matter, text string) {
	if !p.held.take(m.event.ID) || p.deps.Release == nil {
		return
	}
	p.m.released.Inc()
	r := Release{Event: m.event, Masked: text}
	// Whoever held back a description asks the journal about it again, so the
	// decision has to be written first.
	written := func(context.Context) { p.deps.Release(r) }
	if m.event.Kind == policy.Persona && p.writes.add(m.subject(), written) {
		return
	}
	p.deps.Release(r)
}
