package moderation

import (
	"time"

	"earshot"
	"earshot/moderation/policy"
)

// Config is how a Pipeline works. Zero fields mean what DefaultConfig says.
type Config struct {
	// Hold is the most that Text waits, everything included. A policy may say
	// less. At most policy.MaxWait.
	Hold time.Duration `yaml:"hold"`
	// Tier1 and Tier2 say how the guards are asked.
	Tier1 TierConfig `yaml:"tier1"`
	Tier2 TierConfig `yaml:"tier2"`
	// Transcriptions is how many clips are transcribed at once.
	Transcriptions int `yaml:"transcriptions"`
	// TranscribeFor is how long one may take.
	TranscribeFor time.Duration `yaml:"transcribe_for"`
	// Worlds by name. What is not here has the default policy and no voice.
	Worlds map[string]WorldConfig `yaml:"-"`
}

// WorldConfig is what differs between worlds.
type WorldConfig struct {
	Policy *policy.Policy // nil: policy.Default()
	// Voice has voices transcribed and judged. Participants have to be told:
	// see Pipeline.Hears.
	Voice bool
}

// TierConfig is how a guard is asked.
type TierConfig struct {
	Batch    int           `yaml:"batch"`    // events at once
	Gather   time.Duration `yaml:"gather"`   // how long a batch waits to be full
	Deadline time.Duration `yaml:"deadline"` // of an answer
	Queue    int           `yaml:"queue"`    // events that wait at most
	Parallel int           `yaml:"parallel"` // batches under way at most
	// After so many failures in a row nothing is asked for Rest, then one batch
	// at a time until an answer comes.
	Failures int           `yaml:"failures"`
	Rest     time.Duration `yaml:"rest"`
}

// DefaultConfig returns the numbers used where a field is zero.
func DefaultConfig() Config {
	return Config{
		Hold: policy.MaxWait,
		Tier1: TierConfig{
			Batch: 8, Gather: 5 * time.Millisecond, Deadline: 2 * time.Second, Queue: 512, Parallel: 4,
			Failures: 5, Rest: 5 * time.Second,
		},
		Tier2: TierConfig{
			Batch: 1, Gather: 0, Deadline: 20 * time.Second, Queue: 256, Parallel: 2,
			Failures: 3, Rest: 30 * time.Second,
		},
		Transcriptions: 2, TranscribeFor: 15 * time.Second,
	}
}

func (c Config) withDefaults() (Config, error) {
	std := DefaultConfig()
	if c.Hold == 0 {
		c.Hold = std.Hold
	}
	if c.Hold < 0 || c.Hold > policy.MaxWait {
		return c, earshot.Errorf(earshot.CodeInvalidArgument, "moderation.hold: %v, want 0 to %v", c.Hold, policy.MaxWait)
	}
	if c.Transcriptions == 0 {
		c.Transcriptions = std.Transcriptions
	}
	if c.TranscribeFor == 0 {
		c.TranscribeFor = std.TranscribeFor
	}
	if c.Transcriptions < 0 || c.Transcriptions > 64 || c.TranscribeFor < 0 || c.TranscribeFor > time.Minute {
		return c, earshot.Errorf(earshot.CodeInvalidArgument, "moderation: transcriptions %d and transcribe_for %v: want 1 to 64 and at most 1m", c.Transcriptions, c.TranscribeFor)
	}
	var err error
	if c.Tier1, err = c.Tier1.withDefaults("tier1", std.Tier1); err != nil {
		return c, err
	}
	c.Tier2, err = c.Tier2.withDefaults("tier2", std.Tier2)
	return c, err
}

func (t TierConfig) withDefaults(name string, std TierConfig) (TierConfig, error) {
	for _, f := range []struct {
		field string
		value *int
		std   int
		most  int
	}{
		{"batch", &t.Batch, std.Batch, 64}, {"queue", &t.Queue, std.Queue, 1 << 16},
		{"parallel", &t.Parallel, std.Parallel, 64}, {"failures", &t.Failures, std.Failures, 1000},
	} {
		if *f.value == 0 {
			*f.value = f.std
		}
		if *f.value < 0 || *f.value > f.most {
			return t, earshot.Errorf(earshot.CodeInvalidArgument, "moderation.%s.%s: %d, want 1 to %d", name, f.field, *f.value, f.most)
		}
	}
	for _, f := range []struct {
		field string
		value *time.Duration
		std   time.Duration
	}{{"gather", &t.Gather, std.Gather}, {"deadline", &t.Deadline, std.Deadline}, {"rest", &t.Rest, std.Rest}} {
		if *f.value == 0 {
			*f.value = f.std
		}
		if *f.value < 0 || *f.value > 5*time.Minute {
			return t, earshot.Errorf(earshot.CodeInvalidArgument, "moderation.%s.%s: %v, want 0 to 5m", name, f.field, *f.value)
		}
	}
	return t, nil
}
