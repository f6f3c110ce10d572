package gateway

import (
	"flag"
	"slices"
	"testing"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/loadtest"
	"earshot/presence/store"
)

// Two thin instances are put together: the people of the smaller go over, nobody
// is silent for anybody they were with for longer than a moment or heard twice,
// everybody hears everybody in the end, and the emptied one closes.
func TestMerge(t *testing.T) {
	setups(t, func(t *testing.T, first, second *node) {
		first.opens("in_plaza")
		second.opens(copyOfPlaza)
		var stay, movers []*walker
		for i := range uint32(4) {
			stay = append(stay, walks(t, first, 1+i, stand(int(i)), func(c *loadtest.Config) { c.Instance = "in_plaza" }))
		}
		for i := range uint32(3) {
			movers = append(movers, walks(t, second, 11+i, stand(4+int(i)), inCopy))
		}
		mute := protocol.Mute{Muted: true}
		if err := movers[2].bot().Send(&mute); err != nil {
			t.Fatal(err)
		}
		eventually(t, "those who go hear one another", func() bool { return heardBy(movers[0], 12) && heardBy(movers[1], 11) && heardBy(movers[2], 12) })
		pause(500 * time.Millisecond)
		late, from := watchLateness(t), time.Now()
		second.merge(copyOfPlaza, "in_plaza")
		for _, w := range movers {
			eventually(t, "they have gone over", w.settled)
		}
		eventually(t, "everybody hears everybody", func() bool { return heardBy(stay[0], 11) && heardBy(stay[3], 12) && heardBy(movers[0], 4) })
		to := time.Now()
		var gaps []time.Duration
		for _, pair := range [][2]int{{0, 1}, {1, 0}, {2, 0}, {2, 1}} {
			gap, twice := movers[pair[0]].silence(uint32(11+pair[1]), from, to)
			t.Logf("bot %d did not hear bot %d for %v", 11+pair[0], 11+pair[1], gap.Round(time.Millisecond))
			if gaps = append(gaps, gap); twice > 10 {
				t.Errorf("bot %d heard bot %d by both connections %d times", 11+pair[0], 11+pair[1], twice)
			}
		}
		if slices.Sort(gaps); gaps[1] > unheard+late.allowance() {
			t.Errorf("the longest silences of pairs are %v, want half of them below %v", gaps, unheard+late.allowance())
		}
		in := first.plaza()
		in.mu.Lock()
		if s := in.members[participantOfBot(13)]; s == nil || !s.muted || !s.ready.Load() {
			t.Error("who had muted themselves is not muted where they went")
		}
		in.mu.Unlock()
		if heardBy(stay[0], 13) {
			t.Error("who is muted was heard where they went")
		}
		eventually(t, "nobody lingers in the copy", func() bool { return clientsOf(second, copyOfPlaza) == 0 })
		if in := second.instanceHere(copyOfPlaza); in != nil {
			in.closeIdle(time.Now().Add(time.Hour)) // the room of LiveKit's API
		}
		eventually(t, "the copy is closed", func() bool { return !second.runs(copyOfPlaza) && !first.fleet.lists(copyOfPlaza) })
		for _, action := range []string{actionMerge, actionClose} {
			if n := second.reviewed(action); n != 1 {
				t.Errorf("earshot_instances_reviewed_total of %s is %v, want 1", action, n)
			}
		}
	})
}

// A review finds by itself which two instances are thin, wherever they are.
func TestThinInstancesAreFound(t *testing.T) {
	t.Parallel()
	setups(t, func(t *testing.T, first, second *node) {
		first.opens("in_plaza")
		second.opens(copyOfPlaza)
		first.talker(1, func(c *loadtest.Config) { c.Instance = "in_plaza" })
		second.talker(11, inCopy)
		eventually(t, "a merge has begun", func() bool { return second.reviewed(actionMerge) > 0 })
	}, func(c *Config) { c.Instances.Placement.MergeAfter = 2 * time.Second })
}

var mergePeople = flag.Int("merge.people", 6, "how many people TestMergeIsNotHeard moves")

