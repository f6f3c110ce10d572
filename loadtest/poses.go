package loadtest

import (
	"context"
	"time"

	"earshot/presence/pose"
)

// posture makes the pose datagrams of a bot.
type posture struct {
	cfg   *Config
	up    pose.Uplink
	start time.Time
}

func newPosture(cfg *Config) *posture { return &posture{cfg: cfg, start: cfg.Now()} }

// next is the datagram for now; it holds until the next call.
func (p *posture) next(now time.Time) []byte {
	at := p.cfg.stride.Pose(now)
	return p.up.Next(&at, uint32(now.Sub(p.start).Milliseconds()))
}

// posing sends a pose every interval until ctx ends. Poses that are late are
// left out: only the newest counts.
func posing(ctx context.Context, cfg *Config, send func(datagram []byte)) {
	p := newPosture(cfg)
	ticker := time.NewTicker(cfg.PoseEvery)
	defer ticker.Stop()
	for {
		send(p.next(cfg.Now()))
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
