package presence

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"earshot"
	"earshot/presence/pose"
)

// crowd is n participants at two a square metre, each with both hands, who send
// a pose every so many ticks and never stand still.
type crowd struct {
	space   *Space
	every   int // 2: 30 Hz
	ids     []earshot.ParticipantID
	uplinks []pose.Uplink
	poses   []earshot.Pose
	out     Tick
	now     time.Time
	tick    int
}

func newCrowd(tb testing.TB, n int) *crowd { return newCrowdIn(tb, newSpace(tb, n), n) }

func newCrowdIn(tb testing.TB, space *Space, n int) *crowd {
	c := &crowd{space: space, every: 2, uplinks: make([]pose.Uplink, n), now: epoch}
	rng := rand.New(rand.NewPCG(1, 2))
	side := float32(math.Sqrt(float64(n) / 2))
	for i := range n {
		p := earshot.Standing(earshot.Vec3{X: rng.Float32() * side, Z: rng.Float32() * side}, 0)
		p.LeftTracked, p.RightTracked = true, true
		c.poses = append(c.poses, p)
		c.ids = append(c.ids, earshot.ParticipantID(fmt.Sprintf("pa_%d", i)))
		if _, err := c.space.Join(c.ids[i], p, c.now); err != nil {
			tb.Fatal(err)
		}
		c.space.Ready(c.ids[i])
	}
	return c
}

// step is a 60th of a second: those whose turn it is send, then comes the tick.
func (c *crowd) step(tb testing.TB) {
	c.now = c.now.Add(time.Second / 60)
	c.tick++
	for i := c.tick % c.every; i < len(c.poses); i += c.every {
		c.poses[i].Root.X += 0.02 * float32(1-c.tick/c.every%2*2)
		datagram := c.uplinks[i].Next(&c.poses[i], uint32(c.now.Sub(epoch).Milliseconds()))
		if err := c.space.PoseUp(c.ids[i], datagram, c.now); err != nil {
			tb.Fatal(err)
		}
	}
	c.space.Tick(c.now, &c.out)
}

func TestTickDoesNotAllocate(t *testing.T) {
	c := newCrowd(t, 100)
	for range 120 {
		c.step(t)
	}
	if n := testing.AllocsPerRun(60, func() { c.step(t) }); n != 0 {
		t.Errorf("a tick of 100 with 50 poses up allocates %v times, want 0", n)
	}
	var near []Neighbour
	var ids []earshot.ParticipantID
	query := func() {
		_, near = c.space.Neighbours("pa_3", nil, near[:0])
		ids = c.space.Within("pa_3", 5, ids[:0])
	}
	query()
	if n := testing.AllocsPerRun(60, query); n != 0 || len(near) != 64 || len(ids) == 0 {
		t.Errorf("Neighbours and Within allocate %v times for %d and %d, want 0 for 64 and some", n, len(near), len(ids))
	}
}

