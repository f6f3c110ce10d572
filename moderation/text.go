package moderation

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"earshot"
	"earshot/moderation/policy"
)

// spare is what of the hold is left for what follows on the waiting.
const spare = 8 * time.Millisecond

// Text judges a chat line, a name or the description of an NPC, and answers
// within Config.Hold (a policy may allow less); about a description within the
// deadline of tier 1, for nobody talks meanwhile. A tier that is not back by
// then leaves the text unverified; what it says later comes as a Retraction, a
// Release or an Order. Errors are CodeInvalidArgument for an event that is
// none, and CodeUnavailable after Run has ended: then the verdict is Hold.
func (p *Pipeline) Text(ctx context.Context, e Event) (Verdict, error) {
	begun := time.Now()
	if err := e.check(); err != nil {
		p.m.events.WithLabelValues(kindLabel(e.Kind), "refused").Inc()
		return Verdict{Hold: true}, err
	}
	if p.ended() {
		return Verdict{Hold: true, Unverified: true}, errEnded
	}
	e.tidy(begun)
	pol := p.Policy(e.World)
	var cancel context.CancelFunc
	if e.Kind == policy.Persona {
		ctx, cancel = context.WithDeadline(ctx, begun.Add(p.cfg.Tier1.Deadline+policy.MaxWait))
	} else {
		ctx, cancel = p.within(ctx, pol, begun)
	}
	defer cancel()
	m := p.open(e, begun)
	v := p.first(ctx, pol, m)
	p.m.textTime.Observe(time.Since(begun).Seconds())
	p.m.events.WithLabelValues(kindLabel(e.Kind), v.label()).Inc()
	return v, nil
}

// within is as long as somebody waits for a verdict.
func (p *Pipeline) within(ctx context.Context, pol *policy.Policy, begun time.Time) (context.Context, context.CancelFunc) {
	hold := min(p.cfg.Hold, time.Duration(pol.Spec.Hold.Wait), policy.MaxWait)
	return context.WithDeadline(ctx, begun.Add(max(hold-spare, hold/2)))
}

// open begins a matter: tier 0 reads it.
func (p *Pipeline) open(e Event, now time.Time) *matter {
	r := p.reader.read(e.Text)
	return &matter{
		event: e, reading: r, begun: now, first: make(chan firstAnswer, 1),
		signal: policy.Signal{
			Kind: e.Kind, Source: policy.Tier0, Scores: r.scores, Terms: r.terms,
			Reporters: p.reporters(p.Policy(e.World), subject{e.World, e.Who}, e.Instance, now), At: e.At,
		},
	}
}

// first decides a matter by the tier that is back in time.
func (p *Pipeline) first(ctx context.Context, pol *policy.Policy, m *matter) Verdict {
	sig := m.signal
	preview := p.preview(pol, m.subject(), "", sig)
	most := preview.Harshest()
	switch {
	case most.Action.Rank() >= policy.Mask.Rank(): // no model is needed for that
		v, _ := p.conclude(ctx, pol, m, sig)
		return v
	case !pol.Uncertain(sig.Scores):
		m.audit = p.audits(pol, m)
		v, _ := p.conclude(ctx, pol, m, sig)
		if m.audit {
			p.ask(m, time.Now()) // when it is known what became of it
		}
		return v
	}
	// Where no model judges, characters are not held for want of one: tier 0 is
	// unsure of half of what anybody says.
	unasked := m.event.ofNPC() && p.tier1 == nil && p.tier2 == nil
	sig.Unverified = !unasked
	if a, ok := p.await(ctx, m); ok {
		sig = signalOf(sig, a.source, a.scores)
	}
	v, used := p.conclude(ctx, pol, m, sig)
	v.Unverified = v.Unverified || unasked
	if used.Source == policy.Tier1 && pol.Uncertain(used.Scores) {
		p.tier2.submit(m, time.Now())
	}
	return v
}

// ask hands a matter to the first tier that takes it, and reports whether one
// did and whether somebody should wait for it.
func (p *Pipeline) ask(m *matter, now time.Time) (asked, wait bool) {
	asked, wait = p.tier1.submit(m, now)
	if !asked && !m.audit {
		asked, _ = p.tier2.submit(m, now) // too slow to wait for
	}
	return asked, wait
}

// audits draws whether tier 1 sees what looks clean.
func (p *Pipeline) audits(pol *policy.Policy, m *matter) bool {
	return rand.Float64() < pol.AuditShare(m.signal.Reporters)
}

// await asks about a matter and waits for scores.
func (p *Pipeline) await(ctx context.Context, m *matter) (firstAnswer, bool) {
	if _, wait := p.ask(m, time.Now()); wait {
		select {
		case a := <-m.first:
			return a, a.scores != nil
		case <-ctx.Done():
		}
	}
	return firstAnswer{}, false
}

