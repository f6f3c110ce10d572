package record

import (
	"log/slog"
	"time"

	"earshot"

	"github.com/prometheus/client_golang/prometheus"
)

// Config is what an operator may decide about recordings.
type Config struct {
	// Dir is the folder of all recordings; "" turns recording off.
	Dir string `yaml:"dir"`
	// MaxBytes and MaxDuration end a recording that reaches them.
	MaxBytes    int64         `yaml:"max_bytes"`
	MaxDuration time.Duration `yaml:"max_duration"`
	// MinFree is how many bytes of the disk stay free: below it nothing is
	// written until there is room again.
	MinFree int64 `yaml:"min_free"`
	// MaxActive is how many recordings may go on at once.
	MaxActive int `yaml:"max_active"`
	// Keep is how long recordings are kept after their end; 0: until deleted.
	Keep time.Duration `yaml:"keep"`
	// Sync is how often files are forced to the disk itself, so that a loss of
	// power costs no more; 0: when the system likes. A crash of the process
	// costs a second in any case.
	Sync time.Duration `yaml:"sync"`
	// AudioQueue and VideoQueue bound what may wait for the disk, in bytes of
	// each track.
	AudioQueue int `yaml:"audio_queue"`
	VideoQueue int `yaml:"video_queue"`
}

// DefaultConfig has recording off, and bounds for when it is on.
func DefaultConfig() Config {
	return Config{
		MaxBytes: 50 << 30, MaxDuration: 4 * time.Hour, MinFree: 1 << 30, MaxActive: 8,
		Keep: 30 * 24 * time.Hour, Sync: 5 * time.Second,
		AudioQueue: 64 << 10, VideoQueue: 2 << 20,
	}
}

// Validate returns an *earshot.Error that names the first field that cannot be.
func (c *Config) Validate() error {
	for _, f := range []struct {
		name            string
		value, min, max int64
	}{
		{"max_bytes", c.MaxBytes, 1 << 20, 1 << 50},
		{"min_free", c.MinFree, 0, 1 << 50},
		{"max_active", int64(c.MaxActive), 1, 1024},
		{"audio_queue", int64(c.AudioQueue), 8 << 10, 64 << 20},
		{"video_queue", int64(c.VideoQueue), 64 << 10, 256 << 20},
	} {
		if f.value < f.min || f.value > f.max {
			return earshot.Errorf(earshot.CodeInvalidArgument, "%s: %d is not between %d and %d", f.name, f.value, f.min, f.max)
		}
	}
	for _, f := range []struct {
		name            string
		value, min, max time.Duration
	}{
		{"max_duration", c.MaxDuration, time.Second, 1000 * time.Hour},
		{"keep", c.Keep, 0, 100 * 365 * 24 * time.Hour},
		{"sync", c.Sync, 0, time.Hour},
	} {
		if f.value < f.min || f.value > f.max {
			return earshot.Errorf(earshot.CodeInvalidArgument, "%s: %v is not between %v and %v", f.name, f.value, f.min, f.max)
		}
	}
	return nil
}

// Deps is what a Library needs from outside.
type Deps struct {
	Log     *slog.Logger
	Metrics prometheus.Registerer // nil registers nothing
	// Now is the clock of retention and dates; nil is time.Now.
	Now func() time.Time
}
