package model

import (
	"math"
	"math/rand/v2"
	"time"
)

// TalkConfig is how a bot talks.
type TalkConfig struct {
	Spurt time.Duration // mean length of a talkspurt
	Pause time.Duration // mean length of a pause; 0 talks without end
	Level float64       // mean level while talking, dBov (-127 to 0)
	DTX   bool          // send next to nothing in pauses, as Opus with DTX does
	Mute  bool          // never talk, send nothing
}

// DefaultTalk has the talkspurts and pauses of telephone conversation (ITU-T
// P.59, table 1: 1.004 s and 1.587 s, so 39 % of the time is speech).
func DefaultTalk() TalkConfig {
	return TalkConfig{Spurt: 1004 * time.Millisecond, Pause: 1587 * time.Millisecond, Level: -26}
}

// Monologue is how one talks who is not talked to: long sentences, short
// pauses to breathe.
func Monologue() TalkConfig {
	talk := DefaultTalk()
	talk.Spurt, talk.Pause = 6*time.Second, 700*time.Millisecond
	return talk
}

// Unending is talk without a pause. Of everybody at once it is the worst case.
func Unending() TalkConfig {
	talk := DefaultTalk()
	talk.Pause = 0
	return talk
}

// Silent sends nothing at all.
func Silent() TalkConfig { return TalkConfig{Mute: true} }

// Spoken is what a Talker does in one frame.
type Spoken struct {
	Send  bool  // whether a packet is sent at all
	Noise bool  // comfort noise of DTX: a packet without sound in it
	Start bool  // first packet after a silence not sent: the RTP marker (RFC 7587 section 4.2)
	Voice bool  // the V bit of RFC 6464
	Level uint8 // -dBov, 0 to 127, as RFC 6464 has it
}

// Talker decides frame by frame whether a bot speaks and how loud. It is pure:
// the same seed speaks the same. Not safe for concurrent use.
type Talker struct {
	cfg   TalkConfig
	rng   *rand.Rand
	loud  loudness
	voice bool
	left  int // frames until the state changes
	gate  gate
}

// NewTalker returns a talker that begins in a pause.
func NewTalker(cfg TalkConfig, seed uint64) *Talker {
	rng := seeded(seed, 0x7a1c)
	t := &Talker{cfg: cfg, rng: rng, loud: loudness{rng: rng, mean: cfg.Level}, gate: gate{dtx: cfg.DTX}}
	t.left = t.draw(cfg.Pause)
	return t
}

// Next advances one frame of 20 ms.
func (t *Talker) Next() Spoken {
	if t.cfg.Mute {
		return Spoken{Level: 127}
	}
	for t.left <= 0 {
		t.voice = !t.voice
		t.left = t.draw(t.mean())
	}
	t.left--
	return t.gate.pass(Spoken{Voice: t.voice, Level: t.loud.level(t.voice)})
}

func (t *Talker) mean() time.Duration {
	if t.voice {
		return t.cfg.Spurt
	}
	return t.cfg.Pause
}

// draw returns an exponentially distributed number of frames with the mean d.
// Talkspurts and pauses are close to that (Brady 1965); ten means at most.
func (t *Talker) draw(d time.Duration) int {
	if d <= 0 {
		return 0
	}
	if t.cfg.Pause <= 0 {
		return math.MaxInt
	}
	mean := float64(d) / float64(FrameDuration)
	return max(1, int(math.Round(mean*math.Min(t.rng.ExpFloat64(), 10))))
}
