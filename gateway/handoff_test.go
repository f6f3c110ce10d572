package gateway

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/loadtest"
	"earshot/presence/cluster"
	"earshot/presence/store"
)

// walker is somebody whose client follows invitations: a bot with up to two
// connections, and what comes by them.
type walker struct {
	t      *testing.T
	number uint32

	mu     sync.Mutex
	bots   []*loadtest.Bot // the oldest first
	failed error
	heard  map[uint32][]hearsay // by talker
	wrote  *scribe              // what they read by the second connection; nil: nothing is noted
	also   func(at time.Time)   // called for each packet of the second connection; nil: not
}

// hearsay is a packet of somebody's voice as it came.
type hearsay struct {
	at  time.Time
	via int // which connection
}

// walks joins at a node and follows invitations until the test ends.
func walks(t *testing.T, n *node, number uint32, change ...func(*loadtest.Config)) *walker {
	t.Helper()
	w := &walker{t: t, number: number, heard: map[uint32][]hearsay{}}
	first := n.talker(number, append([]func(*loadtest.Config){w.listen(0), func(c *loadtest.Config) { c.Slots = 12 }}, change...)...)
	w.mu.Lock()
	w.bots = append(w.bots, first)
	w.mu.Unlock()
	return w
}

// listen has connection via tell w what comes.
func (w *walker) listen(via int) func(*loadtest.Config) {
	return func(c *loadtest.Config) {
		c.Hear = func(_ int, at time.Time, r *loadtest.Received) {
			if via == 1 && w.also != nil {
				w.also(at)
			}
			if r.Voiced {
				w.mu.Lock()
				w.heard[r.Frame.Bot] = append(w.heard[r.Frame.Bot], hearsay{at, via})
				w.mu.Unlock()
			}
		}
		c.Control = func(m loadtest.Message) {
			if invite, ok := m.ServerMessage.(*protocol.Invite); ok && via == 0 {
				go w.follow(invite)
			}
		}
	}
}

func (w *walker) follow(m *protocol.Invite) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	w.mu.Lock()
	first := w.bots[0]
	w.mu.Unlock()
	next, err := first.Follow(ctx, m, w.listen(1), w.write)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed = err; err == nil {
		w.bots = append(w.bots, next)
		w.t.Cleanup(func() { _ = next.Close() })
	}
}

// write has what comes by the second connection written down where that is wanted.
func (w *walker) write(c *loadtest.Config) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wrote != nil {
		w.wrote.reads(c)
	}
}

// settled reports whether w has gone over and its first connection has ended.
func (w *walker) settled() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.bots) == 2 && w.bots[0].Bye() != nil
}

// bot is the present connection.
func (w *walker) bot() *loadtest.Bot {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bots[len(w.bots)-1]
}

// silence is the longest time in which w did not hear a talker between two
// moments, and how many packets came that another connection had brought too.
func (w *walker) silence(of uint32, from, to time.Time) (longest time.Duration, twice int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := from
	var latest [2]time.Time
	for _, h := range w.heard[of] {
		if h.at.Before(from) || h.at.After(to) {
			continue
		}
		longest, last = max(longest, h.at.Sub(last)), h.at
		if other := latest[1-h.via]; h.via == 0 && !other.IsZero() {
			twice++ // once the new node carries a pair, the old one does not
		}
		latest[h.via] = h.at
	}
	return max(longest, to.Sub(last)), twice
}

// drains ends a node as SIGTERM does and returns how long that took.
func (n *node) drains() time.Duration {
	began := time.Now()
	n.fleet.drain()
	return time.Since(began)
}

var handoffPeople = flag.Int("handoff.people", 6, "how many people are on the node that TestDrainIsNotHeard drains")

// circle is how many stand together; others are out of earshot.
const circle = 6

// circleOf is where the i-th of all stands.
func circleOf(i int) loadtest.Mover {
	n := i / circle
	return statue(earshot.Vec3{X: float32(60 * (n % 5)), Z: float32(60*(n/5) + i%circle)})
}

