package loadtest

import (
	"context"
	"sync"
	"time"

	"earshot"
	"earshot/gateway/protocol"
)

// Follow opens the second connection to which m invites the bot (PROTOCOL.md,
// Handoff), and returns when it is welcomed there. The first goes on until its
// bye, and says and hears what is not carried by the second: both have to be
// closed. What they say is drawn by each, unless Config.Talker says it.
// change is applied to the Config of the second.
func (b *Bot) Follow(ctx context.Context, m *protocol.Invite, change ...func(*Config)) (*Bot, error) {
	cfg := b.cfg
	cfg.URL, cfg.Instance, cfg.Handoff = m.URL, m.Instance, m.Handoff
	if cfg.URL == "" {
		cfg.URL = b.Node()
	}
	for _, f := range change {
		f(&cfg)
	}
	return Join(ctx, cfg)
}

// stride lets the two connections of a handoff move as one: a Mover is asked by
// one goroutine, with times that never go back.
type stride struct {
	mu   sync.Mutex
	of   Mover
	last time.Time
}

// Pose implements Mover.
func (s *stride) Pose(now time.Time) earshot.Pose {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.After(s.last) {
		s.last = now
	}
	return s.of.Pose(s.last)
}
