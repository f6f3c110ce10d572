package moderation

import (
	"time"

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
