package forward

import (
	"math/rand/v2"
	"testing"
	"time"
)

// road sends packets over a link and tells an estimate when they arrived, every
// 50 ms, as far as they did.
type road struct {
	link link
	est  Estimate
	now  time.Time
	way  []flight
}

func newRoad(rate float64, queue time.Duration) *road {
	return &road{link: link{rate: rate, queue: queue, random: rand.New(rand.NewPCG(1, 2))}, now: epoch}
}

// picture sends so many bytes at once, and then lets 33 ms pass.
func (r *road) picture(size int) {
	for ; size > 0; size -= 1100 {
		f := flight{size: min(size, 1100), sent: r.now}
		f.at, f.ok = r.link.send(f.size, r.now)
		r.way = append(r.way, f)
	}
	for range 33 {
		r.now = r.now.Add(time.Millisecond)
		if r.now.Sub(epoch)%(50*time.Millisecond) == 0 {
			r.tell()
		}
	}
}

func (r *road) tell() {
	n := 0
	for n < len(r.way) && (!r.way[n].ok || !r.way[n].at.After(r.now)) {
		n++
	}
	for n > 0 && !r.way[n-1].ok { // nobody knows of these yet
		n--
	}
	for _, f := range r.way[:n] {
		if f.ok {
			r.est.Arrived(f.size, f.sent.Sub(epoch), f.at.Sub(epoch))
		} else {
			r.est.Lost()
		}
	}
	r.way = r.way[n:]
	r.est.Update(r.now)
}

// TestSurgeSaysWhatPasses: at the first answer to a surge the estimate is below
// what the link carries now, however much arrived just before, and whether the
// queue filled over several pictures or at once with a key frame. Video is held for
// long enough that the key frame after it finds room in the queue.
func TestSurgeSaysWhatPasses(t *testing.T) {
	for _, size := range []int{5_500, 8_000, 25_000, 40_000} {
		r := newRoad(3_000_000, 400*time.Millisecond)
		for range 300 {
			r.picture(7_500)
		}
		if at, _ := r.est.Surged(); !at.IsZero() {
			t.Fatalf("a surge on a link that carries what is sent")
		}
		cut := r.now
		r.link.rate = 500_000
		for at, _ := r.est.Surged(); at.IsZero() && r.now.Sub(cut) < time.Second; at, _ = r.est.Surged() {
			r.picture(size)
		}
		rate, _ := r.est.Rate()
		if _, queue := r.est.Surged(); queue < 150*time.Millisecond || queue > 400*time.Millisecond {
			t.Errorf("pictures of %d bytes: video is held for %v, want 150 to 400 ms", size, queue)
		}
		if took := r.now.Sub(cut); took > 250*time.Millisecond || rate > 500_000 || rate < 250_000 {
			t.Errorf("pictures of %d bytes: %.0f bit/s after %v, want 250 to 500 kbit/s within 250 ms", size, rate, took)
		}
	}
}

// TestNoSurge: a key frame that takes long over a link that is as ever, and a
// pause in which nothing arrives, are none.
func TestNoSurge(t *testing.T) {
	r := newRoad(1_000_000, time.Second)
	for n := range 600 {
		size := 3_500
		if n%100 == 99 {
			size = 25_000
		}
		if n%100 == 50 { // what was sent is held up, and then comes together
			r.link.free = r.now.Add(80 * time.Millisecond)
		}
		r.picture(size)
		if at, _ := r.est.Surged(); !at.IsZero() {
			t.Fatalf("a surge at picture %d of %d bytes", n, size)
		}
	}
}
