package run

import (
	"earshot/loadtest"
	"earshot/loadtest/model"
)

// sounds are the recordings that people speak with in groups whose talk has
// voice: real.
type sounds struct {
	voices []*model.Sound
	music  *model.Sound
}

func newSounds() sounds { return sounds{model.Voices(), model.Music()} }

// of returns what p sounds like: music on a stage, else one of the voices.
func (s sounds) of(p *person) loadtest.Sound {
	if p.group.Talk.Kind == "stage" {
		return s.music
	}
	return s.voices[int(p.number)%len(s.voices)]
}
