package npc

import (
	"cmp"
	"context"
	"strings"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/npc/router"
	talk "earshot/npc/voice"
)

// shortestClip is what is worth a transcription: less is a cough.
const shortestClip = 200 * time.Millisecond

// HearingConfig says by what NPCs understand speech.
type HearingConfig struct {
	// Model transcribes; "" takes the first that a backend in the catalogue has.
	Model string
	// Prompt holds words to expect, such as names of people and places.
	Prompt string
}

// Transcriber is a Hearing by backends that serve /v1/audio/transcriptions.
type Transcriber struct {
	in     *Inference
	cfg    HearingConfig
	codecs talk.Codecs

	clips, failures, lost atomic.Uint64
}

var _ Hearing = (*Transcriber)(nil)

// NewHearing returns what understands speech: Ability says by what.
func NewHearing(in *Inference, cfg HearingConfig, codecs talk.Codecs) *Transcriber {
	return &Transcriber{in: in, cfg: cfg, codecs: codecs}
}

// Ability says by what speech is understood now where policy demands labels:
// "backend", or "none" and in words for a designer why.
func (t *Transcriber) Ability(labels []string) (kind, reason string) {
	switch {
	case t.in == nil:
		return AbleNone, "no model servers are configured, so nothing turns speech into text: NPCs hear text only"
	case t.in.offers(router.Transcription, labels):
		return AbleBackend, ""
	}
	return AbleNone, "no model server transcribes: add one with the capability transcription (/v1/audio/transcriptions). NPCs hear text only"
}

// Able implements Hearing.
func (t *Transcriber) Able(labels []string) bool {
	kind, _ := t.Ability(labels)
	return kind != AbleNone
}

// HearingFigures counts what a Transcriber did.
type HearingFigures struct {
	Clips    uint64 // that were sent
	Failures uint64 // of those, not transcribed
	Lost     uint64 // packets that had not come
}

// Figures returns the counts so far.
func (t *Transcriber) Figures() HearingFigures {
	return HearingFigures{t.clips.Load(), t.failures.Load(), t.lost.Load()}
}

// Transcribe implements Hearing. Packets may be in any order, lost or doubled;
// only the first 30 s are heard. "" with no error is silence, or too short to
// be a word.
func (t *Transcriber) Transcribe(ctx context.Context, where Where, language string, packets []Packet) (string, error) {
	plain := make([]talk.Packet, len(packets))
	for i, p := range packets {
		plain[i] = talk.Packet(p)
	}
	clip, err := talk.Assemble(plain, t.codecs)
	if err != nil {
		return "", err
	}
	t.lost.Add(uint64(clip.Lost))
	if clip.Duration() < shortestClip {
		return "", nil
	}
	model := cmp.Or(t.cfg.Model, t.in.modelFor(router.Transcription, where.Labels))
	if model == "" {
		return "", earshot.Errorf(earshot.CodeFailedPrecondition, "no backend within policy transcribes: add one")
	}
	primary, _, _ := strings.Cut(language, "-") // servers want ISO 639-1
	t.clips.Add(1)
	text, err := t.in.Transcribe(ctx, where, TranscriptionRequest{
		Model: model, Language: strings.ToLower(primary), Prompt: t.cfg.Prompt, Name: "clip.wav", Clip: clip.WAV(),
	})
	if err != nil {
		t.failures.Add(1)
	}
	return text, err
}
