package router

import (
	"math"
	"slices"
	"time"
)

// member is a backend in the pool and what is known of it.
type member struct {
	Backend
	models []*served // in the order of Backend.Models
	rtt    float64   // s

	inflight int
	byClass  [classes]int
	held     int                // queued requests that wait for this backend
	changes  uint64             // counts what may make room or change a prediction here
	wanted   [classes]time.Time // when a request of the class could last have come here
	oldest   *attempt           // first and last of those without a first token,
	newest   *attempt           // in the order they were sent
	next     *attempt           // the oldest of them that nothing sent later has overtaken
	cache    mirror
	health   health
}

// served is one model of a member.
type served struct {
	Model
	speed
	salt    uint64 // sets its blocks apart in the mirror
	loaded  bool
	loading time.Time // when an attempt began to load it; zero while none does
	queued  int       // uncached prompt tokens sent and without a first token
}

// reserveFor is how long capacity is kept for a class that does not use it.
const reserveFor = time.Minute

// kvShare is how much of the prefix cache is taken to hold prompts; the rest
// is answers.
const kvShare = 0.8

func (c *Config) mirrorBlocks(b *Backend) int {
	tokens := b.KVTokens
	if tokens == 0 {
		for _, m := range b.Models {
			tokens = max(tokens, b.Slots*max(m.Context, 2048))
		}
	}
	return min(max(int(kvShare*float64(tokens))/c.BlockTokens, 1), c.MaxBlocks)
}

// describe takes over a new description and keeps what was learnt of models
// that are in both.
func (m *member) describe(b Backend, blocks int) {
	before := m.models
	m.Backend = b
	m.Models, m.Labels = slices.Clone(b.Models), slices.Clone(b.Labels)
	m.models = make([]*served, len(b.Models))
	for i, model := range m.Models {
		s := &served{salt: hashName(model.Name), loaded: model.Loaded}
		if at := slices.IndexFunc(before, func(s *served) bool { return s.Name == model.Name }); at >= 0 {
			s = before[at]
		}
		s.Model = model
		m.models[i] = s
	}
	if len(m.cache.blocks) != blocks {
		m.cache = newMirror(blocks)
	}
}

// carries reports whether the backend has every label: data locality.
func (m *member) carries(labels []string) bool {
	for _, label := range labels {
		if !slices.Contains(m.Labels, label) {
			return false
		}
	}
	return true
}

// serves returns the model called name if it can do what q asks.
func (m *member) serves(name string, q *Request) *served {
	for _, s := range m.models {
		if s.Name != name {
			continue
		}
		if s.Capabilities&q.Capability != q.Capability || s.Context > 0 && q.PromptTokens+q.MaxOutput > s.Context {
			return nil
		}
		return s
	}
	return nil
}

// concurrency returns how many requests may be in flight there now: all that
// is configured, or less in slow start, or one to try whether it is well.
func (m *member) concurrency(now time.Time, slowStart time.Duration) int {
	most := m.Concurrency
	if most == 0 {
		most = m.Slots
	}
	return max(1, int(math.Ceil(float64(most)*m.health.share(now, slowStart))))
}

// over returns by how many requests the backend is too full for one more of
// class: 0 or less means that there is room.
func (m *member) over(class Class, now time.Time, cfg *Config) int {
	most := m.concurrency(now, cfg.SlowStart)
	over := m.inflight + 1 - most
	other := classes - 1 - class
	if most > 1 && now.Sub(m.wanted[other]) < reserveFor {
		kept := max(1, int(math.Round(cfg.reserve(other)*float64(most))))
		over = max(over, m.byClass[class]+1-max(1, most-kept))
	}
	return over
}

func (c *Config) reserve(class Class) float64 {
	if class == Dialogue {
		return c.DialogueReserve
	}
	return c.ModerationReserve
}

// await appends a to those without a first token.
func (m *member) await(a *attempt) {
	a.before, a.after = m.newest, nil
	if m.newest != nil {
		m.newest.after = a
	} else {
		m.oldest = a
	}
	m.newest = a
	if m.next == nil {
		m.next = a
	}
	a.awaited = true
	a.served.queued += a.uncached
}

// overtake notes that a has its first token: what was sent before it and has
// none is stuck for itself, and says nothing of what is sent now.
func (m *member) overtake(a *attempt) {
	if a.awaited && m.next != nil && !a.sent.Before(m.next.sent) {
		m.next = a.after
	}
}

// settle removes a from those without a first token.
func (m *member) settle(a *attempt) {
	if !a.awaited {
		return
	}
	if a.before != nil {
		a.before.after = a.after
	} else {
		m.oldest = a.after
	}
	if a.after != nil {
		a.after.before = a.before
	} else {
		m.newest = a.before
	}
	if m.next == a {
		m.next = a.after
	}
	a.before, a.after, a.awaited = nil, nil, false
	a.served.queued -= a.uncached
}