// conclude makes the first decision about a matter and the verdict that
// follows: by sig, or by what a tier said at the last moment. Answers that come
// after it are late.
func (p *Pipeline) conclude(ctx context.Context, pol *policy.Policy, m *matter, sig policy.Signal) (Verdict, policy.Signal) {
	m.mu.Lock()
	m.decided = true
	select {
	case a := <-m.first:
		if a.scores != nil {
			sig = signalOf(sig, a.source, a.scores)
		}
	default:
	}
	r := p.rule(pol, m, sig)
	v := Verdict{Pass: true, Unverified: r.decision.Unverified, Incident: m.incident}
	_, mask := r.decision.Has(policy.Mask)
	act, hold := r.decision.Has(policy.Hold)
	switch {
	case r.refused:
		v.Pass, v.Hold = false, true
	case hold:
		v.Pass, v.Hold, m.held = false, true, true
		p.keepHeld(m, act.For)
	case mask && m.event.Kind != policy.Voice:
		v.Masked = p.maskFor(pol, m, sig)
		m.masked = true
	}
	m.passed, m.shown = v.Pass, m.event.Text
	if v.Masked != "" {
		m.shown = v.Masked
	}
	m.mu.Unlock()
	select { // a verdict that is seen should be in the journal, if it can be so in time
	case <-r.durable:
	case <-ctx.Done():
	}
	return v, sig
}

// maskFor covers the listed words, and all of the text if that leaves
// something to be masked or if a model that knows no words found it. The caller holds m.mu.
func (p *Pipeline) maskFor(pol *policy.Policy, m *matter, sig policy.Signal) string {
	text := m.event.Text
	if sig.Source != policy.Tier0 || len(m.reading.terms) == 0 {
		return cover(text)
	}
	out, still := p.reader.mask(text)
	left := sig
	left.Scores, left.Terms, left.Unverified = still.scores, still.terms, false
	d := p.preview(pol, m.subject(), m.incident, left)
	if _, bad := d.Has(policy.Mask); bad {
		return cover(text)
	}
	return out
}

// Screen has tier 0 alone look at a few words, in microseconds, and records
// nothing. It returns what may be shown instead, or false if nothing may.
func (p *Pipeline) Screen(world string) func(sentence string) (string, bool) {
	return func(sentence string) (string, bool) {
		now := time.Now()
		r := p.reader.read(sentence[:min(len(sentence), MaxText)])
		pol := p.Policy(world)
		sig := policy.Signal{Kind: policy.NPC, Source: policy.Tier0, Scores: r.scores, Terms: r.terms, At: now}
		d := pol.Decide(sig, nil, now)
		_, mask := d.Has(policy.Mask)
		_, hold := d.Has(policy.Hold)
		switch {
		case hold || len(sentence) > MaxText:
			p.m.events.WithLabelValues(kindLabel(policy.NPC), "held").Inc()
			return "", false
		case mask:
			p.m.events.WithLabelValues(kindLabel(policy.NPC), "masked").Inc()
			out, still := p.reader.mask(sentence)
			sig.Scores, sig.Terms = still.scores, still.terms
			d = pol.Decide(sig, nil, now)
			_, bad := d.Has(policy.Mask)
			return out, !bad
		}
		p.m.events.WithLabelValues(kindLabel(policy.NPC), "pass").Inc()
		return sentence, true
	}
}

// check refuses what is no event.
func (e *Event) check() error {
	switch {
	case kindLabel(e.Kind) == "other" || e.Kind == policy.Report:
		return earshot.Errorf(earshot.CodeInvalidArgument, "an event of kind %.20q: want chat, voice, name, npc or persona", e.Kind)
	case e.World == "" || e.Who == "" && !e.ofNPC() || len(e.World) > 256 || len(e.Who) > earshot.MaxIDBytes:
		return earshot.Errorf(earshot.CodeInvalidArgument, "an event needs a world and who it is of")
	case len(e.Text) > MaxText:
		return earshot.Errorf(earshot.CodeInvalidArgument, "a text of %d bytes, more than %d: shorten it", len(e.Text), MaxText)
	}
	return nil
}

// ofNPC says that an event is about a character, and so about nobody.
func (e *Event) ofNPC() bool { return e.Kind == policy.NPC || e.Kind == policy.Persona }

// tidy bounds and copies what is kept of an event.
func (e *Event) tidy(now time.Time) {
	if e.ID == "" {
		e.ID = earshot.NewEventID()
	}
	if e.At.IsZero() {
		e.At = now
	}
	e.Name = clipBytes(e.Name, 128)
	e.Context = tidyContext(e.Context)
}

// maxContextBytes bounds all lines of a context together.
const maxContextBytes = 8 << 10

func tidyContext(lines []Line) []Line {
	lines = slices.Clone(lines[max(0, len(lines)-maxContext):])
	size := 0
	for i := len(lines) - 1; i >= 0; i-- {
		lines[i].Name, lines[i].Text = clipBytes(lines[i].Name, 128), clipBytes(lines[i].Text, 1<<10)
		if size += len(lines[i].Text); size > maxContextBytes {
			return lines[i+1:]
		}
	}
	return lines
}

// clipBytes returns at most n bytes of s, valid UTF-8.
func clipBytes(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "")
}

// kindLabel is a kind as the label of a metric.
func kindLabel(k policy.Kind) string {
	switch k {
	case policy.Chat, policy.Voice, policy.Name, policy.NPC, policy.Persona, policy.Report:
		return string(k)
	}
	return "other"
}

func (v *Verdict) label() string {
	switch {
	case v.Hold:
		return "held"
	case v.Masked != "":
		return "masked"
	case v.Unverified:
		return "unverified"
	}
	return "pass"
}

// signalOf is a signal with what a later tier says. Listed terms are what they
// are, whatever a model thinks.
func signalOf(sig policy.Signal, from policy.Source, s policy.Scores) policy.Signal {
	sig.Source, sig.Scores, sig.Unverified = from, s, false
	return sig
}
