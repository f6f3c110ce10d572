package placement

import (
	"fmt"
	"testing"
	"time"

	"earshot"
	"earshot/presence/cluster"
)

func newPlanner(t testing.TB, nodes ...cluster.NodeRecord) *Planner {
	p, err := New(DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		p.SetNode(n)
	}
	return p
}

func nodeOf(id earshot.NodeID, people, headroom int) cluster.NodeRecord {
	return cluster.NodeRecord{Node: id, Region: "eu", Load: cluster.Load{People: people, Headroom: headroom}}
}

func instanceOf(id earshot.InstanceID, on earshot.NodeID, change func(*cluster.InstanceRecord)) cluster.InstanceRecord {
	r := cluster.InstanceRecord{Instance: id, World: "w", Region: "eu", State: cluster.Open, Soft: 8, Hard: 10, Owner: on, Epoch: 1}
	if change != nil {
		change(&r)
	}
	return r
}

func (p *Planner) fillUp(to earshot.InstanceID, n int) {
	for i := range n {
		p.Enter(earshot.ParticipantID(fmt.Sprintf("pa_%s_%d", to, i)), to)
	}
}

// Who may enter what, and why not.
func TestFilters(t *testing.T) {
	alice := []earshot.ParticipantID{"pa_alice"}
	for _, tc := range []struct {
		name   string
		record func(*cluster.InstanceRecord)
		people int
		friend bool // somebody in it is a friend
		ask    Request
		want   Verdict
	}{
		{"public", nil, 0, false, Request{}, Enter},
		{"public, softly full", nil, 8, false, Request{}, Open},
		{"public, softly full, with a friend in it", nil, 8, true, Request{}, Enter},
		{"full", nil, 10, true, Request{}, Open},
		{"asked for by name", func(r *cluster.InstanceRecord) { r.State = cluster.SoftFull }, 8, false, Request{Instance: "in_a"}, Enter},
		{"draining", func(r *cluster.InstanceRecord) { r.State = cluster.Draining }, 1, true, Request{Instance: "in_a"}, Deny},
		{"orphaned", func(r *cluster.InstanceRecord) { r.State = cluster.Orphaned }, 1, true, Request{}, Open},
		{"friends, none in it", func(r *cluster.InstanceRecord) { r.Kind = cluster.KindFriends }, 1, false, Request{}, Open},
		{"friends, one in it", func(r *cluster.InstanceRecord) { r.Kind = cluster.KindFriends }, 1, true, Request{}, Enter},
		{"friends, the host's", func(r *cluster.InstanceRecord) { r.Kind, r.Host = cluster.KindFriends, "pa_bob" }, 0, false,
			Request{Friends: []earshot.ParticipantID{"pa_bob"}}, Enter},
		{"private, a friend in it", func(r *cluster.InstanceRecord) { r.Kind = cluster.KindPrivate }, 1, true, Request{Instance: "in_a"}, Deny},
		{"private, invited", func(r *cluster.InstanceRecord) { r.Kind = cluster.KindPrivate }, 1, false,
			Request{Invited: []earshot.InstanceID{"in_a"}}, Enter},
		{"private, one's own", func(r *cluster.InstanceRecord) { r.Kind, r.Host = cluster.KindPrivate, "pa_alice" }, 0, false, Request{}, Enter},
		{"a group's", func(r *cluster.InstanceRecord) { r.Kind, r.Group = cluster.KindGroup, "g" }, 0, false, Request{}, Open},
		{"one's group's", func(r *cluster.InstanceRecord) { r.Kind, r.Group = cluster.KindGroup, "g" }, 0, false, Request{Groups: []string{"g"}}, Enter},
		{"dev, not asked for", func(r *cluster.InstanceRecord) { r.Kind = cluster.KindDev }, 0, false, Request{}, Open},
		{"dev", func(r *cluster.InstanceRecord) { r.Kind = cluster.KindDev }, 0, false, Request{Instance: "in_a"}, Enter},
		{"another region", nil, 0, false, Request{Regions: []string{"us"}}, Wait},
		{"an unknown one", nil, 0, false, Request{Instance: "in_b"}, Deny},
		{"nobody", nil, 0, false, Request{Party: []earshot.ParticipantID{}}, Deny},
	} {
		p := newPlanner(t, nodeOf("nd_1", 0, 100))
		p.SetInstance(instanceOf("in_a", "nd_1", tc.record))
		p.fillUp("in_a", tc.people)
		tc.ask.World = "w"
		if tc.ask.Party == nil {
			tc.ask.Party = alice
		}
		if tc.friend {
			tc.ask.Friends = append(tc.ask.Friends, "pa_in_a_0")
		}
		if got := p.Place(&tc.ask, epoch); got.Verdict != tc.want {
			t.Errorf("%s: Place = %+v, want verdict %d", tc.name, got, tc.want)
		}
	}
}

