package placement

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"earshot"
	"earshot/presence/cluster"
)

// day is a world over a day: hardly anybody at five in the morning, a few hundred
// in the evening. Instances open, are put together and close as Review says;
// nodes die with what they own.
type day struct {
	t       *testing.T
	rng     *rand.Rand
	p       *Planner
	now     time.Time
	serial  int
	where   map[earshot.ParticipantID]earshot.InstanceID
	leaves  map[earshot.ParticipantID]time.Time
	running map[earshot.InstanceID]*dayInstance
	began   map[earshot.InstanceID]time.Time // last merge

	arrived, left, turned, merges, relisted, closed, opened, most int
}

type dayInstance struct {
	record  cluster.InstanceRecord
	people  []earshot.ParticipantID
	merging *Merging
	onWay   map[earshot.ParticipantID]time.Time
}

const daySoft, dayHard = 34, 40

func newDay(t *testing.T, seed uint64) *day {
	d := &day{
		t: t, rng: rand.New(rand.NewPCG(seed, 11)), p: newPlanner(t), now: epoch,
		where: map[earshot.ParticipantID]earshot.InstanceID{}, leaves: map[earshot.ParticipantID]time.Time{},
		running: map[earshot.InstanceID]*dayInstance{}, began: map[earshot.InstanceID]time.Time{},
	}
	d.p.SetFirst("w", "in_w")
	d.open("in_w", "nd_0")
	return d
}

func (d *day) open(id earshot.InstanceID, on earshot.NodeID) {
	d.opened++
	d.running[id] = &dayInstance{
		record: cluster.InstanceRecord{Instance: id, World: "w", Region: "eu", State: cluster.Open, Soft: daySoft, Hard: dayHard, Owner: on, Epoch: 1},
		onWay:  map[earshot.ParticipantID]time.Time{},
	}
}

// sorted are the instances in an order that the seed alone decides.
func (d *day) sorted() []*dayInstance {
	all := make([]*dayInstance, 0, len(d.running))
	for _, in := range d.running {
		all = append(all, in)
	}
	slices.SortFunc(all, func(a, b *dayInstance) int {
		if a.record.Instance < b.record.Instance {
			return -1
		}
		return 1
	})
	return all
}

// second lets one pass.
func (d *day) second() {
	d.now = d.now.Add(time.Second)
	hour := d.now.Sub(epoch).Hours()
	rate := 0.45 * math.Pow(0.5-0.5*math.Cos(2*math.Pi*(hour+2)/24), 2) // a second; least at 22 h after epoch
	for id, at := range d.leaves {
		if d.now.After(at) {
			d.leave(id)
		}
	}
	for range d.poisson(rate) {
		d.arrive()
	}
	for _, in := range d.sorted() {
		d.merge(in)
	}
	if d.rng.IntN(3*3600) == 0 {
		d.crash()
	}
	d.feed()
	for _, a := range d.p.ReviewWorld("w", d.now) {
		d.act(a)
	}
	d.audit()
}

func (d *day) poisson(rate float64) (n int) {
	for at := d.rng.ExpFloat64(); at < rate; at += d.rng.ExpFloat64() {
		n++
	}
	return n
}

func (d *day) feed() {
	people := map[earshot.NodeID]int{}
	for _, in := range d.sorted() {
		people[in.record.Owner] += len(in.people)
	}
	for i := range 4 {
		id := earshot.NodeID(fmt.Sprint("nd_", i))
		d.p.SetNode(cluster.NodeRecord{Node: id, Region: "eu", HLC: cluster.At(d.now), Load: cluster.Load{CPU: float64(people[id]) / 400, People: people[id], Headroom: 400 - people[id]}})
	}
	for _, in := range d.sorted() {
		in.record.Count = len(in.people)
		switch {
		case in.record.State == cluster.Draining:
		case in.record.Count >= dayHard:
			in.record.State = cluster.HardFull
		case in.record.Count >= daySoft:
			in.record.State = cluster.SoftFull
		default:
			in.record.State = cluster.Open
		}
		d.p.SetInstance(in.record)
	}
}

func (d *day) arrive() {
	d.feed()
	d.serial++
	id := earshot.ParticipantID(fmt.Sprint("pa_", d.serial))
	v := d.p.Place(&Request{World: "w", Party: []earshot.ParticipantID{id}}, d.now)
	switch v.Verdict {
	case Enter:
		d.enter(id, v.Instance)
	case Open:
		d.serial++
		at := earshot.InstanceID(fmt.Sprint("in_w_", d.serial))
		d.open(at, v.Node)
		d.feed()
		d.enter(id, at)
	default:
		d.turned++
		return
	}
	d.arrived++
	d.leaves[id] = d.now.Add(time.Duration(d.rng.ExpFloat64() * float64(20*time.Minute)))
}

func (d *day) enter(id earshot.ParticipantID, to earshot.InstanceID) {
	in := d.running[to]
	if in == nil || in.record.State == cluster.Draining {
		d.t.Fatalf("%v: %s is sent to %s, which is not listed", d.now.Sub(epoch), id, to)
	}
	d.where[id] = to
	in.people = append(in.people, id)
}

