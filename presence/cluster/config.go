package cluster

import (
	"time"

	"earshot"
)

// Config is how long everything takes. DefaultConfig has the values that the
// simulation runs with.
type Config struct {
	// TTL is how long a lease lasts, Renew how often it is renewed, and Margin
	// how much earlier than the store its owner holds it to be over: more than
	// two monotonic clocks run apart in TTL.
	TTL    time.Duration `yaml:"lease_ttl"`
	Renew  time.Duration `yaml:"lease_renew"`
	Margin time.Duration `yaml:"lease_margin"`

	// Answer is how long an answer of the store or of a node is waited for
	// before the same is sent again.
	Answer time.Duration `yaml:"answer_within"`
	// Survey is how often the directory is read. An instance without an owner
	// is claimed by the first in its order of nodes at once, by each further
	// one Stagger later.
	Survey  time.Duration `yaml:"survey"`
	Stagger time.Duration `yaml:"stagger"`

	// Flush is how often what changed among members is written, Heartbeat how
	// often at least, and Rewrite how often everything.
	Flush     time.Duration `yaml:"flush"`
	Heartbeat time.Duration `yaml:"heartbeat"`
	Rewrite   time.Duration `yaml:"rewrite"`
	// Touch is how often a participant's whereabouts are renewed, which last
	// for Keep; KeepLeft is how long it is remembered that they left.
	Touch    time.Duration `yaml:"touch"`
	Keep     time.Duration `yaml:"keep"`
	KeepLeft time.Duration `yaml:"keep_left"`

	// JoinWithin bounds a join; PrepareWithin and AttachWithin the steps of a
	// handoff; KeepDone is how long its outcome is remembered.
	JoinWithin    time.Duration `yaml:"join_within"`
	PrepareWithin time.Duration `yaml:"prepare_within"`
	AttachWithin  time.Duration `yaml:"attach_within"`
	KeepDone      time.Duration `yaml:"keep_done"`
	// Linger is how long the old connection of somebody may go on who has gone
	// over to another node with their instance: until the others have, too.
	Linger time.Duration `yaml:"linger"`
	// ReturnWithin is how long the places of those are kept whose node died.
	ReturnWithin time.Duration `yaml:"return_within"`
	// PartWithin is how long those may stay whose instance another node owns.
	PartWithin time.Duration `yaml:"part_within"`
	// Notify bounds how long another node is told of an order it should have.
	Notify time.Duration `yaml:"notify"`

	// MaxMoves bounds handoffs under way from this node, MaxArrivals joins and
	// handoffs under way to it.
	MaxMoves    int `yaml:"max_moves"`
	MaxArrivals int `yaml:"max_arrivals"`
	// Invites is how many members of one instance a second are asked to go over
	// when its node is drained: fast, for until all have, they are on two nodes.
	Invites int `yaml:"invites"`
}

// DefaultConfig returns the documented defaults.
func DefaultConfig() Config {
	return Config{
		TTL: 3 * time.Second, Renew: time.Second, Margin: 500 * time.Millisecond,
		Answer: 400 * time.Millisecond, Survey: 500 * time.Millisecond, Stagger: 500 * time.Millisecond,
		Flush: 250 * time.Millisecond, Heartbeat: 2 * time.Second, Rewrite: 30 * time.Second,
		Touch: 10 * time.Second, Keep: 30 * time.Second, KeepLeft: time.Minute,
		JoinWithin: 5 * time.Second, PrepareWithin: 3 * time.Second, AttachWithin: 8 * time.Second, KeepDone: time.Minute,
		Linger:       15 * time.Second,
		ReturnWithin: 30 * time.Second, PartWithin: 20 * time.Second, Notify: 10 * time.Second,
		MaxMoves: 32, MaxArrivals: 256, Invites: 25,
	}
}

// Validate returns an *earshot.Error of CodeInvalidArgument that names the
// field that is wrong.
func (c *Config) Validate() error {
	for _, f := range []struct {
		name  string
		value time.Duration
	}{
		{"lease_ttl", c.TTL}, {"lease_renew", c.Renew}, {"lease_margin", c.Margin}, {"answer_within", c.Answer},
		{"survey", c.Survey}, {"stagger", c.Stagger}, {"flush", c.Flush}, {"heartbeat", c.Heartbeat}, {"rewrite", c.Rewrite},
		{"touch", c.Touch}, {"keep", c.Keep}, {"keep_left", c.KeepLeft}, {"join_within", c.JoinWithin},
		{"prepare_within", c.PrepareWithin}, {"attach_within", c.AttachWithin}, {"keep_done", c.KeepDone}, {"linger", c.Linger},
		{"return_within", c.ReturnWithin}, {"part_within", c.PartWithin}, {"notify", c.Notify},
	} {
		if f.value <= 0 || f.value > time.Hour {
			return earshot.Errorf(earshot.CodeInvalidArgument, "cluster.%s is %v; it must be more than 0 and at most 1h", f.name, f.value)
		}
	}
	switch {
	case c.Renew+c.Margin >= c.TTL:
		return earshot.Errorf(earshot.CodeInvalidArgument, "cluster.lease_renew and lease_margin are %v together; they must stay below lease_ttl, %v", c.Renew+c.Margin, c.TTL)
	case 2*c.Touch >= c.Keep:
		return earshot.Errorf(earshot.CodeInvalidArgument, "cluster.touch is %v; it must be less than half of keep, %v", c.Touch, c.Keep)
	case c.MaxMoves < 1 || c.MaxArrivals < 1 || c.Invites < 1:
		return earshot.Errorf(earshot.CodeInvalidArgument, "cluster.max_moves, max_arrivals and invites are %d, %d and %d; they must be at least 1", c.MaxMoves, c.MaxArrivals, c.Invites)
	}
	return nil
}
