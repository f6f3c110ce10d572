package placement

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"earshot"
	"earshot/presence/cluster"
)

var epoch = time.Unix(1_800_000_000, 0)

// crowd is an evening of a world: 10,000 people in circles of friends, some of
// whom come in parties, two parties a second, and stay for 20 minutes.
type crowd struct {
	rng     *rand.Rand
	friends [][]int
	parties [][]int
}

const (
	crowdPeople = 10_000
	circle      = 25
	crowdSoft   = 60
	crowdHard   = 80
	stays       = 20 * time.Minute
)

func newCrowd(seed uint64) *crowd {
	c := &crowd{rng: rand.New(rand.NewPCG(seed, 3)), friends: make([][]int, crowdPeople)}
	befriend := func(a, b int) {
		if a != b && !slices.Contains(c.friends[a], b) {
			c.friends[a], c.friends[b] = append(c.friends[a], b), append(c.friends[b], a)
		}
	}
	for a := range crowdPeople {
		for range 3 {
			befriend(a, a/circle*circle+c.rng.IntN(circle))
		}
		if c.rng.IntN(2) == 0 {
			befriend(a, c.rng.IntN(crowdPeople))
		}
	}
	for _, a := range c.rng.Perm(crowdPeople) {
		party := []int{a}
		if c.rng.Float64() < 0.3 {
			for len(party) < 2+c.rng.IntN(5) {
				if b := c.friends[a][c.rng.IntN(len(c.friends[a]))]; !slices.Contains(party, b) {
					party = append(party, b)
				}
				if c.rng.IntN(8) == 0 {
					break
				}
			}
		}
		c.parties = append(c.parties, party)
	}
	return c
}

// policy chooses for a party among instances; -1 opens another.
type policy struct {
	name   string
	whole  bool // parties are placed at once
	choose func(e *evening, party []int) earshot.InstanceID
}

// evening is what came of a policy.
type evening struct {
	c        *crowd
	p        *Planner
	now      time.Time
	next     int
	in       map[int]earshot.InstanceID
	sizes    map[earshot.InstanceID]int
	starting []start
	leaving  []leaving

	arrivals, parties, together   int
	couldMeet, met, opened, waits int
	fill, weight                  float64
}

type start struct {
	id   earshot.InstanceID
	node earshot.NodeID
	at   time.Time
}

type leaving struct {
	who int
	at  time.Time
}

func name(i int) earshot.ParticipantID { return earshot.ParticipantID(fmt.Sprint("pa_", i)) }

