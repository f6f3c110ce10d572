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
	cfg     TalkConfig
	rng     *rand.Rand
	voice   bool
	left    int // frames until the state changes
	tick    int
	since   int // frames since the last one sent
	started bool
	spoke   bool // the last frame was speech
}

// dtxFrames is how often Opus refreshes comfort noise under DTX: once as a
// pause begins, and then every 400 ms.
const dtxFrames = 20

const (
	noiseFloor = -68.0 // dBov of a quiet room
	syllables  = 4.0   // per second
	swing      = 5.0   // dB either side, per syllable
)

// NewTalker returns a talker that begins in a pause.
func NewTalker(cfg TalkConfig, seed uint64) *Talker {
	t := &Talker{cfg: cfg, rng: rand.New(rand.NewPCG(seed, 0x7a1c))}
	t.left = t.draw(cfg.Pause)
	return t
}

// Next advances one frame of 20 ms.
func (t *Talker) Next() Spoken {
	t.tick++
	if t.cfg.Mute {
		return Spoken{Level: 127}
	}
	for t.left <= 0 {
		t.voice = !t.voice
		t.left = t.draw(t.mean())
	}
	t.left--
	s := Spoken{Voice: t.voice, Level: t.level()}
	t.since++
	s.Send = t.voice || !t.cfg.DTX || t.spoke || t.since >= dtxFrames
	t.spoke = t.voice
	if s.Send {
		s.Noise = t.cfg.DTX && !t.voice
		s.Start = t.voice && (!t.started || t.since > 1)
		t.started, t.since = true, 0
	}
	return s
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

func (t *Talker) level() uint8 {
	db := noiseFloor + 2*t.rng.NormFloat64()
	if t.voice {
		phase := 2 * math.Pi * syllables * float64(t.tick) * FrameDuration.Seconds()
		db = t.cfg.Level + swing*math.Sin(phase) + 2*t.rng.NormFloat64()
	}
	return uint8(math.Round(math.Max(0, math.Min(127, -db))))
}
