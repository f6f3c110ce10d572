package node

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
	"earshot/presence/cluster"
	"earshot/presence/store"
)

// machine is a node of a test with what its gateway was told.
type machine struct {
	*Node
	stop   func() // as kill -9: nothing is said to anybody
	mu     sync.Mutex
	events []cluster.Event
}

func (m *machine) OnEvent(e cluster.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events = append(m.events, e)
}

// saw returns the last event of a kind.
func (m *machine) saw(kind cluster.EventKind) *cluster.Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := len(m.events) - 1; i >= 0; i-- {
		if m.events[i].Kind == kind {
			return &m.events[i]
		}
	}
	return nil
}

func start(t *testing.T, shared store.Store, id earshot.NodeID) *machine {
	t.Helper()
	m := &machine{}
	n, err := New(cluster.DefaultConfig(), cluster.NodeRecord{Node: id, URL: "http://" + string(id)}, Deps{
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Store: shared, Handler: m,
		Measure: func() cluster.Load { return cluster.Load{Headroom: 100} },
	})
	if err != nil {
		t.Fatal(err)
	}
	m.Node = n
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { _ = n.Run(ctx) })
	m.stop = func() { cancel(); run.Wait() }
	t.Cleanup(m.stop)
	return m
}

var plaza = cluster.InstanceRecord{Instance: "in_plaza", World: "plaza", Soft: 90, Hard: 100}

// Two nodes and a store. Ada joins at the owner; the other node refuses Bea and
// says where to go. The owner dies: within the time of a lease and a survey the
// other has the instance, with who was in it and what was in force on them.
func TestOwnerDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := store.NewMemory()
		a, b := start(t, shared, "nd_a"), start(t, shared, "nd_b")
		ctx := t.Context()
		time.Sleep(time.Second)
		if owner, err := a.Open(ctx, plaza, true); owner != "nd_a" || err != nil {
			t.Fatalf("Open = %s, %v", owner, err)
		}
		asked := time.Now()
		if owner, err := a.Open(ctx, plaza, true); owner != "nd_a" || err != nil || time.Now() != asked {
			t.Errorf("Open of what is its own = %s, %v after %v", owner, err, time.Since(asked))
		}
		if owner, err := b.Open(ctx, plaza, true); owner != "nd_a" || err != nil {
			t.Fatalf("Open by another = %s, %v", owner, err)
		}
		e, err := a.Join(ctx, cluster.Join{Participant: "pa_ada", Instance: "in_plaza"})
		if err != nil || e.Kind != cluster.Admitted {
			t.Fatalf("Join = %+v, %v", e, err)
		}
		time.Sleep(time.Second) // a survey
		e, err = b.Join(ctx, cluster.Join{Participant: "pa_bea", Instance: "in_plaza"})
		if earshot.CodeOf(err) != earshot.CodeFailedPrecondition || e.Node != "nd_a" {
			t.Errorf("Join where it is not = %s, %v; want the owner", e.Node, err)
		}
		a.Order(cluster.Order{Kind: cluster.Block, Of: "pa_ada", Against: "pa_bea"})
		if err := a.Place(cluster.Presence{Participant: "pa_ada", Position: earshot.Vec3{X: 7}, State: []byte("x")}); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		a.stop()
		time.Sleep(5 * time.Second)

		granted := b.saw(cluster.Granted)
		if granted == nil || granted.Instance != "in_plaza" || len(granted.Members) != 1 {
			t.Fatalf("b was granted %+v", granted)
		}
		e, err = b.Join(ctx, cluster.Join{Participant: "pa_ada", Instance: "in_plaza"})
		if err != nil || e.Member.Position.X != 7 || string(e.Member.State) != "x" || len(e.Orders) != 1 {
			t.Errorf("ada came back as %+v, %v", e, err)
		}
		if orders := b.Orders("pa_ada"); len(orders) != 1 || orders[0].Against != "pa_bea" {
			t.Errorf("in force on ada: %+v", orders)
		}
	})
}

