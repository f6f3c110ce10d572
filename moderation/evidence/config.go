package evidence

import (
	"context"
	"time"

	"earshot"
)

// Config bounds what is kept. The zero value has the defaults.
type Config struct {
	// Dir is the folder of what is written down; it is made if it is not there.
	// Empty: in memory, at most MaxStored, the oldest goes.
	Dir string `yaml:"dir"`
	// KeyDir is the folder of the keys; empty: keys, in Dir. Keep it out of
	// backups that outlive the retention.
	KeyDir string `yaml:"key_dir"`
	// Window is how much of each speaker is remembered; 0: 30 s, at most 2 min.
	Window time.Duration `yaml:"window"`
	// MaxSpeakers bounds who is remembered at a time; 0: 1000. Others are not.
	MaxSpeakers int `yaml:"max_speakers"`
	// MaxBytes bounds the sound of a speaker, for which memory grows as it is
	// needed; 0: 256 KiB, 30 s of 60 kbit/s in packets of 20 ms. At a higher rate
	// less is remembered. Besides that a packet takes 40 bytes, of which there
	// are at most 100 for each second of the window.
	MaxBytes int `yaml:"max_bytes"`
	// Retention is how long evidence is kept; 0: 30 days.
	Retention time.Duration `yaml:"retention"`
	// Appealed is how long from an appeal on; 0: 180 days.
	Appealed time.Duration `yaml:"appealed"`
	// MaxStored bounds the bytes written down; 0: 10 GiB, or 64 MiB in memory.
	MaxStored int64 `yaml:"max_stored"`
}

// Deps are what a Store calls.
type Deps struct {
	// Audit writes down who asks for evidence before they get it. With nil
	// nobody can read any.
	Audit func(ctx context.Context, a Access) error
	// Known says whether the journal knows an id. What it does not know when a
	// Store opens is deleted: a crash came before the incident was written. nil,
	// as it has to be with a journal in memory: everything is kept.
	Known func(id string) bool
}

// Access says who looks at which evidence, and what for.
type Access struct {
	ID       string
	Incident string
	By       string
	Purpose  string
	At       time.Time
}

const (
	day       = 24 * time.Hour
	maxPacket = 1500 // bytes of Opus; longer ones are refused
	minFrame  = 10 * time.Millisecond
)

func (c Config) withDefaults() (Config, error) {
	for _, f := range []struct {
		name           string
		value          *time.Duration
		std, low, most time.Duration
	}{
		{"window", &c.Window, 30 * time.Second, time.Second, 2 * time.Minute},
		{"retention", &c.Retention, 30 * day, time.Minute, 3650 * day},
		{"appealed", &c.Appealed, 180 * day, time.Minute, 3650 * day},
	} {
		if *f.value == 0 {
			*f.value = f.std
		}
		if *f.value < f.low || *f.value > f.most {
			return c, earshot.Errorf(earshot.CodeInvalidArgument, "%s: %v is not from %v to %v", f.name, *f.value, f.low, f.most)
		}
	}
	if c.MaxSpeakers == 0 {
		c.MaxSpeakers = 1000
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 256 << 10
	}
	if c.MaxStored == 0 {
		c.MaxStored = 64 << 20
		if c.Dir != "" {
			c.MaxStored = 10 << 30
		}
	}
	switch {
	case c.MaxSpeakers < 0:
		return c, earshot.Errorf(earshot.CodeInvalidArgument, "max_speakers: %d is below 0", c.MaxSpeakers)
	case c.MaxBytes < 16<<10 || c.MaxBytes > 8<<20:
		return c, earshot.Errorf(earshot.CodeInvalidArgument, "max_bytes: %d is not from 16384 to 8388608", c.MaxBytes)
	case c.MaxStored < 0:
		return c, earshot.Errorf(earshot.CodeInvalidArgument, "max_stored: %d is below 0", c.MaxStored)
	case c.KeyDir != "" && c.Dir == "":
		return c, earshot.Errorf(earshot.CodeInvalidArgument, "key_dir: belongs to dir")
	}
	return c, nil
}
