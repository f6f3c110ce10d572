package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"earshot/gateway"
	"earshot/moderation"
	"earshot/moderation/evidence"
	"earshot/moderation/journal"
	"earshot/moderation/policy"
	"earshot/npc/voice"
)

// ModerationConfig says how what people write and say is judged.
type ModerationConfig struct {
	// Enabled judges text by the policy of each world.
	Enabled bool `yaml:"enabled"`
	// Path is a folder for incidents and their keys; "": they are gone with
	// the process.
	Path string `yaml:"path"`
	// EvidenceKeys is the folder of the keys of kept sound; "": keys, in
	// evidence, in Path.
	EvidenceKeys string `yaml:"evidence_keys"`
	// Tier1 judges what is uncertain, Tier2 again with what was said before.
	Tier1 gateway.GuardModel `yaml:"tier1"`
	Tier2 gateway.GuardModel `yaml:"tier2"`
	// Classifier judges how voices sound, in worlds that have voices judged.
	Classifier moderation.ClassifierConfig `yaml:"classifier"`
	// Worlds says what differs.
	Worlds map[string]ModeratedWorld `yaml:"worlds"`
	// Pipeline are numbers that hardly anybody changes.
	Pipeline moderation.Config `yaml:"pipeline"`
	Journal  journal.Config    `yaml:"journal"`
}

// ModeratedWorld is how one world is moderated.
type ModeratedWorld struct {
	// Policy is a file, default, or minors.
	Policy string `yaml:"policy"`
	// Voice transcribes and judges what is said. People are told.
	Voice bool `yaml:"voice"`
}

func defaultModeration() ModerationConfig {
	return ModerationConfig{
		Enabled: true, Pipeline: moderation.DefaultConfig(), Worlds: map[string]ModeratedWorld{},
		Classifier: moderation.ClassifierConfig{Deadline: moderation.DefaultClassify, Labels: []string{}},
		Tier1:      gateway.GuardModel{Template: moderation.ChatScores}, Tier2: gateway.GuardModel{Template: moderation.ChatScores},
	}
}

const (
	defaultPolicy = "default"
	minorsPolicy  = "minors"
)

// open makes what the gateway needs. The caller calls close in the end.
func (c *ModerationConfig) open(worlds map[string]gateway.WorldConfig, log *slog.Logger) (out gateway.Moderation, closeAll func(), err error) {
	if !c.Enabled {
		return out, func() {}, nil
	}
	out = gateway.Moderation{Config: c.Pipeline, Tier1: c.Tier1, Tier2: c.Tier2, Policies: map[string]string{}, Kept: "memory"}
	out.Config.Worlds = map[string]moderation.WorldConfig{}
	for name, w := range c.Worlds {
		if _, ok := worlds[name]; !ok {
			return out, nil, usagef("configuration: moderation.worlds.%s: there is no such world", name)
		}
		p, text, err := w.policy()
		if err != nil {
			return out, nil, usagef("configuration: moderation.worlds.%s.policy: %w", name, err)
		}
		out.Config.Worlds[name] = moderation.WorldConfig{Policy: p, Voice: w.Voice}
		if text != "" {
			out.Policies[name] = text
		}
	}
	if out.Classifier, err = c.classifier(worlds); err != nil {
		return out, nil, usagef("configuration: moderation.classifier.%s", message(err))
	}
	if c.Path == "" {
		out.Journal, err = journal.NewMemory(c.Journal)
		log.Info("incidents of moderation last until the end of this process; moderation.path keeps them")
	} else {
		out.Kept = "file"
		out.Journal, err = journal.Open(c.Path, c.Journal)
	}
	if err != nil {
		return out, nil, usagef("configuration: moderation.path: %s", message(err))
	}
	sound, err := c.evidence(out.Journal)
	if err != nil {
		_ = out.Journal.Close()
		return out, nil, usagef("configuration: moderation.path: %s", message(err))
	}
	out.Evidence, out.Sound = sound, sound
	return out, func() {
		if err := errors.Join(sound.Close(), out.Journal.Close()); err != nil {
			log.Warn("closing the journal of moderation", "err", err)
		}
	}, nil
}

// classifier returns what judges sound; nil where nothing does.
func (c *ModerationConfig) classifier(worlds map[string]gateway.WorldConfig) (moderation.Classifier, error) {
	if c.Classifier.URL == "" {
		return nil, nil
	}
	token := ""
	if c.Classifier.TokenFile != "" {
		data, err := os.ReadFile(c.Classifier.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("token_file: %w", err)
		}
		token = strings.TrimSpace(string(data))
	}
	labels := make(map[string][]string, len(worlds))
	for name, w := range worlds {
		labels[name] = w.DataLabels
	}
	codecs := newCodecs()
	return moderation.NewSoundClassifier(c.Classifier, token, labels, func(clip []moderation.Packet) ([]byte, error) {
		packets := make([]voice.Packet, len(clip))
		for i, p := range clip {
			packets[i] = voice.Packet(p)
		}
		whole, err := voice.Assemble(packets, codecs)
		if err != nil || whole.Duration() < shortestSound {
			return nil, err
		}
		return whole.WAV(), nil
	})
}

// shortestSound is less than a word.
const shortestSound = 250 * time.Millisecond

// evidence opens what keeps sound. Who asks for it is written down first.
func (c *ModerationConfig) evidence(j *journal.Journal) (sounds, error) {
	cfg := evidence.Config{KeyDir: c.EvidenceKeys, Retention: c.Journal.Contents, Appealed: c.Journal.Appealed}
	if c.Path != "" {
		cfg.Dir = filepath.Join(c.Path, "evidence")
	}
	kept, err := evidence.New(cfg, evidence.Deps{Known: j.HasEvidence, Audit: func(ctx context.Context, a evidence.Access) error {
		return j.Accessed(ctx, journal.Access{Evidence: a.ID, Incident: a.Incident, By: a.By, Purpose: a.Purpose, At: a.At})
	}})
	return sounds{kept}, err
}

// sounds fits evidence to what moderation and gateway ask for.
type sounds struct{ *evidence.Store }

var (
	_ moderation.Evidence = sounds{}
	_ gateway.Sound       = sounds{}
)

// Ogg implements gateway.Sound.
func (s sounds) Ogg(ctx context.Context, id, incident, moderator string, now time.Time) ([]byte, error) {
	var out bytes.Buffer
	err := s.Export(ctx, &out, id, moderator, "console, incident "+incident, now)
	return out.Bytes(), err
}

// Length implements gateway.Sound.
func (s sounds) Length(id string) (time.Duration, bool) {
	m, ok := s.Meta(id)
	return m.To.Sub(m.From), ok
}

func (w *ModeratedWorld) policy() (*policy.Policy, string, error) {
	var text []byte
	switch w.Policy {
	case "", defaultPolicy:
		return nil, "", nil
	case minorsPolicy:
		text = policy.MinorsYAML()
	default:
		var err error
		if text, err = os.ReadFile(w.Policy); err != nil {
			return nil, "", err
		}
	}
	p, err := policy.Parse(filepath.Base(w.Policy), text)
	return p, string(text), err
}
