package loudness

import "time"

// How an Estimate listens.
const (
	pieceSeconds = 0.4 // of speech, as a block of BS.1770
	estimated    = 32  // pieces: 13 s
	estimatedNow = 3   // of them, by which shouting is noticed
	longestGap   = 0.1 // seconds that one level stands for at most
	// levelBias is by how much a level that rises within 20 ms and falls within
	// 400 is above the loudness of the same speech, in dB: TestEstimateOfSpeech.
	levelBias = 4
)

// Estimate is how loud a talker speaks who is not decoded, by the levels in
// their packets alone (RFC 6464), and by how much a Leveller would level them.
// It is what talkers are compared by: who is loud all the time, or says so, is
// no more audible than others. Unlike a Leveller, which people hear, it need not
// take its time.
//
// An Estimate belongs to one goroutine at a time.
type Estimate struct {
	cfg  Config
	gate float64 // absoluteGate as power
	said said
	gain float64

	at           time.Time // of the last level
	energy, long float64   // of the piece so far, and its seconds
}

// NewEstimate returns an Estimate of a talker who has said nothing: its gain is
// 0 dB. cfg is valid.
func NewEstimate(cfg Config) *Estimate {
	return &Estimate{cfg: cfg, gate: powerOf(absoluteGate), said: newSaid(estimated, estimatedNow)}
}

// Observe takes the talker's smoothed level at a time, in dBov (0 is full scale,
// -127 silence), and whether they are talking. Call it ten times a second or
// more often; times go on. It does not allocate.
func (e *Estimate) Observe(now time.Time, dBov float64, talking bool) {
	long := min(max(now.Sub(e.at).Seconds(), 0), longestGap)
	e.at = now
	power := powerOf(dBov - levelBias)
	if !talking || !(power > e.gate) {
		return
	}
	e.energy, e.long = e.energy+power*long, e.long+long
	if e.long < pieceSeconds {
		return
	}
	e.said.add(e.energy / e.long)
	e.energy, e.long = 0, 0
	e.gain = e.cfg.gain(e.said.loudness())
}

// GainDB returns what is to be added to the talker's level to compare them with
// others.
func (e *Estimate) GainDB() float64 { return e.gain }