func (d *day) leave(id earshot.ParticipantID) {
	d.remove(id)
	delete(d.leaves, id)
	d.left++
}

func (d *day) remove(id earshot.ParticipantID) {
	in := d.running[d.where[id]]
	in.people = slices.DeleteFunc(in.people, func(o earshot.ParticipantID) bool { return o == id })
	delete(d.where, id)
}

// act does what Review says.
func (d *day) act(a Action) {
	switch a.Kind {
	case OpenAhead:
		d.serial++
		d.open(earshot.InstanceID(fmt.Sprint("in_w_", d.serial)), a.Node)
	case CloseIdle:
		if in := d.running[a.Instance]; len(in.people) > 0 || a.Instance == "in_w" {
			d.t.Fatalf("%v: %s is to close, with %d people", d.now.Sub(epoch), a.Instance, len(in.people))
		}
		d.end(a.Instance)
	case Merge:
		from := d.running[a.Instance]
		for _, id := range []earshot.InstanceID{a.Instance, a.Into} {
			if last, ok := d.began[id]; ok && d.now.Sub(last) < d.p.cfg.MergeAfter {
				d.t.Fatalf("%v: %s is put together with another %v after the last time", d.now.Sub(epoch), id, d.now.Sub(last))
			}
			d.began[id] = d.now
		}
		d.p.Began(a, d.now)
		d.merges++
		var guests []Guest
		for i, id := range from.people {
			guests = append(guests, Guest{id, fmt.Sprint(i / 3)})
		}
		from.record.State, from.record.Into = cluster.Draining, a.Into
		from.merging = NewMerging(&d.p.cfg, guests, uint64(d.serial), d.now)
	}
}

func (d *day) end(id earshot.InstanceID) {
	d.closed++
	delete(d.running, id)
	delete(d.began, id)
	d.p.RemoveInstance(id)
}

// merge has the people of an instance go on in another, some of them not.
func (d *day) merge(in *dayInstance) {
	if in.merging == nil {
		return
	}
	into := d.running[in.record.Into]
	if into == nil || into.record.State == cluster.Draining {
		in.merging.Break()
	}
	for _, id := range in.merging.Next(in.people, d.now) {
		in.onWay[id] = d.now.Add(time.Duration(d.rng.IntN(3000)) * time.Millisecond)
	}
	for _, id := range slices.Clone(in.people) {
		at, asked := in.onWay[id]
		if !asked || d.now.Before(at) {
			continue
		}
		delete(in.onWay, id)
		switch {
		case into == nil || into.record.State == cluster.Draining || len(into.people) >= dayHard:
			in.merging.Answered(id, NoRoom, d.now)
		case d.rng.IntN(10) == 0:
			in.merging.Answered(id, Stays, d.now)
		default:
			in.merging.Answered(id, Went, d.now)
			d.remove(id)
			d.enter(id, into.record.Instance)
		}
	}
	switch {
	case len(in.people) == 0:
		d.end(in.record.Instance)
	case in.merging.Over(d.now):
		in.merging, in.record.State, in.record.Into = nil, cluster.Open, ""
		d.relisted++
	}
}

// crash ends a node. Others take over what it had, and whoever was in comes back.
func (d *day) crash() {
	victim := earshot.NodeID(fmt.Sprint("nd_", d.rng.IntN(4)))
	heir := earshot.NodeID(fmt.Sprint("nd_", d.rng.IntN(4)))
	for _, in := range d.sorted() {
		if in.record.Owner == victim {
			in.record.Owner, in.record.State, in.record.Into, in.merging = heir, cluster.Open, "", nil
			clear(in.onWay)
		}
	}
}

// audit holds every second.
func (d *day) audit() {
	total := 0
	for _, in := range d.running {
		total += len(in.people)
		for _, id := range in.people {
			if d.where[id] != in.record.Instance {
				d.t.Fatalf("%v: %s is in %s and in %s", d.now.Sub(epoch), id, in.record.Instance, d.where[id])
			}
		}
	}
	if total != len(d.where) || total != d.arrived-d.left {
		d.t.Fatalf("%v: %d are in instances, %d known, %d came and %d left", d.now.Sub(epoch), total, len(d.where), d.arrived, d.left)
	}
	d.most = max(d.most, len(d.running))
	if bound := 3 + total/(daySoft/6); len(d.running) > bound {
		d.t.Fatalf("%v: %d instances for %d people, want at most %d", d.now.Sub(epoch), len(d.running), total, bound)
	}
}

// A day of a world: nobody is lost or in two places, nobody is led to what is not
// listed, no instance is put together with another twice within MergeAfter, and
// their number follows the people's.
func TestDay(t *testing.T) {
	for seed := uint64(1); seed <= 3; seed++ {
		d := newDay(t, seed)
		peak := 0
		for range 24 * 3600 {
			d.second()
			peak = max(peak, len(d.where))
		}
		t.Logf("seed %d: %d came, %d at once; %d instances opened, %d at once, %d closed; %d merges, of which %d left somebody; %d were turned away",
			seed, d.arrived, peak, d.opened, d.most, d.closed, d.merges, d.relisted, d.turned)
		if d.merges < 5 || d.turned > 0 {
			t.Errorf("seed %d: %d merges, %d turned away", seed, d.merges, d.turned)
		}
		if d.merges > 60 {
			t.Errorf("seed %d: %d merges in a day: they oscillate", seed, d.merges)
		}
	}
}