// unheard is for how long somebody may be silent who goes over: 0.3 s, and as
// much again and more for a race detector. docs/cluster.md has what it is on a
// quiet machine; what a busy one takes comes on top: see lateness.
const unheard = time.Second

// A node is drained of people who talk. Each goes over by a second connection,
// nobody is silent for anybody for longer than a moment, nobody is heard twice,
// and what is in force on them is in force throughout.
func TestDrainIsNotHeard(t *testing.T) {
	people := *handoffPeople
	list := nodesOf(t, store.NewMemory(), 2, func(c *Config) {
		c.Fleet.Drain = 30 * time.Second
		if people < 50 {
			c.Fleet.Timing.Invites = 4 // slowly: most of the time they are on both
		}
		w := c.Worlds["plaza"]
		w.NPCs, w.Capacity = nil, max(w.Capacity, 2*people)
		c.Worlds["plaza"] = w
	})
	owner, other := ownerOf(t, list, "in_plaza")
	all := make([]*walker, people)
	for i := range all {
		all[i] = walks(t, owner, uint32(1+i), func(c *loadtest.Config) { c.Move, c.Slots = circleOf(i), circle })
	}
	in := owner.plaza()
	if err := all[0].bot().Send(&protocol.Block{Participant: participantOfBot(2), Blocked: true}); err != nil {
		t.Fatal(err)
	}
	in.mu.Lock()
	in.members[participantOfBot(3)].withheld = map[protocol.Source]bool{protocol.SourceCamera: true}
	in.mu.Unlock()
	eventually(t, "everybody to hear everybody but for a block", func() bool {
		for i, w := range all {
			w.mu.Lock()
			n := len(w.heard)
			w.mu.Unlock()
			want := min(people-i/circle*circle, circle) - 1
			if i < 2 {
				want--
			}
			if n < want {
				return false
			}
		}
		return in.space.Blocked(participantOfBot(1), participantOfBot(2))
	})
	const mute = 5
	if err := all[mute-1].bot().Send(&protocol.Mute{Muted: true}); err != nil {
		t.Fatal(err)
	}
	pause(500 * time.Millisecond) // both have long taken effect
	late, blocked := watchLateness(t), time.Now()
	took := owner.drains()
	eventually(t, "everybody to have gone over", func() bool { return !slices.ContainsFunc(all, func(w *walker) bool { return !w.settled() }) })
	pause(time.Second)
	end := time.Now().Add(-100 * time.Millisecond)

	var gaps []time.Duration
	for i, w := range all {
		if w.failed != nil {
			t.Errorf("bot %d could not follow: %v", i+1, w.failed)
		}
		for j := range all {
			gap, twice := w.silence(uint32(1+j), blocked, end)
			switch {
			case i == j || i/circle != j/circle:
			case i < 2 && j < 2 || j+1 == mute:
				w.mu.Lock()
				if n := len(w.heard[uint32(1+j)]); n > 0 && w.heard[uint32(1+j)][n-1].at.After(blocked) {
					t.Errorf("bot %d heard bot %d, whom a block or a mute keeps from it", i+1, j+1)
				}
				w.mu.Unlock()
			default:
				gaps = append(gaps, gap)
				if twice > 5 {
					t.Errorf("bot %d heard bot %d by both nodes %d times", i+1, j+1, twice)
				}
			}
		}
	}
	slices.Sort(gaps)
	t.Logf("drained in %v; the longest silence of a pair: p50 %v, p95 %v, most %v",
		took.Round(time.Millisecond), gaps[len(gaps)/2].Round(time.Millisecond), gaps[len(gaps)*95/100].Round(time.Millisecond), gaps[len(gaps)-1].Round(time.Millisecond))
	if most := unheard + late.allowance(); gaps[len(gaps)*95/100] > most {
		t.Errorf("p95 of the longest silence is %v, want at most %v", gaps[len(gaps)*95/100], most)
	}
	there := other.plaza()
	there.mu.Lock()
	defer there.mu.Unlock()
	if s := there.members[participantOfBot(3)]; s == nil || !s.withheld[protocol.SourceCamera] || !s.ready.Load() {
		t.Error("what an administrator withheld, or that they were ready, did not come along")
	}
	if !there.space.Blocked(participantOfBot(1), participantOfBot(2)) {
		t.Error("the block did not come along")
	}
}