// A node that is about to end opens nothing, and says so at once.
func TestOpenWhileDraining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := start(t, store.NewMemory(), "nd_a")
		time.Sleep(time.Second)
		a.Drain(time.Minute)
		asked := time.Now()
		if owner, err := a.Open(t.Context(), plaza, true); earshot.CodeOf(err) != earshot.CodeUnavailable || time.Now() != asked {
			t.Errorf("Open = %s, %v after %v", owner, err, time.Since(asked))
		}
	})
}

// Of two sessions of one participant on two nodes the older ends, whoever leaves
// late takes nobody's place, and an order given elsewhere comes to where they are.
func TestOnePlaceEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := store.NewMemory()
		a, b := start(t, shared, "nd_a"), start(t, shared, "nd_b")
		ctx := t.Context()
		time.Sleep(time.Second)
		second := plaza
		second.Instance = "in_plaza_2"
		for _, o := range []struct {
			m *machine
			r cluster.InstanceRecord
		}{{a, plaza}, {b, second}} {
			if _, err := o.m.Open(ctx, o.r, true); err != nil {
				t.Fatal(err)
			}
		}
		first, err := a.Join(ctx, cluster.Join{Participant: "pa_ada", Instance: "in_plaza"})
		if err != nil {
			t.Fatal(err)
		}
		then, err := b.Join(ctx, cluster.Join{Participant: "pa_ada", Instance: "in_plaza_2"})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if e := a.saw(cluster.Ended); e == nil || e.Key != first.Key || e.Node != "nd_b" || e.Code != earshot.CodeAborted {
			t.Errorf("the older session: %+v", e)
		}
		if a.Seated(first.Key) || !b.Seated(then.Key) {
			t.Error("ada is not where she went")
		}
		b.Leave(first.Key) // of a session that is not here any more
		a.Order(cluster.Order{Kind: cluster.Mute, Of: "pa_ada", Scope: "plaza"})
		time.Sleep(time.Second)
		if e := b.saw(cluster.Enforce); e == nil || e.Key != then.Key || e.Order.Kind != cluster.Mute {
			t.Errorf("the order came as %+v", e)
		}
		b.Leave(then.Key)
		time.Sleep(time.Second)
		if _, err := b.Join(ctx, cluster.Join{Participant: "pa_ada", Instance: "in_plaza_2"}); err != nil {
			t.Error(err)
		}
	})
}

// A node that is drained hands its instance to the other and its people after
// it: each is invited, attaches there, and is let go here.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := store.NewMemory()
		a, b := start(t, shared, "nd_a"), start(t, shared, "nd_b")
		ctx := t.Context()
		time.Sleep(time.Second)
		if _, err := a.Open(ctx, plaza, true); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Join(ctx, cluster.Join{Participant: "pa_ada", Instance: "in_plaza"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		a.Drain(10 * time.Second)
		var invited *cluster.Event
		for range 100 {
			if invited = a.saw(cluster.Invite); invited != nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		if invited == nil || invited.Node != "nd_b" {
			t.Fatalf("ada was not invited: %+v", invited)
		}
		synctest.Wait()
		if e := b.saw(cluster.Expect); e == nil || e.Key != invited.Key {
			t.Fatalf("b expects %+v", e)
		}
		if e, err := b.Attached(ctx, invited.Key); err != nil || e.Kind != cluster.Admitted {
			t.Errorf("Attached = %+v, %v", e, err)
		}
		time.Sleep(2 * time.Second)
		if a.saw(cluster.Moved) == nil || a.saw(cluster.Drained) == nil {
			t.Error("a was not told that ada has moved, and that it is empty")
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(Encode(cluster.Message{Kind: cluster.Prepare, From: "nd_a", To: "nd_b", Key: cluster.Key{Participant: "pa_ada", HLC: 7}}))
	f.Add([]byte(`{"v":1,"m":{"Kind":200}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(data)
		if err != nil {
			return
		}
		again, err := Decode(Encode(m))
		if err != nil || again.Kind != m.Kind || again.Key != m.Key || len(again.Orders) != len(m.Orders) {
			t.Fatalf("%+v became %+v, %v", m, again, err)
		}
	})
}
