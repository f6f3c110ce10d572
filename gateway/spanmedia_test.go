package gateway

import (
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/loadtest"
)

// ear counts what a bot hears of whom, and how late.
type ear struct {
	mu     sync.Mutex
	of     map[uint32]int
	delays []time.Duration
	poses  atomic.Int64
	last   atomic.Int64 // Unix ns
}

// listener is a bot with an ear.
func (n *node) listener(number uint32, change ...func(*loadtest.Config)) (*loadtest.Bot, *ear) {
	e := &ear{of: make(map[uint32]int)}
	bot := n.talker(number, append([]func(*loadtest.Config){func(cfg *loadtest.Config) {
		cfg.Speak, cfg.Slots = false, 4
		cfg.Hear = func(_ int, at time.Time, r *loadtest.Received) {
			if !r.Voiced {
				return
			}
			e.mu.Lock()
			defer e.mu.Unlock()
			e.of[r.Frame.Bot]++
			e.delays = append(e.delays, at.Sub(r.Frame.At))
			e.last.Store(time.Now().UnixNano())
		}
		cfg.Pose = func(loadtest.PoseArrival) { e.poses.Add(1) }
	}}, change...)...)
	return bot, e
}

func (e *ear) heard(of uint32) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.of[of]
}

// reset forgets what was heard.
func (e *ear) reset() {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.of)
}

func (e *ear) p95() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	slices.Sort(e.delays)
	return e.delays[len(e.delays)*95/100]
}

