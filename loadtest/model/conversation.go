package model

import (
	"math"
	"math/rand/v2"
	"time"
)

// ConversationConfig is how a group talks with one another.
type ConversationConfig struct {
	Members int     // at least 1; one alone talks and pauses
	Level   float64 // mean level while talking, dBov (-127 to 0); each voice is up to 4 dB louder or quieter
	DTX     bool    // as in TalkConfig
}

// The states of a conversation and their mean lengths are those of ITU-T P.59
// (03/93), which makes artificial conversations of two: somebody talks alone
// for 0.854 s on average; then with a probability of 0.4 somebody else begins
// before the first has ended (0.226 s), else nobody says anything (0.456 s);
// after either it is one of two with even chances. The lengths are exponential.
// That makes 22 % of mutual silence and 7 % of double talk, of which table 1
// of the Recommendation, measured on real calls, has 22.48 % and 6.59 %.
const (
	aloneFor     = 854 * time.Millisecond
	togetherFor  = 226 * time.Millisecond
	nobodyFor    = 456 * time.Millisecond
	interrupting = 0.4
	keeping      = 0.5 // who talked before talks on
)

// nobody is the second voice of a state with only one.
const nobody = -1

// Conversation is one member's part of a conversation among a group: who
// talks, when another takes over, and the short times when two or none do.
// Each member carries its own copy of it, so that members may be asked from
// different goroutines: they agree because the seed is the same and each asks
// once per frame. Who joins late catches up with Skip. Not safe for concurrent
// use.
type Conversation struct {
	cfg    ConversationConfig
	member int
	turns  *rand.Rand // the same for all members
	floor  int        // who talks, or talked last
	second int        // who talks as well, or nobody
	quiet  bool
	left   int // frames until the state changes
	loud   loudness
	gate   gate
}

// NewConversation returns the part of member, from 0, in the conversation with
// this seed. It begins with a silence.
func NewConversation(cfg ConversationConfig, seed uint64, member int) *Conversation {
	own := seeded(seed, 0xc0_0000+uint64(member))
	c := &Conversation{
		cfg: cfg, member: member, turns: seeded(seed, 0xc0), second: nobody, quiet: true,
		loud: loudness{rng: own, mean: cfg.Level + 8*own.Float64() - 4},
		gate: gate{dtx: cfg.DTX},
	}
	c.floor = c.turns.IntN(max(1, cfg.Members))
	c.left = c.frames(nobodyFor)
	return c
}

// Next implements Talking.
func (c *Conversation) Next() Spoken {
	for c.left <= 0 {
		c.change()
	}
	c.left--
	voice := !c.quiet && c.floor == c.member || c.second == c.member
	return c.gate.pass(Spoken{Voice: voice, Level: c.loud.level(voice)})
}

// change goes to the next state: one voice, then two or none, then one.
func (c *Conversation) change() {
	interrupted := c.turns.Float64() < interrupting && c.cfg.Members > 1
	stays := c.turns.Float64() < keeping
	switch {
	case c.quiet:
		if !stays {
			c.floor = c.other()
		}
		c.quiet, c.left = false, c.frames(aloneFor)
	case c.second != nobody:
		if !stays {
			c.floor = c.second
		}
		c.second, c.left = nobody, c.frames(aloneFor)
	case interrupted:
		c.second, c.left = c.other(), c.frames(togetherFor)
	default:
		c.quiet, c.left = true, c.frames(nobodyFor)
	}
}

// other returns anybody but who has the floor.
func (c *Conversation) other() int {
	if c.cfg.Members < 2 {
		return c.floor
	}
	return (c.floor + 1 + c.turns.IntN(c.cfg.Members-1)) % c.cfg.Members
}

// frames draws a length. Rounding to whole frames keeps the mean.
func (c *Conversation) frames(mean time.Duration) int {
	return int(math.Round(float64(mean) / float64(FrameDuration) * math.Min(c.turns.ExpFloat64(), 10)))
}

var _ Talking = (*Conversation)(nil)

// Skip lets so many frames pass unsaid: of one who joins a conversation that
// has been going on.
func Skip(t Talking, frames int) {
	for range frames {
		t.Next()
	}
}
