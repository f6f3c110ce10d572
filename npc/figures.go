package npc

import (
	"math"
	"slices"
	"sync"
	"time"
)

// Figures says how an actor has done since it began. Times are in
// milliseconds, over the newest of its answers.
type Figures struct {
	Turns       uint64 `json:"turns"`       // answers given, in whatever way
	Scripted    uint64 `json:"scripted"`    // of these without a model's words
	Degraded    uint64 `json:"degraded"`    // by a model that was not quite what was asked for
	Interrupted uint64 `json:"interrupted"` // cut by somebody who spoke
	Resumed     uint64 `json:"resumed"`     // cut by a noise, and gone on with

	TTFT50 float64 `json:"ttft_p50_ms"` // of the model's first token
	TTFT95 float64 `json:"ttft_p95_ms"`
	Word50 float64 `json:"word_p50_ms"` // from the end of the player's turn to the first word
	Word95 float64 `json:"word_p95_ms"`

	TokensIn  uint64  `json:"tokens_in"`
	TokensOut uint64  `json:"tokens_out"`
	Cost      float64 `json:"cost"` // by the backends' prices

	Greeted    uint64 `json:"greeted"`
	Busy       uint64 `json:"busy"`        // turned away because too many waited
	Unheard    uint64 `json:"unheard"`     // voices not followed because too many spoke
	Deaf       uint64 `json:"deaf"`        // transcriptions that failed
	Mute       uint64 `json:"mute"`        // sentences without voice because speech failed
	Forgetful  uint64 `json:"forgetful"`   // calls of the memory that failed or were late
	Screened   uint64 `json:"screened"`    // sentences that moderation withheld
	Acted      uint64 `json:"acted"`       // proposed actions that the rules allowed
	NotAllowed uint64 `json:"not_allowed"` // and those they did not
	Dropped    uint64 `json:"dropped"`     // perceptions there was no room for

	LastError   string    `json:"last_error,omitempty"`
	LastErrorAt time.Time `json:"last_error_at,omitzero"`
}

// tally gathers Figures. The actor's goroutine writes, anybody reads.
type tally struct {
	mu   sync.Mutex
	f    Figures
	ttft window
	word window
}

func newTally() *tally { return &tally{} }

func (t *tally) add(change func(*Figures)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.f)
}

func (t *tally) failed(now time.Time, what string) {
	t.add(func(f *Figures) { f.LastError, f.LastErrorAt = what, now })
}

func (t *tally) firstToken(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ttft.put(d)
}

func (t *tally) firstWord(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.word.put(d)
}

func (t *tally) report(dropped uint64) Figures {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.f
	f.TTFT50, f.TTFT95 = t.ttft.quantile(.5), t.ttft.quantile(.95)
	f.Word50, f.Word95 = t.word.quantile(.5), t.word.quantile(.95)
	f.Dropped = dropped
	return f
}

// windowSize is how many answers quantiles are taken over.
const windowSize = 128

// window is the newest durations.
type window struct {
	all  [windowSize]time.Duration
	n, i int
}

func (w *window) put(d time.Duration) {
	w.all[w.i] = d
	w.i = (w.i + 1) % windowSize
	w.n = min(w.n+1, windowSize)
}

// quantile returns milliseconds, 0 where there is nothing yet.
func (w *window) quantile(q float64) float64 {
	if w.n == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(w.all[:w.n]))
	return ms(sorted[int(math.Ceil(q*float64(w.n)))-1])
}
