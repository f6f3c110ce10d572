package journal

import (
	"time"

	"earshot"
)

// Config says how long things are kept and how large files become. The zero
// value has the defaults.
type Config struct {
	// Keys is the path of the key file; empty: keys, in the journal's folder.
	Keys string `yaml:"keys"`
	// Contents is how long what people said is readable; 0: 30 days.
	Contents time.Duration `yaml:"contents"`
	// Appealed is how long where an appeal was made; 0: 180 days.
	Appealed time.Duration `yaml:"appealed"`
	// Records is how long it is known who an incident was about, and how long
	// it counts; 0: 365 days.
	Records time.Duration `yaml:"records"`
	// MaxFile is the size in bytes from which on a new file is begun; 0: 64 MiB.
	MaxFile int64 `yaml:"max_file"`
	// MaxMemory is how many bytes of lines NewMemory keeps; 0: 64 MiB. The
	// oldest go.
	MaxMemory int `yaml:"max_memory"`
}

const day = 24 * time.Hour

// Bounds. What is longer is cut, the end of it or the oldest lines of it.
const (
	MaxText    = 4 << 10   // bytes of a text, a reason, a note
	MaxName    = 128       // bytes of a name
	MaxContext = 32        // lines of context
	MaxOf      = 1 << 10   // bytes of a line of context
	MaxEntry   = 128 << 10 // bytes of all that one call writes; more is refused
	maxLine    = 1 << 20   // bytes of a line
)

func (c Config) withDefaults() (Config, error) {
	for _, f := range []struct {
		name  string
		value *time.Duration
		std   time.Duration
	}{{"contents", &c.Contents, 30 * day}, {"appealed", &c.Appealed, 180 * day}, {"records", &c.Records, 365 * day}} {
		if *f.value < 0 {
			return c, earshot.Errorf(earshot.CodeInvalidArgument, "%s: %v is below 0", f.name, *f.value)
		}
		if *f.value == 0 {
			*f.value = f.std
		}
	}
	switch {
	case c.Appealed < c.Contents:
		return c, earshot.Errorf(earshot.CodeInvalidArgument, "appealed: %v is less than contents, %v", c.Appealed, c.Contents)
	case c.MaxFile < 0 || c.MaxMemory < 0:
		return c, earshot.Errorf(earshot.CodeInvalidArgument, "max_file, max_memory: below 0")
	}
	if c.MaxFile == 0 {
		c.MaxFile = 64 << 20
	}
	if c.MaxMemory == 0 {
		c.MaxMemory = 64 << 20
	}
	return c, nil
}