// What is better than what.
func TestScores(t *testing.T) {
	p := newPlanner(t, nodeOf("nd_1", 0, 500))
	busy := nodeOf("nd_busy", 0, 500)
	busy.Load.CPU, busy.Region = 0.95, "us"
	p.SetNode(busy)
	wide := func(r *cluster.InstanceRecord) { r.Soft, r.Hard = 80, 100 }
	for _, id := range []earshot.InstanceID{"in_empty", "in_lively", "in_blocked"} {
		p.SetInstance(instanceOf(id, "nd_1", wide))
	}
	p.SetInstance(instanceOf("in_busy", "nd_busy", wide))
	p.fillUp("in_lively", 60)
	p.fillUp("in_busy", 60)
	p.fillUp("in_blocked", 60)
	ask := func(r Request) earshot.InstanceID {
		r.World, r.Party = "w", []earshot.ParticipantID{"pa_alice"}
		return p.Place(&r, epoch).Instance
	}
	two := []earshot.ParticipantID{"pa_in_blocked_1", "pa_in_blocked_2"}
	if got := ask(Request{Blocked: two}); got != "in_lively" {
		t.Errorf("Place = %s, want the lively one without people who are blocked", got)
	}
	if got := ask(Request{Blocked: two, Friends: []earshot.ParticipantID{"pa_in_busy_1", "pa_in_busy_2", "pa_in_busy_3"}}); got != "in_busy" {
		t.Errorf("Place = %s, want the one with three friends, though its node is busy", got)
	}
	if got := ask(Request{Blocked: two, Friends: []earshot.ParticipantID{"pa_in_busy_1"}, RTT: []RTT{{"us", 300 * time.Millisecond}}}); got != "in_lively" {
		t.Errorf("Place = %s, want the near one: one friend is not worth 300 ms", got)
	}
}

// A party that is promised places keeps them for a while, all or none.
func TestPartiesAndPromises(t *testing.T) {
	p := newPlanner(t, nodeOf("nd_1", 0, 100))
	p.SetInstance(instanceOf("in_a", "nd_1", nil))
	party := func(n int, who string) (ids []earshot.ParticipantID) {
		for i := range n {
			ids = append(ids, earshot.ParticipantID(fmt.Sprint("pa_", who, i)))
		}
		return ids
	}
	five := Request{World: "w", Party: party(5, "a")}
	if d := p.Place(&five, epoch); d.Verdict != Enter {
		t.Fatalf("Place(5) = %+v", d)
	}
	four := Request{World: "w", Party: party(4, "b")}
	if d := p.Place(&four, epoch); d.Verdict != Open {
		t.Errorf("Place(4) beside a promise of 5 in 8 = %+v, want another instance", d)
	}
	if d := p.Place(&four, epoch.Add(11*time.Second)); d.Verdict != Enter {
		t.Errorf("Place(4) after the promise is over = %+v, want in", d)
	}
	for _, id := range four.Party[:3] {
		p.Enter(id, "in_a")
	}
	// The last of a party goes where the others are, whatever else there is.
	p.SetInstance(instanceOf("in_b", "nd_1", nil))
	p.fillUp("in_b", 5)
	last := Request{World: "w", Party: four.Party}
	if d := p.Place(&last, epoch.Add(30*time.Second)); d.Instance != "in_a" {
		t.Errorf("the rest of a party goes to %s, want in_a", d.Instance)
	}
}

// New instances go to the most loaded node below 70 %.
func TestNodesArePacked(t *testing.T) {
	draining := nodeOf("nd_d", 60, 40)
	draining.Draining = true
	r := &Request{World: "w", Party: []earshot.ParticipantID{"pa_a"}}
	for _, tc := range []struct {
		nodes []cluster.NodeRecord
		want  earshot.NodeID
	}{
		{[]cluster.NodeRecord{nodeOf("nd_1", 10, 90), nodeOf("nd_2", 60, 40), nodeOf("nd_3", 80, 20), draining}, "nd_2"},
		{[]cluster.NodeRecord{nodeOf("nd_1", 90, 10), nodeOf("nd_2", 80, 20)}, "nd_2"},
		{[]cluster.NodeRecord{nodeOf("nd_1", 100, 0), draining}, ""},
	} {
		p := newPlanner(t, tc.nodes...)
		if d := p.Place(r, epoch); d.Node != tc.want || (tc.want == "") != (d.Verdict == Wait) {
			t.Errorf("Place = %+v, want a new instance on %q", d, tc.want)
		}
	}
}

