package queue

import (
	"time"

	"earshot"
)

// Config bounds a queue.
type Config struct {
	// Max is how many people may wait for one world.
	Max int `yaml:"max"`
	// Away is how long one who has not been heard of is passed over, and Patience
	// how long until they have lost their place.
	Away     time.Duration `yaml:"away"`
	Patience time.Duration `yaml:"patience"`
}

// DefaultConfig returns the documented defaults.
func DefaultConfig() Config {
	return Config{Max: 10_000, Away: 30 * time.Second, Patience: 2 * time.Minute}
}

// Validate returns an *earshot.Error of CodeInvalidArgument that names the field
// that is wrong.
func (c *Config) Validate() error {
	switch {
	case c.Max < 0 || c.Max > 100_000:
		return earshot.Errorf(earshot.CodeInvalidArgument, "queue.max is %d; it must be 0 to 100,000", c.Max)
	case c.Away < time.Second || c.Away > 10*time.Minute:
		return earshot.Errorf(earshot.CodeInvalidArgument, "queue.away is %v; it must be 1s to 10m", c.Away)
	case c.Patience < c.Away || c.Patience > time.Hour:
		return earshot.Errorf(earshot.CodeInvalidArgument, "queue.patience is %v; it must be at least queue.away, %v, and at most 1h", c.Patience, c.Away)
	}
	return nil
}
