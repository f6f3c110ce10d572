package loudness

// Voice is what a talker's sound goes through before it is mixed: a gate, then
// a leveller, so that noise is never levelled up.
type Voice struct {
	gate     Gate
	leveller *Leveller
}

// NewVoice returns a Voice for a new talker. cfg is valid.
func NewVoice(cfg Config) *Voice { return &Voice{leveller: NewLeveller(cfg)} }

// Process gates and levels the next frame of FrameSamples in place, and reports
// whether any of it is to be heard; else all of it is 0, and need not be mixed.
func (v *Voice) Process(pcm []float32) bool {
	if !v.gate.Process(pcm) {
		return false
	}
	v.leveller.Process(pcm)
	return true
}

// Rest is for a tick without sound.
func (v *Voice) Rest() { v.gate.Rest() }

// GainDB returns by how much the talker is levelled now. Add it to the level at
// which they arrive (RFC 6464) to compare talkers.
func (v *Voice) GainDB() float64 { return v.leveller.GainDB() }