// The people of an instance talk in circles, and go on in another: nobody is
// silent for anybody of their circle for longer than a moment.
func TestMergeIsNotHeard(t *testing.T) {
	people := *mergePeople
	setups(t, func(t *testing.T, first, second *node) {
		first.opens("in_plaza")
		second.opens(copyOfPlaza)
		all := make([]*walker, people)
		for i := range all {
			all[i] = walks(t, second, uint32(11+i), inCopy, func(c *loadtest.Config) { c.Move, c.Slots = circleOf(i), circle })
		}
		eventually(t, "everybody hears their circle", func() bool {
			for i, w := range all {
				w.mu.Lock()
				n := len(w.heard)
				w.mu.Unlock()
				if n < min(people-i/circle*circle, circle)-1 {
					return false
				}
			}
			return true
		})
		late, from := watchLateness(t), time.Now()
		second.merge(copyOfPlaza, "in_plaza")
		for _, w := range all {
			eventually(t, "everybody has gone over", w.settled)
		}
		took := time.Since(from)
		pause(time.Second)
		to := time.Now().Add(-100 * time.Millisecond)
		var gaps []time.Duration
		for i, w := range all {
			for j := range all {
				if i != j && i/circle == j/circle {
					gap, _ := w.silence(uint32(11+j), from, to)
					gaps = append(gaps, gap)
				}
			}
		}
		slices.Sort(gaps)
		t.Logf("%d people moved within %v; the longest silence of a pair: p50 %v, p95 %v, most %v", people, took.Round(100*time.Millisecond),
			gaps[len(gaps)/2].Round(time.Millisecond), gaps[len(gaps)*95/100].Round(time.Millisecond), gaps[len(gaps)-1].Round(time.Millisecond))
		if most := unheard + late.allowance(); gaps[len(gaps)/2] > most {
			t.Errorf("p50 of the longest silence is %v, want at most %v", gaps[len(gaps)/2], most)
		}
	}, func(c *Config) {
		w := c.Worlds["plaza"]
		w.Capacity = max(w.Capacity, 2*people)
		c.Worlds["plaza"] = w
		c.Instances.Placement.MergeInvites = 10
	})
}

// gone reports whether w has gone over, whether or not its first connection goes on.
func (w *walker) gone() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.bots) == 2
}

// merge has an instance of a node put into another as soon as the node knows both.
func (n *node) merge(from, into earshot.InstanceID) {
	n.t.Helper()
	eventually(n.t, "both instances are known", func() bool { return n.leadsTo(from) && n.leadsTo(into) })
	n.reviewer.begin(from, into)
	if n.instanceHere(from).review.into.Load() == nil {
		n.t.Fatal("the merge has not begun")
	}
}

// mergeEnds has a merge be over as it is when its time is.
func (n *node) mergeEnds(from earshot.InstanceID) {
	n.t.Helper()
	n.reviewer.mu.Lock()
	m := n.reviewer.merges[from]
	n.reviewer.mu.Unlock()
	if m == nil {
		n.t.Fatal("there is no merge")
	}
	n.reviewer.goOn(m, time.Now().Add(n.reviewer.cfg.MergeAfter+time.Minute))
}

// heardBy reports whether w has heard a bot.
func heardBy(w *walker, of uint32) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.heard[of]) > 0
}