// Whether there is room can be asked without taking it; who waits has an
// instance opened ahead.
func TestFits(t *testing.T) {
	cfg := DefaultConfig()
	cfg.MaxInstances = 1
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	p.SetNode(nodeOf("nd_1", 0, 100))
	p.SetInstance(instanceOf("in_a", "nd_1", nil))
	p.fillUp("in_a", 7)
	one, pair := &Request{World: "w", Party: []earshot.ParticipantID{"pa_x"}}, &Request{World: "w", Party: []earshot.ParticipantID{"pa_x", "pa_y"}}
	for range 3 {
		if !p.Fits(one, epoch) || p.Fits(pair, epoch) {
			t.Fatalf("Fits = %v and %v, want room for one", p.Fits(one, epoch), p.Fits(pair, epoch))
		}
	}
	if d := p.Place(one, epoch); d.Verdict != Enter || p.Fits(one, epoch) {
		t.Errorf("Place = %+v, and then Fits = %v", d, p.Fits(one, epoch))
	}
	if d := p.Place(pair, epoch); d.Verdict != Wait {
		t.Errorf("Place = %+v, want to wait", d)
	}
	if a := p.Review(epoch.Add(time.Hour)); len(a) != 0 {
		t.Errorf("Review = %+v with nobody waiting", a)
	}
	p.cfg.MaxInstances = 2
	if !p.Fits(pair, epoch) {
		t.Error("another instance may open, and Fits is false")
	}
	p.fillUp("in_a", 8)
	p.SetWaiting("w", 2)
	if a := p.Review(epoch.Add(time.Hour)); len(a) != 1 || a[0].Kind != OpenAhead {
		t.Errorf("Review = %+v, want an instance for those who wait", a)
	}
}

// Instances open ahead of need, thin ones merge, empty ones close.
func TestReview(t *testing.T) {
	p := newPlanner(t, nodeOf("nd_1", 0, 1000))
	wide := func(r *cluster.InstanceRecord) { r.Soft, r.Hard = 50, 60 }
	p.SetInstance(instanceOf("in_a", "nd_1", wide))
	p.fillUp("in_a", 40)
	now := epoch
	for i := range 60 { // two a second
		now = now.Add(500 * time.Millisecond)
		p.Place(&Request{World: "w", Party: []earshot.ParticipantID{earshot.ParticipantID(fmt.Sprint("pa_", i))}}, now)
	}
	got := p.Review(now)
	if len(got) != 1 || got[0] != (Action{Kind: OpenAhead, World: "w", Node: "nd_1"}) {
		t.Fatalf("Review with few places and two arrivals a second = %+v, want one opened", got)
	}
	if got := p.Review(now); len(got) != 0 {
		t.Errorf("Review while it opens = %+v", got)
	}
	p.SetInstance(instanceOf("in_b", "nd_1", wide))
	p.SetInstance(instanceOf("in_c", "nd_1", wide))
	for i := 4; i < 40; i++ {
		p.Leave(earshot.ParticipantID(fmt.Sprintf("pa_in_a_%d", i)))
	}
	p.fillUp("in_b", 3)
	now = now.Add(time.Hour)
	p.Review(now)
	if got := p.Review(now.Add(90 * time.Second)); len(got) != 0 {
		t.Errorf("Review after 90 s = %+v, want patience", got)
	}
	if got := p.Review(now.Add(150 * time.Second)); len(got) != 1 || got[0].Kind != CloseIdle || got[0].Instance != "in_c" {
		t.Fatalf("Review = %+v, want in_c closed", got)
	}
	p.RemoveInstance("in_c")
	if got := p.Review(now.Add(6 * time.Minute)); len(got) != 1 || got[0].Kind != Merge || got[0].Instance != "in_b" || got[0].Into != "in_a" {
		t.Errorf("Review = %+v, want in_b merged into in_a", got)
	}
}

// thousand is a world of 1,000 instances and somebody with 100 friends in it.
func thousand(t testing.TB) (*Planner, *Request) {
	p := newPlanner(t)
	for i := range 50 {
		p.SetNode(nodeOf(earshot.NodeID(fmt.Sprint("nd_", i)), 600, 1<<30))
	}
	r := &Request{World: "w", Party: []earshot.ParticipantID{"pa_alice", "pa_bob"}}
	for i := range 1000 {
		id := earshot.InstanceID(fmt.Sprint("in_", i))
		p.SetInstance(instanceOf(id, earshot.NodeID(fmt.Sprint("nd_", i%50)), func(r *cluster.InstanceRecord) { r.Soft, r.Hard = 60, 80 }))
		p.fillUp(id, i%50)
		if i%10 == 1 {
			r.Friends = append(r.Friends, earshot.ParticipantID(fmt.Sprintf("pa_%s_0", id)))
		}
	}
	return p, r
}

func TestPlaceAllocatesNothing(t *testing.T) {
	p, r := thousand(t)
	now := epoch
	if n := testing.AllocsPerRun(200, func() {
		now = now.Add(20 * time.Second) // so that promises do not add up
		p.Place(r, now)
	}); n != 0 {
		t.Errorf("Place allocates %v times, want 0", n)
	}
}

func BenchmarkPlace(b *testing.B) {
	p, r := thousand(b)
	now := epoch
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(20 * time.Second)
		if d := p.Place(r, now); d.Verdict != Enter {
			b.Fatal(d)
		}
	}
}
