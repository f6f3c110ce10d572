package gateway

import (
	"time"

	"earshot/presence/cluster"
	"earshot/presence/placement"
	"earshot/presence/queue"
)

// InstancesConfig is how the public instances of worlds are filled.
type InstancesConfig struct {
	// Placement is by what: how long promised places count, and what is packed.
	Placement placement.Config `yaml:"placement"`
	// Measured has nobody be let in beyond what nodes measured that they can
	// take. Without, they prefer others, and capacity alone refuses.
	Measured bool `yaml:"measured"`
	// MaxParty bounds the people of one reservation, and Reserve how long it
	// keeps their places.
	MaxParty int           `yaml:"max_party"`
	Reserve  time.Duration `yaml:"reserve"`
	// Queue bounds who waits for a world that is full.
	Queue queue.Config `yaml:"queue"`
}

// DefaultInstances returns the documented defaults.
func DefaultInstances() InstancesConfig {
	c := InstancesConfig{Placement: placement.DefaultConfig(), MaxParty: 16, Reserve: 30 * time.Second, Queue: queue.DefaultConfig()}
	c.Placement.Hold = 2 * time.Second // until the directory counts those who came
	return c
}

func (c *InstancesConfig) validate() error {
	switch {
	case c.MaxParty < 1 || c.MaxParty > cluster.MaxParty:
		return invalid("instances.max_party: %d is outside 1 to %d", c.MaxParty, cluster.MaxParty)
	case c.Reserve < time.Second || c.Reserve > 10*time.Minute:
		return invalid("instances.reserve: %v is outside 1s to 10m", c.Reserve)
	}
	if err := c.Placement.Validate(); err != nil {
		return within("instances", err)
	}
	return within("instances", c.Queue.Validate())
}
