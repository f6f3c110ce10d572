package loadtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
	"earshot/gateway/protocol"
)

// The cast of the simulated minute. Bots 0 to 16 walk in a crowd, 17 and 18
// stand together far out of everybody's range, and the observer is there by
// WebSocket. Those from extra on only walk and talk: under the race detector,
// where each costs ten times as much, they stay away.
const (
	blocker, blocked         = 0, 1 // from before the blocked one came
	lateBlocker, lateBlocked = 2, 3 // the blocked one was there first
	fickle, shunned          = 4, 5 // blocked from 20 s to 40 s
	returner                 = 6    // leaves at 10 s, is back at 13 s as comeback
	restarter                = 7    // restarts ICE at 15 s and 16 s
	interrupted              = 8    // has no network from 18 s to 24 s
	lost                     = 9    // has no network from 25 s on
	muter                    = 10   // is muted from 28 s to 33 s
	extra                    = 11   // and the five after
	hermit, friend           = 17, 18
	observer                 = 19
	comeback                 = 106
)

// TestSimulatedMinute is a minute of an instance of 20 with 3 % of all
// datagrams lost: people come, go, break off, return, block and mute, and all
// who may hear and see each other do, while nobody else does.
func TestSimulatedMinute(t *testing.T) {
	t.Parallel()
	wall := time.Now()
	synctest.Test(t, simulatedMinute)
	t.Logf("the simulated minute took %v", time.Since(wall).Round(10*time.Millisecond))
}

func simulatedMinute(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	s := newSimulation(t, 0.03)
	watch := s.joinAll(ctx)
	defer func() {
		watch.Close()
		s.shutdown()
	}()

	s.until(10 * time.Second)
	arrived := s.tally()
	s.leaveAndReturn(ctx, watch.View)
	s.until(15 * time.Second)
	s.restart(ctx, s.bots[restarter])
	s.until(18 * time.Second)
	s.setCut(interrupted, true)
	s.until(20 * time.Second)
	quiet := s.block(ctx, s.bots[fickle], s.bots[shunned], true)
	s.until(24 * time.Second)
	s.setCut(interrupted, false)
	back := time.Now()
	s.restart(ctx, s.bots[interrupted])
	t.Logf("the control channel works %v after the cut of 6 s ended", time.Since(back).Round(time.Millisecond))
	s.until(25 * time.Second)
	s.setCut(lost, true)
	s.until(28 * time.Second)
	s.mute(ctx)
	s.until(40 * time.Second)
	quiet.check(t)
	s.block(ctx, s.bots[fickle], s.bots[shunned], false)
	s.until(45 * time.Second)
	s.checkLost(ctx, watch.View)
	s.until(50 * time.Second)
	before := s.tally()
	s.until(60 * time.Second)
	synctest.Wait()
	s.checkAlive(before)
	s.checkWhoHeardWhom(arrived)
	s.checkSound()
	s.mu.Lock()
	t.Logf("%d datagrams of media", s.seen)
	s.mu.Unlock()
}

// configure gives a bot of the simulation its place, ears and mouth.
func (s *simulation) configure(number uint32) Config {
	cfg := s.config(number)
	walk := WalkConfig{Radius: 7, Speed: 1.2}
	if number == hermit || number == friend {
		walk = WalkConfig{Centre: earshot.Vec3{X: 100, Z: 2 * float32(number)}}
	}
	cfg.Move = NewWalker(walk, uint64(number), time.Now())
	cfg.Speak, cfg.Slots = true, 6
	cfg.Talk = DefaultTalk()
	cfg.Talk.DTX = true
	if number == lateBlocker || number == lateBlocked {
		cfg.Talk.Pause = 0 // in mid-sentence when they meet
	}
	cfg.KeepVoice, cfg.KeepMessages = 1<<16, 1<<14
	cfg.Net = s.attach(s.t, botAddress(number))
	return cfg
}

func botAddress(number uint32) string { return fmt.Sprintf("10.0.%d.%d", 1+number/200, 1+number%200) }

func idOf(number uint32) earshot.ParticipantID {
	return earshot.ParticipantFor("test", fmt.Sprintf("bot %d", number))
}

func (s *simulation) join(ctx context.Context, cfg Config) *Bot {
	s.t.Helper()
	b, err := Join(ctx, cfg)
	if err != nil {
		s.t.Fatalf("bot %d: %v", cfg.Number, err)
	}
	s.settle(ctx, b)
	return b
}

// settle returns when the server has taken all the bot said so far.
func (s *simulation) settle(ctx context.Context, b *Bot) {
	s.t.Helper()
	mark := float64(len(b.Messages()) + 1)
	if err := b.Send(&protocol.Ping{T: mark}); err != nil {
		s.t.Fatal(err)
	}
	err := b.Await(ctx, func() bool {
		for _, m := range b.Messages() {
			if pong, ok := m.ServerMessage.(*protocol.Pong); ok && pong.T == mark {
				return true
			}
		}
		return false
	})
	if err != nil {
		s.t.Fatalf("ping: %v", err)
	}
}

