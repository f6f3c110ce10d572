package npc

import (
	"cmp"
	"time"
)

// The two models of the contest, and what they cost beside each other.
const (
	talker     = "npc-8b"
	guard      = "guard-1b"
	guardShare = 0.25 // of what the talker costs, for each token
)

// spec says what a machine of the contest can do. The times are what a
// request costs on it, apart from noise.
type spec struct {
	id, region, api string
	slots           int
	rtt             time.Duration
	prefill         time.Duration // for each uncached prompt token of the talker
	token           time.Duration // for each output token of the talker, alone
	crowd           float64       // how much slower each other active request makes it
	kv              int           // tokens of prefix cache; 0: each slot remembers its last prompt
	models          []string
	memory          int           // how many models it holds at once; 0: all
	load            time.Duration // of a model; 0: all are loaded from the start
	every, lasts    time.Duration // it stalls so often, so long
	slower          float64       // by this much, while it stalls
}

// contestants are twelve machines in two regions; the callers are in "eu".
// There are fast, slow, cold and stalling ones, of one slot and of many. Five
// have the model of moderation beside the talker, two of these without the
// memory for both at once.
func contestants() []spec {
	ms, us := time.Millisecond, time.Microsecond
	one, both := []string{talker}, []string{talker, guard}
	return []spec{
		{id: "eu-fast", region: "eu", api: "openai", slots: 16, rtt: 2 * ms, prefill: 60 * us, token: 12 * ms, crowd: .03, kv: 120_000, models: both},
		{id: "eu-large", region: "eu", api: "openai", slots: 16, rtt: 2 * ms, prefill: 120 * us, token: 20 * ms, crowd: .03, kv: 60_000, models: one},
		{id: "eu-stalling", region: "eu", api: "openai", slots: 8, rtt: 3 * ms, prefill: 100 * us, token: 18 * ms, crowd: .05, kv: 40_000, models: one,
			every: 5 * time.Second, lasts: 1200 * ms, slower: 10},
		{id: "eu-middle", region: "eu", api: "ollama", slots: 4, rtt: 3 * ms, prefill: 250 * us, token: 22 * ms, crowd: .1, models: both},
		{id: "eu-cold", region: "eu", api: "ollama", slots: 4, rtt: 3 * ms, prefill: 200 * us, token: 20 * ms, crowd: .1, models: one, memory: 1, load: 3 * time.Second},
		{id: "eu-slow", region: "eu", api: "ollama", slots: 1, rtt: 4 * ms, prefill: 800 * us, token: 40 * ms, models: one},
		{id: "eu-evicting", region: "eu", api: "ollama", slots: 2, rtt: 4 * ms, prefill: 400 * us, token: 30 * ms, crowd: .2, models: both, memory: 1, load: 2 * time.Second},
		{id: "us-fast", region: "us", api: "openai", slots: 16, rtt: 80 * ms, prefill: 70 * us, token: 12 * ms, crowd: .03, kv: 120_000, models: one},
		{id: "us-stalling", region: "us", api: "openai", slots: 8, rtt: 80 * ms, prefill: 120 * us, token: 20 * ms, crowd: .05, kv: 40_000, models: both,
			every: 7 * time.Second, lasts: 1500 * ms, slower: 10},
		{id: "us-middle", region: "us", api: "ollama", slots: 4, rtt: 85 * ms, prefill: 300 * us, token: 25 * ms, crowd: .1, models: one},
		{id: "us-slow", region: "us", api: "ollama", slots: 1, rtt: 90 * ms, prefill: 1000 * us, token: 45 * ms, models: one},
		{id: "us-evicting", region: "us", api: "ollama", slots: 2, rtt: 85 * ms, prefill: 400 * us, token: 30 * ms, crowd: .2, models: both, memory: 1, load: 2 * time.Second},
	}
}

// config is what an operator would write of the machine: no speed of it.
func (s *spec) config(url string) BackendConfig {
	b := BackendConfig{
		ID: s.id, API: s.api, URL: url, Region: s.region, Slots: s.slots, KVTokens: s.kv, Labels: []string{s.region},
		Hang: 10 * time.Second, Total: time.Minute,
	}
	for _, m := range s.models {
		b.Models = append(b.Models, ModelConfig{Name: m, Context: 8192})
	}
	return b
}

// factor is what model costs in parts of the talker.
func factor(model string) float64 {
	if model == guard {
		return guardShare
	}
	return 1
}

// finish returns when work that takes d at full speed is done on a machine
// that began at zero, if it begins at now: what falls into a stall takes
// longer.
func (s *spec) finish(now, d time.Duration) time.Duration {
	if s.every == 0 {
		return now + d
	}
	for d > 0 {
		phase := now % s.every
		calm := s.every - s.lasts // the stall is the end of each period
		until, rate := calm-phase, 1.0
		if phase >= calm {
			until, rate = s.every-phase, s.slower
		}
		done := time.Duration(float64(until) / rate)
		if d <= done {
			return now + time.Duration(float64(d)*rate)
		}
		now, d = now+until, d-done
	}
	return now
}

// atMost is how many models fit.
func (s *spec) atMost() int { return cmp.Or(s.memory, len(s.models)) }
