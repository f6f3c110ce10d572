package router

import "time"

// What is assumed of a model on a backend before it was measured.
const (
	priorPerToken = 0.001 // s per uncached prompt token
	priorTPOT     = 0.03  // s per token
	priorOutput   = 64    // tokens
	priorLoad     = 5.0   // s
)

const (
	warmSamples = 20               // first tokens after which the prediction is trusted
	staleAfter  = 30 * time.Second // without a first token it is not trusted to refuse
	// overheadTokens is what a request costs before its first prompt token,
	// in tokens: without it a prompt that is cached would cost nothing, and
	// the cost per token could not be learnt from it.
	overheadTokens = 16
	slower, faster = 0.2, 0.08 // weights of samples above and below the mean
)

// speed is what is learnt of one model on one backend. Times are in seconds.
type speed struct {
	perToken float64 // per uncached prompt token
	ttft     float64 // mean time to the first token, for the cold rule
	tpot     line    // per token over the others active
	output   float64 // mean tokens of an answer
	load     float64
	answers  int
	loads    int
	samples  int // first tokens
	last     time.Time
}

func (s *speed) warm() bool { return s.samples >= warmSamples }

func (s *speed) fresh(now time.Time) bool { return s.warm() && now.Sub(s.last) < staleAfter }

func (s *speed) costPerToken() float64 {
	if s.samples == 0 {
		return priorPerToken
	}
	return s.perToken
}

func (s *speed) tokens() float64 {
	if s.answers == 0 {
		return priorOutput
	}
	return s.output
}

func (s *speed) loadTime() float64 {
	if s.loads == 0 {
		return priorLoad
	}
	return s.load
}

// perOutput returns the time per output token with active requests at work.
func (s *speed) perOutput(active int) float64 {
	return s.tpot.at(float64(max(active-1, 0)), priorTPOT)
}

// firstToken learns from a time to the first token. apart is what of it was
// predicted to be round trip and waiting; work is the uncached tokens, own and
// ahead. One that loaded the model teaches the load time and nothing else.
func (s *speed) firstToken(ttft, apart, work float64, loaded bool, now time.Time) {
	if !loaded {
		load := max(0, ttft-apart-work*s.costPerToken())
		s.load = ewma(s.load, load, 0.5, s.loads == 0)
		s.loads++
		return
	}
	sample := max(0, ttft-apart) / work
	s.perToken = asymmetric(s.perToken, sample, s.samples == 0)
	s.ttft = asymmetric(s.ttft, ttft, s.samples == 0)
	s.samples++
	s.last = now
}

// asymmetric believes bad news sooner than good.
func asymmetric(old, sample float64, first bool) float64 {
	alpha := faster
	if sample > old {
		alpha = slower
	}
	return ewma(old, sample, alpha, first)
}

// answer learns from a finished answer of n tokens that took d after its first
// one, with active requests at work.
func (s *speed) answer(n int, d time.Duration, active int) {
	s.output = ewma(s.output, float64(n), 0.1, s.answers == 0)
	s.answers++
	if n > 1 && d > 0 {
		s.tpot.add(float64(max(active-1, 0)), d.Seconds()/float64(n-1))
	}
}
