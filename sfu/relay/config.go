package relay

import (
	"net"
	"regexp"
	"time"

	"earshot"
)

// Config says who is linked with whom. It is what gateway makes of its own
// configuration; secrets are in the clear here and must not be printed.
type Config struct {
	// Node is this node's id.
	Node earshot.NodeID
	// Listen is HOST:PORT over UDP, on which other nodes reach this one.
	Listen string
	// Peers are the other nodes.
	Peers []Peer
	// Secrets prove membership: see Identity.
	Secrets []string
	// Gather is how long packets may wait for others, at most 1 ms: datagrams
	// to a node are at least so far apart.
	Gather time.Duration
}

// Peer is another node.
type Peer struct {
	Node    earshot.NodeID
	Address string // HOST:PORT over UDP
}

// Limits of a configuration.
const (
	MinSecret = 32 // bytes
	MaxPeers  = 32
	MaxGather = time.Millisecond
	// DefaultGather keeps the cost of a packet low and its delay unheard of:
	// docs/decisions/0029.
	DefaultGather = 500 * time.Microsecond
)

var nodeID = regexp.MustCompile(`^nd_[a-z0-9][a-z0-9_-]{0,47}$`)

// Validate returns an *earshot.Error that names the first field that cannot be.
func (c *Config) Validate() error {
	if !nodeID.MatchString(string(c.Node)) {
		return invalid("node: %.64q is no node id: nd_ and 1 to 48 of a-z, 0-9, - and _", c.Node)
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return invalid("listen: %q is not HOST:PORT", c.Listen)
	}
	if len(c.Peers) > MaxPeers {
		return invalid("peers: %d, at most %d", len(c.Peers), MaxPeers)
	}
	seen := map[earshot.NodeID]bool{c.Node: true}
	for i, p := range c.Peers {
		if !nodeID.MatchString(string(p.Node)) || seen[p.Node] {
			return invalid("peers[%d].node: %.64q is no node id, this node's own, or there twice", i, p.Node)
		}
		if _, _, err := net.SplitHostPort(p.Address); err != nil {
			return invalid("peers[%d].address: %q is not HOST:PORT", i, p.Address)
		}
		seen[p.Node] = true
	}
	if len(c.Secrets) == 0 {
		return invalid("secrets: none; put the same random one of at least %d bytes on every node", MinSecret)
	}
	for i, s := range c.Secrets {
		if len(s) < MinSecret {
			return invalid("secrets[%d]: shorter than %d bytes; take one from openssl rand -base64 48", i, MinSecret)
		}
	}
	if c.Gather < 0 || c.Gather > MaxGather {
		return invalid("gather: %v is not between 0 and %v", c.Gather, MaxGather)
	}
	return nil
}

func invalid(format string, args ...any) *earshot.Error {
	return earshot.Errorf(earshot.CodeInvalidArgument, format, args...)
}
