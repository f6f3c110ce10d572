package directory

import (
	"time"

	"earshot"
)

// Config is how a node keeps its view of the others.
type Config struct {
	// Survey is how often the lists of nodes and instances are read at least;
	// changes that are told of are looked at sooner.
	Survey time.Duration `yaml:"survey"`
	// Quiet is after how long without a word an instance is read anew. It must
	// be longer than cluster.Config.Heartbeat.
	Quiet time.Duration `yaml:"quiet"`
	// Known is for how long it is not asked again who blocks whom, and who is
	// whose friend. A block made elsewhere holds here after that.
	Known time.Duration `yaml:"known"`
	// MaxInstances are followed at once. Of those beyond only the lists tell.
	MaxInstances int `yaml:"max_instances"`
}

// DefaultConfig returns the documented defaults.
func DefaultConfig() Config {
	return Config{
		Survey: time.Second, Quiet: 3 * time.Second, Known: 2 * time.Second,
		MaxInstances: 4096,
	}
}

// Validate returns an *earshot.Error with code invalid_argument that names the
// field that is wrong.
func (c *Config) Validate() error {
	for _, f := range []struct {
		name      string
		value     time.Duration
		low, high time.Duration
	}{
		{"survey", c.Survey, 50 * time.Millisecond, time.Minute},
		{"quiet", c.Quiet, 100 * time.Millisecond, time.Minute},
		{"known", c.Known, 0, time.Minute},
	} {
		if f.value < f.low || f.value > f.high {
			return earshot.Errorf(earshot.CodeInvalidArgument, "%s: %v; it must be %v to %v", f.name, f.value, f.low, f.high)
		}
	}
	if c.MaxInstances < 1 {
		return earshot.Errorf(earshot.CodeInvalidArgument, "max_instances: %d; it must be at least 1", c.MaxInstances)
	}
	return nil
}
