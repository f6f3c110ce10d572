package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"earshot"
	"earshot/loadtest"
	"earshot/loadtest/netsim"
	"earshot/loadtest/scenario"
)

const (
	// joinsAtOnce bounds the joins under way: beyond a server's default of 64
	// it only collects refusals.
	joinsAtOnce = 48
	joinLimit   = 30 * time.Second // of one try
	joinTries   = 4                // where the server says it is busy
	joinRest    = time.Second      // between them, as the server asks
)

// joined collects how joins went.
type joined struct {
	total, http, ice, dtls, channels, welcome samples
}

func (j *joined) note(total time.Duration, t loadtest.JoinTimes) {
	j.total.addDuration(total)
	j.http.addDuration(t.HTTP)
	j.ice.addDuration(t.ICE)
	j.dtls.addDuration(t.DTLS)
	j.channels.addDuration(t.Channels)
	j.welcome.addDuration(t.Welcome)
}

// arrive brings p in. An error is final: p does not come.
func (r *Runner) arrive(ctx context.Context, p *person) error {
	select {
	case r.gate <- struct{}{}:
		defer func() { <-r.gate }()
	case <-ctx.Done():
		return ctx.Err()
	}
	token, err := p.pass(ctx, r.cfg.Tokens, r.cfg.Scenario.World, time.Now())
	if err != nil {
		return err
	}
	begin := time.Now()
	for try := 1; ; try++ {
		bot, err := r.join(ctx, p, token)
		if err == nil {
			now := time.Now()
			p.settle(bot, now)
			r.joinedNow.Add(1)
			_, _ = r.ping(bot) // for the server's clock; a bot that cannot send is found otherwise
			r.joins.note(now.Sub(begin), bot.JoinTimes())
			return nil
		}
		busy := errors.Is(err, &earshot.Error{Code: earshot.CodeUnavailable})
		if ctx.Err() != nil || !busy || try == joinTries {
			return fmt.Errorf("%s cannot join: %w", p.name, err)
		}
		select {
		case <-time.After(joinRest + time.Duration(p.seed%500)*time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// join is one try.
func (r *Runner) join(ctx context.Context, p *person, token string) (*loadtest.Bot, error) {
	p.ear.rejoin(time.Now())
	cfg, err := r.botConfig(p, token)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, joinLimit)
	defer cancel()
	return loadtest.Join(ctx, cfg)
}

// botConfig is what a person's bot does and tells.
func (r *Runner) botConfig(p *person, token string) (loadtest.Config, error) {
	g := p.group
	cfg := loadtest.Config{
		URL: r.cfg.URL, Token: token, Number: p.number, Seed: p.seed, HTTP: r.cfg.Client,
		Host: r.host, Slots: g.Slots, Mixed: g.Mixed(), VideoSlots: g.VideoSlots, Move: p.body, Blocks: r.blocksOf(p),
		Hear:    p.ear.hear,
		Control: func(m loadtest.Message) { r.told(p, m) },
	}
	if g.Mixed() {
		cfg.Hear = nil
	}
	if p.ear.eye.poses != nil {
		cfg.Pose = p.ear.pose
	}
	if p.mouth != nil {
		cfg.Speak, cfg.Talker = true, p.mouth
		if g.Talk.Voice == scenario.VoiceReal {
			cfg.Sound = r.sounds.of(p)
		}
	}
	if g.VideoSlots > 0 {
		cfg.See = p.ear.see
	}
	if g.Camera != nil {
		video, err := cameraOf(g.Camera, p.seed)
		if err != nil {
			return cfg, err
		}
		cfg.Video = video
	}
	if path := g.Network.Resolve(); !path.Zero() {
		net, err := netsim.NewSystemNet(path, p.seed)
		if err != nil {
			return cfg, err
		}
		cfg.Net = net
	}
	return cfg, nil
}

// blocksOf are those whom p blocks from the start: of each of the others with
// the share of p's group, by seed.
func (r *Runner) blocksOf(p *person) (list []earshot.ParticipantID) {
	for _, other := range r.people {
		if r.blocked(p, other) {
			if id := other.participant(); id != "" {
				list = append(list, id)
			}
		}
	}
	return list
}

// blocked reports whether p blocks other. The other hears p no more either:
// a block is of both.
func (r *Runner) blocked(p, other *person) bool {
	if p == other || p.group.Block == 0 {
		return false
	}
	h := (uint64(p.number)<<32 | uint64(other.number)) * 0x9e3779b97f4a7c15
	h ^= r.cfg.Scenario.Seed * 0xbf58476d1ce4e5b9
	h ^= h >> 31
	h *= 0x94d049bb133111eb
	h ^= h >> 29
	return float64(h>>11)/(1<<53) < p.group.Block
}
