package run

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"earshot/gateway/protocol"
	"earshot/loadtest"
)

// reconnectLimit is how long coming back may take before it counts as lost.
const reconnectLimit = 20 * time.Second

// live has p do what its group does besides moving and talking, until ctx
// ends. It returns at once where that is nothing.
func (r *Runner) live(ctx context.Context, p *person) {
	rng := rand.New(rand.NewPCG(p.seed, 0x11fe))
	var habits []habit
	g := p.group
	if g.Churn != nil {
		habits = append(habits, habit{g.Churn.Every, r.comeAndGo})
	}
	if g.Reconnect != nil {
		habits = append(habits, habit{g.Reconnect.Every, r.reconnect})
	}
	chat := g.Chat
	if chat == nil {
		chat = r.cfg.Scenario.Chat
	}
	if chat != nil {
		habits = append(habits, habit{chat.Every, r.chat})
	}
	if g.VisitNPC != nil {
		habits = append(habits, habit{g.VisitNPC.Every, r.ask})
	}
	if len(habits) == 0 {
		return
	}
	// One goroutine does all of them, the one that is due first.
	due := make([]time.Time, len(habits))
	now := time.Now()
	for i, h := range habits {
		due[i] = now.Add(h.next(rng))
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	for {
		first := 0
		for i := range due {
			if due[i].Before(due[first]) {
				first = i
			}
		}
		timer.Reset(time.Until(due[first]))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		habits[first].do(ctx, p)
		due[first] = time.Now().Add(habits[first].next(rng))
	}
}

// habit is what somebody does now and then.
type habit struct {
	every time.Duration // on average
	do    func(context.Context, *person)
}

// next draws a time until the next one: evenly from half to one and a half of
// the mean, so that a short run has about as many as it should.
func (h *habit) next(rng *rand.Rand) time.Duration {
	return time.Duration((.5 + rng.Float64()) * float64(h.every))
}

// comeAndGo has p leave, be away and come back.
func (r *Runner) comeAndGo(ctx context.Context, p *person) {
	bot := r.release(p)
	if bot == nil {
		return
	}
	leave, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := bot.Leave(leave); err != nil {
		r.fail("%s leaves: %v", p.name, err)
	}
	select {
	case <-time.After(p.group.Churn.Away):
	case <-ctx.Done():
		return
	}
	if err := r.arrive(ctx, p); err != nil && ctx.Err() == nil {
		r.lost(p, "does not come back: %v", err)
	}
}

// reconnect restarts ICE, as a client does whose address changed, and waits
// until the server answers on the control channel again.
func (r *Runner) reconnect(ctx context.Context, p *person) {
	bot := p.present()
	if bot == nil {
		return
	}
	begin := time.Now()
	limited, cancel := context.WithTimeout(ctx, reconnectLimit)
	defer cancel()
	err := bot.Restart(limited)
	if err == nil {
		err = r.echo(limited, p, bot)
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		r.fail("%s does not get its connection back: %v", p.name, err)
	default:
		r.reconnects.addDuration(time.Since(begin))
	}
}

// echo waits until a ping comes back.
func (r *Runner) echo(ctx context.Context, p *person, bot *loadtest.Bot) error {
	mark, err := r.ping(bot)
	if err != nil {
		return err
	}
	return bot.Await(ctx, func() bool { return p.ear.ponged.Load() >= mark })
}

// ping sends one, with the microseconds since the start in it.
func (r *Runner) ping(bot *loadtest.Bot) (mark int64, err error) {
	mark = time.Since(r.start).Microseconds()
	return mark, bot.Send(&protocol.Ping{T: float64(mark)})
}

// chat writes a line that its receivers can tell the time of.
func (r *Runner) chat(_ context.Context, p *person) {
	bot := p.present()
	if bot == nil {
		return
	}
	text := r.lines.next(p, time.Now())
	if err := bot.Send(&protocol.SendChat{Text: text}); err != nil {
		r.fail("%s chats: %v", p.name, err)
	}
}

// ask asks an NPC by text; the answer is waited for in told.
func (r *Runner) ask(_ context.Context, p *person) {
	bot := p.present()
	if bot == nil || p.ear.asked.Load() != 0 {
		return // still waiting for the last answer
	}
	questions := [...]string{"how are you today?", "what is there to see here?", "where does the road lead?", "what do you sell?"}
	text := fmt.Sprintf("%s, %s", p.group.VisitNPC.Name, questions[p.ear.questions.Add(1)%int64(len(questions))])
	p.ear.asked.Store(time.Now().UnixNano())
	if err := bot.Send(&protocol.SendChat{Text: text}); err != nil {
		r.fail("%s asks: %v", p.name, err)
	}
}

// told takes a control message of p's bot.
func (r *Runner) told(p *person, m loadtest.Message) {
	switch msg := m.ServerMessage.(type) {
	case *protocol.Pong:
		p.ear.ponged.Store(int64(msg.T))
		r.judge.clock.observe(r.start.Add(time.Duration(msg.T)*time.Microsecond), m.At, msg.ServerTime)
	case *protocol.Chat:
		if at, ok := r.lines.when(msg.From, msg.Text); ok && msg.From != p.participant() {
			r.chats.addDuration(m.At.Sub(at))
		}
	case *protocol.Caption:
		asked := p.ear.asked.Load()
		if asked != 0 && msg.To == p.participant() && p.ear.asked.CompareAndSwap(asked, 0) {
			r.words.addDuration(m.At.Sub(time.Unix(0, asked)))
		}
	case *protocol.Welcome:
		r.judge.seat(msg.You.ID, msg.You.Index)
	case *protocol.Near:
		if len(msg.Leave) > 0 {
			p.ear.forget(r.judge.indices(msg.Leave))
		}
	case *protocol.Slots:
		p.ear.slots(m.At, msg)
	}
}
