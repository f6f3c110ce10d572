package loadtest

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"earshot"
	"earshot/gateway/protocol"
)

const (
	watchEvery  = 50 * time.Millisecond
	firstPause  = 150 * time.Millisecond // before the second attempt; doubled up to
	longPause   = time.Second
	movingPause = 250 * time.Millisecond // while the others have not noticed
	tryFor      = 6 * time.Second        // one attempt: longer than a server lets a join wait
	defaultHush = time.Second
	answerFor   = 500 * time.Millisecond
	pingEvery   = 2 * time.Second // as the web client does: the answer says which other nodes there are
	lingerFor   = 2 * time.Minute // the connection before, after a handoff: longer than nodes drain
)

// ReturnConfig is a participant who stays one when a connection does not.
type ReturnConfig struct {
	// Config is of each Bot. Several may use its Talker, Move, Hear, Pose and
	// Control, for a moment two at once.
	Config
	// Hush is after how long without a packet the server is asked whether it is
	// there; it has half a second to answer. 0 is a second.
	Hush time.Duration
	// Turned is told of each turn, in order. It has to be quick.
	Turned func(Turn)
}

// TurnKind says what a Turn is.
type TurnKind string

// The kinds of turns.
const (
	TurnLost  TurnKind = "lost"  // the node went silent
	TurnSent  TurnKind = "sent"  // it said where to go on
	TurnBack  TurnKind = "back"  // in again
	TurnMoved TurnKind = "moved" // in on another node before the connection to this one ended
	TurnGone  TurnKind = "gone"  // for good: it was refused, or said not to come back
)

// Turn is something that happened to a Returner's connection.
type Turn struct {
	At   time.Time
	Kind TurnKind
	Node string // origin of the node it is about
	Err  error  // of TurnGone
}

// Returner is one participant over one Bot after another: when its node falls
// silent or sends it away it joins again, at the nodes that were named to it,
// with pauses that grow and differ. Methods are safe for concurrent use.
type Returner struct {
	cfg  ReturnConfig
	told func(Message) // ReturnConfig.Control, or nil
	stop context.CancelFunc
	work sync.WaitGroup

	turn    chan struct{}         // a message came that ends a connection
	invites chan *protocol.Invite // the newest that nobody has followed
	route   *route                // of the goroutine that stays

	mu         sync.Mutex
	bot        *Bot
	alternates []string // as last told; nil: as welcome said
}

// Return joins, which ctx bounds, and goes on to be there until Close.
func Return(ctx context.Context, cfg ReturnConfig) (*Returner, error) {
	cfg.fill()
	if cfg.Hush == 0 {
		cfg.Hush = defaultHush
	}
	if cfg.Turned == nil {
		cfg.Turned = func(Turn) {}
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	r := &Returner{cfg: cfg, told: cfg.Control, stop: stop, turn: make(chan struct{}, 1), invites: make(chan *protocol.Invite, 1), route: newRoute(cfg.URL, cfg.Instance)}
	r.cfg.Control = r.hear
	bot, err := r.join(ctx)
	if err != nil {
		stop()
		return nil, err
	}
	r.bot = bot
	r.work.Go(func() { r.stay(run) })
	return r, nil
}

// Bot is the present one. It may end at any moment.
func (r *Returner) Bot() *Bot {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bot
}

// Close drops the connection as Bot.Close does, and does not come back.
func (r *Returner) Close() error {
	r.stop()
	r.work.Wait()
	return r.Bot().Close()
}

// Node is the origin of the node that let the bot in.
func (b *Bot) Node() string { return origin(b.door.session) }

// hear passes on what a Bot was told, and wakes watch where it has to act.
func (r *Returner) hear(m Message) {
	if r.told != nil {
		r.told(m)
	}
	switch m := m.ServerMessage.(type) {
	case *protocol.Bye:
		select {
		case r.turn <- struct{}{}:
		default:
		}
	case *protocol.Pong:
		if m.Alternates != nil {
			r.mu.Lock()
			r.alternates = m.Alternates
			r.mu.Unlock()
		}
	case *protocol.Invite:
		select {
		case r.invites <- m:
		default: // one is being followed
		}
	}
}

// stay watches the connection and replaces it when it is over.
func (r *Returner) stay(ctx context.Context) {
	for {
		bot := r.Bot()
		over := r.watch(ctx, bot)
		if ctx.Err() != nil {
			return
		}
		if !over {
			continue // another has replaced it
		}
		if !r.depart(bot) || !r.comeBack(ctx) {
			return
		}
	}
}

// watch returns when bot's connection is over, or bot is not the present one.
func (r *Returner) watch(ctx context.Context, bot *Bot) (over bool) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	var h hush
	var pinged time.Time
	for {
		select {
		case <-ctx.Done():
			return false
		case <-r.turn:
		case m := <-r.invites:
			r.goOver(ctx, bot, m)
			continue
		case <-ticker.C:
		}
		now := r.cfg.Now()
		switch {
		case r.Bot() != bot:
			return false
		case bot.Bye() != nil || bot.over():
			return true
		}
		if now.Sub(pinged) >= pingEvery {
			pinged = now
			_ = bot.Send(&protocol.Ping{})
		}
		switch h.look(now, bot.Traffic().Down.Total().Packets, r.cfg.Hush) {
		case hushAsk:
			_ = bot.Send(&protocol.Ping{}) // what cannot be sent is not answered either
		case hushOver:
			return true
		}
	}
}

