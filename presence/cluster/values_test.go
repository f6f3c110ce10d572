package cluster

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"earshot"
)

var noon = time.Unix(1_800_000_000, 0)

func TestClock(t *testing.T) {
	var c Clock
	a := c.Next(noon)
	if b := c.Next(noon.Add(-time.Hour)); b <= a {
		t.Errorf("Next after the clock was set back = %v, want more than %v", b, a)
	}
	ahead := At(noon.Add(10 * time.Minute))
	c.Observe(ahead, noon)
	if b := c.Next(noon); b <= ahead {
		t.Errorf("Next after %v was observed = %v", ahead, b)
	}
	c.Observe(At(noon.Add(2*time.Hour)), noon)
	if b := c.Next(noon); b.Time().After(noon.Add(time.Hour)) {
		t.Errorf("Next after a reading two hours ahead = %v, want that ignored", b.Time())
	}
	if x, y := HLC(0x0123456789abcdef), HLC(0x1123456789abcdee); x.String() != "0123456789abcdef" || x.String() > y.String() {
		t.Errorf("String = %s, %s: want hexadecimal digits that sort", x, y)
	}
	if e := SeedEpoch(At(noon)); e != 1_800_000_000<<16 || e >= 1<<53 {
		t.Errorf("SeedEpoch = %d", e)
	}
}

// Orders come to the same whatever order they come in, and however often.
func TestOrdersMerge(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 500 {
		var words []Order
		for range 12 {
			o := Order{Kind: OrderKind(rng.IntN(4)), Of: "pa_a", HLC: HLC(1 + rng.IntN(6)), Node: earshot.NodeID('a' + rune(rng.IntN(2)))}
			if rng.IntN(2) == 0 {
				o.Lifts = HLC(1 + rng.IntN(6))
			}
			words = append(words, o)
		}
		var one, other Orders
		for _, o := range words {
			one.Merge(o)
		}
		rng.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
		for _, o := range append(words, words[:4]...) {
			other.Merge(o)
		}
		if !slices.Equal(one, other) {
			t.Fatalf("merged in another order: %v and %v", one, other)
		}
	}
}

// Lifting takes back what was seen, not what was given since by a clock that
// is slow.
func TestLiftingSparesWhatItHasNotSeen(t *testing.T) {
	var os Orders
	seen := Order{Kind: Block, Of: "pa_a", Against: "pa_b", HLC: 100}
	os.Merge(seen)
	again := seen
	again.HLC = 101 // from a node that has seen the first, with a slow clock
	lift := seen
	lift.Lifts = 100
	os.Merge(again)
	os.Merge(lift) // written by a clock far ahead, and late
	if !os[0].InForce(1000) {
		t.Error("a block that was given after the one that was lifted is gone")
	}
	lift.Lifts = 101
	if os.Merge(lift); os[0].InForce(1000) {
		t.Error("a block is in force though it was lifted")
	}
}

func TestOrdersAreBounded(t *testing.T) {
	var os Orders
	for i := range MaxOrders {
		os.Merge(Order{Kind: Mute, Of: "pa_a", ID: earshot.EventID(rune('a'+i%26)) + earshot.EventID(rune(0x400+i)), HLC: HLC(i + 1)})
	}
	if _, full := os.Merge(Order{Kind: Mute, Of: "pa_a", ID: "one more", HLC: 5000}); !full {
		t.Error("there is room beyond MaxOrders")
	}
	lifted := os[7]
	lifted.Lifts = lifted.HLC
	os.Merge(lifted)
	if changed, full := os.Merge(Order{Kind: Mute, Of: "pa_a", ID: "one more", HLC: 5000}); !changed || full || len(os) != MaxOrders {
		t.Error("one that was lifted makes no room")
	}
}

