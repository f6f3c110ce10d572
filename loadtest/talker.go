package loadtest

import "earshot/loadtest/model"

// TalkConfig is how a Talker talks; see model.
type TalkConfig = model.TalkConfig

// Talker is one person's talkspurts and pauses; see model.
type Talker = model.Talker

// Spoken is what a voice does in one frame of 20 ms; see model.
type Spoken = model.Spoken

// DefaultTalk has the talkspurts and pauses of telephone conversation.
func DefaultTalk() TalkConfig { return model.DefaultTalk() }

// NewTalker returns a talker that begins in a pause.
func NewTalker(cfg TalkConfig, seed uint64) *Talker { return model.NewTalker(cfg, seed) }
