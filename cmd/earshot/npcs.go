package main

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot/deploy"
	"earshot/gateway"
	"earshot/npc"
	"earshot/npc/director"
	"earshot/npc/library"
	"earshot/npc/store"
	"earshot/npc/voice"
	"earshot/spatialaudio/opus"
)

// NPCConfig says how the NPCs of all worlds think, speak, hear and remember.
type NPCConfig struct {
	// Personas is a folder of files NAME.yaml, besides those that come along.
	Personas string `yaml:"personas"`
	// Region is where answers are wanted, Models are acceptable ones, best
	// first, where a persona names none; none: whatever there is.
	Region        string              `yaml:"region"`
	Models        []string            `yaml:"models"`
	Speech        SpeechConfig        `yaml:"speech"`
	Transcription TranscriptionConfig `yaml:"transcription"`
	// Deadline is how long an NPC thinks before it says a scripted line.
	Deadline time.Duration `yaml:"deadline"`
	// Grace is how long after that the model may still answer; then what it
	// says comes after the scripted line.
	Grace  time.Duration    `yaml:"grace"`
	Memory npc.MemoryConfig `yaml:"memory"`
	// Store keeps memories, versions of personas and tuned worlds.
	Store store.Config `yaml:"store"`
}

// SpeechConfig says by what NPCs speak.
type SpeechConfig struct {
	// Model of /v1/audio/speech; "" takes the first that a backend has.
	Model string `yaml:"model"`
	// Espeak is espeak-ng's name or path, "" for espeak-ng where it is
	// installed, "off" for never.
	Espeak string `yaml:"espeak"`
}

// TranscriptionConfig says by what NPCs understand speech.
type TranscriptionConfig struct {
	// Model of /v1/audio/transcriptions; "" takes the first that a backend has.
	Model string `yaml:"model"`
	// Prompt holds words to expect, such as names.
	Prompt string `yaml:"prompt"`
}

func defaultNPCs() NPCConfig {
	return NPCConfig{Models: []string{}, Deadline: 4 * time.Second, Grace: 20 * time.Second, Memory: npc.MemoryConfig{Retention: npc.DefaultRetention}}
}

func (c *NPCConfig) validate() error {
	if err := c.Memory.Validate(); err != nil {
		return usagef("configuration: npc.memory.%s", message(err))
	}
	if err := c.Store.Validate(); err != nil {
		return usagef("configuration: npc.store.%s", message(err))
	}
	if c.Deadline < 500*time.Millisecond || c.Deadline > time.Minute {
		return usagef("configuration: npc.deadline: %v is outside 500ms to 1m", c.Deadline)
	}
	if c.Grace < 0 || c.Grace > 40*time.Second {
		return usagef("configuration: npc.grace: %v is outside 0 to 40s", c.Grace)
	}
	if c.Personas != "" {
		if info, err := os.Stat(c.Personas); err != nil || !info.IsDir() {
			return usagef("configuration: npc.personas: %q is no folder", c.Personas)
		}
	}
	return nil
}

// cast opens what NPCs need. The caller calls close in the end.
func (c *NPCConfig) cast(ctx context.Context, in *npc.Inference, metrics prometheus.Registerer, log *slog.Logger) (gateway.NPCs, func(), error) {
	kept, kind, err := store.Open(ctx, c.Store)
	if err != nil {
		return gateway.NPCs{}, nil, usagef("configuration: npc.store: %s", message(err))
	}
	closeAll := func() {
		if err := kept.Close(); err != nil {
			log.Warn("closing the store", "err", err)
		}
	}
	if kind == store.KindMemory {
		log.Info("memories of NPCs and what designers change last until the end of this process; npc.store.path keeps them")
	}
	counted, err := npc.NewActorMetrics(metrics)
	if err != nil {
		closeAll()
		return gateway.NPCs{}, nil, err
	}
	out := gateway.NPCs{
		Library: library.New(kept), Store: kept, Memory: npc.NewMemory(kept, c.Memory), Metrics: counted, Kept: kind,
		Personas: personas{c.Personas}, Region: c.Region, Models: c.Models, SpeechModel: c.Speech.Model,
		Timing: director.Timing{Deadline: c.Deadline, Grace: c.Grace},
	}
	codecs := newCodecs()
	out.Speaker = npc.NewSpeaker(ctx, in, npc.SpeakerConfig{Model: c.Speech.Model, Espeak: c.Speech.Espeak}, codecs)
	out.Hearing = npc.NewHearing(in, npc.HearingConfig{Model: c.Transcription.Model, Prompt: c.Transcription.Prompt}, codecs)
	speech, _ := out.Speaker.Ability(nil)
	transcription, _ := out.Hearing.Ability(nil)
	log.Info("NPCs", "speech", speech, "transcription", transcription, "kept", kind)
	return out, closeAll, nil
}

// newCodecs gives npc the Opus of spatialaudio: engines do not import one
// another.
func newCodecs() voice.Codecs {
	pool := new(opus.Pool)
	return voice.Codecs{
		Encoder: func() (voice.Encoder, error) {
			return pool.Encoder(opus.EncoderConfig{Channels: 1, Application: opus.LowDelay, Bitrate: 32000, Complexity: 5})
		},
		Decoder: func(rate int) (voice.Decoder, error) {
			return pool.Decoder(opus.DecoderConfig{Channels: 1, Rate: rate})
		},
	}
}

// personas are the files of a folder, over those that come with Earshot.
type personas struct{ folder string }

// Open implements fs.FS.
func (p personas) Open(name string) (fs.File, error) {
	if p.folder != "" {
		if f, err := os.DirFS(p.folder).Open(name); err == nil {
			return f, nil
		}
	}
	return deploy.Personas().Open(name)
}
