package moderation

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
	"earshot/moderation/policy"
)

// maxEars bounds the speakers that are listened to at once.
const maxEars = 1024

// maxTranscript bounds a transcript in bytes: 15 s of speech are far less.
const maxTranscript = 4 << 10

// tickEvery is how often those who stopped sending are looked at.
const tickEvery = 250 * time.Millisecond

// voices have windows of speech transcribed, as many at once as they may. A
// speaker has at most one window waiting: a newer one takes its place, so under
// load everybody is sampled; who was reported comes first, then who was not
// listened to for longest.
type voices struct {
	p        *Pipeline
	m        *metrics
	brk      breaker
	soundBrk breaker // of the classifier

	ready chan struct{}

	kept, dropped prometheus.Counter // packets

	mu   sync.Mutex
	ears map[*Ear]bool
	left map[*Ear]bool // closed, with a window waiting
}

func newVoices(p *Pipeline) *voices {
	return &voices{
		p: p, m: p.m, brk: breaker{failures: 5, rest: 5 * time.Second}, soundBrk: breaker{failures: 5, rest: 5 * time.Second},
		kept: p.m.packets.WithLabelValues("kept"), dropped: p.m.packets.WithLabelValues("dropped"),
		ready: make(chan struct{}, 1), ears: map[*Ear]bool{}, left: map[*Ear]bool{},
	}
}

// Hears reports whether voices are judged in a world: its participants must be
// told before they speak.
func (p *Pipeline) Hears(world string) bool {
	return p.cfg.Worlds[world].Voice && (p.deps.Transcriber != nil || p.classifies(world))
}

func (p *Pipeline) classifies(world string) bool {
	return p.deps.Classifier != nil && p.deps.Classifier.Takes(world)
}

// Listen begins to judge a voice. It returns nil, an Ear that does nothing,
// where voices are not judged, or when there are too many speakers.
func (p *Pipeline) Listen(s Speaker) *Ear {
	if !p.Hears(s.World) || p.ended() {
		return nil
	}
	v := p.voices
	e := &Ear{speaker: s, voices: v}
	if p.deps.Evidence != nil && !s.Aside {
		e.feed = func(now time.Time, packet Packet) {
			p.deps.Evidence.Put(s.World, s.Who, now, packet.Seq, packet.Timestamp, packet.Opus)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.ears)+len(v.left) >= maxEars {
		p.m.refused.WithLabelValues("speakers").Inc()
		return nil
	}
	v.ears[e] = true
	return e
}

// drop forgets an ear, once its last window is transcribed.
func (v *voices) drop(e *Ear) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.ears, e)
	if e.pending != nil {
		v.left[e] = true
	}
}

// offer has a window wait to be transcribed.
func (v *voices) offer(e *Ear, w window) {
	v.mu.Lock()
	whole := e.doubt
	v.mu.Unlock()
	whole = whole || v.p.watched(subject{e.speaker.World, e.speaker.Who}, e.speaker.Instance, w.to)
	c := &clip{at: w.from, packets: e.packets(w.begins(whole), w.to), whole: whole}
	v.mu.Lock()
	if e.pending != nil {
		v.m.windows.WithLabelValues("skipped").Inc()
	}
	e.pending = c
	v.mu.Unlock()
	v.wake()
}

func (v *voices) wake() {
	select {
	case v.ready <- struct{}{}:
	default:
	}
}

// run transcribes until ctx ends.
func (v *voices) run(ctx context.Context) {
	if v.p.deps.Transcriber == nil && v.p.deps.Classifier == nil {
		return
	}
	var work sync.WaitGroup
	defer work.Wait()
	for range v.p.cfg.Transcriptions {
		work.Go(func() { v.work(ctx) })
	}
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			for _, e := range v.all() {
				e.tick(now)
			}
		}
	}
}

func (v *voices) all() (out []*Ear) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for e := range v.ears {
		out = append(out, e)
	}
	return out
}

func (v *voices) work(ctx context.Context) {
	for {
		e, c := v.next()
		if e != nil {
			v.wake() // there may be more
			v.transcribe(ctx, e, c)
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-v.ready:
		}
	}
}

// next takes the window that is most worth transcribing, nil if none waits.
func (v *voices) next() (*Ear, *clip) {
	v.mu.Lock()
	defer v.mu.Unlock()
	var best *Ear
	for _, set := range []map[*Ear]bool{v.ears, v.left} {
		for e := range set {
			if e.pending != nil && (best == nil || e.before(best)) {
				best = e
			}
		}
	}
	if best == nil {
		return nil, nil
	}
	c := best.pending
	best.pending, best.judged = nil, time.Now()
	delete(v.left, best)
	return best, c
}

// before says whether e's window is transcribed before o's.
func (e *Ear) before(o *Ear) bool {
	if e.pending.whole != o.pending.whole {
		return e.pending.whole
	}
	return e.judged.Before(o.judged)
}