// A hundred stand so close that 30 Hz of all others would take 114 kB/s.
// Nobody gets more than the budget, all of it is used, and it is shared: none
// is kept waiting.
func TestBudgetIsKeptAndShared(t *testing.T) {
	const seconds = 2
	cfg := DefaultConfig()
	cfg.Capacity, cfg.Epoch, cfg.MaxNear = 100, epoch, 100
	space, err := NewSpace(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c := newCrowdIn(t, space, 100)
	c.every = 1
	for range 60 {
		c.step(t)
	}
	sent := make(map[earshot.ParticipantID]int)
	seen := make(map[uint16]int) // ticks since pa_50 got this index
	worst := 0
	for range seconds * 60 {
		c.step(t)
		for index := range seen {
			seen[index]++
			worst = max(worst, seen[index])
		}
		for _, d := range c.out.Datagrams {
			if sent[d.To] += len(d.Bytes); d.To == "pa_50" {
				note(t, d.Bytes, seen)
			}
		}
	}
	for id, n := range sent {
		if n > seconds*bytesPerSecond+burstBytes || n < seconds*bytesPerSecond*95/100 {
			t.Errorf("%s is sent %d bytes in %d s, want %d a second", id, n, seconds, bytesPerSecond)
		}
	}
	if len(sent) != 100 || len(seen) < 99 || worst > 6 {
		t.Errorf("%d are sent to, one sees %d, the longest wait is %d ticks; want 100, 99, at most 6", len(sent), len(seen), worst)
	}
}

// Who is in a crowd gets poses with every second tick at most, half of them with
// the even ones, and of all who send 30 a second the newest pose each time.
func TestACrowdIsSentEverySecondTick(t *testing.T) {
	c := newCrowd(t, 40)
	for range 60 {
		c.step(t)
	}
	last := make(map[earshot.ParticipantID]int)
	blocks, all, even := 0, 0, 0
	const seconds = 2
	for tick := range seconds * 60 {
		c.step(t)
		for _, d := range c.out.Datagrams {
			if was, known := last[d.To]; known && tick-was == 1 {
				t.Fatalf("%s is sent to in ticks %d and %d", d.To, was, tick)
			}
			last[d.To] = tick
			all++
			if tick%2 == 0 {
				even++
			}
			r, err := pose.Open(d.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			for _, ok := r.Next(); ok; _, ok = r.Next() {
				blocks++
			}
		}
	}
	if even*10 < all*4 || even*10 > all*6 {
		t.Errorf("%d datagrams leave in even ticks, want half of %d", even, all)
	}
	if sent := seconds * 30 * 40 * 39; blocks*100 < sent*97 {
		t.Errorf("%d poses arrive of %d", blocks, sent)
	}
}

func note(t *testing.T, datagram []byte, seen map[uint16]int) {
	r, err := pose.Open(datagram)
	if err != nil {
		t.Fatal(err)
	}
	for b, ok := r.Next(); ok; b, ok = r.Next() {
		seen[b.Index] = 0
	}
}

// Poses of 30 Hz, early and late by up to 8 ms, all go out at the first tick.
func TestNoPhaseDelay(t *testing.T) {
	for _, distance := range []float32{2, 7} {
		s := newSpace(t, 10)
		join(t, s, "pa_a", 0)
		join(t, s, "pa_b", distance)
		var out Tick
		var up pose.Uplink
		rng := rand.New(rand.NewPCG(3, 4))
		arrival := make([]int, 0, 300) // ms
		for i := range cap(arrival) {
			arrival = append(arrival, 500+i*1000/30+rng.IntN(17)-8)
		}
		sent, next := 0, 0
		for tick := range 600 {
			now := epoch.Add(time.Duration(tick) * time.Second / 60)
			fresh := 0
			for ; next < len(arrival) && !epoch.Add(time.Duration(arrival[next])*time.Millisecond).After(now); next++ {
				p := earshot.Standing(earshot.Vec3{Z: float32(next+1) / 500}, 0)
				if err := s.PoseUp("pa_a", up.Next(&p, uint32(arrival[next])), now); err != nil {
					t.Fatal(err)
				}
				fresh++
			}
			s.Tick(now, &out)
			if reached := sentTo(&out, "pa_b"); reached {
				sent++
			} else if fresh > 0 {
				t.Errorf("at %v m: a pose that was there at tick %d is not in it", distance, tick)
			}
		}
		if sent < 280 { // two may come between two ticks
			t.Errorf("at %v m: %d datagrams for 300 poses", distance, sent)
		}
	}
}

func sentTo(out *Tick, id earshot.ParticipantID) bool {
	for _, d := range out.Datagrams {
		if d.To == id {
			return true
		}
	}
	return false
}

// BenchmarkTick is a tick with the poses of half of them before it; the figure
// for PoseUp alone is BenchmarkPoseUp.
func BenchmarkTick(b *testing.B) {
	for _, n := range []int{200, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := newCrowd(b, n)
			for range 60 {
				c.step(b)
			}
			b.ReportAllocs()
			b.ResetTimer()
			bytes := 0
			for range b.N {
				c.step(b)
				for _, d := range c.out.Datagrams {
					bytes += len(d.Bytes)
				}
			}
			b.ReportMetric(float64(bytes)*60*8/1000/float64(b.N)/float64(n), "kbit/s/participant")
		})
	}
}

func BenchmarkPoseUp(b *testing.B) {
	c := newCrowd(b, 2)
	for b.Loop() {
		c.poses[0].Root.X += 0.01
		if err := c.space.PoseUp("pa_0", c.uplinks[0].Next(&c.poses[0], uint32(b.N)), c.now); err != nil {
			b.Fatal(err)
		}
	}
}
