package gateway

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/loadtest"
	"earshot/presence/store"
)

// scribe writes down what somebody reads, over all their connections.
type scribe struct {
	mu    sync.Mutex
	lines []string
}

// reads has a bot's lines written down too. It comes after what sets Control.
func (w *scribe) reads(c *loadtest.Config) {
	also := c.Control
	c.Control = func(m loadtest.Message) {
		if line, ok := m.ServerMessage.(*protocol.Chat); ok {
			w.mu.Lock()
			w.lines = append(w.lines, line.Text)
			w.mu.Unlock()
		}
		if also != nil {
			also(m)
		}
	}
}

func (w *scribe) read() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.lines)
}

// of are the lines of one author.
func (w *scribe) of(author string) (list []string) {
	for _, line := range w.read() {
		if strings.HasPrefix(line, author+" ") {
			list = append(list, line)
		}
	}
	return list
}

// talkative are people on both sides: some go, some stay, some are there already.
type talkative struct {
	t       *testing.T
	scribes map[string]*scribe
	speak   map[string]func() *loadtest.Bot
	said    map[string]int
	apart   map[[2]string]bool // who does not read whom
}

func (g *talkative) scribe(name string) *scribe {
	w := g.scribes[name]
	if w == nil {
		w = &scribe{}
		g.scribes[name] = w
	}
	return w
}

// say has everybody say a line. They may say five at once.
func (g *talkative) say() {
	for name, bot := range g.speak {
		g.said[name]++
		if err := bot().Send(&protocol.SendChat{Text: fmt.Sprint(name, " ", g.said[name])}); err != nil {
			g.t.Errorf("%s: %v", name, err)
		}
	}
	pause(200 * time.Millisecond)
}

// forget begins anew: nobody has said or read anything.
func (g *talkative) forget() {
	for _, w := range g.scribes {
		w.mu.Lock()
		w.lines = nil
		w.mu.Unlock()
	}
	clear(g.said)
}

// check holds everybody to have read everybody's lines once and in order.
func (g *talkative) check(what string) {
	g.t.Helper()
	want := func(reader, author string) (lines []string) {
		for i := range g.said[author] {
			if !g.apart[[2]string{reader, author}] {
				lines = append(lines, fmt.Sprint(author, " ", i+1))
			}
		}
		return lines
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); pause(step) {
		lacks := false
		for reader, w := range g.scribes {
			for author := range g.said {
				lacks = lacks || len(w.of(author)) < len(want(reader, author))
			}
		}
		if !lacks {
			break
		}
	}
	pause(500 * time.Millisecond) // what comes twice, or to who must not read it, comes by then
	for reader, w := range g.scribes {
		for author := range g.said {
			if got, want := w.of(author), want(reader, author); !slices.Equal(got, want) {
				g.t.Errorf("%s: %s read %q of %s, want %q", what, reader, got, author, want)
			}
		}
	}
}

// meet waits until bots are in an instance and may be told of one another.
func (in *Instance) meet(t *testing.T, bots ...uint32) {
	t.Helper()
	eventually(t, fmt.Sprint("all to be in ", in.id), func() bool {
		return !slices.ContainsFunc(bots, func(number uint32) bool {
			s := in.live.Load().byID[participantOfBot(number)]
			return s == nil || !s.ready.Load() || len(in.space.Within(s.participant, in.cfg.Load().ChatRange, nil)) < len(bots)-1
		})
	})
}

// While a node is emptied everybody of the instance reads everybody, on whichever
// node either is, once and in order; but for those of whom one has blocked the
// other, on either side.
func TestChatWhileDrained(t *testing.T) {
	t.Parallel()
	list := nodesOf(t, store.NewMemory(), 2, func(c *Config) {
		c.Fleet.Drain, c.Fleet.Timing.AttachWithin = 8*patience, 4*patience
		c.Fleet.Timing.Linger = 4 * patience
		w := c.Worlds["plaza"]
		w.NPCs = nil
		c.Worlds["plaza"] = w
	})
	owner, other := ownerOf(t, list, "in_plaza")
	g := &talkative{t: t, scribes: map[string]*scribe{}, speak: map[string]func() *loadtest.Bot{}, said: map[string]int{}, apart: map[[2]string]bool{}}
	still := func(c *loadtest.Config) { c.Move = statue(earshot.Vec3{}) }
	moves := walksReading(t, owner, 1, g.scribe("moves"), still)
	alsoMoves := walksReading(t, owner, 2, g.scribe("also"), still)
	stays := owner.talker(3, still, g.scribe("stays").reads)
	g.speak["moves"], g.speak["also"] = moves.oldest, alsoMoves.bot // by the old connection, and by the new
	g.speak["stays"] = func() *loadtest.Bot { return stays }
	owner.plaza().meet(t, 1, 2, 3)
	g.say()
	g.check("on one node")

	drained := make(chan struct{})
	go func() { owner.drains(); close(drained) }()
	eventually(t, "two are on both nodes", func() bool { return moves.gone() && alsoMoves.gone() })
	native := other.talker(4, still, g.scribe("native").reads, func(c *loadtest.Config) { c.Instance = "in_plaza" })
	blocked := other.talker(5, still, g.scribe("blocked").reads, func(c *loadtest.Config) { c.Instance = "in_plaza" })
	if err := stays.Send(&protocol.Block{Participant: participantOfBot(5), Blocked: true}); err != nil {
		t.Fatal(err)
	}
	if err := blocked.Send(&protocol.Block{Participant: participantOfBot(1), Blocked: true}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the blocks hold", func() bool {
		return owner.plaza().space.Shuns(participantOfBot(3), participantOfBot(5)) && other.plaza().space.Shuns(participantOfBot(5), participantOfBot(1))
	})
	other.plaza().meet(t, 1, 2, 4)
	for _, number := range []uint32{1, 2} {
		s := owner.plaza().live.Load().byID[participantOfBot(number)]
		eventually(t, "who has gone over is known to have", func() bool { return s.wentTo.Load() != nil })
	}
	for _, pair := range [][2]string{{"stays", "blocked"}, {"blocked", "stays"}, {"blocked", "moves"}, {"moves", "blocked"}} {
		g.apart[pair] = true
	}
	g.forget()
	g.speak["native"] = func() *loadtest.Bot { return native }
	g.speak["blocked"] = func() *loadtest.Bot { return blocked }
	for range 3 {
		g.say()
	}
	g.check("on two nodes")
	other.isolates(t, participantOfBot(4))
	for name := range g.scribes {
		g.apart[[2]string{name, "native"}], g.apart[[2]string{"native", name}] = name != "native", name != "native"
	}
	g.forget()
	g.say()
	g.check("with one isolated")
	check(t, stays.Leave(t.Context()))
	<-drained
}

