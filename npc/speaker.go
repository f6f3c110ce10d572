package npc

import (
	"cmp"
	"context"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/npc/persona"
	"earshot/npc/router"
	talk "earshot/npc/voice"
)

// Limits of speaking.
const (
	defaultFirstSound = 3 * time.Second
	maxPreviewText    = 500 // bytes
	maxPreview        = time.Minute
)

// The kinds of ability.
const (
	AbleBackend = "backend"
	AbleEspeak  = "espeak-ng"
	AbleNone    = "none"
)

// SpeakerConfig says by what NPCs speak.
type SpeakerConfig struct {
	// Model speaks; "" takes the first that a backend in the catalogue has. A
	// persona may name another.
	Model string
	// Espeak is the name or path of espeak-ng, "" for "espeak-ng" if it is
	// installed, "off" for never.
	Espeak string
	// FirstSound is how long a backend may take to its first sound before
	// espeak-ng says the sentence; 0 is 3 s. Without espeak-ng it may take as
	// long as its own deadlines allow.
	FirstSound time.Duration
}

// Voices is a Speaker: by backends that serve /v1/audio/speech, and by espeak-ng
// where there are none, or for a sentence that they fail to say.
type Voices struct {
	in     *Inference   // nil: no backends
	espeak *talk.Espeak // nil: not installed
	cfg    SpeakerConfig
	codecs talk.Codecs

	missing string // why there is no espeak-ng

	begun, fellBack, failed atomic.Uint64
}

var _ Speaker = (*Voices)(nil)

// NewSpeaker returns what speaks: Ability says by what. ctx bounds the search
// for espeak-ng.
func NewSpeaker(ctx context.Context, in *Inference, cfg SpeakerConfig, codecs talk.Codecs) *Voices {
	if cfg.FirstSound <= 0 {
		cfg.FirstSound = defaultFirstSound
	}
	v := &Voices{in: in, cfg: cfg, codecs: codecs, missing: "espeak-ng is switched off"}
	if cfg.Espeak != "off" {
		var err error
		if v.espeak, err = talk.FindEspeak(ctx, cmp.Or(cfg.Espeak, "espeak-ng")); err != nil {
			v.espeak, v.missing = nil, text(err)
		}
	}
	return v
}

// Ability says by what sentences are spoken now where policy demands labels:
// "backend", "espeak-ng" or "none", and in words for a designer why not by
// better.
func (v *Voices) Ability(labels []string) (kind, reason string) {
	switch {
	case v.in == nil:
		reason = "no model servers are configured"
	case v.in.offers(router.Speech, labels):
		return AbleBackend, ""
	default:
		reason = "no model server speaks: add one with the capability speech (/v1/audio/speech)"
	}
	if v.espeak != nil {
		return AbleEspeak, reason
	}
	return AbleNone, reason + "; " + v.missing
}

// Able implements Speaker.
func (v *Voices) Able(labels []string) bool {
	kind, _ := v.Ability(labels)
	return kind != AbleNone
}

// SpeakerFigures counts what a Voices did.
type SpeakerFigures struct {
	Sentences uint64 // that were begun
	FellBack  uint64 // of those, said by espeak-ng because a backend failed
	Failed    uint64 // that nothing could say
}

// Figures returns the counts so far.
func (v *Voices) Figures() SpeakerFigures {
	return SpeakerFigures{v.begun.Load(), v.fellBack.Load(), v.failed.Load()}
}

// Speak implements Speaker. It returns with the first sound; where a backend
// has none in time, or none at all, espeak-ng speaks. Errors unwrap to
// *earshot.Error, or are of a ctx that ended.
func (v *Voices) Speak(ctx context.Context, where Where, p persona.Voice, sentence string) (Utterance, error) {
	u, err := v.begin(ctx, where, p, sentence)
	switch {
	case ctx.Err() != nil && err != nil: // given up, not failed
		return nil, ctx.Err()
	case err != nil:
		v.failed.Add(1)
		return nil, err
	}
	v.begun.Add(1)
	return sentenceOf{u}, nil
}

// sentenceOf makes what npc/voice speaks an Utterance.
type sentenceOf struct{ *talk.Utterance }

// Next implements Utterance.
func (s sentenceOf) Next() (VoiceFrame, error) {
	f, err := s.Utterance.Next()
	return VoiceFrame(f), err
}

func (v *Voices) begin(ctx context.Context, where Where, p persona.Voice, sentence string) (*talk.Utterance, error) {
	model, err := v.model(where, p)
	if err == nil {
		var u *talk.Utterance
		if u, err = v.beginBackend(ctx, where, p, model, sentence); err == nil {
			return u, nil
		}
	}
	if v.espeak == nil || ctx.Err() != nil {
		return nil, err
	}
	sound, err := v.espeak.Speak(ctx, sentence, p.Language, p.Name, p.Speed)
	if err != nil {
		return nil, err
	}
	u, err := talk.Begin(ctx, sound, talk.Format{}, v.codecs)
	if err == nil && model != "" {
		v.fellBack.Add(1)
	}
	return u, err
}

