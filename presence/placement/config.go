package placement

import (
	"time"

	"earshot"
)

// Config is how instances are filled. DefaultConfig has what the simulation
// runs with; the weights of the score are in score.go.
type Config struct {
	// Hold is how long a place counts as taken that was promised: as long as
	// the reservation at the store.
	Hold time.Duration `yaml:"hold"`
	// StartTime is how long a new instance takes to open. One is opened ahead
	// when free public places are fewer than arrivals in twice that time.
	StartTime time.Duration `yaml:"start_time"`
	// MaxInstances bounds the public instances of one world.
	MaxInstances int `yaml:"max_instances"`
	// Pack is the load up to which nodes are filled before others are begun.
	Pack float64 `yaml:"pack"`
	// MergeBelow is the share of the soft capacity below which two public
	// instances are put together when both have been so for MergeAfter.
	MergeBelow float64       `yaml:"merge_below"`
	MergeAfter time.Duration `yaml:"merge_after"`
	// MergeInvites is how many people a second are offered to go on elsewhere in
	// a merge. MergeForce has those who do not follow leave at its end; without,
	// they stay.
	MergeInvites int  `yaml:"merge_invites"`
	MergeForce   bool `yaml:"merge_force"`
	// CloseAfter is how long an instance is empty before it is closed.
	CloseAfter time.Duration `yaml:"close_after"`
}

// DefaultConfig returns the documented defaults.
func DefaultConfig() Config {
	return Config{
		Hold: 10 * time.Second, StartTime: 5 * time.Second, MaxInstances: 1024, Pack: 0.7,
		MergeBelow: 0.2, MergeAfter: 5 * time.Minute, MergeInvites: 10, CloseAfter: 2 * time.Minute,
	}
}

// Validate returns an *earshot.Error of CodeInvalidArgument that names the
// field that is wrong.
func (c *Config) Validate() error {
	for _, f := range []struct {
		name  string
		value time.Duration
	}{{"hold", c.Hold}, {"start_time", c.StartTime}, {"merge_after", c.MergeAfter}, {"close_after", c.CloseAfter}} {
		if f.value <= 0 || f.value > time.Hour {
			return earshot.Errorf(earshot.CodeInvalidArgument, "placement.%s is %v; it must be more than 0 and at most 1h", f.name, f.value)
		}
	}
	switch {
	case c.MaxInstances < 1:
		return earshot.Errorf(earshot.CodeInvalidArgument, "placement.max_instances is %d; it must be at least 1", c.MaxInstances)
	case c.MergeInvites < 1 || c.MergeInvites > 1000:
		return earshot.Errorf(earshot.CodeInvalidArgument, "placement.merge_invites is %d; it must be 1 to 1000", c.MergeInvites)
	case !(c.Pack > 0 && c.Pack <= 1) || !(c.MergeBelow >= 0 && c.MergeBelow <= 0.5):
		return earshot.Errorf(earshot.CodeInvalidArgument, "placement.pack and merge_below are %v and %v; they must be 0 to 1 and 0 to 0.5", c.Pack, c.MergeBelow)
	}
	return nil
}
