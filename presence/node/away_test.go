package node

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
	"earshot/presence/cluster"
	"earshot/presence/store"
)

// absent is a store that can be away, and may come back empty.
type absent struct {
	store.Store
	away atomic.Bool
}

func (s *absent) Do(ctx context.Context, op cluster.Op) (cluster.Reply, error) {
	if s.away.Load() {
		return cluster.Reply{}, earshot.Errorf(earshot.CodeUnavailable, "away")
	}
	return s.Store.Do(ctx, op)
}

func (s *absent) Send(ctx context.Context, to earshot.NodeID, message []byte) error {
	if s.away.Load() {
		return earshot.Errorf(earshot.CodeUnavailable, "away")
	}
	return s.Store.Send(ctx, to, message)
}

// The store is away for a minute. Who is in goes on, and may come back with
// another page; who comes anew is told why not, at once. On its return, with
// what it knew or empty, the owner writes everything anew, orders too that were
// given meanwhile, and people are let in again within 5 s.
func TestStoreAway(t *testing.T) {
	for name, wiped := range map[string]bool{"and back": false, "and back empty": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				shared := &absent{Store: store.NewMemory()}
				a, b := start(t, shared, "nd_a"), start(t, shared, "nd_b")
				ctx := t.Context()
				time.Sleep(time.Second)
				if owner, err := a.Open(ctx, plaza, true); owner != "nd_a" || err != nil {
					t.Fatalf("Open = %s, %v", owner, err)
				}
				ada, err := a.Join(ctx, cluster.Join{Participant: "pa_ada", Instance: "in_plaza"})
				if err != nil {
					t.Fatal(err)
				}
				a.Order(cluster.Order{Kind: cluster.Block, Of: "pa_ada", Against: "pa_eve"})
				time.Sleep(2 * time.Second)

				shared.away.Store(true)
				time.Sleep(500 * time.Millisecond)
				short, cancel := context.WithTimeout(ctx, time.Second)
				_, err = a.Join(short, cluster.Join{Participant: "pa_bea", Instance: "in_plaza"})
				cancel()
				if earshot.CodeOf(err) != earshot.CodeUnavailable {
					t.Errorf("who joins while nobody knows whether they may: %v", err)
				}
				time.Sleep(10 * time.Second)
				began := time.Now()
				_, err = a.Join(ctx, cluster.Join{Participant: "pa_bea", Instance: "in_plaza"})
				if earshot.CodeOf(err) != earshot.CodeUnavailable || err.Error() != errAway().Error() || time.Since(began) > 0 {
					t.Errorf("who joins anew is told %v after %v", err, time.Since(began))
				}
				again, err := a.Join(ctx, cluster.Join{Participant: "pa_ada", Instance: "in_plaza"})
				if err != nil || again.Key == ada.Key || len(again.Orders) != 1 {
					t.Fatalf("who is in and loads their page anew gets %+v, %v", again, err)
				}
				synctest.Wait()
				if ended := a.saw(cluster.Ended); ended == nil || ended.Key != ada.Key || a.Seated(ada.Key) || !a.Seated(again.Key) {
					t.Errorf("their session before has not ended: %+v", ended)
				}
				a.Order(cluster.Order{Kind: cluster.Mute, Of: "pa_ada", ID: "ev_1"})
				if len(a.Orders("pa_ada")) != 2 {
					t.Error("an order does not hold at once while the store is away")
				}
				time.Sleep(50 * time.Second)
				if a.saw(cluster.Lost) != nil || !a.Seated(again.Key) || a.saw(cluster.Suspended) == nil {
					t.Error("the absence of the store was noticed by who is in")
				}

				if wiped {
					shared.Store = store.NewMemory()
				}
				shared.away.Store(false)
				time.Sleep(5 * time.Second)
				if _, err = a.Join(ctx, cluster.Join{Participant: "pa_bea", Instance: "in_plaza"}); err != nil {
					t.Errorf("5 s after the store's return: %v", err)
				}
				time.Sleep(time.Second)
				place, _ := shared.Do(ctx, cluster.ReadInstance{Instance: "in_plaza"})
				orders, _ := shared.Do(ctx, cluster.Find{Participant: "pa_ada"})
				if place.Node != "nd_a" || len(place.Members) != 2 || len(orders.Orders) != 2 || orders.At.Node != "nd_a" {
					t.Errorf("the store has %d members, owner %s; on ada %d orders, at %s", len(place.Members), place.Node, len(orders.Orders), orders.At.Node)
				}
				if b.saw(cluster.Granted) != nil {
					t.Error("another node took the instance over")
				}
			})
		})
	}
}
