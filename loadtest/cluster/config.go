package cluster

import (
	"io"
	"slices"
	"strings"
	"time"

	"earshot"
)

// Bounds of a Config.
const (
	maxNodes     = 9
	maxPeople    = 2000
	maxInstances = 64
)

// Config is what is started, and what happens to it.
type Config struct {
	Binary string // path of an earshot
	// Server is the path of a Valkey or Redis server to start. Store is the
	// address of one that runs instead; scenario store is left out then.
	Server, Store string
	Key           Key
	// Sign makes a token of Key for somebody.
	Sign func(Guest) (string, error)

	Nodes     int
	People    int
	Instances int // of World, each on a node in turn
	Scenarios []string
	Away      time.Duration // how long the store is away
	Drain     time.Duration // how long a node that is told to end has for its people
	Seed      uint64

	Dir      string    // for configurations and logs of processes
	Progress io.Writer // a line for each thing that happens
}

// Key is one that all nodes have.
type Key struct{ ID, Secret string }

// Guest is whom a token is for.
type Guest struct {
	Subject  string
	Name     string
	Instance earshot.InstanceID // the only one it is good for, or
	World    string             // any of this one's
	Moderate bool
}

// DefaultConfig returns the documented defaults.
func DefaultConfig() Config {
	return Config{
		Nodes: 3, People: 90, Instances: 6, Scenarios: Scenarios(), Away: time.Minute, Drain: 20 * time.Second, Seed: 1, Progress: io.Discard,
	}
}

func (c *Config) validate() error {
	switch {
	case c.Nodes < 2 || c.Nodes > maxNodes:
		return invalid("-nodes: %d is outside 2 to %d", c.Nodes, maxNodes)
	case c.Drain < 0 || c.Drain > 10*time.Minute:
		return invalid("-drain: %v is outside 0 to 10m", c.Drain)
	case c.Instances < c.Nodes || c.Instances > maxInstances:
		return invalid("-instances: %d is outside %d, one for each node, to %d", c.Instances, c.Nodes, maxInstances)
	case c.People < groupSize*c.Instances || c.People > maxPeople:
		return invalid("-people: %d is outside %d, %d for each instance, to %d", c.People, groupSize*c.Instances, groupSize, maxPeople)
	case slices.Contains(c.Scenarios, "near") && c.People < jumpers*c.Instances:
		return invalid("-people: scenario near needs %d for each of %d instances, people to jump and groups to jump to", jumpers, c.Instances)
	case c.Away < 5*time.Second || c.Away > 10*time.Minute:
		return invalid("-away: %v is outside 5s to 10m", c.Away)
	}
	for _, name := range c.Scenarios {
		if !slices.Contains(Scenarios(), name) {
			return invalid("there is no scenario %q; there are %s", name, strings.Join(Scenarios(), ", "))
		}
	}
	if c.Store != "" && slices.Contains(c.Scenarios, "store") {
		return invalid("scenario store kills the store, which is not ours with -store %s: leave that flag out, or name other scenarios", c.Store)
	}
	return nil
}

func invalid(format string, args ...any) error {
	return earshot.Errorf(earshot.CodeInvalidArgument, format, args...)
}
