package moderation

import (
	"context"
	"time"

	"earshot"
	"earshot/moderation/policy"
)

// Speech is the mouth of an NPC: see Pipeline.Say.
type Speech struct {
	World    string
	Instance earshot.InstanceID
	Name     string        // of the NPC, as others see it
	Context  func() []Line // what was said around it, oldest first; nil: nothing
	// Withdraw is called when what a tier says of a sentence that was let
	// through comes late and is bad: said is the sentence as Say returned it.
	// It may be called before Say returns, and must not wait.
	Withdraw func(said string)
}

// Sentence is what may be said of one.
type Sentence struct {
	Text       string // perhaps with words covered
	OK         bool   // false: nothing of it may be said
	Unverified bool   // a model should have judged it and has not in time
}

// Say judges a sentence of an NPC before it is spoken. Tier 0 sees all of them;
// for tier 1, which gets what is uncertain and the audit share, it waits no
// longer than the policy's hold, at most 50 ms. What is found is an incident of
// kind npc, about nobody and without strikes.
func (p *Pipeline) Say(ctx context.Context, s Speech, sentence string) Sentence {
	if len(sentence) > MaxText || p.ended() {
		text, ok := p.Screen(s.World)(sentence)
		return Sentence{Text: text, OK: ok, Unverified: true}
	}
	begun := time.Now()
	e := Event{Kind: policy.NPC, World: s.World, Instance: s.Instance, Name: s.Name, Text: sentence}
	if s.Context != nil {
		e.Context = s.Context()
	}
	e.tidy(begun)
	m := p.open(e, begun)
	m.withdraw = s.Withdraw
	pol := p.Policy(s.World)
	ctx, cancel := p.within(ctx, pol, begun)
	defer cancel()
	v := p.first(ctx, pol, m)
	p.m.textTime.Observe(time.Since(begun).Seconds())
	p.m.events.WithLabelValues(kindLabel(policy.NPC), v.label()).Inc()
	out := Sentence{Text: sentence, OK: v.Pass, Unverified: v.Unverified}
	if v.Masked != "" {
		out.Text, out.OK = v.Masked, v.Masked != cover(sentence) // of which nothing is left to say
	}
	return out
}