// Who does not follow stays, in an instance that nobody is led to any more until
// it is listed again; who asks for it is led to the other.
func TestMergeIsAnOffer(t *testing.T) {
	t.Parallel()
	setups(t, func(t *testing.T, first, second *node) {
		first.opens("in_plaza")
		in := second.opens(copyOfPlaza)
		second.talker(11, inCopy) // does not follow
		goes := walks(t, second, 12, inCopy)
		second.merge(copyOfPlaza, "in_plaza")
		eventually(t, "one has gone", goes.gone)
		if in.review.into.Load() == nil {
			t.Error("it is listed again, with the merge under way")
		}
		eventually(t, "the others know", func() bool { return first.manager.goesOn(copyOfPlaza) == "in_plaza" })
		if g := goTo(t, []*node{first, second}, "eve", "instance="+string(copyOfPlaza), nil); g.me.Instance != "in_plaza" {
			t.Errorf("who asked for an instance that is put into another came to %s", g.me.Instance)
		}
		second.mergeEnds(copyOfPlaza)
		eventually(t, "it is listed again", func() bool { return in.review.into.Load() == nil })
		if in.live.Load().byID[participantOfBot(11)] == nil {
			t.Error("who did not follow is gone")
		}
		if n := second.reviewed(actionRelist); n != 1 {
			t.Errorf("listed again %v times, want once", n)
		}
		eventually(t, "newcomers are let in again", func() bool { return first.manager.goesOn(copyOfPlaza) == "" })
		if g := goTo(t, []*node{second, first}, "fay", "instance="+string(copyOfPlaza), nil); g.me.Instance != copyOfPlaza {
			t.Errorf("after the merge: fay came to %s", g.me.Instance)
		}
	})
}

// Somebody whose token names the instance that is emptied gets there: it is listed
// again.
func TestMergeIsCalledOff(t *testing.T) {
	t.Parallel()
	setups(t, func(t *testing.T, first, second *node) {
		first.opens("in_plaza")
		in := second.opens(copyOfPlaza)
		second.talker(11, inCopy) // does not follow
		second.merge(copyOfPlaza, "in_plaza")
		eve := goTo(t, []*node{second, first}, "eve", "", func(c *Claims) { c.Instance = copyOfPlaza })
		if eve.me.Instance != copyOfPlaza || in.review.into.Load() != nil {
			t.Errorf("eve came to %s; it is listed again: %v", eve.me.Instance, in.review.into.Load() == nil)
		}
	})
}

// With merge_force those who do not follow are told to join the other.
func TestMergeByForce(t *testing.T) {
	t.Parallel()
	setups(t, func(t *testing.T, first, second *node) {
		first.opens("in_plaza")
		second.opens(copyOfPlaza)
		ada := second.guestIn("ada", copyOfPlaza) // by a WebSocket: one connection
		second.merge(copyOfPlaza, "in_plaza")
		told := expect[*protocol.Bye](ada)
		if told.Instance != "in_plaza" || !told.Reconnect || second.fleet != nil && told.URL != first.url {
			t.Errorf("told %+v, want to join in_plaza", told)
		}
	}, func(c *Config) { c.Instances.Placement.MergeForce = true })
}

// guestIn is a guest who asks for an instance.
func (n *node) guestIn(name string, id earshot.InstanceID) *guest {
	return goTo(n.t, []*node{n}, name, "instance="+string(id), nil)
}

// Without it, nobody is asked where somebody could not follow.
func TestNoMergeOfWhoCannotFollow(t *testing.T) {
	t.Parallel()
	n := startNode(t, thinWorld)
	in := n.opens(copyOfPlaza)
	n.guestIn("ada", copyOfPlaza)
	if why := in.rooted(false); why == "" {
		t.Error("an instance with a WebSocket in it would be emptied")
	}
	if why := in.rooted(true); why != "" {
		t.Errorf("by force it would not be, since %s", why)
	}
	n.reviewer.begin(copyOfPlaza, "in_plaza")
	if in.review.into.Load() != nil {
		t.Error("a merge has begun")
	}
}