// goOver follows an invitation. The connection to bot goes on until its bye; where
// there is no other, it goes on as the present one.
func (r *Returner) goOver(ctx context.Context, bot *Bot, m *protocol.Invite) {
	within, cancel := context.WithTimeout(ctx, time.Duration(m.WithinMS)*time.Millisecond)
	defer cancel()
	next, err := bot.Follow(within, m)
	if err != nil {
		return
	}
	r.route.welcomed(next.Node(), next.Welcome())
	r.mu.Lock()
	r.bot = next
	r.mu.Unlock()
	r.cfg.Turned(Turn{At: r.cfg.Now(), Kind: TurnMoved, Node: next.Node()})
	r.work.Go(func() {
		lasts, cancel := context.WithTimeout(ctx, lingerFor)
		defer cancel()
		_ = bot.Await(lasts, func() bool { return bot.Bye() != nil }) // or it ended without
		_ = bot.Close()
	})
}

// depart closes bot, whose connection is over, and reports whether to come back.
func (r *Returner) depart(bot *Bot) bool {
	now, bye := r.cfg.Now(), bot.Bye()
	_ = bot.Close()
	r.mu.Lock()
	alternates := r.alternates
	r.alternates = nil
	r.mu.Unlock()
	if alternates != nil {
		r.route.told(bot.Node(), alternates)
	}
	switch {
	case bye == nil:
		r.route.fell(bot.Node(), now)
		r.cfg.Turned(Turn{At: now, Kind: TurnLost, Node: bot.Node()})
	case bye.Reconnect:
		r.route.sent(bye)
		r.cfg.Turned(Turn{At: now, Kind: TurnSent, Node: bot.Node()})
	default:
		r.cfg.Turned(Turn{At: now, Kind: TurnGone, Node: bot.Node(), Err: &earshot.Error{Code: bye.Code, Message: bye.Message}})
		return false
	}
	return true
}

// comeBack joins again, as often as it takes. False: ctx ended, or nobody will
// let us in.
func (r *Returner) comeBack(ctx context.Context) bool {
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		bot, err := r.try(ctx)
		if err == nil {
			r.replace(bot)
			r.cfg.Turned(Turn{At: r.cfg.Now(), Kind: TurnBack, Node: bot.Node()})
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		if !r.route.failed(err) {
			r.cfg.Turned(Turn{At: r.cfg.Now(), Kind: TurnGone, Node: r.route.next(), Err: err})
			return false
		}
		if errors.Is(err, errMoving) {
			pause = movingPause / 2 // to be doubled
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(pause/2 + rand.N(pause)):
		}
	}
}

func (r *Returner) try(ctx context.Context) (*Bot, error) {
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	return r.join(ctx)
}

// join makes the next Bot, where the route says.
func (r *Returner) join(ctx context.Context) (*Bot, error) {
	cfg := r.cfg.Config
	cfg.URL, cfg.Instance = r.route.next(), r.route.instance
	bot, err := newBot(cfg)
	if err != nil {
		return nil, err
	}
	bot.door.trusts = func(location string) bool { return r.route.trusts(location, r.cfg.Now()) }
	if err := bot.connect(ctx); err != nil {
		bot.Close()
		return nil, err
	}
	r.route.welcomed(bot.Node(), bot.Welcome())
	return bot, nil
}

// replace makes next the present one and closes the one before.
func (r *Returner) replace(next *Bot) {
	r.mu.Lock()
	before := r.bot
	r.bot = next
	r.mu.Unlock()
	if before != nil {
		_ = before.Close()
	}
}

// errMoving is of a node that sends us to one that we know to be gone.
var errMoving = earshot.Errorf(earshot.CodeUnavailable, "the other nodes have not noticed yet that the instance's node is gone")

// over reports whether the connection has ended.
func (v *View) over() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.ended
}

// hush notices that nothing arrives any more.
type hush struct {
	packets uint64
	looked  time.Time // last
	since   time.Time // of the last packet
	asked   time.Time // when the server was asked, zero where it was not
}

type hushing int

const (
	hushNone hushing = iota
	hushAsk
	hushOver
)

// look is told how many packets have come by now. A process that did not run for
// a while learns nothing from it.
func (h *hush) look(now time.Time, packets uint64, patience time.Duration) hushing {
	stalled := now.Sub(h.looked) > 4*watchEvery
	h.looked = now
	switch {
	case packets != h.packets || stalled:
		h.packets, h.since, h.asked = packets, now, time.Time{}
	case h.asked.IsZero() && now.Sub(h.since) >= patience:
		h.asked = now
		return hushAsk
	case !h.asked.IsZero() && now.Sub(h.asked) >= answerFor:
		return hushOver
	}
	return hushNone
}