// Who does not follow stays, and is told where to go in time.
func TestDrainOfWhoDoesNotFollow(t *testing.T) {
	t.Parallel()
	list := nodesOf(t, store.NewMemory(), 2, func(c *Config) {
		c.Fleet.Drain = 2 * patience
		c.Fleet.Timing.AttachWithin = time.Second
	})
	owner, other := ownerOf(t, list, "in_plaza")
	bot := owner.talker(1)
	ada := owner.guest("ada", nil) // has one connection only
	took := owner.drains()
	for _, told := range []*protocol.Bye{bot.Bye(), expect[*protocol.Bye](ada)} {
		if told == nil || told.URL != other.url || told.Instance != "in_plaza" || !told.Reconnect {
			t.Errorf("told %+v, want to join at %s", told, other.url)
		}
	}
	if took > patience {
		t.Errorf("the drain took %v, though both were told long before", took)
	}
}

// A moderator on either node silences somebody who is on both, and a kick ends
// both of their connections.
func TestOrdersWhileLingering(t *testing.T) {
	t.Parallel()
	list := nodesOf(t, store.NewMemory(), 2, func(c *Config) {
		c.Fleet.Drain, c.Fleet.Timing.AttachWithin = 8*patience, 4*patience
	})
	owner, other := ownerOf(t, list, "in_plaza")
	ada := walks(t, owner, 1)
	stays := owner.talker(2) // does not follow
	in := owner.plaza()
	drained := make(chan struct{})
	go func() { owner.drains(); close(drained) }()
	eventually(t, "ada to be on both", func() bool {
		s := in.live.Load().byID[participantOfBot(1)]
		return ada.bot() != nil && s != nil && s.over.Load()
	})
	there := other.plaza()
	if err := there.moderate(&protocol.Moderate{Action: protocol.ActionMute, Participant: participantOfBot(1)}, time.Now()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "ada to be muted on the old node", func() bool {
		in.mu.Lock()
		defer in.mu.Unlock()
		s := in.members[participantOfBot(1)]
		return s != nil && s.moderated
	})
	if err := there.moderate(&protocol.Moderate{Action: protocol.ActionKick, Participant: participantOfBot(1)}, time.Now()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both connections to end", func() bool {
		return in.live.Load().byID[participantOfBot(1)] == nil && there.live.Load().byID[participantOfBot(1)] == nil
	})
	if stays.Bye() != nil && in.live.Load().byID[participantOfBot(2)] != nil {
		t.Error("who did not follow was told to go too early")
	}
	check(t, stays.Leave(t.Context()))
	<-drained
}

// A handoff is good once, for whom it was made.
func TestHandoffIsSingleUse(t *testing.T) {
	f := &fleet{followers: map[cluster.Key]*follower{}}
	key := cluster.Key{Participant: "pa_ada", HLC: 1 << 60, Node: "nd_a"}
	f.expect(&cluster.Event{Key: key, Instance: "in_plaza"})
	text := handoffText(key)
	for _, tc := range []struct {
		who  earshot.ParticipantID
		text string
		ok   bool
	}{
		{"pa_bea", text, false}, {"pa_ada", text + "x", false}, {"pa_ada", "", false}, {"pa_ada", ".", false},
		{"pa_ada", fmt.Sprint(text, string(make([]byte, 200))), false}, {"pa_ada", text, true}, {"pa_ada", text, false},
	} {
		if _, _, err := f.redeem(tc.who, tc.text); (err == nil) != tc.ok {
			t.Errorf("redeem(%s, %q) = %v, want ok %v", tc.who, tc.text, err, tc.ok)
		}
	}
	var none *fleet
	if _, _, err := none.redeem("pa_ada", text); earshot.CodeOf(err) != earshot.CodeNotFound {
		t.Errorf("without other nodes: %v", err)
	}
}