// A merge asks parties whole, no more a second than it may, again who did not
// follow, and not who would meet whom they blocked; it ends when it can bring
// nobody any more.
func TestMerging(t *testing.T) {
	cfg := DefaultConfig()
	var guests []Guest
	var here []earshot.ParticipantID
	for i := range 40 {
		id := earshot.ParticipantID(fmt.Sprintf("pa_%02d", i))
		g := Guest{Participant: id}
		if i < 12 {
			g.Party = fmt.Sprint("party", i/4)
		}
		guests, here = append(guests, g), append(here, id)
	}
	m := NewMerging(&cfg, guests, 7, epoch)
	now, asked := epoch, map[earshot.ParticipantID]time.Time{}
	for ; len(asked) < 40 && now.Before(epoch.Add(time.Minute)); now = now.Add(100 * time.Millisecond) {
		for _, id := range m.Next(here, now) {
			asked[id] = now
			switch id {
			case "pa_20":
				m.Answered(id, Stays, now)
			case "pa_21":
				m.Answered(id, Apart, now)
			default:
				m.Answered(id, Went, now)
				here = slices.DeleteFunc(here, func(o earshot.ParticipantID) bool { return o == id })
			}
		}
	}
	if took := now.Sub(epoch); len(asked) != 40 || took < 3*time.Second || took > 6*time.Second {
		t.Errorf("%d of 40 were asked within %v, want all within about 4 s", len(asked), took)
	}
	for i := range 12 {
		if first := asked[guests[i/4*4].Participant]; !asked[guests[i].Participant].Equal(first) {
			t.Errorf("%s was asked apart from its party", guests[i].Participant)
		}
	}
	if m.Answers(here) || m.Over(now) {
		t.Error("it is over before pa_20 was asked once more")
	}
	if again := m.Next(here, now.Add(askAgain)); len(again) != 1 || again[0] != "pa_20" {
		t.Errorf("asked once more: %v, want pa_20", again)
	}
	m.Answered("pa_20", Stays, now.Add(askAgain))
	if !m.Answers(here) || m.Over(now.Add(2*askAgain)) || !m.Over(epoch.Add(cfg.MergeAfter)) {
		t.Error("who stays is left in peace until MergeAfter is over")
	}
	if again := m.Next(here, now.Add(time.Minute)); len(again) > 0 {
		t.Errorf("asked a third time: %v", again)
	}

	m = NewMerging(&cfg, guests, 7, epoch)
	ids := make([]earshot.ParticipantID, len(guests))
	for i := range guests {
		ids[i] = guests[i].Participant
	}
	first := m.Next(ids, epoch)
	m.Answered(first[0], NoRoom, epoch)
	if more := m.Next(ids, epoch.Add(time.Minute)); len(more) > 0 || len(first) == 1 && !m.Over(epoch) {
		t.Errorf("there is no room: %v are asked all the same", more)
	}
}

// Two instances whose people have blocked each other are not put together; the
// next best is, and the first of a world is neither closed nor given away.
func TestReviewKeepsApart(t *testing.T) {
	p := newPlanner(t, nodeOf("nd_1", 0, 1000))
	p.SetFirst("w", "in_a")
	wide := func(r *cluster.InstanceRecord) { r.Soft, r.Hard = 50, 60 }
	for id, n := range map[earshot.InstanceID]int{"in_a": 1, "in_b": 5, "in_c": 3} {
		p.SetInstance(instanceOf(id, "nd_1", wide))
		p.fillUp(id, n)
	}
	p.Review(epoch)
	now := epoch.Add(6 * time.Minute)
	got := p.ReviewWorld("w", now)
	if len(got) != 1 || got[0] != (Action{Merge, "w", "nd_1", "in_c", "in_b"}) {
		t.Fatalf("Review = %+v, want in_c into in_b", got)
	}
	p.Apart(got[0], now)
	if got = p.ReviewWorld("w", now); len(got) != 1 || got[0] != (Action{Merge, "w", "nd_1", "in_c", "in_a"}) {
		t.Fatalf("Review = %+v, want in_c into in_a", got)
	}
	p.Began(got[0], now)
	if got = p.ReviewWorld("w", now.Add(time.Minute)); len(got) != 0 {
		t.Errorf("Review = %+v a minute after a merge", got)
	}
	for i := range 5 {
		p.Leave(earshot.ParticipantID(fmt.Sprintf("pa_in_%s_%d", "b", i)))
	}
	p.Leave("pa_in_a_0")
	p.Review(now)
	for range 3 {
		now = now.Add(3 * time.Minute)
		for _, a := range p.Review(now) {
			if a.Kind == CloseIdle && a.Instance == "in_a" {
				t.Error("the first instance is to close")
			}
			if a.Kind == CloseIdle {
				p.RemoveInstance(a.Instance)
			}
		}
	}
}