// isolates has nobody get anything of somebody on a node, nor them of others.
func (n *node) isolates(t *testing.T, who earshot.ParticipantID) {
	t.Helper()
	in := n.plaza()
	in.policy.Lock()
	in.mu.Lock()
	s := in.members[who]
	s.sanctions.isolated = true
	in.mu.Unlock()
	in.isolate(s)
	in.policy.Unlock()
}

// walksReading is walks with what they read written down.
func walksReading(t *testing.T, n *node, number uint32, w *scribe, change ...func(*loadtest.Config)) *walker {
	t.Helper()
	walker := walks(t, n, number, append(change, w.reads)...)
	walker.mu.Lock()
	defer walker.mu.Unlock()
	walker.wrote = w
	return walker
}

// oldest is the first connection while it lasts.
func (w *walker) oldest() *loadtest.Bot {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bots[0].Bye() != nil {
		return w.bots[len(w.bots)-1]
	}
	return w.bots[0]
}

// While instances are put together, who has gone over is read where they come
// from and where they are; those of the other instance are not read by who stays.
func TestChatWhileMerged(t *testing.T) {
	t.Parallel()
	setups(t, func(t *testing.T, first, second *node) {
		first.opens("in_plaza")
		second.opens(copyOfPlaza)
		g := &talkative{t: t, scribes: map[string]*scribe{}, speak: map[string]func() *loadtest.Bot{}, said: map[string]int{}, apart: map[[2]string]bool{}}
		still := func(c *loadtest.Config) { c.Move = statue(earshot.Vec3{}) }
		moves := walksReading(t, second, 11, g.scribe("moves"), still, inCopy)
		alsoMoves := walksReading(t, second, 12, g.scribe("also"), still, inCopy)
		stays := second.talker(13, still, inCopy, g.scribe("stays").reads)
		native := first.talker(1, still, g.scribe("native").reads, func(c *loadtest.Config) { c.Instance = "in_plaza" })
		second.instanceHere(copyOfPlaza).meet(t, 11, 12, 13)
		second.merge(copyOfPlaza, "in_plaza")
		eventually(t, "two are in both", func() bool { return moves.gone() && alsoMoves.gone() })
		g.speak["moves"], g.speak["also"] = moves.oldest, alsoMoves.bot
		g.speak["stays"] = func() *loadtest.Bot { return stays }
		g.speak["native"] = func() *loadtest.Bot { return native }
		g.apart[[2]string{"stays", "native"}], g.apart[[2]string{"native", "stays"}] = true, true
		first.plaza().meet(t, 1, 11, 12)
		for _, number := range []uint32{11, 12} {
			s := second.instanceHere(copyOfPlaza).live.Load().byID[participantOfBot(number)]
			eventually(t, "who has gone over is known to have", func() bool { return s.wentTo.Load() != nil })
		}
		for range 3 {
			g.say()
		}
		g.check("in two instances")
	})
}

func FuzzBeside(f *testing.F) {
	f.Add([]byte(`{"in":"in_plaza","from":"pa_a","name":"a","at":{"X":1},"id":"ev_1","text":"hi"}`))
	f.Add([]byte(`{"in":"in_plaza","r":true}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var b beside
		if json.Unmarshal(data, &b) != nil || !b.sane() {
			return
		}
		if len(b.Text) > 4*protocol.MaxChatRunes || !b.Retracted && !b.From.Valid() {
			t.Errorf("%+v is taken", b)
		}
	})
}
