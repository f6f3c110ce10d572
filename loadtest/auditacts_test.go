package loadtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"earshot/gateway/protocol"
)

// between draws a time.
func between(random *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(random.Int64N(int64(most-least)))
}

// count notes that something was done.
func (a *audit) count(what string) {
	a.tally.Lock()
	defer a.tally.Unlock()
	a.tally.acts[what]++
}

// present returns a person's bot, nil where there is none.
func (p *person) present() *Bot {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bot
}

// post calls the console. It returns the status.
func (a *audit) post(path string, body, answer any) int {
	data, _ := json.Marshal(body)
	req, err := http.NewRequestWithContext(a.ctx, http.MethodPost, a.url+"/v1/moderation/"+path, bytes.NewReader(data))
	if err != nil {
		a.t.Error(err)
		return 0
	}
	req.Header.Set("Authorization", "Bearer "+a.console)
	req.Header.Set("Content-Type", "application/json")
	res, err := a.http.Do(req)
	if err != nil {
		a.t.Errorf("%s: %v", path, err)
		return 0
	}
	defer res.Body.Close()
	got, _ := io.ReadAll(res.Body)
	if answer != nil && res.StatusCode == http.StatusOK {
		if err := json.Unmarshal(got, answer); err != nil {
			a.t.Errorf("%s: %s: %v", path, got, err)
		}
	}
	if res.StatusCode >= 300 {
		a.t.Logf("%s: %d %.200s", path, res.StatusCode, got)
	}
	return res.StatusCode
}

// order has a moderator do something to a person, who need not be here. Length
// 0 is until it is lifted.
func (a *audit) order(kind string, who uint32, length time.Duration) *ban {
	var answer struct{ Order string }
	sent := time.Now()
	if a.forgotten(kind) {
		b := &ban{kind: kind, who: who, from: sent, planted: true}
		if length > 0 {
			b.to = sent.Add(length)
		}
		return a.add(b)
	}
	status := a.post("people/"+string(idOf(who))+"/act",
		map[string]any{"action": kind, "for_s": length.Seconds(), "reason": "drawn by lot"}, &answer)
	if status != http.StatusOK {
		a.t.Errorf("%s of bot %d: %d", kind, who, status)
		return nil
	}
	b := &ban{kind: kind, who: who, order: answer.Order, from: time.Now()}
	if length > 0 {
		b.to = sent.Add(length)
	}
	a.count(kind)
	return a.add(b)
}

// forgotten reports whether the server is not to hear of an order.
func (a *audit) forgotten(kind string) bool {
	if !a.forgets || kind != "mute" {
		return false
	}
	a.tally.Lock()
	defer a.tally.Unlock()
	a.tally.mutes++
	return a.tally.mutes%2 == 1
}

// lift has a moderator take back an order.
func (a *audit) lift(b *ban) {
	a.end(b, time.Now())
	if b.planted {
		return
	}
	if status := a.post("orders/"+b.order+"/undo", map[string]any{"note": "by lot, too"}, nil); status != http.StatusNoContent {
		a.t.Errorf("undo of %s of bot %d: %d", b.kind, b.who, status)
	}
	a.count("undo")
}

// open returns the orders in force now that last for a second more.
func (a *audit) open() (list []*ban) {
	a.ledger.mu.Lock()
	defer a.ledger.mu.Unlock()
	soon := time.Now().Add(time.Second)
	for _, b := range a.bans {
		if (b.kind == "mute" || b.kind == "isolate") && !b.lifted && (b.to.IsZero() || b.to.After(soon)) {
			list = append(list, b)
		}
	}
	return list
}

// moderate is one act of a moderator.
func (a *audit) moderate(random *rand.Rand) {
	time.Sleep(between(random, 400*time.Millisecond, 2*time.Second))
	who, open := random.Uint32N(auditCrowd), a.open()
	switch n := random.IntN(20); {
	case len(open) > 0 && (n < 7 || len(open) > 5):
		a.lift(open[random.IntN(len(open))])
	case n < 13:
		length := time.Duration(0)
		if random.IntN(2) == 0 {
			length = between(random, 2*time.Second, 15*time.Second).Truncate(time.Millisecond)
		}
		a.order("mute", who, length)
	case n < 18:
		a.order("isolate", who, between(random, 2*time.Second, 20*time.Second).Truncate(time.Millisecond))
	default:
		a.kick(random, a.people[who])
	}
}