// A replica follows deltas, notices what it missed, and takes late words for
// what they are.
func TestReplica(t *testing.T) {
	word := func(id earshot.ParticipantID, hlc HLC) Presence { return Presence{Participant: id, Epoch: 1, HLC: hlc} }
	var r Replica
	if r.Apply(&Delta{Epoch: 1, Seq: 5, Set: []Presence{word("pa_a", 1)}}, 0) {
		t.Error("a delta is enough for a replica that knows nothing")
	}
	r.Reset(1, 5, []Presence{word("pa_a", 1)}, 0)
	if !r.Apply(&Delta{Epoch: 1, Seq: 6, Set: []Presence{word("pa_b", 2)}, Gone: []earshot.ParticipantID{"pa_a"}}, 0) {
		t.Error("the next delta is refused")
	}
	r.Apply(&Delta{Epoch: 1, Seq: 6, Set: []Presence{word("pa_c", 2)}}, 0) // twice
	r.Apply(&Delta{Epoch: 1, Seq: 7, Set: []Presence{word("pa_a", 1)}}, 0) // a word from before pa_a left
	if all, complete := r.Members(); !complete || len(all) != 1 || all[0].Participant != "pa_b" {
		t.Errorf("Members = %v %v, want pa_b", all, complete)
	}
	if r.Apply(&Delta{Epoch: 1, Seq: 9}, 0) {
		t.Error("a gap is not noticed")
	}
	r.Reset(2, 1, []Presence{word("pa_c", 9)}, 0)
	r.Reset(1, 50, []Presence{word("pa_a", 1)}, 0) // read before the new owner
	if !r.Apply(&Delta{Epoch: 1, Seq: 51}, 0) || r.Epoch != 2 {
		t.Errorf("an old owner's word changes a replica: epoch %d", r.Epoch)
	}
	if r.Apply(&Delta{Epoch: 3, Seq: 1}, 0) {
		t.Error("a new owner's first delta is taken without a snapshot")
	}
	if !r.Apply(&Delta{Epoch: 3, Seq: 2, Full: true, Set: []Presence{word("pa_d", 1)}}, 0) || r.Epoch != 3 {
		t.Error("a full delta is refused")
	}
}

func TestConfig(t *testing.T) {
	cfg := DefaultConfig()
	if err := cfg.Validate(); err != nil {
		t.Errorf("DefaultConfig: %v", err)
	}
	for name, change := range map[string]func(*Config){
		"ttl":    func(c *Config) { c.TTL = time.Second },
		"margin": func(c *Config) { c.Margin = -1 },
		"keep":   func(c *Config) { c.Keep = c.Touch },
		"moves":  func(c *Config) { c.MaxMoves = 0 },
	} {
		cfg := DefaultConfig()
		change(&cfg)
		if err := cfg.Validate(); earshot.CodeOf(err) != earshot.CodeInvalidArgument {
			t.Errorf("%s: Validate = %v", name, err)
		}
	}
}

// What another node sends is looked at before it is taken in.
func TestMessagesWithinBounds(t *testing.T) {
	n, err := New(DefaultConfig(), NodeRecord{Node: "nd_1"})
	if err != nil {
		t.Fatal(err)
	}
	now := Now{Mono: time.Hour, Wall: noon}
	for _, m := range []Message{
		{To: "nd_2"},
		{To: "nd_1", Kind: OrderHeard + 1},
		{To: "nd_1", Member: Presence{State: make([]byte, MaxStateBytes+1)}},
		{To: "nd_1", Orders: make(Orders, MaxOrders+1)},
	} {
		n.Receive(m, now)
		if out := n.Output(); len(out.Messages)+len(out.Calls)+len(out.Events) > 0 {
			t.Errorf("Receive(%v) brings about %+v, want nothing", m.Kind, out)
		}
	}
	for kind := Prepare; kind <= OrderHeard; kind++ { // of what is not known here
		n.Receive(Message{To: "nd_1", From: "nd_2", Kind: kind, Key: Key{Participant: "pa_a", HLC: 1}}, now)
	}
	if err := n.Place(Presence{Participant: "pa_a"}, now); earshot.CodeOf(err) != earshot.CodeNotFound {
		t.Errorf("Place of a stranger = %v", err)
	}
	if _, err := n.Move("pa_a", "in_a", "nd_2", now); earshot.CodeOf(err) != earshot.CodeNotFound {
		t.Errorf("Move of a stranger = %v", err)
	}
}
