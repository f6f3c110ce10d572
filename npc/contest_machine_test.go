package npc

import (
	"context"
	"hash/maphash"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// prefillChunk is how many tokens of a prompt llama.cpp computes before it
// looks at the next slot.
const prefillChunk = 256

// requestCost is what a request takes besides its tokens.
const requestCost = 4 * time.Millisecond

// machine is the inside of a model server of the contest: it waits as long as
// the work would take, and computes nothing. OpenAI's API stands for a server
// like vLLM: prompts are computed in the order they come, blocks of them are
// kept for all. Ollama's stands for llama.cpp: slots take turns, and each
// remembers its last prompt; models are loaded and evicted by one scheduler.
type machine struct {
	spec
	seed      maphash.Seed
	begun     time.Time
	scheduler gate // who may say what is loaded, in the order of coming
	lanes     gate // the slots
	compute   gate // one prompt at a time

	// mu guards what follows.
	mu       sync.Mutex
	rand     *rand.Rand
	cache    promptCache
	resident []*resident // models, that used last at the end
	idle     chan struct{}
	active   int
	tokens   int // of prompts at work
}

// resident is a model in memory, or on its way there.
type resident struct {
	model string
	users int
	ready chan struct{}
}

func newMachine(s spec, seed uint64) *machine {
	m := &machine{
		spec: s, seed: maphash.MakeSeed(), scheduler: gate{free: 1}, lanes: gate{free: s.slots}, compute: gate{free: 1},
		rand: rand.New(rand.NewPCG(seed, hashed(s.id))), idle: make(chan struct{}), begun: time.Now(),
	}
	if m.cache = newSlotCache(s.slots); s.kv > 0 {
		m.cache = newBlockCache(s.kv)
	}
	if s.load == 0 {
		ready := make(chan struct{})
		close(ready)
		for _, model := range s.models {
			m.resident = append(m.resident, &resident{model: model, ready: ready})
		}
	}
	if s.every > 0 { // where in its period it begins
		m.begun = m.begun.Add(-time.Duration(m.rand.Int64N(int64(s.every))))
	}
	return m
}

func hashed(s string) (h uint64) {
	for _, b := range []byte(s) {
		h = h*31 + uint64(b)
	}
	return h
}

// job is a chat that is worked on.
type job struct {
	m        *machine
	model    string
	resident *resident
	slot     int
	prompt   int
}

// take waits until the model is loaded and a slot is free, computes the prompt
// and returns when its first token is there; nil if ctx ended before.
func (m *machine) take(ctx context.Context, model string, messages []Message) *job {
	j := &job{m: m, model: model, slot: -1}
	if !m.scheduler.enter(ctx) {
		return nil
	}
	j.resident = m.need(ctx, model)
	m.scheduler.leave()
	if j.resident == nil {
		return nil
	}
	select {
	case <-j.resident.ready:
	case <-ctx.Done():
		m.unuse(j.resident)
		return nil
	}
	if !m.lanes.enter(ctx) {
		m.unuse(j.resident)
		return nil
	}
	if !m.prefill(ctx, j, messages) {
		j.leave()
		return nil
	}
	return j
}

// need makes model resident, for which an idle one may have to go. It returns
// nil if ctx ended before there was room.
func (m *machine) need(ctx context.Context, model string) *resident {
	for {
		m.mu.Lock()
		if r := m.use(model); r != nil {
			m.mu.Unlock()
			return r
		}
		idle := m.idle
		m.mu.Unlock()
		select {
		case <-idle:
		case <-ctx.Done():
			return nil
		}
	}
}

// use returns nil where something in use would have to go. The caller holds mu.
func (m *machine) use(model string) *resident {
	if i := slices.IndexFunc(m.resident, func(r *resident) bool { return r.model == model }); i >= 0 {
		r := m.resident[i]
		m.resident = append(slices.Delete(m.resident, i, i+1), r)
		r.users++
		return r
	}
	if len(m.resident) >= m.atMost() {
		i := slices.IndexFunc(m.resident, func(r *resident) bool { return r.users == 0 })
		if i < 0 {
			return nil
		}
		m.resident = slices.Delete(m.resident, i, i+1)
		m.cache.clear()
	}
	r := &resident{model: model, users: 1, ready: make(chan struct{})}
	m.resident = append(m.resident, r)
	time.AfterFunc(m.load, func() { close(r.ready) })
	return r
}

func (m *machine) unuse(r *resident) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r.users--; r.users == 0 {
		close(m.idle)
		m.idle = make(chan struct{})
	}
}

// prefill computes what of the prompt is not cached.
func (m *machine) prefill(ctx context.Context, j *job, messages []Message) bool {
	tokens, chain := prefix(messages, m.seed, cacheBlock)
	for i := range chain {
		chain[i] ^= hashed(j.model)
	}
	m.mu.Lock()
	known, slot := m.cache.claim(chain)
	j.slot, j.prompt = slot, tokens
	m.active++
	m.tokens += tokens
	noise := math.Exp(m.rand.NormFloat64() * 0.15)
	m.mu.Unlock()
	each := float64(m.spec.prefill) * factor(j.model) * noise
	left := max(tokens-known*cacheBlock, 1)
	for first := true; left > 0; first = false {
		n := left
		if m.kv == 0 {
			n = min(left, prefillChunk)
		}
		if !m.compute.enter(ctx) {
			return false
		}
		work := time.Duration(float64(n) * each)
		if first {
			work += requestCost
		}
		ok := m.spend(ctx, work)
		m.compute.leave()
		if !ok {
			return false
		}
		left -= n
	}
	return true
}

// spend waits for work, longer while the machine stalls.
func (m *machine) spend(ctx context.Context, work time.Duration) bool {
	now := time.Since(m.begun)
	return pause(ctx, m.finish(now, work)-now)
}

// next waits for the next token.
func (j *job) next(ctx context.Context) bool {
	m := j.m
	m.mu.Lock()
	others := float64(m.active - 1)
	noise := math.Exp(m.rand.NormFloat64() * 0.1)
	m.mu.Unlock()
	return m.spend(ctx, time.Duration(float64(m.token)*factor(j.model)*(1+m.crowd*others)*noise))
}

// leave frees what the job held.
func (j *job) leave() {
	m := j.m
	if j.slot >= 0 {
		m.mu.Lock()
		m.active--
		m.tokens -= j.prompt
		m.cache.release(j.slot)
		m.mu.Unlock()
	}
	m.lanes.leave()
	m.unuse(j.resident)
}

// loaded are the models that are in memory now.
func (m *machine) loaded() (models []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.resident {
		select {
		case <-r.ready:
			models = append(models, r.model)
		default:
		}
	}
	return models
}

// gauges are what a server like vLLM shows of itself: requests that wait, and
// the share of the cache that is in use.
func (m *machine) gauges() (waiting int, used float64) {
	waiting = m.lanes.waiting() + m.scheduler.waiting() + m.compute.waiting()
	m.mu.Lock()
	defer m.mu.Unlock()
	room := m.kv
	if room == 0 {
		room = m.slots * 8192
	}
	return waiting, min(float64(m.tokens)/float64(room), 1)
}