// Instances whose people have blocked each other are not put together; somebody
// for whom that is so only later is not asked.
func TestMergeKeepsApart(t *testing.T) {
	t.Parallel()
	setups(t, func(t *testing.T, first, second *node) {
		first.opens("in_plaza")
		in := second.opens(copyOfPlaza)
		pest := first.guestIn("pest", "in_plaza")
		bots := []*walker{walks(t, second, 11, inCopy), walks(t, second, 12, inCopy)}
		if err := bots[0].bot().Send(&protocol.Block{Participant: pest.id(), Blocked: true}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the block is known", func() bool { return first.reviewer.apart(copyOfPlaza, "in_plaza") })
		second.merge(copyOfPlaza, "in_plaza") // as if the block had come a moment later
		eventually(t, "who has blocked nobody there has gone", bots[1].gone)
		pause(time.Second)
		if s := in.live.Load().byID[participantOfBot(11)]; s == nil || s.over.Load() || in.review.into.Load() == nil {
			t.Error("who has blocked somebody there was asked, too")
		}
	})
}

// reviewed is how often a node has done something that a review wanted.
func (n *node) reviewed(action string) (times float64) {
	n.t.Helper()
	families, err := n.deps.Metrics.Gather()
	if err != nil {
		n.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if l := m.GetLabel(); f.GetName() == "earshot_instances_reviewed_total" && l[0].GetValue() == action {
				times = m.GetCounter().GetValue()
			}
		}
	}
	return times
}

// leadsTo reports whether a node has heard that an instance is open.
func (n *node) leadsTo(id earshot.InstanceID) bool {
	_, open := n.reviewer.admitting(id)
	return open
}

// Orders on somebody who is on both sides hold on both.
func TestOrdersWhileGoingOver(t *testing.T) {
	t.Parallel()
	setups(t, func(t *testing.T, first, second *node) {
		first.opens("in_plaza")
		in := second.opens(copyOfPlaza)
		ada := walks(t, second, 11, inCopy)
		second.talker(12, inCopy) // does not follow: ada's first connection goes on
		second.merge(copyOfPlaza, "in_plaza")
		eventually(t, "ada is on both", func() bool {
			s := in.live.Load().byID[participantOfBot(11)]
			there := first.plaza().live.Load().byID[participantOfBot(11)]
			return s != nil && s.over.Load() && there != nil && there.opened.Load()
		})
		there := first.plaza()
		who := participantOfBot(11)
		if err := ada.bot().Send(&protocol.Block{Participant: participantOfBot(12), Blocked: true}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "her block holds where bot 12 is", func() bool { return in.space.Blocked(who, participantOfBot(12)) })
		if err := there.moderate(&protocol.Moderate{Action: protocol.ActionMute, Participant: who}, time.Now()); err != nil {
			t.Fatal(err)
		}
		eventually(t, "she is muted where she was", func() bool {
			in.mu.Lock()
			defer in.mu.Unlock()
			s := in.members[who]
			return s != nil && s.moderated
		})
		if err := there.moderate(&protocol.Moderate{Action: protocol.ActionKick, Participant: who}, time.Now()); err != nil {
			t.Fatal(err)
		}
		eventually(t, "both of her connections have ended", func() bool {
			return in.live.Load().byID[who] == nil && there.live.Load().byID[who] == nil
		})
		if in.live.Load().byID[participantOfBot(12)] == nil {
			t.Error("who did not follow is gone")
		}
	})
}

// Where what people were to go to is not there any more, the instance is listed
// again and nobody is lost.
func TestMergeIntoWhatGoes(t *testing.T) {
	t.Parallel()
	list := nodesOf(t, store.NewMemory(), 2, func(c *Config) {
		thinWorld(c)
		mortal(c)
	})
	owner, other := ownerOf(t, list, "in_plaza")
	in := owner.opens(copyOfPlaza)
	const third earshot.InstanceID = "in_plaza_987654321"
	other.opens(third)
	var bots []*walker
	for i := range uint32(3) {
		bots = append(bots, walks(t, owner, 11+i, inCopy))
	}
	eventually(t, "both are known", func() bool { return owner.leadsTo(third) && owner.leadsTo(copyOfPlaza) })
	other.deps.Store.(*severed).cut.Store(true)
	owner.merge(copyOfPlaza, third)
	other.stop()
	eventually(t, "the merge is given up", func() bool { return in.review.into.Load() == nil })
	eventually(t, "it is open", func() bool { return owner.fleet.Admits(copyOfPlaza) })
	for i, w := range bots {
		if w.bot().Bye() != nil || in.live.Load().byID[participantOfBot(11+uint32(i))] == nil {
			t.Errorf("bot %d is gone", 11+i)
		}
	}
}
