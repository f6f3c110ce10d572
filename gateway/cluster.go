package gateway

import (
	"slices"

	"earshot"
	"earshot/sfu/relay"
)

// ClusterConfig says with which other nodes this one shares instances.
type ClusterConfig struct {
	// Node is this node's id, nd_ and a name. Empty: the node stands alone.
	Node earshot.NodeID `yaml:"node"`
	// Listen is HOST:PORT over UDP, on which other nodes reach this one. It
	// answers only those who know the secret; still, keep it private.
	Listen string `yaml:"listen"`
	// Peers are the other nodes. Every node lists all others.
	Peers []PeerConfig `yaml:"peers"`
	// Secrets prove that a node belongs to the cluster: at least 32 bytes, the
	// same on every node. The first is used, all are accepted: to change it, put
	// the new one second everywhere, then first, then take the old one away.
	Secrets []Secret `yaml:"secrets"`
	// Spans are the worlds whose instances are shared: an instance of such a
	// world that runs on several nodes is one to those who are in it.
	Spans []string `yaml:"spans"`
}

// PeerConfig is another node.
type PeerConfig struct {
	Node    earshot.NodeID `yaml:"node"`
	Address string         `yaml:"address"` // HOST:PORT over UDP
}

// DefaultCluster is no cluster.
func DefaultCluster() ClusterConfig {
	return ClusterConfig{Listen: "localhost:3479", Peers: []PeerConfig{}, Secrets: []Secret{}, Spans: []string{}}
}

func (c *ClusterConfig) validate(worlds map[string]WorldConfig) error {
	if c.Node == "" {
		return nil
	}
	r := c.relay()
	if err := within("cluster", r.Validate()); err != nil {
		return err
	}
	for i, name := range c.Spans {
		if _, ok := worlds[name]; !ok {
			return invalid("cluster.spans[%d]: there is no world %q here", i, name)
		}
	}
	return nil
}

// relay is the part that sfu/relay needs, secrets in the clear.
func (c *ClusterConfig) relay() relay.Config {
	out := relay.Config{Node: c.Node, Listen: c.Listen, Gather: relay.DefaultGather}
	for _, p := range c.Peers {
		out.Peers = append(out.Peers, relay.Peer{Node: p.Node, Address: p.Address})
	}
	for _, s := range c.Secrets {
		out.Secrets = append(out.Secrets, string(s))
	}
	return out
}

// spans reports whether instances of a world are shared.
func (c *ClusterConfig) spans(world string) bool {
	return c.Node != "" && slices.Contains(c.Spans, world)
}

// home is the node where the NPCs of shared instances live: of all nodes the one
// whose id comes first.
func (c *ClusterConfig) home() earshot.NodeID {
	first := c.Node
	for _, p := range c.Peers {
		first = min(first, p.Node)
	}
	return first
}