// transcribe has a window written down, and its sound judged beside that.
func (v *voices) transcribe(ctx context.Context, e *Ear, c *clip) {
	if ctx.Err() != nil {
		return
	}
	var sound policy.Scores
	var text string
	var heard, written bool
	var work sync.WaitGroup
	work.Go(func() { sound, heard = v.classify(ctx, e, c) })
	text, written = v.write(ctx, e, c)
	work.Wait()
	switch {
	case text != "" || v.loud(e, sound):
		v.m.windows.WithLabelValues("judged").Inc()
		v.judge(ctx, e, c, text, sound)
	case heard || written:
		v.m.windows.WithLabelValues("silent").Inc()
	default:
		v.m.windows.WithLabelValues("failed").Inc()
	}
}

// write has a window written down; false where nobody could.
func (v *voices) write(ctx context.Context, e *Ear, c *clip) (string, bool) {
	if v.p.deps.Transcriber == nil || v.brk.ask(time.Now()) == forbidden {
		return "", false
	}
	one, cancel := context.WithTimeout(ctx, v.p.cfg.TranscribeFor)
	defer cancel()
	text, err := v.p.deps.Transcriber.Transcribe(one, e.speaker.World, e.speaker.Language, c.packets)
	v.brk.done(err == nil, time.Now())
	if err != nil {
		return "", false
	}
	return text, true
}

// classify has the sound of a window judged; false where nobody could.
func (v *voices) classify(ctx context.Context, e *Ear, c *clip) (policy.Scores, bool) {
	if !v.p.classifies(e.speaker.World) {
		return nil, false
	}
	begun, result := time.Now(), "ok"
	if v.soundBrk.ask(begun) == forbidden {
		v.m.guards.WithLabelValues("sound", "resting").Inc()
		return nil, false
	}
	one, cancel := context.WithTimeout(ctx, mostClassify)
	defer cancel()
	scores, err := v.p.deps.Classifier.Classify(one, e.speaker.World, c.packets)
	if err == nil && scores != nil && !sound([]policy.Scores{scores}, 1) {
		err = unclassified("answers a score that is not from 0 to 1")
	}
	if err != nil {
		result = "failed"
	}
	v.soundBrk.done(err == nil, time.Now())
	v.m.guards.WithLabelValues("sound", result).Inc()
	v.m.guardTime.WithLabelValues("sound").Observe(time.Since(begun).Seconds())
	if err != nil {
		return nil, false
	}
	return scores, true
}

// loud says whether anything follows from how a voice sounds alone.
func (v *voices) loud(e *Ear, sound policy.Scores) bool {
	if len(sound) == 0 {
		return false
	}
	d := v.p.preview(v.p.Policy(e.speaker.World), subject{e.speaker.World, e.speaker.Who}, "", policy.Signal{
		Kind: policy.Voice, Source: policy.Tier1, Scores: sound, At: time.Now(),
	})
	return notable(&d)
}

// harsher is the one of two signals that more follows from.
func (p *Pipeline) harsher(pol *policy.Policy, s subject, a, b policy.Signal) policy.Signal {
	rank := func(sig policy.Signal) (r float64) {
		d := p.preview(pol, s, "", sig)
		r = float64(d.Harshest().Action.Rank())
		if d.Strike != nil {
			r += 10 * d.Strike.Weight
		}
		if d.Review {
			r += 0.5
		}
		return r
	}
	if rank(b) > rank(a) {
		return b
	}
	return a
}

// judge has a transcript judged. Nothing is held, so nobody waits for a guard:
// what it says comes late in any case. sound is what the classifier said, whose
// scores count as those of tier 1, beside the words'.
func (v *voices) judge(ctx context.Context, e *Ear, c *clip, text string, sound policy.Scores) {
	s, p := e.speaker, v.p
	text = clipBytes(text, maxTranscript)
	v.mu.Lock()
	event := Event{
		ID: earshot.NewEventID(), Kind: policy.Voice, World: s.World, Instance: s.Instance, Who: s.Who, Name: s.Name,
		Text: text, Context: e.said, Age: s.Age, Language: s.Language, At: c.at,
	}
	if text != "" {
		e.said = append(e.said[max(0, len(e.said)-earLines+1):len(e.said):len(e.said)], Line{s.Who, s.Name, text, c.at})
	}
	v.mu.Unlock()
	event.tidy(time.Now())
	m, pol := p.open(event, time.Now()), p.Policy(s.World)
	sig := m.signal
	if len(sound) > 0 {
		m.sound = sound
		sig = p.harsher(pol, m.subject(), m.signal, signalOf(m.signal, policy.Tier1, sound))
	}
	d := p.preview(pol, m.subject(), "", sig)
	doubtful := pol.Uncertain(m.signal.Scores)
	v.mu.Lock()
	e.doubt = doubtful
	v.mu.Unlock()
	verdict := Verdict{Pass: true}
	switch {
	case notable(&d) || !doubtful && !p.audits(pol, m):
		verdict, _ = p.conclude(ctx, pol, m, sig)
	default:
		m.decided, m.passed, m.audit = true, true, !doubtful // nothing waits: what comes is late
		if asked, _ := p.ask(m, time.Now()); !asked && doubtful {
			m.signal.Unverified = true
			verdict, _ = p.conclude(ctx, pol, m, m.signal)
		}
	}
	p.m.events.WithLabelValues(kindLabel(policy.Voice), verdict.label()).Inc()
}
