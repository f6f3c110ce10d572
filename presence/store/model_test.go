package store

import (
	"reflect"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"pgregory.net/rapid"

	"earshot"
	"earshot/presence/cluster"
	"earshot/presence/cluster/reference"
)

// The scripts do what the reference does, operation by operation: few names
// and small numbers, so that operations meet. Nothing runs out here; the suite
// sees to that.
func TestMiniredisAsTheReference(t *testing.T) {
	server := miniredis.RunT(t)
	server.SetTime(time.Now())
	v := openTest(t, nil, server.Addr())
	rapid.Check(t, func(t *rapid.T) {
		server.FlushAll()
		likeReference(t, v)
	})
}

func TestRealServerAsTheReference(t *testing.T) {
	address := realServer(t)
	rapid.Check(t, func(rt *rapid.T) {
		cfg := DefaultConfig()
		cfg.Addresses, cfg.Patience = []string{address}, 10*time.Second
		prefixed()(&cfg)
		v, err := OpenValkey(t.Context(), cfg)
		if err != nil {
			rt.Fatal(err)
		}
		defer v.Close()
		likeReference(rt, v)
	})
}

func likeReference(t *rapid.T, s Store) {
	model := reference.New()
	for range rapid.IntRange(1, 60).Draw(t, "operations") {
		op := drawOp(t)
		got, err := s.Do(t.Context(), op)
		if err != nil {
			t.Fatalf("%T: %v", op, err)
		}
		wanted, _ := model.Apply(op, time.Second)
		if !reflect.DeepEqual(documented(op, got), documented(op, wanted)) {
			t.Fatalf("%T %+v:\n got %+v\nwant %+v", op, op, documented(op, got), documented(op, wanted))
		}
	}
}

// documented leaves of a reply what can be compared: a real clock runs meanwhile,
// and an empty list is as good as none.
func documented(op cluster.Op, r cluster.Reply) cluster.Reply {
	r.Left = r.Left.Round(time.Hour)
	if _, ok := op.(cluster.Put); ok {
		r.Left = 0
	}
	if _, ok := op.(cluster.Save); ok {
		r.Left = 0
	}
	if len(r.Members) == 0 {
		r.Members = nil
	}
	if len(r.Orders) == 0 {
		r.Orders = nil
	}
	if len(r.Snapshot) == 0 {
		r.Snapshot = nil
	}
	return r
}

func drawOp(t *rapid.T) cluster.Op {
	in := earshot.InstanceID(rapid.SampledFrom([]string{"in_x", "in_y"}).Draw(t, "instance"))
	node := earshot.NodeID(rapid.SampledFrom([]string{"nd_a", "nd_b"}).Draw(t, "node"))
	who := drawWho(t)
	small := func(what string) uint64 { return rapid.Uint64Range(1, 4).Draw(t, what) }
	epoch, hlc := cluster.Epoch(small("epoch")), cluster.HLC(small("hlc"))<<60
	key := cluster.Key{Participant: who, HLC: hlc, Node: node}
	record := cluster.InstanceRecord{
		Instance: in, World: "plaza", Owner: node, Epoch: epoch, Rev: small("rev"), Soft: 2, Hard: 3,
		State: rapid.SampledFrom([]cluster.State{cluster.Starting, cluster.Open, cluster.Open, cluster.SoftFull, cluster.HardFull, cluster.Claimed, cluster.Closed}).Draw(t, "state"),
	}
	at := cluster.Whereabouts{Participant: who, Instance: in, Node: node, Epoch: epoch, Key: key}
	order := cluster.Order{Kind: cluster.Block, Of: who, Against: drawWho(t), HLC: hlc, Node: node, Lifts: cluster.HLC(rapid.Uint64Range(0, 4).Draw(t, "lifts")) << 60}
	ops := []func() cluster.Op{
		func() cluster.Op {
			return cluster.Claim{Instance: in, Node: node, Nonce: hlc, Seed: epoch, TTL: hour, Record: record}
		},
		func() cluster.Op { return cluster.Renew{Instance: in, Node: node, Epoch: epoch, TTL: hour} },
		func() cluster.Op { return cluster.Write{Record: record} },
		func() cluster.Op {
			put := cluster.Put{Instance: in, Node: node, Epoch: epoch, Seq: small("seq"), Full: rapid.Bool().Draw(t, "full")}
			for range rapid.IntRange(0, 3).Draw(t, "set") {
				put.Set = append(put.Set, drawMember(t))
			}
			for range rapid.IntRange(0, 2).Draw(t, "gone") {
				put.Gone = append(put.Gone, drawWho(t))
			}
			return put
		},
		func() cluster.Op {
			return cluster.Save{Instance: in, Node: node, Epoch: epoch, Rev: small("rev"), Snapshot: []byte{byte(small("snapshot"))}}
		},
		func() cluster.Op { return cluster.ReadInstance{Instance: in} },
		func() cluster.Op {
			heir := earshot.NodeID(rapid.SampledFrom([]string{"", "nd_a", "nd_b"}).Draw(t, "heir"))
			return cluster.Release{Instance: in, Node: node, Epoch: epoch, Heir: heir, HeirTTL: hour, Forget: rapid.Bool().Draw(t, "forget")}
		},
		func() cluster.Op {
			r := cluster.Reservation{Key: key, Participants: []earshot.ParticipantID{who}, TTL: hour, Invited: rapid.Bool().Draw(t, "invited")}
			if other := drawWho(t); other != who {
				r.Participants = append(r.Participants, other)
			}
			return cluster.Reserve{Instance: in, Reservation: r}
		},
		func() cluster.Op {
			c := cluster.Cancel{Instance: in, Key: key}
			if rapid.Bool().Draw(t, "some") {
				c.Participants = []earshot.ParticipantID{drawWho(t)}
			}
			return c
		},
		func() cluster.Op {
			return cluster.Take{Instance: in, Node: node, Epoch: epoch, Reservation: key, Member: drawMember(t)}
		},
		func() cluster.Op {
			return cluster.Commit{To: at, Expect: epoch, Any: rapid.Bool().Draw(t, "any"), Seed: cluster.Epoch(small("seed")), TTL: hour}
		},
		func() cluster.Op { return cluster.Touch{At: at, TTL: hour} },
		func() cluster.Op { return cluster.Leave{At: at, TTL: hour} },
		func() cluster.Op { return cluster.SetOrder{Order: order} },
		func() cluster.Op { return cluster.Find{Participant: who} },
		func() cluster.Op {
			return cluster.Announce{Record: cluster.NodeRecord{Node: node, HLC: hlc, Cost: float64(epoch)}, TTL: hour}
		},
		func() cluster.Op { return cluster.Withdraw{Node: node} },
		func() cluster.Op { return cluster.Survey{} },
	}
	return ops[rapid.IntRange(0, len(ops)-1).Draw(t, "operation")]()
}

func drawWho(t *rapid.T) earshot.ParticipantID {
	return earshot.ParticipantID(rapid.SampledFrom([]string{"pa_a", "pa_b", "pa_c", "pa_d"}).Draw(t, "who"))
}

func drawMember(t *rapid.T) cluster.Presence {
	return cluster.Presence{
		Participant: drawWho(t), Epoch: cluster.Epoch(rapid.IntRange(1, 2).Draw(t, "place")), HLC: cluster.HLC(rapid.Uint64Range(1, 3).Draw(t, "reading")) << 60,
		Node: "nd_a", Flags: uint8(rapid.IntRange(0, 2).Draw(t, "flags")),
	}
}
