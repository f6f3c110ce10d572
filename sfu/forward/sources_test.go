package forward

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

const second = int64(1e9)

// One who floods is held to the rate; another is not touched.
func TestSourcesLimitOne(t *testing.T) {
	s := NewSources(7)
	for kind := range Traffics {
		admitted, honest := 0, 0
		for n := range 10 * 100_000 {
			now := 100*second*int64(kind) + int64(n)*second/100_000
			if s.Admit(1, kind, now) {
				admitted++
			}
			if n%2000 == 0 && s.Admit(2, kind, now) { // 50 a second
				honest++
			}
		}
		r := sourceRates[kind]
		if most := int(1.001 * (10*r.rate + r.burst)); admitted > most || admitted < most*9/10 {
			t.Errorf("%v: %d of a flood passed in 10 s, want about %d", kind, admitted, most)
		}
		if honest != 500 {
			t.Errorf("%v: %d of 500 of another passed", kind, honest)
		}
	}
}

// Many addresses push one another out; nobody who sends little is refused for it.
func TestSourcesForget(t *testing.T) {
	s, dice := NewSources(9), rand.New(rand.NewPCG(1, 2))
	for n := range 1_000_000 {
		if now := int64(n) * second / 1_000_000; !s.Admit(dice.Uint64()|1, TrafficSTUN, now) {
			t.Fatalf("packet %d, of an address that sent none before, was refused", n)
		}
	}
	for n := range 400 {
		if !s.Admit(42, TrafficMedia, 2*second+int64(n)*second/50) {
			t.Fatalf("packet %d of a quiet sender was refused", n)
		}
	}
}

func TestSourcesDoNotAllocate(t *testing.T) {
	s, c, b := NewSources(3), NewChecks(3), stunCheck(1)
	now, key := int64(0), uint64(0)
	if n := testing.AllocsPerRun(1000, func() {
		now, key = now+1000, key+1
		s.Admit(key, TrafficOf(b), now)
		c.Fresh(b, key)
	}); n != 0 {
		t.Errorf("%v allocations a packet, want 0", n)
	}
}

// BenchmarkSources is what each datagram costs at the door.
func BenchmarkSources(b *testing.B) {
	s, now, key := NewSources(3), int64(0), uint64(0)
	packet := []byte{0x80, 111}
	b.ReportAllocs()
	for b.Loop() {
		now, key = now+1000, (key+1)%200
		s.Admit(key+1, TrafficOf(packet), now)
	}
}

func TestTrafficOf(t *testing.T) {
	for _, c := range []struct {
		b    []byte
		want Traffic
	}{
		{nil, TrafficOther}, {[]byte{0}, TrafficOther}, {[]byte{0, 1}, TrafficSTUN}, {[]byte{22, 254}, TrafficDTLS},
		{[]byte{23, 254}, TrafficDTLS}, {[]byte{64, 0}, TrafficOther}, {[]byte{0x80, 111}, TrafficMedia},
		{[]byte{0x90, 0xef}, TrafficMedia}, {[]byte{0x80, 200}, TrafficRTCP}, {[]byte{0x8f, 205}, TrafficRTCP}, {[]byte{192, 0}, TrafficOther},
	} {
		if got := TrafficOf(c.b); got != c.want {
			t.Errorf("TrafficOf(%x) = %v, want %v", c.b, got, c.want)
		}
	}
}

// stunCheck is a Binding request with the given transaction id.
func stunCheck(id uint64) []byte {
	b := make([]byte, 40)
	b[1] = 1
	binary.BigEndian.PutUint64(b[stunIDAt:], id)
	return b
}

// A check that is sent again from elsewhere is a copy, also many checks later;
// from where it came it is what a client does that got no answer.
func TestChecks(t *testing.T) {
	c := NewChecks(5)
	for id := range uint64(500) {
		if !c.Fresh(stunCheck(id), 1) || !c.Fresh(stunCheck(id), 1) {
			t.Fatalf("check %d of the client was refused", id)
		}
	}
	caught := 0
	for id := range uint64(500) {
		if !c.Fresh(stunCheck(id), 2) {
			caught++
		}
	}
	if caught < 450 { // some share a place
		t.Errorf("%d of 500 copies were caught", caught)
	}
	answer := stunCheck(1)
	answer[0], answer[1] = 1, 1
	for _, b := range [][]byte{answer, answer[:19], nil, {0, 1}} {
		if !c.Fresh(b, 3) || !c.Fresh(b, 4) {
			t.Errorf("%x is no check, and was refused", b)
		}
	}
}

// FuzzSources gives the door whatever may come.
func FuzzSources(f *testing.F) {
	f.Add(stunCheck(7), uint64(3), int64(1000))
	f.Add([]byte{0x80, 200, 0, 1}, uint64(1)<<63, int64(-1))
	f.Fuzz(func(t *testing.T, b []byte, key uint64, now int64) {
		s, c := NewSources(11), NewChecks(11)
		kind := TrafficOf(b)
		if !s.Admit(key|1, kind, now) || !c.Fresh(b, key|1) {
			t.Fatalf("the first %v of an address was refused", kind)
		}
		if !c.Fresh(b, key|1) {
			t.Fatal("the same from the same address was refused")
		}
		passed := 0
		for range 30_000 {
			if s.Admit(key|1, kind, now) {
				passed++
			}
		}
		if passed > int(sourceRates[kind].burst) {
			t.Fatalf("%d passed at once, want at most %v", passed, sourceRates[kind].burst)
		}
	})
}
