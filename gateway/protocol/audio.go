package protocol

import "earshot"

// SourceMix is what is in the one voice slot of who asked for a binaural mix.
const SourceMix Source = "mix"

// AudioMode is how a client gets the voices around it.
type AudioMode string

// The modes.
const (
	// AudioSlots is a line for each of the most audible, which the client places.
	AudioSlots AudioMode = "slots"
	// AudioBinaural is one stereo line that the server mixed for the client's
	// two ears: for phones, weak headsets and narrow downlinks.
	AudioBinaural AudioMode = "binaural"
)

type (
	// SetAudio chooses how voices come from now on.
	SetAudio struct {
		Mode AudioMode `json:"mode"`
	}
	// Audio answers SetAudio: the mode that holds now.
	Audio struct {
		Mode AudioMode `json:"mode"`
	}
	// Audible names all who are in the receiver's mix, when that changed.
	Audible struct {
		Participants []earshot.ParticipantID `json:"participants"`
	}
)

func (*SetAudio) clientType() string { return "audio" }
func (*Audio) serverType() string    { return "audio" }
func (*Audible) serverType() string  { return "audible" }

func (f fields) audio() (ClientMessage, error) {
	mode, err := f.text("mode")
	if err != nil {
		return nil, err
	}
	if m := AudioMode(mode); m != AudioSlots && m != AudioBinaural {
		return nil, invalid(`mode is %s, it must be "slots" or "binaural"`, quote(mode))
	}
	return &SetAudio{Mode: AudioMode(mode)}, nil
}
