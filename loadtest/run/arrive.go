package run

import (
	"context"
	"errors"
	"fmt"
	"sync"
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

	waited samples // of those who found the world full
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
	case <-ctx.Done():
		return ctx.Err()
	}
	pass := sync.OnceFunc(func() { <-r.gate }) // who waits for a place does not hold up others
	defer pass()
	token, err := p.pass(ctx, r.cfg.Tokens, r.cfg.Scenario.World, time.Now())
	if err != nil {
		return err
	}
	begin := time.Now()
	for try := 1; ; try++ {
		bot, err := r.join(ctx, p, token, pass)
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

// join is one try. waits is called where the world is full and it waits.
func (r *Runner) join(ctx context.Context, p *person, token string, waits func()) (*loadtest.Bot, error) {
	p.ear.rejoin(time.Now())
	cfg, err := r.botConfig(p, token)
	if err != nil {
		return nil, err
	}
	var since time.Time
	cfg.Wait, cfg.Waiting = r.cfg.Scenario.Wait > 0, func(loadtest.Waiting) {
		if since.IsZero() {
			since = time.Now()
			waits()
		}
	}
	ctx, cancel := context.WithTimeout(ctx, joinLimit+r.cfg.Scenario.Wait)
	defer cancel()
	bot, err := loadtest.Join(ctx, cfg)
	if err == nil && !since.IsZero() {
		r.joins.waited.addDuration(time.Since(since))
	}
	return bot, err
}

// botConfig is what a person's bot does and tells.
func (r *Runner) botConfig(p *person, token string) (loadtest.Config, error) {
	g := p.group
	cfg := loadtest.Config{
		URL: r.cfg.server(p.number), Token: token, Number: p.number, Seed: p.seed, HTTP: r.cfg.Client,
		Host: r.host, Slots: g.Slots, Mixed: g.Mixed(), Beds: g.Beds(), VideoSlots: g.VideoSlots, Move: p.body, Blocks: r.blocksOf(p),
		Hear:    p.ear.hear,
		Control: func(m loadtest.Message) { r.told(p, m) },
	}
	if g.PoseHz > 0 {
		cfg.PoseEvery = time.Duration(float64(time.Second) / g.PoseHz)
	}
	cfg.PoseBitrate = map[string]int{"few": 16_000, "none": -1}[g.Poses]
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
