package run

import (
	"context"
	"fmt"
	"sync"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/loadtest"
	"earshot/loadtest/scenario"
)

// tokenLife is how long a token is used again: development tokens are good for
// an hour.
const tokenLife = 40 * time.Minute

// person is one participant of a scenario, in and out of the world.
type person struct {
	number  uint32 // in voice frames and in truth
	name    string
	subject string
	group   *scenario.Group
	lag     time.Duration // of p's network, the slower way
	after   time.Duration // when p sets out to join, from the start
	seed    uint64
	body    *body
	mouth   *mouth // nil: has no microphone
	ear     *ear

	// mu guards what follows.
	mu      sync.Mutex
	token   string
	issued  time.Time
	id      earshot.ParticipantID
	bot     *loadtest.Bot // nil while away
	index   uint16        // in pose datagrams
	in      earshot.InstanceID
	world   *protocol.World
	carried loadtest.Traffic // by bots before this one
	gone    bool             // does not come back
	since   time.Time        // of the present bot
}

// settle has p be there by bot b.
func (p *person) settle(b *loadtest.Bot, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bot, p.since = b, now
	if w := b.Welcome(); w != nil {
		p.id, p.index, p.in, p.world = w.You.ID, w.You.Index, w.Instance, &w.World
	}
}

// take returns the bot and leaves p without one.
func (p *person) take() *loadtest.Bot {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.bot
	if b != nil {
		p.carried = sum(p.carried, b.Traffic())
	}
	p.bot = nil
	return b
}

// present returns the bot, nil while away.
func (p *person) present() *loadtest.Bot {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bot
}

// where returns the instance p is in, its world, nil while away, and p's index
// in pose datagrams.
func (p *person) where() (earshot.InstanceID, *protocol.World, uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bot == nil {
		return "", nil, 0
	}
	return p.in, p.world, p.index
}

// instance returns where p is or last was.
func (p *person) instance() earshot.InstanceID {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.in
}

// traffic is what all bots of p carried.
func (p *person) traffic() loadtest.Traffic {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bot == nil {
		return p.carried
	}
	return sum(p.carried, p.bot.Traffic())
}

// pass returns a token that is good for a while, the same until it grows old.
func (p *person) pass(ctx context.Context, tokens Tokens, world string, now time.Time) (string, error) {
	p.mu.Lock()
	token, issued := p.token, p.issued
	p.mu.Unlock()
	if token != "" && now.Sub(issued) < tokenLife {
		return token, nil
	}
	token, err := tokens.Token(ctx, Who{world, p.subject, p.name, p.kind()})
	if err != nil {
		return "", fmt.Errorf("token of %s: %w", p.name, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.token, p.issued = token, now
	if issuer := issuerOf(token); issuer != "" {
		p.id = earshot.ParticipantFor(issuer, p.subject)
	}
	return token, nil
}

// kind is what the server takes p for: NPCs answer persons only.
func (p *person) kind() string {
	if p.group.VisitNPC != nil {
		return "person"
	}
	return "bot"
}

func (p *person) participant() earshot.ParticipantID {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.id
}

func sum(a, b loadtest.Traffic) loadtest.Traffic {
	return loadtest.Traffic{Up: sumFlows(a.Up, b.Up), Down: sumFlows(a.Down, b.Down)}
}

func sumFlows(a, b loadtest.Flows) loadtest.Flows {
	add := func(x, y loadtest.Flow) loadtest.Flow {
		return loadtest.Flow{Packets: x.Packets + y.Packets, Bytes: x.Bytes + y.Bytes}
	}
	return loadtest.Flows{
		Voice: add(a.Voice, b.Voice), Video: add(a.Video, b.Video), RTCP: add(a.RTCP, b.RTCP), Data: add(a.Data, b.Data),
		Other: add(a.Other, b.Other), Pose: add(a.Pose, b.Pose), Control: add(a.Control, b.Control),
	}
}

// release takes p out of the count and returns its bot, nil where it has none.
func (r *Runner) release(p *person) (bot *loadtest.Bot) {
	if bot = p.take(); bot != nil {
		r.joinedNow.Add(-1)
	}
	return bot
}

// lost notes that p's session ended though nobody wanted it.
func (r *Runner) lost(p *person, format string, args ...any) {
	bot := r.release(p)
	r.droppedOut.Add(1)
	r.fail(p.name+": "+format, args...)
	if bot != nil {
		r.closing.Go(func() { _ = bot.Close() })
	}
}
