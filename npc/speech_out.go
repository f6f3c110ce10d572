package npc

import (
	"context"

	"earshot/npc/persona"
	talk "earshot/npc/voice"
)

// Speaker turns text into voice: Voices does.
type Speaker interface {
	// Speak begins to say a sentence. The caller closes the Utterance; ending
	// ctx ends it too.
	Speak(ctx context.Context, where Where, v persona.Voice, text string) (Utterance, error)
	// Able reports whether anything that has all of the labels speaks now.
	Able(labels []string) bool
}

// Utterance is the sound of a sentence, which may still be in the making.
type Utterance interface {
	// Next returns the next 20 ms, io.EOF after the last. It may block.
	Next() (VoiceFrame, error)
	Close()
}

// VoiceFrame is 20 ms of voice as an Opus packet, and its level in dBov.
type VoiceFrame = talk.Frame

// Hearing turns voice into text: Transcriber does.
type Hearing interface {
	// Transcribe returns what is said in a clip, "" for nothing. The language
	// is a BCP 47 tag, or "" to have it detected.
	Transcribe(ctx context.Context, where Where, language string, clip []Packet) (string, error)
	// Able reports whether anything that has all of the labels understands
	// voices now.
	Able(labels []string) bool
}

// Packet is one Opus packet of a talker, as it came.
type Packet = talk.Packet