// Ten people on one node hear and see somebody on the other. Each packet of the
// voice goes over the link once. One of them blocks the talker, on either node,
// and gets nothing any more while the others go on; when all have, nothing goes
// over the link.
func TestSpanCarriesOneCopy(t *testing.T) {
	t.Parallel()
	a, b := nodes(t, func(cfg *Config) { w := cfg.Worlds["plaza"]; w.NPCs = nil; cfg.Worlds["plaza"] = w })
	talker := a.talker(1, func(cfg *loadtest.Config) { cfg.Slots = 1 })
	who := participantOfBot(1)
	ears, bots := make([]*ear, 10), make([]*loadtest.Bot, 10)
	for i := range ears {
		bots[i], ears[i] = b.listener(uint32(10 + i))
	}
	eventually(t, "everybody to hear", func() bool {
		return !slices.ContainsFunc(ears, func(e *ear) bool { return e.heard(1) < 50 || e.poses.Load() < 20 })
	})
	link := a.cluster.mesh.Links()[0]
	all := func() (heard int) {
		for _, e := range ears {
			heard += e.heard(1)
		}
		return heard
	}
	sent, spoken, heard := link.Counters().Media, talker.Spoken(), all()
	eventually(t, "a hundred packets to be spoken", func() bool { return talker.Spoken() >= spoken+100 })
	sent, spoken = link.Counters().Media-sent, talker.Spoken()-spoken
	if slack := 25; int(sent) > spoken+slack { // what was on its way on a busy machine
		t.Errorf("%d packets went over the link while %d were spoken", sent, spoken)
	}
	eventually(t, "ten listeners to get most of it", func() bool { return all()-heard >= 5*int(sent) })

	quiet := func(e *ear, what string) { // nothing comes once what is on its way is there
		t.Helper()
		pause(100 * time.Millisecond)
		e.reset()
		pause(500 * time.Millisecond)
		if n := e.heard(1); n != 0 {
			t.Errorf("%s: %d packets came all the same", what, n)
		}
	}
	check(t, bots[0].Send(&protocol.Block{Participant: who, Blocked: true}))
	eventually(t, "the block on both nodes", func() bool {
		return a.spanned().space.Blocked(who, participantOfBot(10)) && b.spanned().space.Blocked(who, participantOfBot(10))
	})
	quiet(ears[0], "blocked where it is heard")
	check(t, talker.Send(&protocol.Block{Participant: participantOfBot(11), Blocked: true}))
	eventually(t, "the other block on both nodes", func() bool { return b.spanned().space.Blocked(who, participantOfBot(11)) })
	quiet(ears[1], "blocked where it is spoken")
	ears[2].reset()
	eventually(t, "the others to hear on", func() bool { return ears[2].heard(1) > 20 })

	for _, bot := range bots {
		check(t, bot.Send(&protocol.Block{Participant: who, Blocked: true}))
	}
	eventually(t, "the copy to end", func() bool {
		before := link.Counters().Media
		pause(300 * time.Millisecond)
		return link.Counters().Media == before
	})
	for _, bot := range bots[2:] {
		check(t, bot.Send(&protocol.Block{Participant: who, Blocked: false}))
	}
	ears[2].reset()
	eventually(t, "it to begin again", func() bool { return ears[2].heard(1) > 20 })
	check(t, talker.Send(&protocol.Mute{Muted: true}))
	eventually(t, "the mute", func() bool {
		before := link.Counters().Media
		pause(200 * time.Millisecond)
		return link.Counters().Media == before
	})
	quiet(ears[2], "muted")
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The network between the nodes loses one datagram of twenty: what the listener
// gets lacks hardly any of the talker's packets.
func TestSpanRepairsLoss(t *testing.T) {
	t.Parallel()
	lossy := &lossySocket{PacketConn: udp(t), rand: rand.New(rand.NewPCG(3, 4))}
	a, b := nodesOn(t, [2]net.PacketConn{lossy, udp(t)}, nil)
	a.talker(1, func(cfg *loadtest.Config) { cfg.Slots = 1 })
	bot, ear := b.listener(10)
	_ = bot
	eventually(t, "the voice", func() bool { return ear.heard(1) > 10 })
	lossy.on.Store(true)
	link := b.cluster.mesh.Links()[0]
	ear.reset()
	eventually(t, "loss and its repair", func() bool { return ear.heard(1) > 150 && link.Counters().Asked > 5 })
	lossy.on.Store(false)
	eventually(t, "most of what was asked for to be sent again", func() bool {
		return a.cluster.mesh.Links()[0].Counters().Repaired*10 >= link.Counters().Asked*7
	})
}

// lossySocket loses one datagram of twenty while it is on.
type lossySocket struct {
	net.PacketConn
	mu   sync.Mutex
	rand *rand.Rand
	on   atomic.Bool
}

func (l *lossySocket) WriteTo(b []byte, to net.Addr) (int, error) {
	l.mu.Lock()
	lost := l.on.Load() && l.rand.IntN(20) == 0
	l.mu.Unlock()
	if lost {
		return len(b), nil
	}
	return l.PacketConn.WriteTo(b, to)
}

// Two bots who walk about on two nodes see each other where they are.
func TestSpanPosesCross(t *testing.T) {
	t.Parallel()
	a, b := nodes(t, nil)
	walk := func(cfg *loadtest.Config) {
		cfg.Move = loadtest.NewWalker(loadtest.DefaultWalk(), uint64(cfg.Number), time.Now())
	}
	a.talker(1, walk)
	_, ear := b.listener(10, walk)
	eventually(t, "poses", func() bool { return ear.poses.Load() > 100 })
	away := func(id earshot.ParticipantID) float32 {
		pa, okA := a.spanned().space.Pose(id)
		pb, okB := b.spanned().space.Pose(id)
		if !okA || !okB {
			return 1e9
		}
		return pa.Root.Distance(pb.Root)
	}
	eventually(t, "both nodes to agree", func() bool { return away(participantOfBot(1)) < 0.2 && away(participantOfBot(10)) < 0.2 })
}

// Moderation isolates somebody: on the other node nobody hears them any more and
// nothing of their voice goes there, until it is lifted.
func TestSpanIsolation(t *testing.T) {
	t.Parallel()
	a, b := nodes(t, nil)
	a.talker(1, func(cfg *loadtest.Config) { cfg.Slots = 1 })
	_, ear := b.listener(10)
	eventually(t, "the voice", func() bool { return ear.heard(1) > 10 })
	in, link := a.spanned(), a.cluster.mesh.Links()[0]
	s := in.live.Load().byID[participantOfBot(1)]
	sentence := func(on bool) {
		in.policy.Lock()
		defer in.policy.Unlock()
		in.mu.Lock()
		in.sanction(s, sanctions{muted: on, isolated: on})
		in.mu.Unlock()
		in.isolate(s)
	}
	sentence(true)
	ghost := b.spanned().live.Load().byID[s.participant]
	eventually(t, "the isolation there", func() bool {
		b.spanned().mu.Lock()
		defer b.spanned().mu.Unlock()
		return ghost.sanctions.isolated && ghost.moderated
	})
	pause(100 * time.Millisecond)
	ear.reset()
	sent := link.Counters().Media
	pause(300 * time.Millisecond)
	if n := ear.heard(1); n != 0 || link.Counters().Media != sent {
		t.Errorf("%d packets heard of one who is isolated, %d went over the link", n, link.Counters().Media-sent)
	}
	sentence(false)
	ear.reset()
	eventually(t, "the voice again", func() bool { return ear.heard(1) > 10 })
}