// joinAll brings in the observer, then those whose order matters, then all
// others at once.
func (s *simulation) joinAll(ctx context.Context) *SocketBot {
	s.t.Helper()
	cfg := s.config(observer)
	cfg.KeepMessages = 1 << 14
	watch, err := JoinSocket(ctx, cfg)
	if err != nil {
		s.t.Fatalf("observer: %v", err)
	}
	for _, n := range []uint32{blocker, blocked, lateBlocked, lateBlocker} {
		cfg := s.configure(n)
		switch n {
		case blocker:
			cfg.Blocks = []earshot.ParticipantID{idOf(blocked)}
		case lateBlocker:
			cfg.Blocks = []earshot.ParticipantID{idOf(lateBlocked)}
		}
		s.bots[n] = s.join(ctx, cfg)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	expected := len(s.bots)
	for n := uint32(lateBlocked + 1); n < observer; n++ {
		if raceEnabled && n >= extra && n < hermit {
			continue
		}
		expected++
		cfg := s.configure(n)
		all.Go(func() {
			b, err := Join(ctx, cfg)
			if err != nil {
				s.t.Errorf("bot %d: %v", n, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			s.bots[n] = b
		})
	}
	all.Wait()
	if s.t.Failed() {
		s.t.FailNow()
	}
	if n := len(watch.Participants()); n < expected {
		s.t.Errorf("the observer was told of %d participants, want %d", n, expected)
	}
	return watch
}

func (s *simulation) leaveAndReturn(ctx context.Context, watch *View) {
	s.t.Helper()
	gone := s.bots[returner]
	if err := gone.Leave(ctx); err != nil {
		s.t.Errorf("leave: %v", err)
	}
	delete(s.bots, returner)
	s.until(13 * time.Second)
	if reason := s.left(watch, gone); reason != protocol.ReasonLeft {
		s.t.Errorf("the one who left: reason %q, want %q", reason, protocol.ReasonLeft)
	}
	cfg := s.configure(comeback)
	cfg.Token = s.token(fmt.Sprintf("bot %d", returner))
	b := s.join(ctx, cfg)
	s.bots[comeback] = b
	if b.ID() != gone.ID() || b.Session() == gone.Session() {
		s.t.Errorf("came back as %s by %s, want %s by another session", b.ID(), b.Session(), gone.ID())
	}
}

// restart restarts ICE; the session has to go on under the same id.
func (s *simulation) restart(ctx context.Context, b *Bot) {
	s.t.Helper()
	before := b.Session()
	if err := b.Restart(ctx); err != nil {
		s.t.Errorf("bot %d: %v", b.cfg.Number, err)
		return
	}
	s.settle(ctx, b)
	if b.Session() != before || b.Bye() != nil {
		s.t.Errorf("bot %d: session %s after the restart, want %s", b.cfg.Number, b.Session(), before)
	}
}

// mute silences the muter for five seconds.
func (s *simulation) mute(ctx context.Context) {
	s.t.Helper()
	b := s.bots[muter]
	b.Send(&protocol.Mute{Muted: true})
	s.settle(ctx, b)
	time.Sleep(100 * time.Millisecond) // what was on its way arrives
	before := s.heardOf(muter)
	s.until(33 * time.Second)
	if after := s.heardOf(muter); after != before {
		s.t.Errorf("%d packets of one who is muted", after-before)
	}
	b.Send(&protocol.Mute{Muted: false})
	s.settle(ctx, b)
	s.until(39 * time.Second)
	if after := s.heardOf(muter); after == before {
		s.t.Error("nothing was heard of one who is no longer muted")
	}
}

// heardOf sums the packets that all bots heard of number.
func (s *simulation) heardOf(number uint32) int {
	sum := 0
	for _, b := range s.bots {
		sum += b.Heard()[number]
	}
	return sum
}

// silence is a pair that must not hear each other, and what they had heard.
type silence struct {
	a, b   *Bot
	ab, ba int
}

// block blocks b by a, or lifts that, and notes what they heard until then.
func (s *simulation) block(ctx context.Context, a, b *Bot, on bool) silence {
	s.t.Helper()
	a.Send(&protocol.Block{Participant: b.ID(), Blocked: on})
	s.settle(ctx, a)
	time.Sleep(100 * time.Millisecond) // what was on its way arrives
	return silence{a, b, a.Heard()[b.cfg.Number], b.Heard()[a.cfg.Number]}
}

func (p silence) check(t *testing.T) {
	t.Helper()
	if n := p.a.Heard()[p.b.cfg.Number] - p.ab; n != 0 {
		t.Errorf("bot %d heard %d packets of bot %d, whom it blocked", p.a.cfg.Number, n, p.b.cfg.Number)
	}
	if n := p.b.Heard()[p.a.cfg.Number] - p.ba; n != 0 {
		t.Errorf("bot %d heard %d packets of bot %d, who blocked it", p.b.cfg.Number, n, p.a.cfg.Number)
	}
}

// checkLost looks at those whose network broke: one came back in time, the
// other did not.
func (s *simulation) checkLost(ctx context.Context, watch *View) {
	s.t.Helper()
	if reason := s.left(watch, s.bots[interrupted]); reason != "" {
		s.t.Errorf("the one who was cut off for 6 s left: %q", reason)
	}
	gone := s.bots[lost]
	if reason := s.left(watch, gone); reason != protocol.ReasonLost {
		s.t.Errorf("the one who was cut off for 20 s: reason %q, want %q", reason, protocol.ReasonLost)
	}
	if err := gone.Restart(ctx); !errors.Is(err, &earshot.Error{Code: earshot.CodeNotFound}) {
		s.t.Errorf("restart after the session ended = %v, want %s", err, earshot.CodeNotFound)
	}
	gone.Close()
	delete(s.bots, lost)
}

// count is what one bot got and gave until some time.
type count struct {
	spoken int
	heard  map[uint32]int
	posed  map[uint16]int
}

func (s *simulation) tally() map[uint32]count {
	all := map[uint32]count{}
	for n, b := range s.bots {
		all[n] = count{b.Spoken(), b.Heard(), b.PosesByIndex()}
	}
	return all
}

// checkAlive compares with the tally of ten seconds ago: nobody is stuck, and
// poses come at the rate of their distance (14 m at most: 15 to 60 Hz, of 30
// sent).
func (s *simulation) checkAlive(before map[uint32]count) {
	s.t.Helper()
	after := s.tally()
	for n, now := range after {
		was := before[n]
		if now.spoken == was.spoken {
			s.t.Errorf("bot %d said nothing for 10 s", n)
		}
		if n >= hermit && n != comeback {
			continue
		}
		if maps.Equal(now.heard, was.heard) {
			s.t.Errorf("bot %d heard nothing for 10 s", n)
		}
		for m, other := range s.bots {
			poses := now.posed[other.Welcome().You.Index] - was.posed[other.Welcome().You.Index]
			switch {
			case m == n:
			case apart(n, m):
				if poses != 0 {
					s.t.Errorf("bot %d got %d poses of bot %d, whom it must not see", n, poses, m)
				}
			case poses < 100 || poses > 650:
				s.t.Errorf("bot %d got %d poses of bot %d in 10 s, want 100 to 650", n, poses, m)
			}
		}
	}
}

// apart reports whether two bots neither hear nor see each other.
func apart(n, m uint32) bool { return outOfRange(n, m) || blocks(n, m) }

func outOfRange(n, m uint32) bool {
	far := func(n uint32) bool { return n == hermit || n == friend }
	return far(n) != far(m)
}

// blocks reports whether one of the two blocked the other before they met.
func blocks(n, m uint32) bool {
	pair := func(a, b uint32) bool { return n == a && m == b || n == b && m == a }
	return pair(blocker, blocked) || pair(lateBlocker, lateBlocked)
}

// checkWhoHeardWhom looks at the whole minute: everybody who was in range was
// heard, and of the others not one packet came. Until their first pose those
// far out stood where all arrive, so for them it counts from arrived on.
func (s *simulation) checkWhoHeardWhom(arrived map[uint32]count) {
	s.t.Helper()
	for n, b := range s.bots {
		heard := b.Heard()
		for m := range s.bots {
			switch {
			case m == n:
				if heard[m] != 0 {
					s.t.Errorf("bot %d heard itself", n)
				}
			case blocks(n, m):
				if heard[m] != 0 {
					s.t.Errorf("bot %d heard %d packets of bot %d, with a block between them", n, heard[m], m)
				}
			case outOfRange(n, m):
				if more := heard[m] - arrived[n].heard[m]; more != 0 {
					s.t.Errorf("bot %d heard %d packets of bot %d, who is out of range", n, more, m)
				}
			case heard[m] < 25:
				s.t.Errorf("bot %d heard %d packets of bot %d in a minute, want half a second at least", n, heard[m], m)
			}
		}
	}
}

// checkSound judges what everybody received.
func (s *simulation) checkSound() {
	s.t.Helper()
	var sum Report
	for n, b := range s.bots {
		log, dropped := b.Voice()
		r := Judge(log)
		if dropped > 0 || r.Talkers == 0 {
			s.t.Errorf("bot %d: %d packets not kept, %d talkers", n, dropped, r.Talkers)
		}
		sum.Packets += r.Packets
		sum.Lost += r.Lost
		sum.Changes += r.Changes
		sum.Holes = append(sum.Holes, r.Holes...)
		if r.Repeat > 40*time.Millisecond || r.Skip > 40*time.Millisecond {
			s.t.Errorf("bot %d: repeats %v, skips %v: %v", n, r.Repeat, r.Skip, r.Faults[:min(3, len(r.Faults))])
		}
		sum.Repeat, sum.Skip = max(sum.Repeat, r.Repeat), max(sum.Skip, r.Skip)
	}
	s.t.Logf("%d voice packets, %d lost, %d changes of slots, %d holes; worst repeat %v, worst skip %v",
		sum.Packets, sum.Lost, sum.Changes, len(sum.Holes), sum.Repeat.Round(time.Millisecond), sum.Skip.Round(time.Millisecond))
	if sum.Changes < 100 {
		s.t.Errorf("%d changes of slots in a minute of 18 listeners, want a real churn", sum.Changes)
	}
}
