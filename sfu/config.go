package sfu

import (
	"log/slog"
	"net"
	"time"

	"earshot"
	"earshot/sfu/turn"

	"github.com/pion/transport/v4"
	"github.com/prometheus/client_golang/prometheus"
)

// Config is what an operator may decide about media.
type Config struct {
	// UDP is the one address and port that all media uses, such as
	// "0.0.0.0:3478". Port 0 takes a free one.
	UDP string `yaml:"udp"`
	// TCP takes media over TCP too, on the port of the same number, from clients
	// whose network lets no UDP out. MaxTCP bounds the connections.
	TCP    bool `yaml:"tcp"`
	MaxTCP int  `yaml:"max_tcp"`
	// PublicIPs are announced to clients instead of the addresses of this
	// machine, where it stands behind a one-to-one NAT.
	PublicIPs []string `yaml:"public_ips"`
	// Loopback announces 127.0.0.1 too: for trying a world on one machine.
	Loopback bool `yaml:"loopback"`

	// TURN relays for clients whose network lets only TCP or TLS out.
	TURN turn.Config `yaml:"turn"`

	// Egress is how voice and video leave: "auto" in batches where that can be
	// (Linux, AES-GCM), "pion" packet by packet.
	Egress string `yaml:"egress"`
	// GatherMin and GatherMax bound how long packets that leave in batches may
	// wait for others, at most 20 ms: the former while the process is calm, the
	// latter while it is busy with sending. 0 is at once.
	GatherMin time.Duration `yaml:"gather_min"`
	GatherMax time.Duration `yaml:"gather_max"`

	// MaxVoiceSlots and MaxVideoSlots bound the receive lines of an offer,
	// MaxMediaLines all its lines, MaxSDPBytes its size.
	MaxVoiceSlots int `yaml:"max_voice_slots"`
	MaxVideoSlots int `yaml:"max_video_slots"`
	MaxMediaLines int `yaml:"max_media_lines"`
	MaxSDPBytes   int `yaml:"max_sdp_bytes"`

	// ControlQueue is how many control messages may wait for a slow client.
	ControlQueue int `yaml:"control_queue"`

	// Interrupted is how long nothing may come from a client before its
	// connection counts as interrupted, Resume how long it may then take to
	// come back, Connect how long the first connection may take.
	Interrupted time.Duration `yaml:"interrupted"`
	Resume      time.Duration `yaml:"resume"`
	Connect     time.Duration `yaml:"connect"`
}

// maxGather is a frame of Opus: beyond it a talker's packets would pile up.
const maxGather = 20 * time.Millisecond

// DefaultConfig returns the limits of PROTOCOL.md on a free port of every
// interface.
func DefaultConfig() Config {
	return Config{
		UDP:           "0.0.0.0:0",
		TCP:           true,
		MaxTCP:        4096,
		TURN:          turn.DefaultConfig(),
		Egress:        EgressAuto,
		GatherMax:     5 * time.Millisecond,
		MaxVoiceSlots: 32,
		MaxVideoSlots: 8,
		MaxMediaLines: 64,
		MaxSDPBytes:   65536,
		ControlQueue:  512,
		Interrupted:   3 * time.Second,
		Resume:        10 * time.Second,
		Connect:       20 * time.Second,
	}
}

// Validate returns an *earshot.Error that names the first field that cannot be.
func (c *Config) Validate() error {
	if _, err := net.ResolveUDPAddr("udp4", c.UDP); err != nil {
		return earshot.Errorf(earshot.CodeInvalidArgument, "udp: %q is not an IPv4 address with a port", c.UDP)
	}
	for _, ip := range c.PublicIPs {
		if parsed := net.ParseIP(ip); parsed == nil || parsed.To4() == nil {
			return earshot.Errorf(earshot.CodeInvalidArgument, "public_ips: %q is not an IPv4 address", ip)
		}
	}
	if c.Egress != EgressAuto && c.Egress != EgressPion {
		return earshot.Errorf(earshot.CodeInvalidArgument, "egress: %q is neither %q nor %q", c.Egress, EgressAuto, EgressPion)
	}
	if c.GatherMin < 0 || c.GatherMin > c.GatherMax || c.GatherMax > maxGather {
		return earshot.Errorf(earshot.CodeInvalidArgument, "gather_min, gather_max: %v and %v are not in order between 0 and %v", c.GatherMin, c.GatherMax, maxGather)
	}
	for _, f := range []struct {
		name       string
		value, max int
	}{
		{"max_voice_slots", c.MaxVoiceSlots, 256},
		{"max_video_slots", c.MaxVideoSlots, 64},
		{"max_media_lines", c.MaxMediaLines, 512},
		{"max_sdp_bytes", c.MaxSDPBytes, 1 << 20},
		{"control_queue", c.ControlQueue, 1 << 16},
		{"max_tcp", c.MaxTCP, 1 << 20},
	} {
		if f.value < 1 || f.value > f.max {
			return earshot.Errorf(earshot.CodeInvalidArgument, "%s: %d is not between 1 and %d", f.name, f.value, f.max)
		}
	}
	for _, f := range []struct {
		name  string
		value time.Duration
	}{{"interrupted", c.Interrupted}, {"resume", c.Resume}, {"connect", c.Connect}} {
		if f.value < time.Second || f.value > 10*time.Minute {
			return earshot.Errorf(earshot.CodeInvalidArgument, "%s: %v is not between 1s and 10m", f.name, f.value)
		}
	}
	return ofTURN(c.TURN.Validate())
}

// Deps is what an SFU needs from outside.
type Deps struct {
	Log     *slog.Logger
	Metrics prometheus.Registerer // nil registers nothing
	Net     transport.Net         // nil is the operating system; tests pass a simulated network
}