// model returns the speech model for a voice, or why there is none.
func (v *Voices) model(where Where, p persona.Voice) (string, error) {
	if v.in == nil {
		return "", earshot.Errorf(earshot.CodeFailedPrecondition, "no model servers are configured")
	}
	known := v.in.modelFor(router.Speech, where.Labels)
	if known == "" && v.espeak != nil {
		return "", earshot.Errorf(earshot.CodeFailedPrecondition, "no backend within policy speaks: add one")
	}
	model := cmp.Or(p.Model, v.cfg.Model, known)
	if model == "" {
		return "", earshot.Errorf(earshot.CodeFailedPrecondition, "no backend within policy speaks: add one")
	}
	return model, nil
}

// beginBackend asks a backend for a sentence and waits for its first sound,
// where espeak-ng could speak instead no longer than FirstSound.
func (v *Voices) beginBackend(ctx context.Context, where Where, p persona.Voice, model, sentence string) (*talk.Utterance, error) {
	ctx, cancel := context.WithCancel(ctx)
	timely := func() bool { return true }
	if v.espeak != nil {
		timely = time.AfterFunc(v.cfg.FirstSound, cancel).Stop
	}
	sound, err := v.in.Speak(ctx, where, speechRequest(p, model, sentence))
	if err != nil {
		timely()
		cancel()
		return nil, err
	}
	u, err := talk.Begin(ctx, soundOf{sound, cancel}, talk.Format{}, v.codecs)
	if !timely() && err == nil { // the time was up in the same moment
		u.Close()
		err = earshot.Errorf(earshot.CodeDeadlineExceeded, "%s made no sound in %v", model, v.cfg.FirstSound)
	}
	if err != nil {
		return nil, err
	}
	return u, nil
}

func speechRequest(p persona.Voice, model, text string) SpeechRequest {
	return SpeechRequest{Model: model, Voice: p.Name, Text: text, Format: "wav", Speed: p.Speed}
}

// soundOf is the sound of a backend, whose request ends with it.
type soundOf struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (s soundOf) Close() error {
	s.cancel()
	return s.ReadCloser.Close()
}

// Preview returns how a voice says a text, as a WAV file of 48 kHz: what
// listeners would hear, without Opus. Text above 500 bytes and sound above a
// minute are refused. Errors unwrap to *earshot.Error, or are of a ctx that
// ended.
func (v *Voices) Preview(ctx context.Context, where Where, p persona.Voice, sentence string) (wav []byte, err error) {
	if sentence == "" || len(sentence) > maxPreviewText {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "a text of %d bytes, want 1 to %d", len(sentence), maxPreviewText)
	}
	model, err := v.model(where, p)
	if err == nil {
		var sound io.ReadCloser
		if sound, err = v.in.Speak(ctx, where, speechRequest(p, model, sentence)); err == nil {
			wav, err = preview(ctx, sound)
		}
	}
	switch {
	case err == nil:
		return wav, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case v.espeak == nil:
		return nil, err
	}
	sound, err := v.espeak.Speak(ctx, sentence, p.Language, p.Name, p.Speed)
	if err != nil {
		return nil, err
	}
	return preview(ctx, sound)
}

func preview(ctx context.Context, sound io.ReadCloser) ([]byte, error) {
	s := talk.NewSound(ctx, sound, talk.Format{})
	defer s.Close()
	return s.WAV(maxPreview)
}

// modelFor returns a model that some backend with all of the labels can be used
// with in a way, "" where there is none: one of a backend that answers, if
// there is one, and of those the first by name.
func (c *Catalogue) modelFor(can router.Capability, labels []string) (name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	answers := false
	for _, e := range c.entries {
		if slices.ContainsFunc(labels, func(l string) bool { return !slices.Contains(e.cfg.Labels, l) }) {
			continue
		}
		described, _ := e.cfg.describe() // was valid when it came in
		for _, m := range described.Models {
			if m.Capabilities&can == 0 || slices.Contains(e.missing, m.Name) || answers && !e.known {
				continue
			}
			if name == "" || e.known && !answers || m.Name < name {
				name, answers = m.Name, e.known
			}
		}
	}
	return name
}

// offers reports whether a backend that answers, with all of the labels, has a
// model that can be used in a way.
func (c *Catalogue) offers(can router.Capability, labels []string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries {
		if !e.known || slices.ContainsFunc(labels, func(l string) bool { return !slices.Contains(e.cfg.Labels, l) }) {
			continue
		}
		described, _ := e.cfg.describe() // was valid when it came in
		if slices.ContainsFunc(described.Models, func(m router.Model) bool {
			return m.Capabilities&can != 0 && !slices.Contains(e.missing, m.Name)
		}) {
			return true
		}
	}
	return false
}