func (c *crowd) evening(t testing.TB, pol policy) *evening {
	p, err := New(DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	e := &evening{c: c, p: p, now: epoch, in: map[int]earshot.InstanceID{}, sizes: map[earshot.InstanceID]int{}}
	rng := rand.New(rand.NewPCG(7, 7))
	e.nodes(0)
	e.open("nd_0", 0)
	for _, party := range c.parties {
		e.now = e.now.Add(time.Duration(rng.ExpFloat64() * float64(time.Second/2)))
		e.pass(rng)
		party = slices.DeleteFunc(slices.Clone(party), func(i int) bool { _, here := e.in[i]; return here })
		if len(party) == 0 {
			continue
		}
		e.land(pol, party, rng)
	}
	return e
}

// nodes tells of 16 nodes, as loaded as who is there makes them.
func (e *evening) nodes(hlc cluster.HLC) {
	people := map[earshot.NodeID]int{}
	for id, n := range e.sizes {
		if in := e.p.instances[id]; in != nil {
			people[in.Owner] += n
		}
	}
	for i := range 16 {
		id := earshot.NodeID(fmt.Sprint("nd_", i))
		e.p.SetNode(cluster.NodeRecord{Node: id, Region: "eu", HLC: hlc + 1, Load: cluster.Load{
			CPU: float64(people[id]) / 500, Egress: float64(people[id]) / 600, People: people[id], Headroom: 500 - people[id],
		}})
	}
}

func (e *evening) open(node earshot.NodeID, after time.Duration) {
	e.opened++
	e.starting = append(e.starting, start{earshot.InstanceID(fmt.Sprintf("in_%04d", e.opened)), node, e.now.Add(after)})
	e.pass(nil)
}

// pass lets what is due happen.
func (e *evening) pass(rng *rand.Rand) {
	e.starting = slices.DeleteFunc(e.starting, func(s start) bool {
		if s.at.After(e.now) {
			return false
		}
		e.p.SetInstance(cluster.InstanceRecord{Instance: s.id, World: "w", Region: "eu", State: cluster.Open, Soft: crowdSoft, Hard: crowdHard, Owner: s.node, Epoch: 1})
		e.sizes[s.id] = 0
		return true
	})
	if rng == nil {
		return
	}
	e.leaving = slices.DeleteFunc(e.leaving, func(l leaving) bool {
		if l.at.After(e.now) {
			return false
		}
		e.sizes[e.in[l.who]]--
		delete(e.in, l.who)
		e.p.Leave(name(l.who))
		return true
	})
	e.nodes(cluster.At(e.now))
	for _, a := range e.p.Review(e.now) {
		switch a.Kind {
		case OpenAhead:
			e.open(a.Node, 5*time.Second)
		case CloseIdle:
			e.p.RemoveInstance(a.Instance)
			delete(e.sizes, a.Instance)
		}
	}
	for _, n := range e.sizes {
		if n > 0 {
			e.fill += float64(n) / crowdSoft * float64(n)
			e.weight += float64(n)
		}
	}
}

func (e *evening) land(pol policy, party []int, rng *rand.Rand) {
	groups := [][]int{party}
	if !pol.whole {
		groups = nil
		for _, i := range party {
			groups = append(groups, []int{i})
		}
	}
	for _, g := range groups {
		for _, i := range g {
			if slices.ContainsFunc(e.c.friends[i], func(f int) bool { _, here := e.in[f]; return here }) {
				e.couldMeet++
			} else {
				continue
			}
		}
		met := map[int]bool{}
		for _, i := range g {
			met[i] = slices.ContainsFunc(e.c.friends[i], func(f int) bool { _, here := e.in[f]; return here })
		}
		id := pol.choose(e, g)
		for id == "" { // wait for one that opens
			e.waits++
			e.now = e.now.Add(time.Second)
			e.pass(rng)
			id = pol.choose(e, g)
		}
		for _, i := range g {
			if met[i] && slices.ContainsFunc(e.c.friends[i], func(f int) bool { return e.in[f] == id && !slices.Contains(g, f) }) {
				e.met++
			}
		}
		for _, i := range g {
			e.arrivals++
			e.in[i] = id
			e.sizes[id]++
			e.p.Enter(name(i), id)
			e.leaving = append(e.leaving, leaving{i, e.now.Add(time.Duration(rng.ExpFloat64() * float64(stays)))})
		}
	}
	if len(party) > 1 {
		e.parties++
		if !slices.ContainsFunc(party, func(i int) bool { return e.in[i] != e.in[party[0]] }) {
			e.together++
		}
	}
}

// fitting are the instances with n places below the soft capacity, in order.
func (e *evening) fitting(n int) (ids []earshot.InstanceID) {
	for id, size := range e.sizes {
		if size+n <= crowdSoft {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (e *evening) byScore(party []int) earshot.InstanceID {
	r := Request{World: "w"}
	for _, i := range party {
		r.Party = append(r.Party, name(i))
		for _, f := range e.c.friends[i] {
			if !slices.Contains(party, f) {
				r.Friends = append(r.Friends, name(f))
			}
		}
	}
	d := e.p.Place(&r, e.now)
	switch d.Verdict {
	case Enter:
		return d.Instance
	case Open:
		if len(e.starting) == 0 {
			e.open(d.Node, 5*time.Second)
		}
	}
	return ""
}

func policies() []policy {
	rng := rand.New(rand.NewPCG(5, 5))
	// The others get instances as ours: opened ahead by Review.
	arrive := func(e *evening, party []int, choose func(ids []earshot.InstanceID) earshot.InstanceID) earshot.InstanceID {
		e.p.world("w").rate.add(len(party), e.now)
		if ids := e.fitting(len(party)); len(ids) > 0 {
			return choose(ids)
		}
		if len(e.starting) == 0 {
			e.open("nd_0", 5*time.Second)
		}
		return ""
	}
	random := func(e *evening, party []int) earshot.InstanceID {
		return arrive(e, party, func(ids []earshot.InstanceID) earshot.InstanceID { return ids[rng.IntN(len(ids))] })
	}
	least := func(e *evening, party []int) earshot.InstanceID {
		return arrive(e, party, func(ids []earshot.InstanceID) earshot.InstanceID {
			return slices.MinFunc(ids, func(a, b earshot.InstanceID) int { return e.sizes[a] - e.sizes[b] })
		})
	}
	return []policy{
		{"score", true, (*evening).byScore},
		{"random, each alone", false, random},
		{"least loaded, each alone", false, least},
		{"random, parties whole", true, random},
		{"least loaded, parties whole", true, least},
	}
}

// 10,000 people arrive, and land with whom they know.
func TestEvening(t *testing.T) {
	share := func(a, b int) float64 { return float64(a) / float64(max(b, 1)) }
	c := newCrowd(1)
	results := map[string]*evening{}
	t.Logf("| policy | parties together | with a friend, of those who have one there | fill | instances opened | seconds waited |")
	for _, pol := range policies() {
		e := c.evening(t, pol)
		results[pol.name] = e
		t.Logf("| %s | %.1f %% of %d | %.1f %% of %d | %.0f %% | %d | %d |", pol.name, 100*share(e.together, e.parties), e.parties,
			100*share(e.met, e.couldMeet), e.couldMeet, 100*e.fill/e.weight, e.opened, e.waits)
	}
	score := results["score"]
	if got := share(score.together, score.parties); got < 0.95 {
		t.Errorf("%.3f of parties land together, want 0.95 or more", got)
	}
	for _, other := range []string{"random, parties whole", "least loaded, parties whole"} {
		o := results[other]
		if got, than := share(score.met, score.couldMeet), share(o.met, o.couldMeet); got < 3*than {
			t.Errorf("%.3f meet a friend, %s gives %.3f; want three times that", got, other, than)
		}
		if got, than := score.fill/score.weight, o.fill/o.weight; got < than {
			t.Errorf("instances are %.2f full, with %s %.2f", got, other, than)
		}
	}
}