// kick throws somebody out, who talks on for as long as they can, and mutes
// them at once where they might still be heard.
func (a *audit) kick(random *rand.Rand, p *person) {
	if !p.busy.TryLock() {
		return
	}
	defer p.busy.Unlock()
	if p.present() == nil {
		return
	}
	done := p.absent()
	defer done()
	b := a.order("kick", p.number, 0)
	if b == nil {
		return
	}
	if random.IntN(2) == 0 {
		a.order("mute", p.number, 5*time.Second)
	}
	time.Sleep(time.Second)
	a.drop(p)
	a.ledger.mu.Lock()
	b.to = time.Now()
	a.ledger.mu.Unlock()
	a.enter(p)
}

// absent notes that p cannot be counted on until done is called.
func (p *person) absent() (done func()) {
	from := time.Now()
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.away = append(p.away, ban{from: from, to: time.Now()})
	}
}

// drop closes the bot of p, who keeps what it heard. Its network goes first: the
// server hears nothing of it, and both sides never close in the same instant,
// in which pion can stop the clock of a bubble (see simulation.shutdown).
func (a *audit) drop(p *person) {
	p.mu.Lock()
	b := p.bot
	p.bot = nil
	p.mu.Unlock()
	if b != nil {
		a.hangUp(p, b)
	}
}

func (a *audit) hangUp(p *person, b *Bot) {
	a.cutOff(p, b, true)
	time.Sleep(20 * time.Millisecond)
	b.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = append(p.gone, b)
}

// enter brings p in, in place of the bot there is.
func (a *audit) enter(p *person) bool {
	for range 4 {
		ctx, cancel := context.WithTimeout(a.ctx, 15*time.Second)
		cfg, address := a.configure(p)
		b, err := Join(ctx, cfg)
		cancel()
		if err == nil {
			p.mu.Lock()
			old := p.bot
			p.bot, p.address[b] = b, address
			p.mu.Unlock()
			if old != nil { // replaced: it talks on until the server closes it
				time.Sleep(time.Second)
				a.hangUp(p, old)
			}
			return true
		}
		a.t.Logf("bot %d: %v", p.number, err)
		a.tally.Lock()
		a.tally.failed++
		a.tally.Unlock()
		time.Sleep(time.Second)
	}
	return false
}

// configure is that of p's next session, and its address.
func (a *audit) configure(p *person) (Config, string) {
	a.tally.Lock()
	k := a.tally.sessions
	a.tally.sessions++
	a.tally.Unlock()
	cfg := a.config(p.number)
	cfg.Seed = a.seed<<20 + uint64(k)
	cfg.Move = newJumper(cfg.Seed)
	cfg.PoseEvery = 100 * time.Millisecond
	cfg.Speak, cfg.Slots, cfg.NACK = true, 4, p.number%3 == 0
	cfg.Talk = DefaultTalk() // without DTX: every packet says whose it is
	cfg.KeepVoice, cfg.KeepMessages = 1<<18, 1<<15
	if a.mixed {
		cfg.Mixed = k%2 == 0
		cfg.Sound = a.mixes.voices[p.number%2] // of which a mix hears something
		cfg.Move = &trailed{cfg.Move, &p.trail}
	}
	if a.beds {
		cfg.Mixed, cfg.Beds, cfg.Slots = false, true, 2
		cfg.Talk.Pause /= 2
	}
	address := fmt.Sprintf("10.0.%d.%d", 1+k/200, 1+k%200)
	cfg.Net = a.attach(a.t, address)
	p.mu.Lock()
	defer p.mu.Unlock()
	for n := range p.blocks {
		cfg.Blocks = append(cfg.Blocks, idOf(n))
	}
	slices.Sort(cfg.Blocks)
	return cfg, address
}

