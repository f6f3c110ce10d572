package model

// Performer is the sound of a stage: music without a pause. Not safe for
// concurrent use.
type Performer struct{ loud loudness }

// NewPerformer returns a performer whose mean level is so many dBov.
func NewPerformer(level float64, seed uint64) *Performer {
	return &Performer{loud: loudness{rng: seeded(seed, 0x57a6e), mean: level}}
}

// Next implements Talking: every frame is sent and is sound.
func (p *Performer) Next() Spoken {
	first := p.loud.tick == 0
	return Spoken{Send: true, Start: first, Voice: true, Level: p.loud.level(true)}
}

var _ Talking = (*Performer)(nil)
