package loadtest

import (
	"context"
	"time"

	"earshot/presence/pose"
)

// posing sends the pose of move every interval until ctx ends. Poses that are
// late are left out: only the newest counts.
func posing(ctx context.Context, cfg *Config, send func(datagram []byte)) {
	var up pose.Uplink
	start := cfg.Now()
	ticker := time.NewTicker(cfg.PoseEvery)
	defer ticker.Stop()
	for {
		now := cfg.Now()
		p := cfg.Move.Pose(now)
		send(up.Next(&p, uint32(now.Sub(start).Milliseconds())))
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (b *Bot) sendPoses(ctx context.Context) {
	posing(ctx, &b.cfg, func(datagram []byte) {
		if b.poseUp.BufferedAmount() < maxBuffered {
			_ = b.poseUp.Send(datagram) // closed: the run is about to end
		}
	})
}