// quarrel has one person block another, or think better of it.
func (a *audit) quarrel(random *rand.Rand) {
	time.Sleep(between(random, 300*time.Millisecond, 1500*time.Millisecond))
	p, q := a.people[random.IntN(auditCrowd)], a.people[random.IntN(auditCrowd)]
	change := random.IntN(3) > 0
	if in := a.mixes.bedOf(p.number, time.Now()); in != 0 { // whom it concerns at once
		for q = p; in>>q.number&1 == 0; q = a.people[random.IntN(auditCrowd)] {
		}
	}
	if p == q || !p.busy.TryLock() {
		return
	}
	defer p.busy.Unlock()
	bot := p.present()
	if bot == nil {
		return
	}
	p.mu.Lock()
	held := p.blocks[q.number]
	var blocked []uint32
	for n := range p.blocks {
		blocked = append(blocked, n)
	}
	p.mu.Unlock()
	if held == nil && change && len(blocked) > 0 { // rather than block one more
		slices.Sort(blocked)
		n := blocked[random.IntN(len(blocked))]
		p.mu.Lock()
		q, held = a.people[n], p.blocks[n]
		p.mu.Unlock()
	}
	if held != nil {
		a.end(held, time.Now())
		p.mu.Lock()
		delete(p.blocks, q.number)
		p.mu.Unlock()
		a.said(bot, q, false)
		a.count("unblock")
		return
	}
	if a.said(bot, q, true) {
		b := a.add(&ban{kind: "block", who: p.number, other: q.number, from: time.Now()})
		p.mu.Lock()
		p.blocks[q.number] = b
		p.mu.Unlock()
		a.count("block")
	}
}

// said blocks or unblocks q and returns when the server says it holds. False
// means that the session ended before.
func (a *audit) said(b *Bot, q *person, on bool) bool {
	if b.Send(&protocol.Block{Participant: idOf(q.number), Blocked: on}) != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(a.ctx, 5*time.Second)
	defer cancel()
	return b.Await(ctx, func() bool {
		list := b.Messages()
		for i := len(list) - 1; i >= 0; i-- {
			if m, ok := list[i].ServerMessage.(*protocol.Blocked); ok {
				return m.Participant == idOf(q.number) && m.Blocked == on
			}
		}
		return false
	}) == nil
}

// travel is what happens to one person's connection.
func (a *audit) travel(random *rand.Rand) {
	time.Sleep(between(random, time.Second, 5*time.Second))
	p, what, pause := a.people[random.IntN(auditCrowd)], random.IntN(5), between(random, 0, 3*time.Second)
	if !p.busy.TryLock() {
		return
	}
	defer p.busy.Unlock()
	bot := p.present()
	done := p.absent()
	defer done()
	switch {
	case bot == nil:
		a.enter(p)
	case what == 0: // leaves and comes back
		_ = bot.door.leave(a.ctx) // ended already is as good
		time.Sleep(100 * time.Millisecond)
		a.drop(p)
		time.Sleep(pause)
		a.enter(p)
		a.count("leave")
	case what == 1: // joins from elsewhere
		a.enter(p)
		a.count("replace")
	case what == 2: // crashes
		a.drop(p)
		time.Sleep(pause)
		a.enter(p)
		a.count("crash")
	case what == 3: // lies there while the network is away
		a.cutOff(p, bot, true)
		time.Sleep(2*time.Second + pause)
		a.cutOff(p, bot, false)
		ctx, cancel := context.WithTimeout(a.ctx, 10*time.Second)
		defer cancel()
		if err := bot.Restart(ctx); err != nil {
			a.t.Logf("bot %d: %v", p.number, err)
		}
		time.Sleep(time.Second)
		a.count("cut")
	default: // says goodbye, and talks on until the server closes
		_ = bot.Send(&protocol.Leave{})
		time.Sleep(time.Second)
		a.drop(p)
		a.enter(p)
		a.count("goodbye")
	}
}

func (a *audit) cutOff(p *person, b *Bot, on bool) {
	p.mu.Lock()
	address := p.address[b]
	p.mu.Unlock()
	a.simulation.mu.Lock()
	defer a.simulation.mu.Unlock()
	a.cut[address] = on
}
